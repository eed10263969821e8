//! One vector interface over the instruction sets.
#![allow(clippy::missing_safety_doc)] // the contract is the trait's, stated once below

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register of `L` f32 lanes.
///
/// # Safety
/// Every method may be called only where the instruction set is enabled (inside [`dispatch!`](crate::dispatch) or a
/// table of `#[target_feature]` wrappers), and pointers must be valid for the lanes they name.
pub trait Simd: Copy + 'static {
    /// Lanes.
    const L: usize;
    /// The register.
    type V: Copy;
    /// All +0.
    unsafe fn zero() -> Self::V;
    /// All `x`.
    unsafe fn set(x: f32) -> Self::V;
    /// L numbers from `p`, any alignment.
    unsafe fn load(p: *const f32) -> Self::V;
    /// L numbers to `p`, any alignment.
    unsafe fn store(p: *mut f32, v: Self::V);
    /// The first n <= L lanes; the others are +0 and not read.
    unsafe fn load_n(p: *const f32, n: usize) -> Self::V;
    /// The first n <= L lanes; the others are not written.
    unsafe fn store_n(p: *mut f32, v: Self::V, n: usize);
    /// a * b + c, rounded once.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// a + b.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// a - b.
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// a * b.
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// Asks for the line of `p` to be brought near; any address will do.
    unsafe fn prefetch(p: *const f32);
}

/// One lane.
#[derive(Clone, Copy)]
pub struct Scalar;

impl Simd for Scalar {
    const L: usize = 1;
    type V = f32;
    #[inline(always)]
    unsafe fn zero() -> f32 {
        0.0
    }
    #[inline(always)]
    unsafe fn set(x: f32) -> f32 {
        x
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> f32 {
        // SAFETY: the trait's contract.
        unsafe { *p }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: f32) {
        // SAFETY: the trait's contract.
        unsafe { *p = v }
    }
    #[inline(always)]
    unsafe fn load_n(p: *const f32, n: usize) -> f32 {
        // SAFETY: the trait's contract; nothing is read for n = 0.
        if n == 0 { 0.0 } else { unsafe { *p } }
    }
    #[inline(always)]
    unsafe fn store_n(p: *mut f32, v: f32, n: usize) {
        if n > 0 {
            // SAFETY: the trait's contract.
            unsafe { *p = v }
        }
    }
    #[inline(always)]
    unsafe fn fma(a: f32, b: f32, c: f32) -> f32 {
        crate::math::fma(a, b, c)
    }
    #[inline(always)]
    unsafe fn add(a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    unsafe fn sub(a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    unsafe fn mul(a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
}

/// 8 lanes.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx2;

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn first(n: usize) -> __m256i {
    // SAFETY: register-only; AVX2 is enabled where an Avx2 method is called.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

/// 16 lanes.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx512;

macro_rules! x86 {
    ($S:ty, $L:literal, $V:ty, $zero:ident, $set:ident, $load:ident, $store:ident, $fma:ident, $add:ident, $sub:ident, $mul:ident,
     |$lp:ident, $ln:ident| $load_n:expr, |$sp:ident, $sv:ident, $sn:ident| $store_n:expr) => {
        #[cfg(target_arch = "x86_64")]
        impl Simd for $S {
            const L: usize = $L;
            type V = $V;
            #[inline(always)]
            unsafe fn zero() -> $V {
                // SAFETY: the trait's contract.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn set(x: f32) -> $V {
                // SAFETY: the trait's contract.
                unsafe { $set(x) }
            }
            #[inline(always)]
            unsafe fn load(p: *const f32) -> $V {
                // SAFETY: the trait's contract.
                unsafe { $load(p) }
            }
            #[inline(always)]
            unsafe fn store(p: *mut f32, v: $V) {
                // SAFETY: the trait's contract.
                unsafe { $store(p, v) }
            }
            #[inline(always)]
            unsafe fn load_n($lp: *const f32, $ln: usize) -> $V {
                // SAFETY: the trait's contract; masked lanes are not touched.
                unsafe { $load_n }
            }
            #[inline(always)]
            unsafe fn store_n($sp: *mut f32, $sv: $V, $sn: usize) {
                // SAFETY: the trait's contract; masked lanes are not touched.
                unsafe { $store_n }
            }
            #[inline(always)]
            unsafe fn fma(a: $V, b: $V, c: $V) -> $V {
                // SAFETY: the trait's contract.
                unsafe { $fma(a, b, c) }
            }
            #[inline(always)]
            unsafe fn add(a: $V, b: $V) -> $V {
                // SAFETY: the trait's contract.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            unsafe fn sub(a: $V, b: $V) -> $V {
                // SAFETY: the trait's contract.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            unsafe fn mul(a: $V, b: $V) -> $V {
                // SAFETY: the trait's contract.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            unsafe fn prefetch(p: *const f32) {
                // SAFETY: a prefetch faults on no address.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
            }
        }
    };
}

x86!(
    Avx2,
    8,
    __m256,
    _mm256_setzero_ps,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    |p, n| _mm256_maskload_ps(p, first(n)),
    |p, v, n| _mm256_maskstore_ps(p, first(n), v)
);
x86!(
    Avx512,
    16,
    __m512,
    _mm512_setzero_ps,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    |p, n| _mm512_maskz_loadu_ps(((1u32 << n) - 1) as u16, p),
    |p, v, n| _mm512_mask_storeu_ps(p, ((1u32 << n) - 1) as u16, v)
);
