//! Launches of the kernel.

use super::{Adam, Numbers};
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::step::put;

/// The kernel.
pub static KERNELS: Module = Module::new("optim/adam", include_str!("kernel.cu"));

/// One step.
pub(super) fn step(adam: &Adam, k: Numbers, p: &mut Tensor, g: &Tensor, m: &mut Tensor, v: &mut Tensor) {
    let (n, now) = (p.len(), put(k.changing()));
    let decay = match (adam.weight_decay != 0.0, adam.decoupled) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    KERNELS
        .kernel("adam")
        .over(n, 256)
        .arg(p)
        .arg(g)
        .arg(m)
        .arg(v)
        .arg(now)
        .arg(k.c1)
        .arg(k.c2)
        .arg(k.eps)
        .arg(k.wd)
        .arg(decay)
        .arg(n)
        .launch();
}
