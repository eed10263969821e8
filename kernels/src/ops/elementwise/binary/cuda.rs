//! Launches of the kernels.

use bytemuck::{Pod, Zeroable};

use super::plan::Plan;
use super::{Kind, ROWS};
use crate::Tensor;
use crate::cuda::module::Words;
use crate::cuda::{Module, driver};
use crate::math::sum::CHUNK;
use crate::shape::MAX_RANK;

/// The kernels.
pub static KERNELS: Module = Module::new("elementwise/binary", include_str!("kernel.cu"));

/// As `kernel.cu` has it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct CardPlan {
    size: [i32; MAX_RANK],
    a: [i32; MAX_RANK],
    b: [i32; MAX_RANK],
    rank: i32,
}

fn words(plan: &Plan) -> Words<CardPlan> {
    let ints = |x: &[usize; MAX_RANK]| x.map(|n| n as i32);
    let (size, [a, b]) = plan.dimensions();
    Words(CardPlan { size: ints(size), a: ints(a), b: ints(b), rank: plan.rank() as i32 })
}

/// `y = a ? b`.
pub(super) fn forward(kind: Kind, plan: &Plan, a: &Tensor, b: &Tensor, y: &mut Tensor) {
    let (n, kind) = (y.len(), kind as i32);
    KERNELS.kernel("binary").over(n, 256).arg(a).arg(b).arg(y).arg(words(plan)).arg(kind).arg(n).launch();
}

/// Gradient of input `i`; `saved` are a and b where the operation needs them.
pub(super) fn backward(kind: Kind, i: usize, plan: &Plan, dy: &Tensor, [a, b]: [Option<&Tensor>; 2], dx: &mut Tensor) {
    // The term's form, u, v, and whether u is b: as `kernel.cu` numbers them.
    let (form, u, v, u_is_b) = match (kind, i) {
        (Kind::Add, _) | (Kind::Sub, 0) => (0, None, None, false),
        (Kind::Sub, _) => (1, None, None, false),
        (Kind::Mul, 0) => (2, b, None, true),
        (Kind::Mul, _) => (2, a, None, false),
        (Kind::Div, 0) => (3, b, None, true),
        (Kind::Div, _) => (4, a, b, false),
    };
    if dy.is_empty() {
        return driver::card().fill(dx.address_mut(), 0, dx.len());
    }
    let words = words(plan);
    if !plan.reduces(i) {
        let n = dy.len();
        let launch = KERNELS.kernel("binary_gradient").over(n, 256).arg(dy).arg(u).arg(v).arg(dx);
        return launch.arg(words).arg(form).arg(u_is_b).arg(n).launch();
    }
    let (outs, (reduced, _), down) = (dx.len(), plan.counts(i), plan.inner_step(i) != 0);
    let leaves = if down { reduced.div_ceil(ROWS) } else { reduced * plan.inner().div_ceil(CHUNK) };
    let count = leaves * outs;
    let mut parts = Tensor::uninit_on(dy.device(), [2 * count]); // f64
    let (name, threads) = if down { ("binary_columns", count) } else { ("binary_runs", 8 * count) };
    let launch = KERNELS.kernel(name).over(threads, 128).arg(dy).arg(u).arg(v).arg(&mut parts);
    let launch = launch.arg(words).arg(form).arg(u_is_b).arg(i);
    let launch = if down { launch.arg(reduced) } else { launch };
    launch.arg(outs).arg(count).launch();
    let mut step = 1;
    while step < leaves {
        let pairs = (leaves - step).div_ceil(2 * step) * outs;
        let launch = KERNELS.kernel("binary_merge").over(pairs, 256).arg(&mut parts);
        launch.arg(step).arg(leaves).arg(outs).arg(pairs).launch();
        step *= 2;
    }
    KERNELS.kernel("binary_round").over(outs, 256).arg(&parts).arg(dx).arg(outs).launch();
}
