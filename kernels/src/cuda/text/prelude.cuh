// What every kernel's text begins with.

#pragma once

// A kernel with its most threads a block: KERNEL(256, relu, const float* x, float* y, int n) { ... }
#define KERNEL(threads, name, ...) extern "C" __global__ void __launch_bounds__(threads) name(__VA_ARGS__)

// A shared array of constant length; at the top of a kernel, before any barrier.
#define SHARED(T, name, count) __shared__ T name[count]

// The launch's dynamic shared memory.
#define DYN_SHARED(T, name)                                   \
    extern __shared__ __align__(16) unsigned char name##_raw[]; \
    T* name = reinterpret_cast<T*>(name##_raw)

// a * b + c, rounded once.
__device__ __forceinline__ float np_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ __forceinline__ double np_fma(double a, double b, double c) { return __fma_rn(a, b, c); }
