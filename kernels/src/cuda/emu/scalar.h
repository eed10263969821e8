// Arithmetic intrinsics. All are exact or correctly rounded, so host and card agree on every bit.

#pragma once

// ---- IEEE operations, to nearest ------------------------------------------------------------------------------------

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __drcp_rn(double a) { return 1.0 / a; }
inline double __dsqrt_rn(double a) { return __builtin_sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }

// ---- bits -----------------------------------------------------------------------------------------------------------

inline int __float_as_int(float f) { return np360::bit_cast<int>(f); }
inline unsigned __float_as_uint(float f) { return np360::bit_cast<unsigned>(f); }
inline float __int_as_float(int i) { return np360::bit_cast<float>(i); }
inline float __uint_as_float(unsigned i) { return np360::bit_cast<float>(i); }
inline long long __double_as_longlong(double d) { return np360::bit_cast<long long>(d); }
inline double __longlong_as_double(long long i) { return np360::bit_cast<double>(i); }
inline int __double2hiint(double d) { return static_cast<int>(__double_as_longlong(d) >> 32); }
inline int __double2loint(double d) { return static_cast<int>(__double_as_longlong(d) & 0xffffffff); }
inline double __hiloint2double(int high, int low) {
    unsigned long long bits = static_cast<unsigned long long>(static_cast<unsigned>(high)) << 32;
    return __longlong_as_double(static_cast<long long>(bits | static_cast<unsigned>(low)));
}

// ---- conversions: beyond the integer's range they stop at its end, as the card's do ---------------------------------

namespace np360 {

// 2^(bits of I - 1) as F: exact, one above the largest I.
template <class I, class F> constexpr F beyond() { return static_cast<F>(1ull << (8 * sizeof(I) - 2)) * 2; }

// NaN is 0 from float to a 32-bit integer, else the smallest integer.
template <class I, class F> inline I nan_as() {
    return sizeof(I) + sizeof(F) > 8 ? static_cast<I>(1ull << (8 * sizeof(I) - 1)) : I(0);
}

template <class I, class F> inline I truncate(F f) {
    constexpr I least = static_cast<I>(1ull << (8 * sizeof(I) - 1)), most = static_cast<I>(~least);
    if (f != f) return nan_as<I, F>();
    if (f >= beyond<I, F>()) return most;
    if (f < -beyond<I, F>()) return least;
    return static_cast<I>(f);
}

// To the nearest whole number, ties to even.
inline float nearest(float f) { return __builtin_nearbyintf(f); }
inline double nearest(double d) { return __builtin_nearbyint(d); }

inline unsigned truncate_unsigned(double d) {
    if (!(d > -1.0)) return 0;
    return d >= 4294967296.0 ? 0xffffffffu : static_cast<unsigned>(static_cast<long long>(d));
}

}  // namespace np360

inline int __float2int_rn(float f) { return np360::truncate<int>(np360::nearest(f)); }
inline int __float2int_rz(float f) { return np360::truncate<int>(f); }
inline long long __float2ll_rn(float f) { return np360::truncate<long long>(np360::nearest(f)); }
inline long long __float2ll_rz(float f) { return np360::truncate<long long>(f); }
inline unsigned __float2uint_rn(float f) { return np360::truncate_unsigned(static_cast<double>(np360::nearest(f))); }
inline unsigned __float2uint_rz(float f) { return np360::truncate_unsigned(static_cast<double>(f)); }
inline int __double2int_rn(double d) { return np360::truncate<int>(np360::nearest(d)); }
inline int __double2int_rz(double d) { return np360::truncate<int>(d); }
inline long long __double2ll_rn(double d) { return np360::truncate<long long>(np360::nearest(d)); }
inline long long __double2ll_rz(double d) { return np360::truncate<long long>(d); }
inline float __double2float_rn(double d) { return static_cast<float>(d); }
inline float __int2float_rn(int i) { return static_cast<float>(i); }
inline float __uint2float_rn(unsigned i) { return static_cast<float>(i); }
inline float __ll2float_rn(long long i) { return static_cast<float>(i); }
inline float __ull2float_rn(unsigned long long i) { return static_cast<float>(i); }
inline double __int2double_rn(int i) { return static_cast<double>(i); }
inline double __uint2double_rn(unsigned i) { return static_cast<double>(i); }
inline double __ll2double_rn(long long i) { return static_cast<double>(i); }
inline double __ull2double_rn(unsigned long long i) { return static_cast<double>(i); }

// ---- integers -------------------------------------------------------------------------------------------------------

inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>((1ull * a * b) >> 32); }
inline int __mulhi(int a, int b) { return static_cast<int>((1ll * a * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    __extension__ typedef unsigned __int128 Wide;
    return static_cast<unsigned long long>((static_cast<Wide>(a) * b) >> 64);
}
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x)); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
    x = (x & 0x55555555u) << 1 | (x >> 1 & 0x55555555u);
    x = (x & 0x33333333u) << 2 | (x >> 2 & 0x33333333u);
    x = (x & 0x0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0fu);
    return __builtin_bswap32(x);
}
// The high (low) word of high:low shifted left (right) by s & 31.
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned s) {
    return static_cast<unsigned>((static_cast<unsigned long long>(high) << 32 | low) << (s & 31) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned s) {
    return static_cast<unsigned>((static_cast<unsigned long long>(high) << 32 | low) >> (s & 31));
}

#define NP360_MIN_MAX(T)                                \
    inline T min(T a, T b) { return a < b ? a : b; }    \
    inline T max(T a, T b) { return a > b ? a : b; }
NP360_MIN_MAX(int)
NP360_MIN_MAX(unsigned)
NP360_MIN_MAX(long)
NP360_MIN_MAX(unsigned long)
NP360_MIN_MAX(long long)
NP360_MIN_MAX(unsigned long long)
#undef NP360_MIN_MAX
// Of floating-point numbers they would leave the sign of zero, and NaN, to the library: write the comparison.
float min(float, float) = delete;
float max(float, float) = delete;
double min(double, double) = delete;
double max(double, double) = delete;
