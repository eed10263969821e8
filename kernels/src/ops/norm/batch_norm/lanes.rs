//! Two more instructions that batch norm's chains need.
#![allow(clippy::missing_safety_doc)] // the contract is Simd's

#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Scalar, Simd};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register with division and ReLU's gate.
///
/// # Safety
/// As [`Simd`]'s.
pub(super) trait Lanes: Simd {
    /// a / b.
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// y <= 0 ? +0 : g.
    unsafe fn gate(y: Self::V, g: Self::V) -> Self::V;
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
}
