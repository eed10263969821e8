//! What this machine can do: its rate of fused multiply-adds and its copy bandwidth, measured at the SIMD level and the
//! number of threads in force.

use std::hint::black_box;
use std::time::Instant;

use kernels::simd::Simd;
use kernels::{Tensor, dispatch, pool};

/// Chains that do not wait for each other: more than two pipes times their latency.
const CHAINS: usize = 12;
/// Multiply-adds of each lane of each chain.
const LENGTH: usize = 400_000;
/// Numbers of the copied buffers: 64 MiB each, beyond any cache of one core.
const NUMBERS: usize = 1 << 24;
/// Numbers a task copies.
const PART: usize = 1 << 17;

/// The machine's limits.
#[derive(Debug, Clone, Copy)]
pub struct Peak {
    /// Floating-point operations a second (a fused multiply-add is 2).
    pub flops: f64,
    /// Bytes a second, those read and those written.
    pub bytes: f64,
}

/// The best of a few tries each.
pub fn measure() -> Peak {
    let threads = pool::threads();
    let seconds = best(7, || {
        pool::run(threads, |_| {
            black_box(chains(black_box(0.999_999)));
        });
    });
    let flops = (2 * CHAINS * LENGTH * lanes() * threads) as f64 / seconds;
    let (from, mut to) = (Tensor::full([NUMBERS], 1.0), Tensor::full([NUMBERS], 0.0));
    let x = from.data();
    let seconds = best(7, || {
        pool::chunks_mut(to.data_mut(), PART, |i, y| y.copy_from_slice(&x[i * PART..][..y.len()]));
    });
    Peak { flops, bytes: (2 * 4 * NUMBERS) as f64 / seconds }
}

fn best(tries: usize, mut f: impl FnMut()) -> f64 {
    f();
    let time = |f: &mut dyn FnMut()| {
        let begun = Instant::now();
        f();
        begun.elapsed().as_secs_f64()
    };
    (0..tries).map(|_| time(&mut f)).fold(f64::INFINITY, |a, b| if b < a { b } else { a })
}

dispatch! {
    fn lanes() -> usize = lanes_body;
    fn chains(x: f32) -> f32 = chains_body;
}

#[inline(always)]
fn lanes_body<S: Simd>() -> usize {
    S::L
}

#[inline(always)]
fn chains_body<S: Simd>(x: f32) -> f32 {
    let mut out = [0.0; 16];
    // SAFETY: called through dispatch!, at a level in force; a register has at most 16 lanes.
    unsafe {
        let (a, b) = (S::set(x), S::set(1e-6));
        let mut sums = [S::zero(); CHAINS];
        for _ in 0..LENGTH {
            for s in &mut sums {
                *s = S::fma(*s, a, b);
            }
        }
        let sum = sums.into_iter().fold(S::zero(), |t, s| S::add(t, s));
        S::store(out.as_mut_ptr(), sum);
    }
    out[0]
}
