// Runs blocks of threads on one thread of the system: every CUDA thread is a fiber.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "abi.h"
#include "stack.h"

namespace np360 {

// A launch that has been checked.
struct Launch {
    const Kernel* kernel;
    Index grid, block;
    size_t dynamic;         // bytes of dynamic shared memory
    void** parameters;
    bool reverse;           // blocks and threads from the last to the first
};

// Most of a block, and of its memory.
constexpr unsigned MOST_THREADS = 1024;
constexpr size_t STATIC_SHARED = 48 << 10;
constexpr size_t MOST_SHARED = 227 << 10;

class Worker {
  public:
    Worker();
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // This thread's own.
    static Worker& here();

    // Gets ready for the blocks of a launch.
    void begin(const Launch& launch);
    // Runs one block; false if it failed, and error() says how.
    bool run(unsigned long long block);
    const std::string& error() const { return error_; }

    // What kernels call, on a fiber.
    Votes barrier(bool predicate, Place place);
    unsigned long long shuffle(unsigned mask, unsigned long long value, unsigned source, Place place);
    Votes ballot(unsigned mask, bool predicate, Place place);
    void* shared(size_t bytes, Place place);

  private:
    struct Warp;
    struct Fiber {
        Thread thread;
        Warp* warp = nullptr;
        Stack* stack = nullptr;  // none before it starts and after it ends
        unsigned declared = 0;   // shared arrays so far
        bool passed = false;     // a barrier
    };
    // Sets of lanes are bit masks.
    struct Warp {
        unsigned live, ready;
        unsigned waiting;                    // at `place`, for the others
        Place place;
        unsigned phase;                      // of the two exchanges that lanes may be in at once
        unsigned members[2], yes[2];
        unsigned long long values[2][32];
    };
    struct Array {
        size_t offset, bytes;
    };

    static void body();
    [[noreturn]] void live_on_this_stack();
    Fiber* next();
    Fiber* search();
    static void finish_exchange(Warp& warp);
    Fiber& first();
    bool open_barrier();
    void leave();
    unsigned exchange(unsigned mask, bool predicate, unsigned long long value, Place place);
    void start(Fiber& fiber);
    Stack* take_stack();
    void abandon();
    [[noreturn]] void fail(std::string why);
    [[noreturn]] void fail_apart(const char* who, const char* what, Place a, Place b);
    [[noreturn]] void fail_mask(unsigned mask, Place place);
    static std::string where(Place place);
    void describe_deadlock();
    void poison(char* from, size_t bytes);
    void guard(char* from);
    bool arrays_intact();

    Launch launch_{};
    Block block_{};
    unsigned threads_ = 0, warps_ = 0;
    std::vector<Fiber> fibers_;
    std::vector<Warp> warp_;
    Fiber* current_ = nullptr;

    // The block's barrier.
    unsigned live_ = 0, arrived_ = 0, yes_ = 0;
    Place barrier_{};
    Votes votes_{};

    // Shared memory: static arrays with guard zones between them, then the dynamic part.
    std::vector<Array> arrays_;
    size_t static_bytes_ = 0, end_ = 0;
    char* arena_ = nullptr;
    char* dynamic_ = nullptr;

    Stack host_;
    std::vector<std::unique_ptr<Stack>> stacks_;
    std::vector<Stack*> free_;
    std::string error_;
};

}  // namespace np360
