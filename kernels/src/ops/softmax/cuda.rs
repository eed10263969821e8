//! Launches of the kernels.

use bytemuck::{Pod, Zeroable};

use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::module::Words;

/// The kernels.
pub static KERNELS: Module = Module::new("softmax", include_str!("kernel.cu"));

/// Threads of a block, eight a line.
const THREADS: usize = 128;

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Lines {
    lines: i32,
    length: i32,
    step: i32,
}

impl Lines {
    fn of([outside, length, step]: [usize; 3]) -> Self {
        Self { lines: (outside * step) as i32, length: length as i32, step: step as i32 }
    }

    fn blocks(self) -> [usize; 3] {
        [(self.lines as usize * 8).div_ceil(THREADS), 1, 1]
    }
}

pub(super) fn forward(log: bool, lines: [usize; 3], x: &Tensor, y: &mut Tensor) {
    let g = Lines::of(lines);
    KERNELS.kernel("softmax").grid(g.blocks(), THREADS as u32).arg(x).arg(y).arg(Words(g)).arg(log).launch();
}

pub(super) fn backward(log: bool, lines: [usize; 3], y: &Tensor, dy: &Tensor, dx: &mut Tensor) {
    let g = Lines::of(lines);
    let launch = KERNELS.kernel("softmax_gradient").grid(g.blocks(), THREADS as u32);
    launch.arg(y).arg(dy).arg(dx).arg(Words(g)).arg(log).launch();
}
