//! Launches of the kernels that move numbers.

use bytemuck::{Pod, Zeroable};

use super::boxes::Place;
use crate::cuda::module::Words;
use crate::cuda::{Module, driver};
use crate::shape::MAX_RANK;
use crate::{Shape, Tensor};

/// The kernels.
pub static KERNELS: Module = Module::new("shape", include_str!("kernel.cu"));

/// As `kernel.cu` has it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Box {
    size: [i32; MAX_RANK],
    x: [i32; MAX_RANK],
    y: [i32; MAX_RANK],
    from: i32,
    to: i32,
    rank: i32,
    count: i32,
}

/// Copies numbers: `size` of them with these distances in x and y, from these places on.
fn strided(size: &[usize], x: (&Tensor, &[usize], usize), y: (&mut Tensor, &[usize], usize)) {
    // Neighbouring dimensions that are one in both arrays are merged.
    let (mut merged, mut rank) = ([(1, 0, 0); MAX_RANK], 0);
    for (d, &n) in size.iter().enumerate().filter(|d| *d.1 != 1) {
        let (dx, dy) = (x.1[d], y.1[d]);
        match merged[..rank].last_mut() {
            Some(last) if last.1 == n * dx && last.2 == n * dy => *last = (last.0 * n, dx, dy),
            _ => {
                merged[rank] = (n, dx, dy);
                rank += 1;
            }
        }
    }
    let count: usize = size.iter().product();
    let b = Box {
        size: merged.map(|d| d.0 as i32),
        x: merged.map(|d| d.1 as i32),
        y: merged.map(|d| d.2 as i32),
        from: x.2 as i32,
        to: y.2 as i32,
        rank: rank as i32,
        count: count as i32,
    };
    KERNELS.kernel("copy_box").over(count, 256).arg(x.0).arg(y.0).arg(Words(b)).launch();
}

/// Copies a box of `size` from `x` to `y`; as [`super::boxes::copy`].
///
/// # Panics
/// If it does not lie inside both.
pub(super) fn copy(size: Shape, x: &Tensor, from: &Place, y: &mut Tensor, to: &Place) {
    from.check(&size);
    to.check(&size);
    let ((sx, bx), (sy, by)) = (from.strides(), to.strides());
    strided(&size, (x, &sx, bx), (y, &sy, by));
}

/// y = x of `shape` with its dimensions in the order `dims`.
pub(super) fn permute(shape: &[usize], dims: &[usize], x: &Tensor, y: &mut Tensor) {
    let mut strides = [1; MAX_RANK];
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d] * shape[d];
    }
    let (mut size, mut from, mut to, mut stride) = ([1; MAX_RANK], [0; MAX_RANK], [0; MAX_RANK], 1);
    for (i, &d) in dims.iter().enumerate().rev() {
        (size[i], from[i], to[i]) = (shape[d], strides[d], stride);
        stride *= shape[d];
    }
    strided(&size[..dims.len()], (x, &from, 0), (y, &to, 0));
}

/// All +0.
pub(super) fn zero(y: &mut Tensor) {
    driver::card().fill(y.address_mut(), 0, y.len());
}

/// As `kernel.cu` has it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(super) struct Reflection {
    x: [i32; MAX_RANK],
    y: [i32; MAX_RANK],
    left: [i32; MAX_RANK],
    right: [i32; MAX_RANK],
    rank: i32,
    count: i32,
}

impl Reflection {
    /// Of x to y, `sides` around each dimension, for `count` threads.
    pub fn new(x: &Shape, y: &Shape, sides: &[[usize; 2]; MAX_RANK], count: usize) -> Self {
        let each = |f: &dyn Fn(usize) -> usize| -> [i32; MAX_RANK] {
            std::array::from_fn(|d| if d < x[..].len() { f(d) as i32 } else { 0 })
        };
        Self {
            x: each(&|d| x[d]),
            y: each(&|d| y[d]),
            left: each(&|d| sides[d][0]),
            right: each(&|d| sides[d][1]),
            rank: x[..].len() as i32,
            count: count as i32,
        }
    }

    /// Runs `kernel`, which is one of the two of reflection.
    pub fn run(self, kernel: &'static str, from: &Tensor, to: &mut Tensor) {
        KERNELS.kernel(kernel).over(self.count as usize, 256).arg(from).arg(to).arg(Words(self)).launch();
    }
}
