// Inside the emulated driver: results, work, and what its parts ask of each other.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "worker.h"

#define NP360_API extern "C" __attribute__((visibility("default")))

namespace np360 {

// The driver's result codes, by their CUDA names without the prefix.
enum Result : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_IMAGE = 200,
    INVALID_DEVICE = 101,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701,
    LAUNCH_FAILED = 719,
    NOT_SUPPORTED = 801,
    STREAM_CAPTURE_UNSUPPORTED = 900,
    STREAM_CAPTURE_INVALIDATED = 901,
};

// Keeps the text for np360_emu_message and gives the code back.
Result fail(Result code, const char* format, ...) __attribute__((format(printf, 2, 3)));

// One lock for all of the driver's state; every entry point holds it.
using Lock = std::unique_lock<std::recursive_mutex>;
Lock lock();

// An environment variable as a number, or what is given.
unsigned long long setting(const char* name, unsigned long long otherwise);

// ---- memory ---------------------------------------------------------------------------------------------------------

using Address = unsigned long long;

// Whether these bytes lie inside one live block; the error says how they do not.
Result inside(Address address, size_t bytes, const char* what);
// Whether these bytes of the host were allocated by cuMemHostAlloc.
bool pinned(const void* address, size_t bytes);
// The guard zones around all live blocks; looks only if a kernel ran since the last time.
Result check_guards();
void kernel_ran();

// ---- modules --------------------------------------------------------------------------------------------------------

struct Function {
    const Kernel* kernel;
    size_t most_dynamic = STATIC_SHARED;  // until cuFuncSetAttribute allows more
};

// ---- work -----------------------------------------------------------------------------------------------------------

// What a stream does: at once, when a graph is replayed, or (NP360_EMU_DEFER) when somebody waits.
struct Work {
    enum Kind { KERNEL, COPY, FILL8, FILL32 } kind;
    // KERNEL; the parameters' values are copied, as on the card.
    Function* function = nullptr;
    Index grid{}, block{};
    size_t dynamic = 0;
    std::vector<unsigned char> values;
    std::vector<size_t> starts;
    // COPY and fills; `owned` holds what a copy from pageable memory has read already.
    void* to = nullptr;
    const void* from = nullptr;
    size_t bytes = 0;
    unsigned value = 0;
    std::vector<unsigned char> owned;
};

struct Graph {
    std::vector<std::shared_ptr<const Work>> nodes;
};

struct Stream {
    std::unique_ptr<Graph> capturing;
    bool invalid = false;  // the capture
};

// Does it, records it in the stream's capture, or defers it.
Result submit(void* stream, Work work);
// Does what was deferred. Refused while a stream captures.
Result synchronize(const char* who);
Result finish_deferred();

// ---- launches -------------------------------------------------------------------------------------------------------

// Runs all blocks, on as many threads of the system as are worth it.
Result run_blocks(const Launch& launch);
bool reversed();

}  // namespace np360
