//! Turning a matrix over its diagonal, block by block: weights that lie across the order in which a product reads them.
//!
//! Numbers are moved, none is computed. A column at a time would fetch a line for each number and, where rows are a power of
//! two long, throw it out of its set again before the neighbour is asked for.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::simd::{self, Level};

/// Rows and columns of a block: a line each.
const BLOCK: usize = 16;

/// `to[c * to_step + r] = from[r * from_step + c]` for `rows` r and `columns` c.
///
/// # Panics
/// If a row does not lie within its slice, or is longer than its step.
pub fn turn(from: &[f32], from_step: usize, size: [usize; 2], to: &mut [f32], to_step: usize) {
    turn_by(whole(simd::level()), from, from_step, size, to, to_step);
}

fn turn_by(
    whole: Option<Whole>,
    from: &[f32],
    from_step: usize,
    [rows, columns]: [usize; 2],
    to: &mut [f32],
    to_step: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns <= from_step || rows == 1, "rows of {columns} numbers, {from_step} apart");
    assert!(rows <= to_step || columns == 1, "rows of {rows} numbers, {to_step} apart");
    assert!((rows - 1) * from_step + columns <= from.len() && (columns - 1) * to_step + rows <= to.len());
    for r in (0..rows).step_by(BLOCK) {
        let height = BLOCK.min(rows - r);
        for c in (0..columns).step_by(BLOCK) {
            let width = BLOCK.min(columns - c);
            let (from, to) = (&from[r * from_step + c..], &mut to[c * to_step + r..]);
            match whole {
                // SAFETY: 16 rows of 16 numbers lie in both (asserted above); the level's instructions exist.
                Some(block) if height == BLOCK && width == BLOCK => unsafe {
                    block(from.as_ptr(), from_step, to.as_mut_ptr(), to_step);
                },
                _ => {
                    for i in 0..height {
                        for (j, x) in from[i * from_step..][..width].iter().enumerate() {
                            to[j * to_step + i] = *x;
                        }
                    }
                }
            }
        }
    }
}

/// Turns a block of 16 rows of 16.
type Whole = unsafe fn(*const f32, usize, *mut f32, usize);

fn whole(level: Level) -> Option<Whole> {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Some(avx512),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Some(avx2),
        _ => None,
    }
}

/// # Safety
/// Rows within their memory; AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut r = [_mm512_setzero_ps(); BLOCK];
        for (i, r) in r.iter_mut().enumerate() {
            *r = _mm512_loadu_ps(from.add(i * from_step));
        }
        // Pairs of rows, then fours: lane q of `fours[4 g + j]` holds column 4 q + j of rows 4 g to 4 g + 3.
        let mut fours = [_mm512_setzero_ps(); BLOCK];
        for g in 0..4 {
            let row = [r[4 * g], r[4 * g + 1], r[4 * g + 2], r[4 * g + 3]];
            let (a, b) = (_mm512_unpacklo_ps(row[0], row[1]), _mm512_unpacklo_ps(row[2], row[3]));
            let (c, d) = (_mm512_unpackhi_ps(row[0], row[1]), _mm512_unpackhi_ps(row[2], row[3]));
            fours[4 * g] = _mm512_shuffle_ps::<0b01_00_01_00>(a, b);
            fours[4 * g + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(a, b);
            fours[4 * g + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(c, d);
            fours[4 * g + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(c, d);
        }
        for j in 0..4 {
            let quarter = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]];
            let (a, b) = (
                _mm512_shuffle_f32x4::<0b10_00_10_00>(quarter[0], quarter[1]),
                _mm512_shuffle_f32x4::<0b10_00_10_00>(quarter[2], quarter[3]),
            );
            let (c, d) = (
                _mm512_shuffle_f32x4::<0b11_01_11_01>(quarter[0], quarter[1]),
                _mm512_shuffle_f32x4::<0b11_01_11_01>(quarter[2], quarter[3]),
            );
            _mm512_storeu_ps(to.add(j * to_step), _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b));
            _mm512_storeu_ps(to.add((8 + j) * to_step), _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b));
            _mm512_storeu_ps(to.add((4 + j) * to_step), _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d));
            _mm512_storeu_ps(to.add((12 + j) * to_step), _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d));
        }
    }
}

/// # Safety
/// Rows within their memory; AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
    for (top, left) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
        // SAFETY: the caller's promise: four blocks of 8 rows of 8.
        unsafe {
            let mut r = [_mm256_setzero_ps(); 8];
            for (i, r) in r.iter_mut().enumerate() {
                *r = _mm256_loadu_ps(from.add((top + i) * from_step + left));
            }
            let mut fours = [_mm256_setzero_ps(); 8];
            for g in 0..2 {
                let row = [r[4 * g], r[4 * g + 1], r[4 * g + 2], r[4 * g + 3]];
                let (a, b) = (_mm256_unpacklo_ps(row[0], row[1]), _mm256_unpacklo_ps(row[2], row[3]));
                let (c, d) = (_mm256_unpackhi_ps(row[0], row[1]), _mm256_unpackhi_ps(row[2], row[3]));
                fours[4 * g] = _mm256_shuffle_ps::<0b01_00_01_00>(a, b);
                fours[4 * g + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(a, b);
                fours[4 * g + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(c, d);
                fours[4 * g + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(c, d);
            }
            for j in 0..4 {
                let to = to.add((left + j) * to_step + top);
                _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x20>(fours[j], fours[4 + j]));
                _mm256_storeu_ps(to.add(4 * to_step), _mm256_permute2f128_ps::<0x31>(fours[j], fours[4 + j]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_lands_in_its_place_at_every_level() {
        for level in Level::ALL.into_iter().filter(|l| l.available()) {
            for (rows, columns) in [(1, 1), (16, 16), (3, 40), (33, 17), (64, 256), (48, 32), (0, 5)] {
                let (from_step, to_step) = (columns + 3, rows + 5);
                let from: Vec<f32> = (0..rows * from_step + columns).map(|i| i as f32).collect();
                let mut to = vec![-1.0; columns * to_step + rows];
                turn_by(whole(level), &from, from_step, [rows, columns], &mut to, to_step);
                for (i, &got) in to.iter().enumerate() {
                    let (c, r) = (i / to_step, i % to_step);
                    let want = if c < columns && r < rows { from[r * from_step + c] } else { -1.0 };
                    assert_eq!(got, want, "{level}: {rows} x {columns}, number {r} of column {c}");
                }
            }
        }
    }
}
