//! Launches of the kernels that windows and cells share.

use bytemuck::{Pod, Zeroable};

use super::axis;
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::module::Words;

/// The kernels.
pub static KERNELS: Module = Module::new("pool", include_str!("kernel.cu"));

/// Threads of a block.
const THREADS: u32 = 256;

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Axis {
    n: i32,
    out: i32,
    kernel: i32,
    stride: i32,
    left: i32,
    right: i32,
    include_pad: i32,
}

impl From<axis::Axis> for Axis {
    fn from(a: axis::Axis) -> Self {
        let [n, out] = [a.n, a.out].map(|n| n as i32);
        let axis::Rule::Window { kernel, stride, left, right, include_pad } = a.rule else {
            return Self { n, out, kernel: 0, stride: 0, left: 0, right: 0, include_pad: 0 };
        };
        let [kernel, stride, left, right] = [kernel, stride, left, right].map(|n| n as i32);
        Self { n, out, kernel, stride, left, right, include_pad: include_pad.into() }
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Plane {
    h: Axis,
    w: Axis,
    c: i32,
}

impl Plane {
    fn of(p: &axis::Plane) -> Words<Self> {
        let [h, w] = p.axes.map(Axis::from);
        Words(Self { h, w, c: p.c as i32 })
    }
}

/// Fills y with means.
pub(super) fn mean(p: &axis::Plane, x: &Tensor, y: &mut Tensor) {
    let n = y.len();
    KERNELS.kernel("mean").over(n, THREADS).arg(x).arg(y).arg(Plane::of(p)).arg(n).launch();
}

/// Fills dx of means.
pub(super) fn mean_gradient(p: &axis::Plane, dy: &Tensor, dx: &mut Tensor) {
    let n = dx.len();
    KERNELS.kernel("mean_gradient").over(n, THREADS).arg(dy).arg(dx).arg(Plane::of(p)).arg(n).launch();
}

/// Fills y with maxima, and their taps.
pub(super) fn maximum(p: &axis::Plane, x: &Tensor, outputs: &mut [Tensor]) {
    let [y, taps] = outputs else { unreachable!("inferred") };
    let n = y.len();
    KERNELS.kernel("maximum").over(n, THREADS).arg(x).arg(y).arg(taps).arg(Plane::of(p)).arg(n).launch();
}

/// Fills dx of maxima.
pub(super) fn maximum_gradient(p: &axis::Plane, dy: &Tensor, taps: &Tensor, dx: &mut Tensor) {
    let n = dx.len();
    let launch = KERNELS.kernel("maximum_gradient").over(n, THREADS).arg(dy).arg(taps).arg(dx);
    launch.arg(Plane::of(p)).arg(n).launch();
}
