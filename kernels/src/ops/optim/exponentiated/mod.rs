//! Exponentiated gradient over points of simplices: multiply, then normalise each row of the last axis.
//!
//! In f64, for every row, lr as it is: `u_j = p_j * exp(-(lr * g_j))`, `s` = the plain sum of the u from +0, j ascending;
//! then `p_j = u_j / s`, rounded once to f32. A row that was no distribution becomes one; a row whose u are all 0, or not
//! finite, becomes NaN.

mod cpu;
pub mod cuda;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::reference;

use crate::{Device, Tensor};

/// One step: `p` and `g` have one shape; a scalar is a row of one.
///
/// # Panics
/// If the shapes differ.
pub fn step(lr: f64, p: &mut Tensor, g: &Tensor) {
    assert_eq!(p.shape(), g.shape(), "a gradient has the shape of its parameter");
    let row = p.shape().last();
    match p.device() {
        Device::Cpu => cpu::step(lr, p.data_mut(), g.data(), row),
        Device::Cuda(_) => cuda::step(lr, p, g, row),
    }
}
