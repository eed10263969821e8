// CUDA C++ for the host's compiler, as far as exact kernels need it (prelude.cuh includes it under __NP360_EMU__).
//
// What is missing is missing on purpose: no atomics, no library of the device (expf, fmaxf, rsqrtf ...), no approximate
// intrinsics. A kernel that uses them does not compile here.

#pragma once

#include "abi.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

#define threadIdx (np360_emu_here->index)
#define blockIdx (np360_emu_here->block->index)
#define blockDim (np360_emu_here->block->size)
#define gridDim (np360_emu_here->block->grid)
#define warpSize 32

// ---- kernels and shared memory -------------------------------------------------------------------------------------

namespace np360 {

template <size_t... I> struct Indices {};
template <size_t N, size_t... I> struct Count : Count<N - 1, N - 1, I...> {};
template <size_t... I> struct Count<0, I...> { using Type = Indices<I...>; };

// The type of a kernel's body, taken apart: how to call it by its parameters' addresses, and their sizes.
template <class F> struct Body;
template <class... A> struct Body<void(A...)> {
    static constexpr unsigned parameters = sizeof...(A);
    static constexpr size_t sizes[] = {sizeof(A)..., 0};

    template <void (*body)(A...), size_t... I>
    static void spread(void** p, Indices<I...>) {
        (void)p;
        body(*static_cast<A*>(p[I])...);
    }

    template <void (*body)(A...)>
    static void call(void** p) { spread<body>(p, typename Count<sizeof...(A)>::Type{}); }
};

// A value of up to eight bytes as bits, and back.
template <class T> inline unsigned long long to_bits(T v) {
    static_assert(sizeof(T) <= 8, "a warp exchanges up to eight bytes at once");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &v, sizeof(T));
    return bits;
}
template <class To, class From> inline To bit_cast(From from) {
    static_assert(sizeof(To) <= sizeof(From), "bits are missing");
    To to;
    __builtin_memcpy(&to, &from, sizeof(To));
    return to;
}

}  // namespace np360

#define NP360_KERNEL(threads, name, ...)                                                                      \
    static void np360_body_##name(__VA_ARGS__);                                                               \
    extern "C" {                                                                                              \
    extern __attribute__((visibility("default"))) const np360::Kernel np360_kernel_##name;                    \
    }                                                                                                         \
    const np360::Kernel np360_kernel_##name = {                                                               \
        #name, np360::Body<decltype(np360_body_##name)>::call<np360_body_##name>,                             \
        np360::Body<decltype(np360_body_##name)>::sizes, np360::Body<decltype(np360_body_##name)>::parameters, \
        (threads)};                                                                                           \
    static void np360_body_##name(__VA_ARGS__)

#define NP360_HERE np360::Place(__builtin_FILE(), __builtin_LINE())
#define NP360_SHARED(T, name, count) \
    T* const name = static_cast<T*>(np360_emu_shared(sizeof(T) * (count), np360::Place(__FILE__, __LINE__)))
#define NP360_DYN_SHARED(T, name) T* const name = static_cast<T*>(np360_emu_here->block->dynamic)

// ---- barriers and warps; the place is the caller's -----------------------------------------------------------------

inline void __syncthreads(np360::Place at = NP360_HERE) { np360_emu_barrier(false, at); }
inline int __syncthreads_count(int p, np360::Place at = NP360_HERE) {
    return static_cast<int>(np360_emu_barrier(p != 0, at).yes);
}
inline int __syncthreads_or(int p, np360::Place at = NP360_HERE) { return np360_emu_barrier(p != 0, at).yes != 0; }
inline int __syncthreads_and(int p, np360::Place at = NP360_HERE) {
    np360::Votes v = np360_emu_barrier(p != 0, at);
    return v.yes == v.all;
}

inline void __syncwarp(unsigned mask = 0xffffffffu, np360::Place at = NP360_HERE) { np360_emu_ballot(mask, false, at); }
inline unsigned __ballot_sync(unsigned mask, int p, np360::Place at = NP360_HERE) {
    return np360_emu_ballot(mask, p != 0, at).yes;
}
inline int __any_sync(unsigned mask, int p, np360::Place at = NP360_HERE) {
    return np360_emu_ballot(mask, p != 0, at).yes != 0;
}
inline int __all_sync(unsigned mask, int p, np360::Place at = NP360_HERE) {
    np360::Votes v = np360_emu_ballot(mask, p != 0, at);
    return v.yes == v.all;
}

// Lanes exchange values inside groups of `width` lanes; a source outside the group is the lane itself.
template <class T>
inline T __shfl_sync(unsigned mask, T v, int source, int width = 32, np360::Place at = NP360_HERE) {
    unsigned w = static_cast<unsigned>(width), group = np360_emu_here->lane & ~(w - 1);
    unsigned from = group | (static_cast<unsigned>(source) & (w - 1));
    return np360::bit_cast<T>(np360_emu_shuffle(mask, np360::to_bits(v), from, at));
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T v, int x, int width = 32, np360::Place at = NP360_HERE) {
    unsigned w = static_cast<unsigned>(width), lane = np360_emu_here->lane, from = lane ^ static_cast<unsigned>(x);
    bool inside = from < (lane & ~(w - 1)) + w;
    return np360::bit_cast<T>(np360_emu_shuffle(mask, np360::to_bits(v), inside ? from : lane, at));
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T v, unsigned d, int width = 32, np360::Place at = NP360_HERE) {
    unsigned w = static_cast<unsigned>(width), lane = np360_emu_here->lane;
    bool inside = (lane & (w - 1)) + d < w;
    return np360::bit_cast<T>(np360_emu_shuffle(mask, np360::to_bits(v), inside ? lane + d : lane, at));
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T v, unsigned d, int width = 32, np360::Place at = NP360_HERE) {
    unsigned w = static_cast<unsigned>(width), lane = np360_emu_here->lane;
    bool inside = (lane & (w - 1)) >= d;
    return np360::bit_cast<T>(np360_emu_shuffle(mask, np360::to_bits(v), inside ? lane - d : lane, at));
}

template <class T> inline T __ldg(const T* p) { return *p; }

#include "vector.h"
#include "scalar.h"
