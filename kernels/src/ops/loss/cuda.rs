//! Launches of the losses' kernels.

use super::{CrossEntropy, Reduction, samples};
use crate::cuda::Module;
use crate::math::sum::CHUNK;
use crate::{Tensor, cuda::module::Launch};

/// The kernels.
pub static KERNELS: Module = Module::new("loss", include_str!("kernel.cu"));

/// Threads of a block, and of the one that ends a sum.
const THREADS: u32 = 128;
const TOTAL: u32 = 512;

fn number(r: Reduction) -> i32 {
    match r {
        Reduction::Mean => 0,
        Reduction::Sum => 1,
        Reduction::None => 2,
    }
}

/// A pointwise loss as the kernels number it, and its parameter.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub(crate) number: i32,
    pub(crate) beta: f64,
}

/// Room for `n` numbers of f64 where `x` lives.
fn wide(x: &Tensor, n: usize) -> Tensor {
    Tensor::uninit_on(x.device(), [2 * n.max(1)])
}

/// A launch of eight lanes for each of `n` items.
fn eights(name: &'static str, n: usize) -> Launch {
    KERNELS.kernel(name).grid([(8 * n).div_ceil(THREADS as usize), 1, 1], THREADS)
}

fn one_block(name: &'static str) -> Launch {
    KERNELS.kernel(name).grid([1, 1, 1], TOTAL)
}

/// Chunks of a sample of `m` terms; a sample of none has an empty one.
fn chunks(m: usize) -> usize {
    m.div_ceil(CHUNK).max(1)
}

/// y = the reduction of leaves [n, per], of a loss of `count` terms.
fn total(leaves: &mut Tensor, y: &mut Tensor, n: usize, per: usize, r: Reduction, count: usize) {
    one_block("total").arg(leaves).arg(y).arg(n).arg(per).arg(number(r)).arg(count as f64).launch();
}

pub(super) fn pointwise(kind: Kind, r: Reduction, x: &Tensor, t: &Tensor, w: Option<&Tensor>, y: &mut Tensor) {
    let (n, m) = samples(&x.shape());
    let weights = w.map_or(1, Tensor::len);
    if r == Reduction::None {
        let launch = KERNELS.kernel("pointwise_terms").over(x.len(), THREADS).arg(x).arg(t).arg(w).arg(y);
        launch.arg(x.len()).arg(weights).arg(kind.number).arg(kind.beta).launch();
        return;
    }
    let per = chunks(m);
    let mut leaves = wide(x, n * per);
    let launch = eights("pointwise_chunks", n * per).arg(x).arg(t).arg(w).arg(&mut leaves);
    launch.arg(n * per).arg(per).arg(m).arg(weights).arg(kind.number).arg(kind.beta).launch();
    total(&mut leaves, y, n, per, r, x.len());
}

pub(super) fn pointwise_gradient(
    kind: Kind,
    r: Reduction,
    [x, t, dy]: [&Tensor; 3],
    w: Option<&Tensor>,
    dx: &mut Tensor,
) {
    let launch = KERNELS.kernel("pointwise_gradient").over(x.len(), THREADS).arg(x).arg(t).arg(w).arg(dy).arg(dx);
    let launch = launch.arg(x.len()).arg(w.map_or(1, Tensor::len));
    launch.arg(kind.number).arg(kind.beta).arg(number(r)).launch();
}

/// Both sums of squares: leaves [n, 2, per].
fn squares(x: &Tensor, t: &Tensor) -> (Tensor, usize) {
    let (n, m) = samples(&x.shape());
    let per = chunks(m);
    let mut leaves = wide(x, 2 * n * per);
    let launch = eights("relative_chunks", n * per).arg(x).arg(t).arg(&mut leaves);
    launch.arg(n * per).arg(per).arg(m).launch();
    (leaves, per)
}

pub(super) fn relative(r: Reduction, x: &Tensor, t: &Tensor, y: &mut Tensor) {
    let (mut leaves, per) = squares(x, t);
    one_block("relative_total").arg(&mut leaves).arg(y).arg(x.shape()[0]).arg(per).arg(number(r)).launch();
}

pub(super) fn relative_gradient(r: Reduction, x: &Tensor, t: &Tensor, dy: &Tensor, dx: &mut Tensor) {
    let (n, m) = samples(&x.shape());
    let (mut leaves, per) = squares(x, t);
    one_block("relative_factors").arg(&mut leaves).arg(dy).arg(n).arg(per).arg(number(r)).launch();
    let launch = KERNELS.kernel("relative_gradient").over(x.len(), THREADS).arg(x).arg(t).arg(&leaves).arg(dx);
    launch.arg(x.len()).arg(per).arg(m).launch();
}

pub(super) fn entropy(op: &CrossEntropy, x: &Tensor, target: &Tensor, y: &mut Tensor) {
    let (rows, smoothing) = (target.len(), f64::from(op.label_smoothing));
    let terms = |terms: Option<&mut Tensor>, y: Option<&mut Tensor>| {
        let launch = eights("entropy_terms", rows).arg(x).arg(target).arg(terms).arg(y);
        launch.arg(rows).arg(x.shape().last()).arg(smoothing).launch();
    };
    if op.reduction == Reduction::None {
        return terms(None, Some(y));
    }
    let mut each = wide(x, rows);
    terms(Some(&mut each), None);
    let (n, m) = samples(&target.shape());
    let per = chunks(m);
    let mut leaves = wide(x, n * per);
    let launch = eights("entropy_chunks", n * per).arg(&each).arg(&mut leaves);
    launch.arg(n * per).arg(per).arg(m).launch();
    total(&mut leaves, y, n, per, op.reduction, rows);
}

pub(super) fn entropy_gradient(op: &CrossEntropy, x: &Tensor, target: &Tensor, dy: &Tensor, dx: &mut Tensor) {
    let rows = target.len();
    let launch = eights("entropy_gradient", rows).arg(x).arg(target).arg(dy).arg(dx).arg(rows).arg(x.shape().last());
    launch.arg(f64::from(op.label_smoothing)).arg(number(op.reduction)).launch();
}
