//! Sums, means, variances and norms over dimensions.

pub(crate) mod columns;
pub mod cuda;
mod general;
pub mod l2_norm;
pub mod mean;
mod reference;
pub mod sum;
pub mod var;

use crate::shape::MAX_RANK;
use crate::{OpError, Shape, Tensor};
use columns::Columns;

/// Terms of a chunk.
pub const CHUNK: usize = 4096;

/// A set of dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axes(u32);

impl Axes {
    /// Every dimension.
    pub const ALL: Self = Self(u32::MAX);

    /// These dimensions, counted from the outermost; every one if the list is empty, as `PyTorch` has it.
    ///
    /// # Panics
    /// If one is 31 or more, which no tensor has.
    pub fn of(dims: &[usize]) -> Self {
        if dims.is_empty() {
            return Self::ALL;
        }
        Self(dims.iter().fold(0, |mask, &d| {
            assert!(d < 31, "dimension {d}");
            mask | 1 << d
        }))
    }

    fn has(self, dim: usize) -> bool {
        self.0 >> dim & 1 == 1
    }
}

/// Sizes of x with neighbours of one kind merged and dimensions of size 1 dropped.
#[derive(Debug, Clone, Copy)]
struct Plan {
    sizes: [usize; MAX_RANK],
    reduced: [bool; MAX_RANK],
    rank: usize,
}

impl Plan {
    /// The plan of reducing `axes` of the only input, and the shape of y.
    fn of(op: &'static str, inputs: &[Shape], axes: Axes, keepdim: bool) -> Result<(Self, Shape), OpError> {
        let [x] = inputs else {
            return Err(OpError::new(op, format!("{} inputs", inputs.len()), "give one, x"));
        };
        let rank = x[..].len();
        if x.is_empty() {
            return Err(OpError::new(op, format!("x {x} has no elements"), "give at least one"));
        }
        if axes != Axes::ALL && axes.0 >> rank != 0 {
            let what = format!("dimension {} of x {x}", u32::BITS - 1 - axes.0.leading_zeros());
            return Err(OpError::new(op, what, format!("x has dimensions below {rank}")));
        }
        let mut plan = Self { sizes: [1; MAX_RANK], reduced: [false; MAX_RANK], rank: 0 };
        let mut y = [0; MAX_RANK];
        let mut kept = 0;
        for (d, &size) in x.iter().enumerate() {
            if keepdim || !axes.has(d) {
                y[kept] = if axes.has(d) { 1 } else { size };
                kept += 1;
            }
            if size == 1 {
                continue;
            }
            if plan.rank > 0 && plan.reduced[plan.rank - 1] == axes.has(d) {
                plan.sizes[plan.rank - 1] *= size;
            } else {
                (plan.sizes[plan.rank], plan.reduced[plan.rank]) = (size, axes.has(d));
                plan.rank += 1;
            }
        }
        Ok((plan, Shape::new(&y[..kept])))
    }

    /// Terms of one sum.
    fn terms(&self) -> usize {
        (0..self.rank).filter(|&d| self.reduced[d]).map(|d| self.sizes[d]).product()
    }

    /// As columns, where the reduced dimensions are neighbours.
    fn columns(&self) -> Option<Columns> {
        let s = &self.sizes;
        let (outer, rows, inner) = match self.reduced[..self.rank] {
            [] => (1, 1, 1),
            [true] => (1, s[0], 1),
            [false] => (1, 1, s[0]),
            [true, false] => (1, s[0], s[1]),
            [false, true] => (s[0], s[1], 1),
            [false, true, false] => (s[0], s[1], s[2]),
            _ => return None,
        };
        Some(Columns { outer, rows, inner, chunk: CHUNK })
    }

    /// Fills y with the sums.
    fn sum(&self, x: &Tensor, y: &mut Tensor) {
        match self.columns() {
            Some(v) => columns::sum(&v, x.data(), y.data_mut()),
            None => general::sum(self, x.data(), y.data_mut()),
        }
    }

    /// Fills dx with each sum's gradient.
    fn broadcast(&self, dy: &Tensor, dx: &mut Tensor) {
        match self.columns() {
            Some(v) => columns::broadcast(&v, dy.data(), dx.data_mut()),
            None => general::broadcast(self, dy.data(), dx.data_mut()),
        }
    }
}
