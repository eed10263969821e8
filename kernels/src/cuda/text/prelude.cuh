// What every kernel's text begins with, for NVRTC and for the host's compiler (cuda/emu).

#pragma once

#ifdef __NP360_EMU__

#include "emu.h"

#define KERNEL(threads, name, ...) NP360_KERNEL(threads, name, __VA_ARGS__)
#define SHARED(T, name, count) NP360_SHARED(T, name, count)
#define DYN_SHARED(T, name) NP360_DYN_SHARED(T, name)

#else

// A kernel with its most threads a block: KERNEL(256, relu, const float* x, float* y, int n) { ... }
// The 1 (one block a multiprocessor is enough) keeps the assembler from spilling a few registers for occupancy's sake.
#define KERNEL(threads, name, ...) extern "C" __global__ void __launch_bounds__(threads, 1) name(__VA_ARGS__)

// A shared array `T* name` of constant length, aligned for 16-byte accesses; at the top of a kernel, before any barrier.
#define SHARED(T, name, count)                           \
    __shared__ __align__(16) T name##_array[count]; \
    T* const name = name##_array

// The launch's dynamic shared memory, as `T* name`.
#define DYN_SHARED(T, name)                                     \
    extern __shared__ __align__(16) unsigned char name##_raw[]; \
    T* const name = reinterpret_cast<T*>(name##_raw)

#endif

// a * b + c, rounded once.
__device__ __forceinline__ float np_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ __forceinline__ double np_fma(double a, double b, double c) { return __fma_rn(a, b, c); }
