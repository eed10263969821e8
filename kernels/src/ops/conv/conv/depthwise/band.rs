//! Rows of a source as the taps of a depthwise convolution see them: padded, and columns sorted by their phase.

use crate::Tensor;
use crate::product::gather::copy_columns;

/// Numbers behind a band that whole registers may read.
const SLACK: usize = 16;

/// Where the taps of destination position (a, b) lie: source (a, b) * stride + origin + tap * dilation.
///
/// A band is a copy of source rows `[row][phase][column][c]`, +0 outside the image: column q of phase p is source column
/// `q * stride + p`. So a tap of a row of outputs is one run of (column, c), whatever the stride.
#[derive(Debug, Clone, Copy)]
pub struct Taps {
    /// Source height and width.
    pub src_size: [usize; 2],
    /// Destination height and width.
    pub dst_size: [usize; 2],
    /// Channels.
    pub c: usize,
    /// Source position of tap (0, 0) of destination (0, 0).
    pub origin: [isize; 2],
    /// Step between destinations.
    pub stride: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Step between taps.
    pub dilation: [usize; 2],
}

impl Taps {
    /// Taps of the kernel.
    pub fn len(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Numbers of a destination row.
    pub fn run(&self) -> usize {
        self.dst_size[1] * self.c
    }

    /// Least common multiple of the channels and the widest register: per-channel numbers repeat after it at every level.
    pub fn period(&self) -> usize {
        self.c * chains(self.c)
    }

    /// Phases of columns that some tap reads.
    fn phases(&self) -> usize {
        self.stride[1].min((self.kernel[1] - 1) * self.dilation[1] + 1)
    }

    /// Columns of a phase.
    fn columns(&self) -> usize {
        self.dst_size[1] + (self.kernel[1] - 1) * self.dilation[1] / self.stride[1]
    }

    /// Numbers of a band's row.
    pub fn pitch(&self) -> usize {
        self.phases() * self.columns() * self.c
    }

    /// Where tap `t` of a destination row begins in a band, from the row of tap 0.
    pub fn offset(&self, t: usize) -> usize {
        let (row, column) = (t / self.kernel[1] * self.dilation[0], t % self.kernel[1] * self.dilation[1]);
        let (phase, column) = (column % self.stride[1], column / self.stride[1]);
        row * self.pitch() + (phase * self.columns() + column) * self.c
    }

    /// The band under `rows` destination rows from row `first` of image `n`.
    pub fn band(&self, src: &[f32], n: usize, first: usize, rows: usize) -> Tensor {
        let ([h, w], c) = (self.src_size, self.c);
        self.band_of(first, rows, |y, row| {
            let from = (y >= 0 && (y as usize) < h).then(|| &src[(n * h + y as usize) * w * c..][..w * c]);
            match from {
                Some(from) if self.stride[1] > 1 => self.sort_columns(from, row),
                _ => copy_columns(from, self.origin[1], c, row),
            }
        })
    }

    /// The band under `rows` destination rows from row `first`; `fill` is given a source row's number, which may lie outside,
    /// and writes all of its row.
    pub fn band_of(&self, first: usize, rows: usize, fill: impl Fn(isize, &mut [f32])) -> Tensor {
        let pitch = self.pitch();
        let height = (rows - 1) * self.stride[0] + (self.kernel[0] - 1) * self.dilation[0] + 1;
        let mut band = Tensor::uninit([height * pitch + SLACK]);
        let (body, slack) = band.data_mut().split_at_mut(height * pitch);
        slack.fill(0.0);
        for (r, row) in body.chunks_exact_mut(pitch).enumerate() {
            fill((first * self.stride[0] + r) as isize + self.origin[0], row);
        }
        band
    }

    fn sort_columns(&self, from: &[f32], row: &mut [f32]) {
        let (c, columns) = (self.c, self.columns());
        for (i, to) in row.chunks_exact_mut(c).enumerate() {
            let x = (i % columns * self.stride[1] + i / columns) as isize + self.origin[1];
            if x >= 0 && (x as usize) < self.src_size[1] {
                to.copy_from_slice(&from[x as usize * c..][..c]);
            } else {
                to.fill(0.0);
            }
        }
    }
}

/// Chains of a channel in a chunk of the weight gradient: 16 / gcd(C, 16), so that the chains of all channels fill registers.
pub const fn chains(c: usize) -> usize {
    let powers = c.trailing_zeros();
    if powers >= 4 { 1 } else { 16 >> powers }
}
