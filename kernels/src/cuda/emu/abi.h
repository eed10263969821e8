// What the emulated driver and the modules of kernels share: both include this file and nothing else of each other.

#pragma once

#include <stddef.h>

namespace np360 {

// threadIdx, blockIdx, blockDim, gridDim.
struct Index {
    unsigned x, y, z;
};

// A block as its threads see it.
struct Block {
    Index index, size, grid;
    void* dynamic;  // the launch's dynamic shared memory
};

// A thread as its kernel sees it.
struct Thread {
    Index index;
    unsigned lane;  // its place in the warp
    const Block* block;
};

// What a module exports for each kernel, under the name np360_kernel_<name>.
struct Kernel {
    const char* name;
    void (*call)(void** parameters);  // by the addresses of the parameters, as cuLaunchKernel is given them
    const size_t* sizes;              // bytes of each parameter
    unsigned parameters;
    unsigned threads;                 // most threads of a block: its launch bounds
};

// A place in a kernel's text, for messages. As a default argument made by the constructor it is the caller's.
struct Place {
    const char* file = nullptr;
    int line = 0;
    constexpr Place() = default;
    constexpr Place(const char* f, int l) : file(f), line(l) {}
};

// Threads that came to a barrier, and those whose predicate held.
struct Votes {
    unsigned all, yes;
};

}  // namespace np360

extern "C" {
// The thread that runs now on this thread of the system.
extern __thread np360::Thread* np360_emu_here __attribute__((tls_model("initial-exec")));

// Waits until all live threads of the block are here.
np360::Votes np360_emu_barrier(bool predicate, np360::Place place);

// Waits until all live lanes of the warp are here. The value that lane `source` brought; all ones if it has ended.
unsigned long long np360_emu_shuffle(unsigned mask, unsigned long long value, unsigned source, np360::Place place);

// Likewise: the lanes whose predicate holds, of those that are alive.
np360::Votes np360_emu_ballot(unsigned mask, bool predicate, np360::Place place);

// The block's next static shared array.
void* np360_emu_shared(size_t bytes, np360::Place place);
}
