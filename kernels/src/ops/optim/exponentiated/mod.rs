//! Exponentiated gradient over points of simplices: multiply, then normalise each row.
//!
//! In f64, for every row, lr as it is: `u_j = p_j * exp(-(lr * g_j))`, or `floor` where that is less (so that none dies out);
//! `s` = the plain sum of the u from +0, j ascending; then `p_j = u_j / s`, rounded once to f32. A row that was no distribution
//! becomes one; a row whose u are all 0, or not finite, becomes NaN.

mod cpu;
pub mod cuda;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::reference;

use crate::{Device, Tensor};

/// Which numbers form a row, and how small they may become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponentiated<'a> {
    /// Lengths of consecutive rows; they repeat to the tensor's end: `[8]` for rows of eight.
    pub rows: &'a [usize],
    /// Least number before the division; 0: none.
    pub floor: f64,
}

impl Exponentiated<'_> {
    /// One step: `p` and `g` have one shape.
    ///
    /// # Panics
    /// If the shapes differ, or the rows do not fill them.
    pub fn step(&self, lr: f64, p: &mut Tensor, g: &Tensor) {
        assert_eq!(p.shape(), g.shape(), "a gradient has the shape of its parameter");
        let period: usize = self.rows.iter().sum();
        assert!(
            !self.rows.contains(&0) && period > 0 && p.len().is_multiple_of(period),
            "rows of {:?} in {}",
            self.rows,
            p.shape()
        );
        match p.device() {
            Device::Cpu => cpu::step(self, lr, p.data_mut(), g.data()),
            Device::Cuda(_) => cuda::step(self, lr, p, g),
        }
    }
}
