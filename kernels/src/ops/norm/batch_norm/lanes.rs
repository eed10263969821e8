//! More instructions that batch norm needs.
#![allow(clippy::missing_safety_doc)] // the contract is Simd's

#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Scalar, Simd};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register with division, ReLU and its gate, and stores past the caches.
///
/// # Safety
/// As [`Simd`]'s.
pub(super) trait Lanes: Simd {
    /// a / b.
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// y <= 0 ? +0 : g.
    unsafe fn gate(y: Self::V, g: Self::V) -> Self::V;
    /// y < 0 ? +0 : y.
    unsafe fn relu(y: Self::V) -> Self::V;
    /// L numbers to `p`, a multiple of the register's size, past the caches where the processor can; other threads see
    /// them after [`fence`](Self::fence).
    unsafe fn stream(p: *mut f32, v: Self::V);
    /// Ends a run of [`stream`](Self::stream)s.
    unsafe fn fence();
}

/// The first `n` lanes, or all.
///
/// # Safety
/// As [`Simd::load_n`].
#[inline(always)]
pub(super) unsafe fn load<S: Simd, const FULL: bool>(p: *const f32, n: usize) -> S::V {
    // SAFETY: the caller's promise.
    unsafe { if FULL { S::load(p) } else { S::load_n(p, n) } }
}

/// As [`load`].
///
/// # Safety
/// As [`Simd::store_n`].
#[inline(always)]
pub(super) unsafe fn store<S: Simd, const FULL: bool>(p: *mut f32, v: S::V, n: usize) {
    // SAFETY: the caller's promise.
    unsafe { if FULL { S::store(p, v) } else { S::store_n(p, v, n) } }
}

impl Lanes for Scalar {
    #[inline(always)]
    unsafe fn div(a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    unsafe fn gate(y: f32, g: f32) -> f32 {
        if y <= 0.0 { 0.0 } else { g }
    }
    #[inline(always)]
    unsafe fn relu(y: f32) -> f32 {
        if y < 0.0 { 0.0 } else { y }
    }
    #[inline(always)]
    unsafe fn stream(p: *mut f32, v: f32) {
        // SAFETY: the trait's contract.
        unsafe { *p = v }
    }
    #[inline(always)]
    unsafe fn fence() {}
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx2 {
    #[inline(always)]
    unsafe fn div(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the trait's contract.
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn gate(y: __m256, g: __m256) -> __m256 {
        // SAFETY: the trait's contract. "Not <=" is true of NaN, as the scalar comparison has it.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(y, _mm256_setzero_ps()), g) }
    }
    #[inline(always)]
    unsafe fn relu(y: __m256) -> __m256 {
        // SAFETY: the trait's contract. The second of the two is the result if either is NaN or both are zero.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), y) }
    }
    #[inline(always)]
    unsafe fn stream(p: *mut f32, v: __m256) {
        // SAFETY: the trait's contract.
        unsafe { _mm256_stream_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn fence() {
        // SAFETY: orders stores, nothing else.
        unsafe { _mm_sfence() }
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx512 {
    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn gate(y: __m512, g: __m512) -> __m512 {
        // SAFETY: the trait's contract. "Not <=" is true of NaN, as the scalar comparison has it.
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(y, _mm512_setzero_ps()), g) }
    }
    #[inline(always)]
    unsafe fn relu(y: __m512) -> __m512 {
        // SAFETY: the trait's contract. The second of the two is the result if either is NaN or both are zero.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), y) }
    }
    #[inline(always)]
    unsafe fn stream(p: *mut f32, v: __m512) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_stream_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn fence() {
        // SAFETY: orders stores, nothing else.
        unsafe { _mm_sfence() }
    }
}
