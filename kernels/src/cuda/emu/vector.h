// Vector types, with the alignment that CUDA gives them.

#pragma once

#define NP360_VECTORS(T, name)                                                                  \
    struct alignas(2 * sizeof(T)) name##2 { T x, y; };                                          \
    struct name##3 { T x, y, z; };                                                              \
    struct alignas(sizeof(T) == 8 ? 16 : 4 * sizeof(T)) name##4 { T x, y, z, w; };              \
    inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                  \
    inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                          \
    inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

NP360_VECTORS(float, float)
NP360_VECTORS(double, double)
NP360_VECTORS(int, int)
NP360_VECTORS(unsigned, uint)
NP360_VECTORS(unsigned char, uchar)
NP360_VECTORS(long long, longlong)
NP360_VECTORS(unsigned long long, ulonglong)
#undef NP360_VECTORS

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
