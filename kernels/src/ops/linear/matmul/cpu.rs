//! The matrix product of batches: neighbours that share b are one taller product; small products run side by side.

use super::{Batch, sizes};
use crate::pool::{self, Ptr};
use crate::product::gather::matmul;
use crate::simd::Simd;
use crate::{Shape, Tensor, dispatch, tree};

/// Multiply-adds from which on one product is work for all threads.
const LARGE: usize = 1 << 20;
/// Contributions that are made side by side: a subtree of the fixed tree.
const GROUP: usize = 8;

/// Calls `f(i, part)` for every part of `len` numbers of `y`: side by side if one is little work.
fn each(y: &mut [f32], len: usize, work: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    if len == 0 {
        return;
    }
    if work >= LARGE {
        y.chunks_exact_mut(len).enumerate().for_each(|(i, y)| f(i, y));
    } else {
        pool::chunks_mut(y, len, f);
    }
}

pub(super) fn forward(a: &Tensor, b: &Tensor, c: &mut [f32]) {
    let batch = Batch::new(&a.shape(), &b.shape()).expect("checked when recorded");
    let ([m, k, n], (a, b)) = (sizes(a.shape(), b.shape()), (a.data(), b.data()));
    let tall = batch.tall();
    each(c, tall * m * n, tall * m * k * n, |i, c| {
        let (x, y) = (batch.operand(0, i * tall) * m * k, batch.operand(1, i * tall) * k * n);
        matmul(&a[x..][..tall * m * k], &b[y..][..k * n], None, [tall * m, k, n], [n, 1], c);
    });
}

pub(super) fn gradient_a([a, b]: [Shape; 2], y: &[f32], dy: &[f32]) -> Tensor {
    let batch = Batch::new(&a, &b).expect("checked when recorded");
    let ([m, k, n], mut da) = (sizes(a, b), Tensor::uninit(a));
    if batch.repeats(0) == 1 {
        let tall = batch.tall();
        each(da.data_mut(), tall * m * k, tall * m * k * n, |i, da| {
            let (g, y) = (&dy[i * tall * m * n..][..tall * m * n], &y[batch.operand(1, i * tall) * k * n..][..k * n]);
            matmul(g, y, None, [tall * m, n, k], [1, n], da);
        });
        return da;
    }
    merged(&batch, 0, da.data_mut(), m * k, m * k * n, |c, da| {
        matmul(&dy[c * m * n..][..m * n], &y[batch.operand(1, c) * k * n..][..k * n], None, [m, n, k], [1, n], da);
    });
    da
}

pub(super) fn gradient_b([a, b]: [Shape; 2], x: &[f32], dy: &[f32]) -> Tensor {
    let batch = Batch::new(&a, &b).expect("checked when recorded");
    let ([m, k, n], mut db) = (sizes(a, b), Tensor::uninit(b));
    merged(&batch, 1, db.data_mut(), k * n, m * k * n, |c, db| {
        let mut turned = Tensor::uninit([m * k]);
        let at = turned.data_mut();
        for (r, row) in x[batch.operand(0, c) * m * k..][..m * k].chunks_exact(k.max(1)).enumerate() {
            row.iter().enumerate().for_each(|(c, v)| at[c * m + r] = *v);
        }
        matmul(at, &dy[c * m * n..][..m * n], None, [k, m, n], [n, 1], db);
    });
    db
}

/// Each matrix of operand `o`, of `len` numbers, as the tree over the contributions `f(matrix of c)`.
fn merged(batch: &Batch, o: usize, to: &mut [f32], len: usize, work: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    let repeats = batch.repeats(o);
    if repeats == 0 {
        return to.fill(0.0);
    }
    if repeats == 1 {
        return each(to, len, work, |i, part| f(batch.use_of(o, i, 0), part));
    }
    if len == 0 {
        return;
    }
    let groups = repeats.div_ceil(GROUP);
    // Subtrees of 1, 2, 4, ... groups: as many as the number of groups has digits.
    let levels = (usize::BITS - groups.leading_zeros()) as usize;
    let mut memory = Tensor::uninit([(GROUP + levels) * len]);
    let (group, tops) = memory.data_mut().split_at_mut(GROUP * len);
    for (i, to) in to.chunks_exact_mut(len).enumerate() {
        for g in 0..groups {
            let members = GROUP.min(repeats - g * GROUP);
            let group = &mut group[..members * len];
            each(group, len, work, |j, part| f(batch.use_of(o, i, g * GROUP + j), part));
            sum_rows(group, len);
            let mut level = 0;
            while g >> level & 1 == 1 {
                join(&tops[level * len..][..len], &mut group[..len]);
                level += 1;
            }
            tops[level * len..][..len].copy_from_slice(&group[..len]);
        }
        // What is left: subtrees from the right, ever larger ones.
        let mut last = groups.trailing_zeros() as usize;
        to.copy_from_slice(&tops[last * len..][..len]);
        while let Some(level) = (last + 1..levels).find(|l| groups >> l & 1 == 1) {
            join(&tops[level * len..][..len], to);
            last = level;
        }
    }
}

/// Rows of `len` numbers, summed in the tree's order into the first.
fn sum_rows(rows: &mut [f32], len: usize) {
    const PART: usize = 1 << 12;
    let (n, all) = (rows.len() / len, Ptr(rows.as_mut_ptr()));
    pool::run(len.div_ceil(PART), |p| {
        let (first, size) = (p * PART, PART.min(len - p * PART));
        tree::pairwise(n, |i, j| {
            // SAFETY: one part of two different rows; parts are disjoint, and inside `rows`.
            let (x, y) = unsafe { (all.slice(i * len + first, size), all.slice(j * len + first, size)) };
            add(x, y);
        });
    });
}

/// right = left + right.
fn join(left: &[f32], right: &mut [f32]) {
    const PART: usize = 1 << 14;
    pool::chunks_mut(right, PART, |i, right| add(right, &left[i * PART..][..right.len()]));
}

dispatch! {
    /// x += y.
    fn add(x: &mut [f32], y: &[f32]) = add_body;
}

#[inline(always)]
fn add_body<S: Simd>(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += *y;
    }
}
