//! Launches of the kernels.

use bytemuck::{Pod, Zeroable};

use crate::cuda::Module;
use crate::cuda::module::Words;
use crate::shape::MAX_RANK;
use crate::{Shape, Tensor};

/// The kernels.
pub static KERNELS: Module = Module::new("index/gather", include_str!("kernel.cu"));

/// As `kernel.cu` has it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Geometry {
    x: [i32; MAX_RANK],
    index: [i32; MAX_RANK],
    rank: i32,
    dim: i32,
    count: i32,
}

impl Geometry {
    fn new(x: &Shape, index: &Shape, dim: usize, count: usize) -> Self {
        let sizes = |s: &Shape| std::array::from_fn(|d| s.get(d).map_or(1, |&n| n as i32));
        Self { x: sizes(x), index: sizes(index), rank: x.iter().len() as i32, dim: dim as i32, count: count as i32 }
    }
}

pub(super) fn forward(dim: usize, x: &Tensor, index: &Tensor, y: &mut Tensor) {
    let g = Geometry::new(&x.shape(), &index.shape(), dim, y.len());
    KERNELS.kernel("gather").over(y.len(), 256).arg(x).arg(index).arg(y).arg(Words(g)).launch();
}

pub(super) fn backward(dim: usize, index: &Tensor, dy: &Tensor, dx: &mut Tensor) {
    let g = Geometry::new(&dx.shape(), &index.shape(), dim, dx.len());
    KERNELS.kernel("gather_gradient").over(dx.len(), 256).arg(dy).arg(index).arg(dx).arg(Words(g)).launch();
}
