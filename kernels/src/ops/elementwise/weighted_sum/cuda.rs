//! Launches of the kernels.

use bytemuck::{Pod, Zeroable};

use super::{Sizes, TERMS, WeightedSum};
use crate::Tensor;
use crate::cuda::module::Words;
use crate::cuda::{Module, basic};
use crate::op::Backward;

/// The kernels.
pub static KERNELS: Module = Module::new("elementwise/weighted_sum", include_str!("kernel.cu"));

const THREADS: u32 = 128;

/// What all kernels are told: addresses of the terms, sizes.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Terms {
    at: [u64; TERMS],
    shared: u32,
    terms: i32,
    groups: i32,
    q: i32,
    weights: i32,
    first: i32,
}

impl Terms {
    fn of<'a>(op: &WeightedSum, s: &Sizes, terms: impl Iterator<Item = &'a Tensor>) -> Words<Self> {
        let mut at = [0; TERMS];
        at.iter_mut().zip(terms).for_each(|(at, x)| *at = x.address());
        let [terms, groups, q, weights, first] = [s.terms, s.groups, s.q, s.weights, op.first].map(|n| n as i32);
        Words(Self { at, shared: op.shared, terms, groups, q, weights, first })
    }
}

/// Fills y.
pub(super) fn forward(op: &WeightedSum, s: &Sizes, inputs: &[&Tensor], y: &mut Tensor) {
    let (n, terms) = (y.len(), Terms::of(op, s, inputs[1..].iter().copied()));
    KERNELS.kernel("mix").over(n, THREADS).arg(inputs[0]).arg(terms).arg(y).arg(n).launch();
}

/// Fills the gradients that there is room for.
pub(super) fn backward(op: &WeightedSum, s: &Sizes, b: &Backward<'_>, grads: &mut [Option<Tensor>]) {
    let terms = || Terms::of(op, s, (1..=s.terms).map(|i| b.input(i)));
    let (dw, dx) = grads.split_first_mut().expect("inferred");
    if let Some(dw) = dw {
        let (rows, width) = (s.chunks() * s.chains(), s.terms * s.width);
        let mut chains = Tensor::uninit_on(b.device(), [rows, width]);
        let launch = KERNELS.kernel("chains").over(rows * width, THREADS);
        launch.arg(terms()).arg(b.dy()).arg(&mut chains).arg(s.positions).arg(s.chains()).launch();
        basic::sum_rows(&mut chains, rows, width);
        let launch = KERNELS.kernel("columns").over(s.groups * s.weights, THREADS);
        launch.arg(terms()).arg(&mut chains).arg(dw).launch();
    }
    for (t, dx) in dx.iter_mut().enumerate() {
        if let Some(dx) = dx {
            let n = dx.len();
            let launch = KERNELS.kernel("gradient").over(n, THREADS);
            launch.arg(b.input(0)).arg(terms()).arg(b.dy()).arg(t).arg(dx).arg(n).launch();
        }
    }
}
