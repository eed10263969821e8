//! Launches of the kernel.

use super::Sgd;
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::step::{Changing, put};

/// The kernel.
pub static KERNELS: Module = Module::new("optim/sgd", include_str!("kernel.cu"));

/// One step; `buffer` is there where the rule has momentum.
pub fn step(sgd: &Sgd, lr: f32, p: &mut Tensor, g: &Tensor, buffer: Option<&mut Tensor>, first: bool) {
    let (n, rate) = (p.len(), put(Changing::Rate(lr)));
    KERNELS
        .kernel("sgd")
        .over(n, 256)
        .arg(p)
        .arg(g)
        .arg(buffer)
        .arg(rate)
        .arg(sgd.momentum)
        .arg(sgd.weight_decay)
        .arg(sgd.nesterov)
        .arg(first)
        .arg(n)
        .launch();
}
