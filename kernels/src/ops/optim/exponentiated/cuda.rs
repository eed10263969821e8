//! Launches of the kernel.

use super::Exponentiated;
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::step::{Changing, put};

/// The kernel.
pub static KERNELS: Module = Module::new("optim/exponentiated", include_str!("kernel.cu"));

/// One step: a launch for each length of a row.
pub(super) fn step(rule: &Exponentiated<'_>, lr: f64, p: &mut Tensor, g: &Tensor) {
    if p.is_empty() {
        return;
    }
    let (period, mut start) = (rule.rows.iter().sum::<usize>(), 0);
    for &row in rule.rows {
        let (rows, rate) = (p.len() / period, put(Changing::Rate64(lr)));
        let launch = KERNELS.kernel("exponentiated").over(rows, 64).arg(&mut *p).arg(g).arg(rate).arg(rule.floor);
        launch.arg(rows).arg(row).arg(start).arg(period).launch();
        start += row;
    }
}
