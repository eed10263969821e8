// What math.cuh and rng.cuh need of CUDA, for the host's compiler. To be replaced by the emulator's header.
#pragma once
#include <cmath>
#include <cstring>

#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))

static inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline double __dsqrt_rn(double x) { return std::sqrt(x); }
static inline float __double2float_rn(double x) { return (float)x; }
static inline long long __double_as_longlong(double x) {
    long long b;
    std::memcpy(&b, &x, sizeof b);
    return b;
}
static inline double __longlong_as_double(long long b) {
    double x;
    std::memcpy(&x, &b, sizeof x);
    return x;
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
static inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll((unsigned long long)x); }
