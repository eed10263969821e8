// Entry points of the emulated driver: device, context, modules, launches, errors. It answers as an sm_90 card.

#include <dlfcn.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "driver.h"

namespace np360 {

namespace {

// What np360_emu_message gives: how the last call that failed did.
thread_local std::string last_message;

struct Module {
    void* library;
    std::map<std::string, Function> functions;
};

constexpr char MAGIC[] = "NP360EMU";
int context;  // there is one; only its address counts
thread_local void* current = nullptr;

struct Name {
    Result code;
    const char *name, *text;
};

constexpr Name NAMES[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
};

}  // namespace

Result fail(Result code, const char* format, ...) {
    char buffer[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    last_message = buffer;
    return code;
}

Lock lock() {
    static auto* mutex = new std::recursive_mutex;
    return Lock(*mutex);
}

unsigned long long setting(const char* name, unsigned long long otherwise) {
    const char* text = getenv(name);
    return text != nullptr && *text != '\0' ? strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace np360

using namespace np360;

// Copies the message of this thread's last failed call, ended by a zero, and forgets it; its length.
NP360_API size_t np360_emu_message(char* to, size_t room) {
    std::string message;
    message.swap(last_message);
    if (room > 0) {
        size_t n = message.size() < room ? message.size() : room - 1;
        memcpy(to, message.data(), n);
        to[n] = '\0';
    }
    return message.size();
}

// ---- errors ---------------------------------------------------------------------------------------------------------

NP360_API Result cuGetErrorName(int code, const char** name) {
    for (const Name& n : NAMES) {
        if (n.code == code) return *name = n.name, SUCCESS;
    }
    *name = nullptr;
    return INVALID_VALUE;
}

NP360_API Result cuGetErrorString(int code, const char** text) {
    for (const Name& n : NAMES) {
        if (n.code == code) return *text = n.text, SUCCESS;
    }
    *text = nullptr;
    return INVALID_VALUE;
}

// ---- driver, device, context ----------------------------------------------------------------------------------------

NP360_API Result cuInit(unsigned) { return SUCCESS; }

NP360_API Result cuDriverGetVersion(int* version) {
    *version = 13000;
    return SUCCESS;
}

// NVRTC asks a loaded driver for a table of hooks. The first word is the table's size: one without hooks.
NP360_API Result cuGetExportTable(const void** table, const void*) {
    static const size_t hooks[8] = {0x30};
    *table = hooks;
    return SUCCESS;
}

NP360_API Result cuDeviceGetCount(int* count) {
    *count = 1;
    return SUCCESS;
}

NP360_API Result cuDeviceGet(int* device, int ordinal) {
    if (ordinal != 0) return fail(INVALID_DEVICE, "card %d; the emulated driver has one, 0", ordinal);
    *device = 0;
    return SUCCESS;
}

NP360_API Result cuDeviceGetName(char* name, int room, int) {
    snprintf(name, static_cast<size_t>(room), "emulated card (sm_90)");
    return SUCCESS;
}

NP360_API Result cuDeviceGetUuid_v2(void* uuid, int) {
    memcpy(uuid, "np360 emulation", 16);
    return SUCCESS;
}
NP360_API Result cuDeviceGetUuid(void* uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }

NP360_API Result cuDeviceGetAttribute(int* value, int attribute, int) {
    static const std::map<int, int> values = {
        {1, MOST_THREADS},                      // MAX_THREADS_PER_BLOCK
        {2, 1024}, {3, 1024}, {4, 64},          // MAX_BLOCK_DIM
        {5, 0x7fffffff}, {6, 65535}, {7, 65535},  // MAX_GRID_DIM
        {8, STATIC_SHARED},                     // MAX_SHARED_MEMORY_PER_BLOCK
        {10, 32},                               // WARP_SIZE
        {12, 65536},                            // MAX_REGISTERS_PER_BLOCK
        {13, 1'000'000},                        // CLOCK_RATE, kHz
        {16, 132},                              // MULTIPROCESSOR_COUNT
        {31, 1},                                // CONCURRENT_KERNELS
        {39, 2048},                             // MAX_THREADS_PER_MULTIPROCESSOR
        {41, 1},                                // UNIFIED_ADDRESSING
        {75, 9}, {76, 0},                       // COMPUTE_CAPABILITY
        {81, 228 << 10},                        // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
        {82, 65536},                            // MAX_REGISTERS_PER_MULTIPROCESSOR
        {97, MOST_SHARED},                      // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        {115, 1},                               // MEMORY_POOLS_SUPPORTED
    };
    auto found = values.find(attribute);
    *value = found == values.end() ? 0 : found->second;
    return SUCCESS;
}

NP360_API Result cuDevicePrimaryCtxRetain(void** c, int) {
    *c = &context;
    return SUCCESS;
}
NP360_API Result cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
NP360_API Result cuCtxSetCurrent(void* c) {
    current = c;
    return SUCCESS;
}
NP360_API Result cuCtxGetCurrent(void** c) {
    *c = current;
    return SUCCESS;
}
NP360_API Result cuCtxPushCurrent_v2(void* c) { return cuCtxSetCurrent(c); }
NP360_API Result cuCtxGetDevice(int* device) {
    *device = 0;
    return SUCCESS;
}
NP360_API Result cuCtxSetFlags(unsigned) { return SUCCESS; }
NP360_API Result cuCtxSetLimit(int, size_t) { return SUCCESS; }
NP360_API Result cuCtxGetLimit(size_t* value, int) {
    *value = 0;
    return SUCCESS;
}
NP360_API Result cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    *least = *greatest = 0;
    return SUCCESS;
}

// ---- modules --------------------------------------------------------------------------------------------------------

// An image is the magic word and the path of a shared object, each ended by a zero.
NP360_API Result cuModuleLoadData(void** module, const void* image) {
    Lock held = lock();
    const char* bytes = static_cast<const char*>(image);
    if (strncmp(bytes, MAGIC, sizeof MAGIC) != 0) {
        return fail(INVALID_IMAGE, "the emulated card takes what its own compiler made, and this is something else");
    }
    void* library = dlopen(bytes + sizeof MAGIC, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return fail(INVALID_IMAGE, "%s", dlerror());
    *module = new Module{library, {}};
    return SUCCESS;
}

NP360_API Result cuModuleUnload(void* handle) {
    Lock held = lock();
    if (Result r = finish_deferred()) return r;
    auto* module = static_cast<Module*>(handle);
    dlclose(module->library);
    delete module;
    return SUCCESS;
}

NP360_API Result cuModuleGetFunction(void** function, void* handle, const char* name) {
    Lock held = lock();
    auto* module = static_cast<Module*>(handle);
    void* symbol = dlsym(module->library, (std::string("np360_kernel_") + name).c_str());
    if (symbol == nullptr) return fail(NOT_FOUND, "the module has no kernel %s", name);
    auto& entry = module->functions[name];
    entry.kernel = static_cast<const Kernel*>(symbol);
    *function = &entry;
    return SUCCESS;
}

NP360_API Result cuFuncSetAttribute(void* handle, int attribute, int value) {
    constexpr int MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;
    Lock held = lock();
    if (attribute != MAX_DYNAMIC_SHARED_SIZE_BYTES) return SUCCESS;
    if (value < 0 || static_cast<size_t>(value) > MOST_SHARED) {
        return fail(INVALID_VALUE, "%d bytes of dynamic shared memory; a block has %zu", value, MOST_SHARED);
    }
    static_cast<Function*>(handle)->most_dynamic = static_cast<size_t>(value);
    return SUCCESS;
}

NP360_API Result cuFuncGetAttribute(int* value, int attribute, void* handle) {
    Lock held = lock();
    const auto* function = static_cast<Function*>(handle);
    switch (attribute) {
        case 0: *value = static_cast<int>(function->kernel->threads); break;       // MAX_THREADS_PER_BLOCK
        case 8: *value = static_cast<int>(function->most_dynamic); break;          // MAX_DYNAMIC_SHARED_SIZE_BYTES
        default: *value = 0;
    }
    return SUCCESS;
}
NP360_API Result cuFuncSetCacheConfig(void*, int) { return SUCCESS; }

// ---- launches -------------------------------------------------------------------------------------------------------

NP360_API Result cuLaunchKernel(void* handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                unsigned bz, unsigned dynamic, void* stream, void** parameters, void** extra) {
    Lock held = lock();
    auto* function = static_cast<Function*>(handle);
    const Kernel& kernel = *function->kernel;
    auto refuse = [&](const char* why) { return fail(INVALID_VALUE, "kernel %s: %s", kernel.name, why); };
    if (extra != nullptr) return refuse("parameters in one buffer are not supported");
    if (gx == 0 || gy == 0 || gz == 0 || bx == 0 || by == 0 || bz == 0) return refuse("a grid or block of nothing");
    if (gx > 0x7fffffff || gy > 65535 || gz > 65535) return refuse("a grid of more than 2^31-1 x 65535 x 65535 blocks");
    if (bx > 1024 || by > 1024 || bz > 64 || 1ull * bx * by * bz > MOST_THREADS) {
        return refuse("a block of more than 1024 threads (64 in z)");
    }
    if (bx * by * bz > kernel.threads) {
        return fail(LAUNCH_OUT_OF_RESOURCES, "kernel %s: a block of %u threads; its launch bounds say %u", kernel.name,
                    bx * by * bz, kernel.threads);
    }
    if (dynamic > function->most_dynamic) {
        return fail(INVALID_VALUE, "kernel %s: %u bytes of dynamic shared memory, and %zu are allowed", kernel.name,
                    dynamic, function->most_dynamic);
    }
    Work work{};
    work.kind = Work::KERNEL;
    work.function = function;
    work.grid = {gx, gy, gz};
    work.block = {bx, by, bz};
    work.dynamic = dynamic;
    size_t end = 0;
    for (unsigned i = 0; i < kernel.parameters; ++i) {
        work.starts.push_back(end);
        end += (kernel.sizes[i] + 15) / 16 * 16;
    }
    work.values.resize(end);
    for (unsigned i = 0; i < kernel.parameters; ++i) {
        memcpy(work.values.data() + work.starts[i], parameters[i], kernel.sizes[i]);
    }
    return submit(stream, std::move(work));
}
