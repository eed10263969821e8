//! GELU in f32, as fast as f32 allows: f64 inside, with no more digits than the result keeps.

use super::{MAGIC, fma64, poly, power_of_two};

/// Beyond it neither function shows its tail in f32.
const END: f64 = 15.0;

/// `e^(a^2 / 2) Phi(-a) (a + 4)` in `t = (a - 4) / (a + 4)` on 0 to 15, minimax, relative error 2^-37.
const TAIL: [f64; 14] = [
    0.7552851304204277,
    -0.6078966419803974,
    0.38713739991283747,
    -0.18652185734752277,
    0.060396598903223395,
    -0.007540193662665572,
    -0.003479952960862783,
    0.0016307523963929166,
    0.00013465625824894117,
    -0.00023024294466988767,
    -4.986314584499626e-06,
    3.195767760755637e-05,
    3.2493743482671244e-06,
    -1.6785575059011626e-06,
];

/// `e^r` on `|r| <= ln 2 / 2`, minimax, relative error 2^-40.
const EXP: [f64; 9] = [
    0.9999999999997622,
    0.9999999999806077,
    0.5000000000618604,
    0.16666666885578205,
    0.041666664219052914,
    0.008333267005388492,
    0.0013889178696592668,
    0.00019915436906448822,
    2.4727228532839546e-05,
];

const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// The share of a standard normal below x, and `e^(-x^2 / 2)`, both to 2^-36 of themselves.
#[inline(always)]
fn normal(x: f64) -> (f64, f64) {
    let a = x.abs();
    let cut = if a > END { END } else { a };
    let s = -0.5 * (cut * cut); // exact: x has 24 digits
    let t = fma64(s, std::f64::consts::LOG2_E, MAGIC);
    let r = fma64(MAGIC - t, std::f64::consts::LN_2, s);
    let e = poly(r, &EXP) * power_of_two(t.to_bits() as i32);
    let e = if a > END { 0.0 } else { e };
    // 1 / (a + 4): an f32 quotient and a step of Newton's cost half of an f64 quotient.
    let d = cut + 4.0;
    let q = f64::from(1.0 / d as f32);
    let q = fma64(q, fma64(-d, q, 1.0), q);
    let tail = e * (poly((cut - 4.0) * q, &TAIL) * q);
    (if x < 0.0 { tail } else { 1.0 - tail }, e)
}

/// `x Phi(x)`, Phi being the normal distribution's; errs by 0.51 ulp at most.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let x = f64::from(x);
    (x * normal(x).0) as f32
}

/// `dy (Phi(x) + x phi(x))`; the factor errs by 2^-36 at most, beside its rounding.
#[inline(always)]
pub fn gelu_gradient(x: f32, dy: f32) -> f32 {
    let x = f64::from(x);
    let (below, e) = normal(x);
    (f64::from(dy) * (below + x * (INV_SQRT_TAU * e))) as f32
}

/// The same over slices, two registers of 8 at a time: a chain of some thirty dependent operations leaves the units idle
/// unless a second one runs beside it. The same operations in the same order, so the same bits.
#[cfg(target_arch = "x86_64")]
pub(crate) mod wide {
    use std::arch::x86_64::*;

    use super::{END, EXP, INV_SQRT_TAU, MAGIC, TAIL};

    /// Registers side by side.
    const R: usize = 2;
    /// Numbers they hold.
    const STEP: usize = 8 * R;

    type Pack = [__m512d; R];

    #[inline(always)]
    fn each(f: impl Fn(usize) -> __m512d) -> Pack {
        std::array::from_fn(f)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn poly<const N: usize>(x: &Pack, c: &[f64; N]) -> Pack {
        let mut y = [_mm512_set1_pd(c[N - 1]); R];
        for i in (0..N - 1).rev() {
            let c = _mm512_set1_pd(c[i]);
            for j in 0..R {
                y[j] = _mm512_fmadd_pd(y[j], x[j], c);
            }
        }
        y
    }

    /// As [`super::normal`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn normal(x: &Pack) -> (Pack, Pack) {
        let set = |v: f64| _mm512_set1_pd(v);
        let (one, zero, end, magic) = (set(1.0), set(0.0), set(END), set(MAGIC));
        let a = each(|j| _mm512_abs_pd(x[j]));
        let cut = each(|j| _mm512_min_pd(end, a[j])); // of NaN and a number the second
        let s = each(|j| _mm512_mul_pd(set(-0.5), _mm512_mul_pd(cut[j], cut[j])));
        let t = each(|j| _mm512_fmadd_pd(s[j], set(std::f64::consts::LOG2_E), magic));
        let d = each(|j| _mm512_add_pd(cut[j], set(4.0)));
        let q = each(|j| {
            let quotient = _mm256_div_ps(_mm256_set1_ps(1.0), _mm512_cvtpd_ps(d[j]));
            _mm512_cvtps_pd(quotient)
        });
        let r = each(|j| _mm512_fmadd_pd(_mm512_sub_pd(magic, t[j]), set(std::f64::consts::LN_2), s[j]));
        let e = poly(&r, &EXP);
        let error = each(|j| _mm512_fnmadd_pd(d[j], q[j], one));
        let q = each(|j| _mm512_fmadd_pd(q[j], error[j], q[j]));
        let e = each(|j| {
            let k = _mm512_slli_epi64::<52>(_mm512_castpd_si512(t[j]));
            let power = _mm512_add_epi64(k, _mm512_set1_epi64(1023 << 52));
            let e = _mm512_mul_pd(e[j], _mm512_castsi512_pd(power));
            _mm512_mask_mov_pd(e, _mm512_cmp_pd_mask::<_CMP_GT_OQ>(a[j], end), zero)
        });
        let u = each(|j| _mm512_mul_pd(_mm512_sub_pd(cut[j], set(4.0)), q[j]));
        let g = poly(&u, &TAIL);
        let below = each(|j| {
            let tail = _mm512_mul_pd(e[j], _mm512_mul_pd(g[j], q[j]));
            let negative = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(x[j], zero);
            _mm512_mask_mov_pd(_mm512_sub_pd(one, tail), negative, tail)
        });
        (below, e)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn load(x: &[f32; STEP]) -> Pack {
        // SAFETY: 8 numbers from 8 j on lie in the array.
        each(|j| _mm512_cvtps_pd(unsafe { _mm256_loadu_ps(x.as_ptr().add(8 * j)) }))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn store(y: &Pack, to: &mut [f32; STEP]) {
        for (y, to) in y.iter().zip(to.as_chunks_mut::<8>().0) {
            // SAFETY: 8 numbers.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), _mm512_cvtpd_ps(*y)) };
        }
    }

    /// `y = gelu(x)`.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,fma")]
    pub fn gelu(x: &[f32], y: &mut [f32]) {
        let (blocks, rest) = x.as_chunks::<STEP>();
        let (to, to_rest) = y.as_chunks_mut::<STEP>();
        for (x, y) in blocks.iter().zip(to) {
            let x = load(x);
            let below = normal(&x).0;
            store(&each(|j| _mm512_mul_pd(x[j], below[j])), y);
        }
        rest.iter().zip(to_rest).for_each(|(x, y)| *y = super::gelu(*x));
    }

    /// `dx = gelu_gradient(x, dy)`.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,fma")]
    pub fn gelu_gradient(x: &[f32], dy: &[f32], dx: &mut [f32]) {
        let (blocks, rest) = x.as_chunks::<STEP>();
        let (up, up_rest) = dy.as_chunks::<STEP>();
        let (to, to_rest) = dx.as_chunks_mut::<STEP>();
        for ((x, dy), dx) in blocks.iter().zip(up).zip(to) {
            let (x, dy) = (load(x), load(dy));
            let (below, e) = normal(&x);
            let scaled = each(|j| _mm512_mul_pd(_mm512_set1_pd(INV_SQRT_TAU), e[j]));
            let factor = each(|j| _mm512_add_pd(below[j], _mm512_mul_pd(x[j], scaled[j])));
            store(&each(|j| _mm512_mul_pd(dy[j], factor[j])), dx);
        }
        rest.iter().zip(up_rest).zip(to_rest).for_each(|((x, dy), dx)| *dx = super::gelu_gradient(*x, *dy));
    }
}
