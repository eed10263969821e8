//! Pooling.

pub mod adaptive_avg_pool;
pub mod avg_pool;
mod axis;
pub mod cuda;
pub mod global_avg_pool;
pub mod max_pool;
mod mean;

use crate::{OpError, Shape};
use axis::{Axis, Plane};

/// Windows that slide over the middle dimensions: over h and w of `[N, H, W, C]`; over the columns of `[N, L, C]`,
/// which is an image of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Size, [h, w]; h is 1 for series.
    pub kernel: [usize; 2],
    /// Step, [h, w].
    pub stride: [usize; 2],
    /// Padding, [[top, bottom], [left, right]]; less than the kernel.
    pub padding: [[usize; 2]; 2],
    /// Rounds the number of windows up: the last may hang over the end (but must begin inside or in the left padding).
    pub ceil_mode: bool,
}

impl Window {
    /// For images: the same padding on both sides.
    pub fn images(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Self {
        Self { kernel, stride, padding: padding.map(|p| [p, p]), ceil_mode: false }
    }

    /// For series; padding is [left, right].
    pub fn series(kernel: usize, stride: usize, padding: [usize; 2]) -> Self {
        Self { kernel: [1, kernel], stride: [1, stride], padding: [[0, 0], padding], ceil_mode: false }
    }

    /// The same, rounding the number of windows up or not.
    #[must_use]
    pub fn ceil(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// The axes over `x` and the shape of y. `include_pad` says what [`Axis::count`] counts.
    fn plane(&self, op: &'static str, x: &Shape, include_pad: bool) -> Result<(Plane, Shape), OpError> {
        let [n, h, w, c] = sizes(op, x)?;
        if x[..].len() == 3 && (self.kernel[0], self.stride[0], self.padding[0]) != (1, 1, [0, 0]) {
            let what = format!("{self:?} slides over rows, and the series {x} has one");
            return Err(OpError::new(op, what, "make windows of a series by Window::series"));
        }
        let mut axes = [h, w].map(Axis::whole);
        for (d, axis) in axes.iter_mut().enumerate() {
            let (k, s, [left, right], size) = (self.kernel[d], self.stride[d], self.padding[d], [h, w][d]);
            if k == 0 || s == 0 || left >= k || right >= k {
                let what = format!("kernel {k}, stride {s}, padding {left} and {right} over x {x}");
                return Err(OpError::new(
                    op,
                    what,
                    "kernel and stride are at least 1 and padding is less than the kernel",
                ));
            }
            if size + left + right < k {
                let what = format!("kernel {k} over {size} + {left} + {right} of x {x}");
                return Err(OpError::new(op, what, "use a smaller kernel or more padding"));
            }
            *axis = Axis::window(size, k, s, [left, right], self.ceil_mode, include_pad);
        }
        let y = if x[..].len() == 3 { x.with(1, axes[1].out) } else { x.with(1, axes[0].out).with(2, axes[1].out) };
        Ok((Plane { n, c, axes }, y))
    }
}

/// [n, h, w, c] of an image or a series (h = 1).
fn sizes(op: &'static str, x: &Shape) -> Result<[usize; 4], OpError> {
    match x[..] {
        [n, h, w, c] if !x.is_empty() => Ok([n, h, w, c]),
        [n, l, c] if !x.is_empty() => Ok([n, 1, l, c]),
        _ => Err(OpError::new(op, format!("x is {x}"), "give [N, H, W, C] or [N, L, C], not empty")),
    }
}

/// The only input of an op.
fn only<'a>(op: &'static str, inputs: &'a [Shape]) -> Result<&'a Shape, OpError> {
    match inputs {
        [x] => Ok(x),
        _ => Err(OpError::new(op, format!("{} inputs", inputs.len()), "give one, x")),
    }
}
