//! The fixed pairwise tree in which partial results are merged.
//!
//! Leaf `i` absorbs leaf `i + step` for `step = 1, 2, 4, ...` where `i` is a multiple of `2 * step` and `i + step` exists.
//! The shape depends on the number of leaves alone. An aligned group of `2^k` leaves is a subtree: a task may merge its
//! own group first, and the tree over the groups then gives the same bits.

/// Calls `merge(i, j)` (leaf i absorbs leaf j) in the tree's order over `n` leaves; the result is leaf 0.
#[inline(always)]
pub fn pairwise(n: usize, mut merge: impl FnMut(usize, usize)) {
    let mut step = 1;
    while step < n {
        let mut i = 0;
        while i + step < n {
            merge(i, i + step);
            i += 2 * step;
        }
        step *= 2;
    }
}

/// Sums rows of `width` numbers in the tree's order into row 0.
pub fn sum_rows(rows: &mut [f32], width: usize) {
    let n = rows.len() / width.max(1);
    pairwise(n, |i, j| {
        let (a, b) = rows.split_at_mut(j * width);
        for (x, y) in a[i * width..][..width].iter_mut().zip(&b[..width]) {
            *x += *y;
        }
    });
}

/// The sum of `leaves` in the tree's order; +0 if there are none.
pub fn sum<T: Copy + std::ops::Add<Output = T> + Default>(leaves: &mut [T]) -> T {
    pairwise(leaves.len(), |i, j| leaves[i] = leaves[i] + leaves[j]);
    leaves.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_a_power_of_two_are_subtrees() {
        for n in 1..70 {
            let leaf = |i: usize| 1.0 / (i as f32 + 0.7);
            let mut all: Vec<f32> = (0..n).map(leaf).collect();
            let whole = sum(&mut all);
            for g in [2, 4, 8, 16] {
                let mut tops: Vec<f32> =
                    (0..n).step_by(g).map(|s| sum(&mut (s..(s + g).min(n)).map(leaf).collect::<Vec<_>>())).collect();
                assert_eq!(sum(&mut tops).to_bits(), whole.to_bits(), "{n} leaves in groups of {g}");
            }
        }
    }

    #[test]
    fn rows_are_summed_as_scalars_are() {
        let rows: Vec<f32> = (0..7 * 3).map(|i| 0.1 * i as f32).collect();
        let mut r = rows.clone();
        sum_rows(&mut r, 3);
        for c in 0..3 {
            assert_eq!(r[c], sum(&mut (0..7).map(|i| rows[i * 3 + c]).collect::<Vec<_>>()));
        }
    }
}
