//! The instruction that groups of channels need.
#![allow(clippy::missing_safety_doc)] // the contract is Simd's

#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Scalar, Simd};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register in which each group of lanes holds one of its channels.
///
/// # Safety
/// As [`Simd`]'s.
pub(super) trait Groups: Simd {
    /// Lane l is number `(at + l) / Q * Q + c` of `x`: channel c of the group of Q to which number `at + l` belongs. `at` is a
    /// multiple of the register's lanes, of which the first n exist (all if `FULL`); the others are arbitrary.
    unsafe fn spread<const Q: usize, const FULL: bool>(x: *const f32, at: usize, n: usize, c: usize) -> Self::V;
}

impl Groups for Scalar {
    #[inline(always)]
    unsafe fn spread<const Q: usize, const FULL: bool>(x: *const f32, at: usize, _: usize, c: usize) -> f32 {
        // SAFETY: the trait's contract.
        unsafe { *x.add(at / Q * Q + c) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Groups for Avx2 {
    #[inline(always)]
    unsafe fn spread<const Q: usize, const FULL: bool>(x: *const f32, at: usize, n: usize, c: usize) -> __m256 {
        // SAFETY: the trait's contract; Q >= 8 fills the register with one group.
        unsafe {
            if Q > 4 {
                return _mm256_set1_ps(*x.add(at / Q * Q + c));
            }
            let v = if FULL { Self::load(x.add(at)) } else { Self::load_n(x.add(at), n) };
            match c {
                0 => _mm256_permute_ps::<0b00_00_00_00>(v),
                1 => _mm256_permute_ps::<0b01_01_01_01>(v),
                2 => _mm256_permute_ps::<0b10_10_10_10>(v),
                _ => _mm256_permute_ps::<0b11_11_11_11>(v),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Groups for Avx512 {
    #[inline(always)]
    unsafe fn spread<const Q: usize, const FULL: bool>(x: *const f32, at: usize, n: usize, c: usize) -> __m512 {
        // SAFETY: the trait's contract; Q = 16 fills the register with one group.
        unsafe {
            if Q > 8 {
                return _mm512_set1_ps(*x.add(at / Q * Q + c));
            }
            let v = if FULL { Self::load(x.add(at)) } else { Self::load_n(x.add(at), n) };
            if Q == 8 {
                let half = _mm512_set_epi32(8, 8, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0);
                return _mm512_permutexvar_ps(_mm512_add_epi32(half, _mm512_set1_epi32(c as i32)), v);
            }
            match c {
                0 => _mm512_permute_ps::<0b00_00_00_00>(v),
                1 => _mm512_permute_ps::<0b01_01_01_01>(v),
                2 => _mm512_permute_ps::<0b10_10_10_10>(v),
                _ => _mm512_permute_ps::<0b11_11_11_11>(v),
            }
        }
    }
}
