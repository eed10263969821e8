//! Long sums, in the order that losses, norms and broadcasts specify.
//!
//! *The long sum* of n terms: chunks of [`CHUNK`] terms; inside one, term i goes to accumulator `i mod 8` (eight of
//! them, f64, from +0, ascending), and the eight are summed in the fixed tree; then the chunks are, in order
//! ([`crate::tree`]). Eight is a constant, not the SIMD width: the order depends on n alone.

use crate::tree;

/// Terms of a chunk.
pub const CHUNK: usize = 4096;

/// The eight accumulators in the tree's order.
#[inline(always)]
pub fn eight(a: [f64; 8]) -> f64 {
    ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]))
}

/// One chunk: the sum of `f` over the elements of two slices of one length (at most [`CHUNK`]).
#[inline(always)]
pub fn chunk<A: Copy, B: Copy>(a: &[A], b: &[B], f: impl Fn(A, B) -> f64) -> f64 {
    let mut acc = [0.0; 8];
    let (wide_a, wide_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let (rest_a, rest_b) = (wide_a.remainder(), wide_b.remainder());
    for (a, b) in wide_a.zip(wide_b) {
        for j in 0..8 {
            acc[j] += f(a[j], b[j]);
        }
    }
    for (j, (&a, &b)) in rest_a.iter().zip(rest_b).enumerate() {
        acc[j] += f(a, b);
    }
    eight(acc)
}

/// The long sum of `f` over the elements of two slices of one length.
#[inline(always)]
pub fn pairs<A: Copy, B: Copy>(a: &[A], b: &[B], f: impl Fn(A, B) -> f64) -> f64 {
    if a.len() <= CHUNK {
        return chunk(a, b, f);
    }
    // The tree as a stack of subtrees, each twice the next: no memory, however many the chunks.
    let mut stack = Tree::default();
    for (a, b) in a.chunks(CHUNK).zip(b.chunks(CHUNK)) {
        stack.push(chunk(a, b, &f));
    }
    stack.sum()
}

/// The fixed tree over leaves that come one by one, of any number below 2^40.
pub struct Tree {
    tops: [f64; 40],
    leaves: usize,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// Of no leaves.
    pub const fn new() -> Self {
        Self { tops: [0.0; 40], leaves: 0 }
    }

    /// The next leaf.
    pub fn push(&mut self, leaf: f64) {
        let (mut x, mut level) = (leaf, 0);
        while self.leaves >> level & 1 == 1 {
            x += self.tops[level];
            level += 1;
        }
        self.tops[level] = x;
        self.leaves += 1;
    }

    /// The sum of all leaves so far; +0 of none.
    pub fn sum(&self) -> f64 {
        let mut sum: Option<f64> = None;
        for level in (0..40).filter(|l| self.leaves >> l & 1 == 1) {
            sum = Some(sum.map_or(self.tops[level], |s| self.tops[level] + s));
        }
        sum.unwrap_or_default()
    }
}

/// The long sum as the references have it, term by term.
pub fn long(n: usize, term: impl Fn(usize) -> f64) -> f64 {
    let mut chunks: Vec<f64> = (0..n)
        .step_by(CHUNK)
        .map(|start| {
            let mut acc = [0.0; 8];
            for i in start..n.min(start + CHUNK) {
                acc[(i - start) % 8] += term(i);
            }
            tree::sum(&mut acc)
        })
        .collect();
    tree::sum(&mut chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_sum_is_the_long_sum() {
        for n in [0, 1, 7, 8, 9, 4095, 4096, 4097, 3 * 4096 + 5, 7 * 4096, 8 * 4096 + 1] {
            let x: Vec<f64> = (0..n).map(|i| 1.0 / (i as f64 + 0.3)).collect();
            assert_eq!(pairs(&x, &x, |a, b| a * b + 0.1).to_bits(), long(n, |i| x[i] * x[i] + 0.1).to_bits(), "{n}");
        }
    }
}
