//! The matrix product of batches on the card: one launch a product, and the fixed tree where an operand is shared.

use super::{Batch, sizes};
use crate::cuda::basic;
use crate::product::cuda;
use crate::{Shape, Tensor};

pub(super) fn forward(a: &Tensor, b: &Tensor, c: &mut Tensor) {
    let batch = Batch::new(&a.shape(), &b.shape()).expect("checked when recorded");
    let [m, k, n] = sizes(a.shape(), b.shape());
    let apart = [batch.apart(0, m * k), batch.apart(1, k * n), batch.results(m * n)];
    cuda::matmuls(a, b, [m, k, n], [n, 1], side_by_side(&batch, &apart), c);
}

pub(super) fn gradient_a([a, b]: [Shape; 2], y: &Tensor, dy: &Tensor, da: &mut Tensor) {
    let batch = Batch::new(&a, &b).expect("checked when recorded");
    let [m, k, n] = sizes(a, b);
    merged(&batch, 0, m * k, da, |at, to| {
        let apart = [batch.results(m * n), batch.apart(1, k * n), at];
        cuda::matmuls(dy, y, [m, n, k], [1, n], side_by_side(&batch, &apart), to);
    });
}

pub(super) fn gradient_b([a, b]: [Shape; 2], x: &Tensor, dy: &Tensor, db: &mut Tensor) {
    let batch = Batch::new(&a, &b).expect("checked when recorded");
    let [m, k, n] = sizes(a, b);
    merged(&batch, 1, k * n, db, |at, to| {
        let apart = [batch.apart(0, m * k), batch.results(m * n), at];
        cuda::transposed_matmuls(x, dy, [m, k, n], side_by_side(&batch, &apart), to);
    });
}

fn side_by_side(batch: &Batch, apart: &[[usize; crate::shape::MAX_RANK]; 3]) -> cuda::Batch {
    let rank = batch.sizes().len();
    cuda::Batch::new(batch.sizes(), [&apart[0][..rank], &apart[1][..rank], &apart[2][..rank]])
}

/// Operand `o`'s gradient, matrices of `len` numbers: `each` makes the contributions, given how far apart they lie.
fn merged(
    batch: &Batch,
    o: usize,
    len: usize,
    to: &mut Tensor,
    each: impl FnOnce([usize; crate::shape::MAX_RANK], &mut Tensor),
) {
    let (repeats, width) = (batch.repeats(o), to.len());
    let at = batch.contributions(o, len, width);
    match repeats {
        0 => *to = Tensor::full_on(to.device(), to.shape(), 0.0),
        1 => each(at, to),
        _ => {
            let mut parts = Tensor::uninit_on(to.device(), [repeats, width]);
            each(at, &mut parts);
            basic::sum_rows_to(&mut parts, repeats, width, to);
        }
    }
}
