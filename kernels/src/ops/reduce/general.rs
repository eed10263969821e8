//! Reductions whose dimensions are not neighbours: the same orders, one sum at a time.

use super::{CHUNK, Plan};
use crate::pool;
use crate::shape::MAX_RANK;

/// Numbers a task should at least touch.
const TASK: usize = 1 << 14;

impl Plan {
    /// Distances in x, and in y (0 along reduced dimensions).
    pub(super) fn strides(&self) -> ([usize; MAX_RANK], [usize; MAX_RANK]) {
        let (mut sx, mut sy) = ([0; MAX_RANK], [0; MAX_RANK]);
        let (mut in_x, mut in_y) = (1, 1);
        for d in (0..self.rank).rev() {
            sx[d] = in_x;
            in_x *= self.sizes[d];
            if !self.reduced[d] {
                sy[d] = in_y;
                in_y *= self.sizes[d];
            }
        }
        (sx, sy)
    }

    /// Where element `i` of the dimensions that are reduced (or are not) lies, by `strides`.
    fn offset(&self, mut i: usize, reduced: bool, strides: &[usize; MAX_RANK]) -> usize {
        let mut at = 0;
        for d in (0..self.rank).rev().filter(|&d| self.reduced[d] == reduced) {
            at += i % self.sizes[d] * strides[d];
            i /= self.sizes[d];
        }
        at
    }
}

/// Fills y.
pub(super) fn sum(plan: &Plan, x: &[f32], y: &mut [f32]) {
    let (sx, _) = plan.strides();
    let terms = plan.terms();
    let last = (0..plan.rank).rev().find(|&d| plan.reduced[d]).expect("something is reduced");
    let (run, step) = (plan.sizes[last], sx[last]);
    let per = (TASK / terms).max(1);
    pool::chunks_mut(y, per, |i, y| {
        for (k, y) in y.iter_mut().enumerate() {
            let base = plan.offset(i * per + k, false, &sx);
            // The fixed tree as it grows: subtrees that wait for a partner, one a level.
            let (mut waiting, mut depth, mut leaves) = ([0.0f32; usize::BITS as usize], 0, 0usize);
            let mut start = 0;
            while start < terms {
                let end = (start + CHUNK).min(terms);
                let (mut s, mut t) = (0.0f32, start);
                while t < end {
                    let n = (run - t % run).min(end - t);
                    let at = base + plan.offset(t, true, &sx);
                    for r in 0..n {
                        s += x[at + r * step];
                    }
                    t += n;
                }
                (waiting[depth], depth, leaves, start) = (s, depth + 1, leaves + 1, end);
                for _ in 0..leaves.trailing_zeros() {
                    depth -= 1;
                    waiting[depth - 1] += waiting[depth];
                }
            }
            while depth > 1 {
                depth -= 1;
                waiting[depth - 1] += waiting[depth];
            }
            *y = waiting[0];
        }
    });
}

/// Fills dx.
pub(super) fn broadcast(plan: &Plan, dy: &[f32], dx: &mut [f32]) {
    let (_, sy) = plan.strides();
    let (run, kept) = (plan.sizes[plan.rank - 1], !plan.reduced[plan.rank - 1]);
    let rows = (TASK / run).max(1);
    pool::chunks_mut(dx, rows * run, |i, dx| {
        for (r, dx) in dx.chunks_exact_mut(run).enumerate() {
            let (mut row, mut at) = (i * rows + r, 0);
            for d in (0..plan.rank - 1).rev() {
                at += row % plan.sizes[d] * sy[d];
                row /= plan.sizes[d];
            }
            if kept { dx.copy_from_slice(&dy[at..][..run]) } else { dx.fill(dy[at]) }
        }
    });
}
