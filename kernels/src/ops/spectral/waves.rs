//! Truncated Fourier sums as real matrices: every entry is computed in f64 and rounded once.
//!
//! A complex number is two neighbours, real part first, in rows and in columns. Angles `2 pi m / n` are reduced by whole
//! numbers to at most an eighth of a turn, so quarter turns are exact: what must vanish does.

use std::f64::consts::FRAC_PI_2;

use crate::Tensor;
use crate::math::{cos, sin};

/// Cosine and sine of `2 pi m / n`.
pub fn turn(m: usize, n: usize) -> (f64, f64) {
    let m = 4 * (m % n);
    let (quarter, rest) = (m / n, m % n);
    let angle = |part: usize| FRAC_PI_2 * (part as f64 / n as f64);
    let (c, s) =
        if 2 * rest <= n { (cos(angle(rest)), sin(angle(rest))) } else { (sin(angle(n - rest)), cos(angle(n - rest))) };
    match quarter {
        0 => (c, s),
        1 => (-s, c),
        2 => (-c, -s),
        _ => (s, -c),
    }
}

/// Which frequency the kept row `j` of `rows` is: `0 .. rows - modes`, then `height - modes .. height`.
pub fn row(j: usize, rows: usize, modes: usize, height: usize) -> usize {
    if j < rows - modes { j } else { height - rows + j }
}

/// Rows kept of `height`: `modes` from each end.
pub fn rows(modes: usize, height: usize) -> usize {
    height.min(2 * modes)
}

/// Real to complex along the width, `[W, 2 modes]`: `e^(-2 pi i k w / W)`.
pub fn along_width(width: usize, modes: usize, mut put: impl FnMut(usize, f64)) {
    each(width, width, (0..modes).enumerate(), |w, k, (c, s)| {
        put(w * 2 * modes + 2 * k, c);
        put(w * 2 * modes + 2 * k + 1, -s);
    });
}

/// Complex to complex along the height, `[2 H, 2 rows]`: `e^(-2 pi i r h / H)`, r the kept rows' frequencies.
pub fn along_height(height: usize, modes: usize, mut put: impl FnMut(usize, f64)) {
    let rows = rows(modes, height);
    let kept = (0..rows).map(|j| row(j, rows, modes, height)).enumerate();
    each(height, height, kept, |h, j, (c, s)| {
        let at = |part: usize| (2 * h + part) * 2 * rows + 2 * j;
        put(at(0), c);
        put(at(0) + 1, -s);
        put(at(1), s);
        put(at(1) + 1, c);
    });
}

/// Back along the height, `[2 rows, 2 H]`: `e^(2 pi i r h / H)`.
pub fn back_along_height(height: usize, modes: usize, mut put: impl FnMut(usize, f64)) {
    let rows = rows(modes, height);
    let kept = (0..rows).map(|j| row(j, rows, modes, height)).enumerate();
    each(height, height, kept, |h, j, (c, s)| {
        let at = |part: usize| (2 * j + part) * 2 * height + 2 * h;
        put(at(0), c);
        put(at(0) + 1, s);
        put(at(1), -s);
        put(at(1) + 1, c);
    });
}

/// Back along the width to real numbers, `[2 modes, W]`, divided by `H W`: a column but the first, and but W/2 of an even W,
/// stands for its mirror image too and counts twice. The imaginary parts of those two columns meet zeros.
pub fn back_along_width(height: usize, width: usize, modes: usize, mut put: impl FnMut(usize, f64)) {
    let all = (height * width) as f64;
    each(width, width, (0..modes).enumerate(), |w, k, (c, s)| {
        let share = if k == 0 || 2 * k == width { 1.0 } else { 2.0 };
        put(2 * k * width + w, share * c / all);
        put((2 * k + 1) * width + w, -(share * s) / all);
    });
}

/// Calls `f(position, number, (cos, sin))` for every position and every (number, frequency).
fn each(
    positions: usize,
    n: usize,
    frequencies: impl Iterator<Item = (usize, usize)>,
    mut f: impl FnMut(usize, usize, (f64, f64)),
) {
    let mut scratch = Tensor::uninit([4 * n]); // two f64 a turn
    let turns: &mut [[f64; 2]] = bytemuck::cast_slice_mut(scratch.data_mut());
    turns.iter_mut().enumerate().for_each(|(m, t)| *t = turn(m, n).into());
    for (number, frequency) in frequencies {
        (0..positions).for_each(|p| f(p, number, turns[p * frequency % n].into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_exact_at_quarters_and_right_between() {
        for n in [1, 2, 3, 4, 7, 8, 12, 85, 94] {
            for m in 0..3 * n {
                let (c, s) = turn(m, n);
                assert!((c * c + s * s - 1.0).abs() < 1e-15, "{m} of {n}");
                let angle = std::f64::consts::TAU * m as f64 / n as f64;
                assert!((c - cos(angle)).abs() < 1e-14 && (s - sin(angle)).abs() < 1e-14, "{m} of {n}");
                if 2 * m % n == 0 {
                    assert!(s == 0.0 && c.abs() == 1.0, "{m} of {n}");
                } else if 4 * m % n == 0 {
                    assert!(c == 0.0 && s.abs() == 1.0, "{m} of {n}");
                }
            }
        }
    }

    #[test]
    fn rows_come_from_both_ends_and_the_second_wins() {
        let kept = |modes, height| (0..rows(modes, height)).map(move |j| row(j, rows(modes, height), modes, height));
        assert_eq!(kept(2, 7).collect::<Vec<_>>(), [0, 1, 5, 6]);
        assert_eq!(kept(3, 5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(kept(4, 4).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
