//! The two register tiles all products run on, written once over `Simd` and made for every tile height, so that a ragged
//! edge is only a smaller tile.
//!
//! `MR` rows x `NV` registers of output channels stay in registers: 6x4 with 32 registers of 16 lanes, 6x2 with 16 of 8.
//! A step is NV loads and MR broadcasts for MR*NV fmas. Rows are addressed by pointers, so a tile may cross image rows and
//! images: no waste on small maps, any stride.

#![allow(clippy::needless_range_loop)] // indices are rows and registers; iterators would hide the tile

use crate::simd::{self, Level, Scalar, Simd};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};

/// A run of k that lies contiguously in the source: (offset from the row's pointer, length).
pub type Run = (usize, usize);

/// `out[r][c0..] = bias + sum over runs of x[rows[r] + shift + offset + j] * w[..]`; w is one panel `[k][NV * L]`.
///
/// Arguments: row pointers, runs, shift, weights, output pointers, first channel, channels to store, bias or null, what
/// to prefetch meanwhile.
pub type GatherTile =
    unsafe fn(*const *const f32, &[Run], usize, *const f32, *const *mut f32, usize, usize, *const f32, *const f32);

/// `acc[r][..] += sum over segments and their pixels of x[q * step + r] * dy[q][..]`; acc is MR rows of `NV * L`, dy one panel
/// `[pixel][NV * L]`.
///
/// Arguments: segments (offset in x, pixels), x, its step from pixel to pixel, dy, accumulators, their step from row to row,
/// and whether they begin from +0 instead of what is there.
pub type ScatterTile = unsafe fn(&[Run], *const f32, usize, *const f32, *mut f32, usize, bool);

#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn gather<S: Simd, const MR: usize, const NV: usize>(
    rows: *const *const f32,
    runs: &[Run],
    shift: usize,
    mut w: *const f32,
    out: *const *mut f32,
    first: usize,
    channels: usize,
    bias: *const f32,
    mut near: *const f32,
) {
    // SAFETY: the caller gives MR valid row and output pointers, runs within the source, a whole panel of weights.
    unsafe {
        let mut acc = [[S::zero(); NV]; MR];
        let mut p = [std::ptr::null::<f32>(); MR];
        for (r, p) in p.iter_mut().enumerate() {
            *p = (*rows.add(r)).add(shift);
        }
        for &(offset, len) in runs {
            let mut k = offset;
            macro_rules! step {
                ($u:expr) => {{
                    let mut b = [S::zero(); NV];
                    for v in 0..NV {
                        b[v] = S::load(w.add(($u * NV + v) * S::L));
                    }
                    for r in 0..MR {
                        let a = S::set(*p[r].add(k + $u));
                        for v in 0..NV {
                            acc[r][v] = S::fma(a, b[v], acc[r][v]);
                        }
                    }
                }};
            }
            while k + 4 <= offset + len {
                S::prefetch(near);
                near = near.wrapping_add(16);
                step!(0);
                step!(1);
                step!(2);
                step!(3);
                w = w.add(4 * NV * S::L);
                k += 4;
            }
            while k < offset + len {
                step!(0);
                w = w.add(NV * S::L);
                k += 1;
            }
        }
        for v in 0..NV {
            let lanes = (channels - (v * S::L).min(channels)).min(S::L);
            if !bias.is_null() {
                let b = S::load_n(bias.add(first + v * S::L), lanes);
                for acc in &mut acc {
                    acc[v] = S::add(acc[v], b);
                }
            }
            for (r, acc) in acc.iter().enumerate() {
                let o = (*out.add(r)).add(first + v * S::L);
                if lanes == S::L {
                    S::store(o, acc[v]);
                } else {
                    S::store_n(o, acc[v], lanes);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn scatter<S: Simd, const MR: usize, const NV: usize>(
    segments: &[Run],
    x: *const f32,
    step: usize,
    dy: *const f32,
    acc_memory: *mut f32,
    acc_step: usize,
    fresh: bool,
) {
    // SAFETY: the caller gives segments within x, a panel of dy with a row a pixel, MR rows of NV * L accumulators.
    unsafe {
        let mut acc = [[S::zero(); NV]; MR];
        if !fresh {
            for r in 0..MR {
                for v in 0..NV {
                    acc[r][v] = S::load(acc_memory.add(r * acc_step + v * S::L));
                }
            }
        }
        let mut g = dy;
        for &(offset, pixels) in segments {
            let mut q = x.add(offset);
            macro_rules! step {
                ($u:expr) => {{
                    let mut b = [S::zero(); NV];
                    for v in 0..NV {
                        b[v] = S::load(g.add(($u * NV + v) * S::L));
                    }
                    for r in 0..MR {
                        let a = S::set(*q.add($u * step + r));
                        for v in 0..NV {
                            acc[r][v] = S::fma(a, b[v], acc[r][v]);
                        }
                    }
                }};
            }
            let mut left = pixels;
            while left >= 4 {
                step!(0);
                step!(1);
                step!(2);
                step!(3);
                q = q.add(4 * step);
                g = g.add(4 * NV * S::L);
                left -= 4;
            }
            while left > 0 {
                step!(0);
                q = q.add(step);
                g = g.add(NV * S::L);
                left -= 1;
            }
        }
        for r in 0..MR {
            for v in 0..NV {
                S::store(acc_memory.add(r * acc_step + v * S::L), acc[r][v]);
            }
        }
    }
}

macro_rules! tables {
    ($m:ident, $S:ty, $(#[$feature:meta])?, $($nv:literal: [$($mr:literal)*]),*) => {
        mod $m {
            use super::*;
            $(#[$feature])?
            #[allow(clippy::too_many_arguments)]
            unsafe fn g<const MR: usize, const NV: usize>(
                rows: *const *const f32, runs: &[Run], shift: usize, w: *const f32, out: *const *mut f32,
                first: usize, channels: usize, bias: *const f32, near: *const f32,
            ) {
                // SAFETY: the tile's own contract, handed through.
                unsafe { gather::<$S, MR, NV>(rows, runs, shift, w, out, first, channels, bias, near) }
            }
            $(#[$feature])?
            unsafe fn s<const MR: usize, const NV: usize>(
                segments: &[Run], x: *const f32, step: usize, dy: *const f32, acc: *mut f32, acc_step: usize, fresh: bool,
            ) {
                // SAFETY: the tile's own contract, handed through.
                unsafe { scatter::<$S, MR, NV>(segments, x, step, dy, acc, acc_step, fresh) }
            }
            pub fn gather_table(nv: usize) -> &'static [GatherTile] {
                match nv {
                    $($nv => const { &[$(g::<$mr, $nv> as GatherTile),*] },)*
                    _ => unreachable!("panels have no {nv} registers"),
                }
            }
            pub fn scatter_table(nv: usize) -> &'static [ScatterTile] {
                match nv {
                    $($nv => const { &[$(s::<$mr, $nv> as ScatterTile),*] },)*
                    _ => unreachable!("panels have no {nv} registers"),
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
tables!(avx512, Avx512, #[target_feature(enable = "avx512f,avx512vl,avx2,fma")],
    1: [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16], 2: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], 3: [1 2 3 4 5 6 7 8 9], 4: [1 2 3 4 5 6]);
#[cfg(target_arch = "x86_64")]
tables!(avx2, Avx2, #[target_feature(enable = "avx2,fma")], 1: [1 2 3 4 5 6 7 8 9 10 11 12], 2: [1 2 3 4 5 6], 3: [1 2 3 4]);
#[cfg(target_arch = "x86_64")]
tables!(scalar, Scalar, #[target_feature(enable = "fma")], 1: [1 2 3 4 5 6 7 8], 2: [1 2 3 4 5 6], 3: [1 2 3 4]);
tables!(soft, Scalar, , 1: [1 2 3 4 5 6 7 8], 2: [1 2 3 4 5 6], 3: [1 2 3 4]);

/// Gather tiles of 1, 2, ... rows with `registers` registers a row.
pub fn gather_table(registers: usize) -> &'static [GatherTile] {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::gather_table(registers),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::gather_table(registers),
        #[cfg(target_arch = "x86_64")]
        Level::Scalar => scalar::gather_table(registers),
        _ => soft::gather_table(registers),
    }
}

/// Scatter tiles of 1, 2, ... rows with `registers` registers a row.
pub fn scatter_table(registers: usize) -> &'static [ScatterTile] {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::scatter_table(registers),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::scatter_table(registers),
        #[cfg(target_arch = "x86_64")]
        Level::Scalar => scalar::scatter_table(registers),
        _ => soft::scatter_table(registers),
    }
}

/// Lanes of a register at the level in force.
pub fn lanes() -> usize {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Avx512::L,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Avx2::L,
        _ => Scalar::L,
    }
}

/// Registers a panel for the gather tile: whole panels where possible, wide ones first (6x4 and 8x3 beat 14x2: fewer row
/// pointers to hold).
pub fn gather_registers(channels: usize) -> usize {
    let v = channels.div_ceil(lanes());
    let most = match simd::level() {
        Level::Avx512 => 4,
        Level::Avx2 => 2,
        _ => 3,
    };
    (2..=most).rev().find(|n| v.is_multiple_of(*n)).unwrap_or(most.min(v))
}

/// Registers a panel for the scatter tile, which wants many rows instead: 14x2, 9x3.
pub fn scatter_registers(channels: usize) -> usize {
    let v = channels.div_ceil(lanes());
    if simd::level() == Level::Avx512 && v.is_multiple_of(3) { 3 } else { v.min(2) }
}
