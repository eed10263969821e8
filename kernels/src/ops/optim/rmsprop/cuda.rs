//! Launches of the kernel.

use super::{Numbers, RmsProp, State};
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::step::{Changing, put};

/// The kernel.
pub static KERNELS: Module = Module::new("optim/rmsprop", include_str!("kernel.cu"));

/// One step.
pub(super) fn step(rule: &RmsProp, k: Numbers, p: &mut Tensor, g: &Tensor, state: State<'_, Tensor>) {
    let (n, rate) = (p.len(), put(Changing::Rate(k.lr)));
    let wd = if rule.weight_decay == 0.0 { 0.0 } else { k.wd };
    KERNELS
        .kernel("rmsprop")
        .over(n, 256)
        .arg(p)
        .arg(g)
        .arg(state.square)
        .arg(state.mean)
        .arg(state.buffer)
        .arg(rate)
        .arg(k.c)
        .arg(k.eps)
        .arg(wd)
        .arg(k.momentum)
        .arg(n)
        .launch();
}
