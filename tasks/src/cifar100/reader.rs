//! Pictures as a network reads them, and what training does to them.

use std::sync::Arc;

use kernels::rng::Stream;

use crate::reader::Column;
use crate::store::Stored;
use crate::{Error, Reader};

/// Of red, green, blue, where black is 0 and white 1; computed over the training images, published with the benchmark.
const MEAN: [f32; 3] = [0.5071, 0.4867, 0.4408];
const STD: [f32; 3] = [0.2675, 0.2565, 0.2761];
/// Zeros around a training picture before it is cut to size again.
const PAD: u64 = 4;
/// Side of the square that training pictures lose.
const HOLE: usize = 16;

/// 8-bit pictures `x` u8 `[N, h, w, 3]` with classes `y` i32 `[N]`.
pub(super) struct Pictures {
    x: Column<u8>,
    y: Column<i32>,
    /// What each level of each channel becomes: `(v / 255 - mean) / std`, three f32 operations.
    levels: Box<[[f32; 256]; 3]>,
}

impl Pictures {
    pub(super) fn open(stored: &Arc<Stored>) -> Result<Self, Error> {
        let (x, y) = (Column::<u8>::open(stored, "x")?, Column::<i32>::open(stored, "y")?);
        if x.rows() != y.rows() || !matches!(x.shape(), [_, _, 3]) || !y.shape().is_empty() {
            let what = format!("{} pictures of shape {:?} do not go with {} classes", x.rows(), x.shape(), y.rows());
            return Err(Error::invalid(what, "import the task again").at(stored.path()));
        }
        let mut levels = Box::new([[0.0; 256]; 3]);
        for (c, levels) in levels.iter_mut().enumerate() {
            for (v, level) in levels.iter_mut().enumerate() {
                *level = (v as f32 / 255.0 - MEAN[c]) / STD[c];
            }
        }
        Ok(Self { x, y, levels })
    }

    /// Pixel (r, c) of `to` is pixel (r + down, c + across) of the picture, black outside it; columns in reverse if `flip`.
    fn cut(&self, item: usize, [down, across]: [isize; 2], flip: bool, to: &mut [f32]) {
        let (picture, &[h, w, _]) = (self.x.row(item), self.x.shape()) else { unreachable!("checked by open") };
        let black = [0, 1, 2].map(|c| self.levels[c][0]);
        for (r, line) in to.chunks_exact_mut(3 * w).enumerate() {
            let row = r.checked_add_signed(down).filter(|&r| r < h).map(|r| &picture[3 * r * w..3 * (r + 1) * w]);
            for (c, pixel) in line.chunks_exact_mut(3).enumerate() {
                let c = if flip { w - 1 - c } else { c };
                match row.zip(c.checked_add_signed(across).filter(|&c| c < w)) {
                    Some((row, c)) => (0..3).for_each(|k| pixel[k] = self.levels[k][usize::from(row[3 * c + k])]),
                    None => pixel.copy_from_slice(&black),
                }
            }
        }
    }
}

impl Reader for Pictures {
    fn items(&self) -> usize {
        self.x.rows()
    }

    fn input(&self) -> &[usize] {
        self.x.shape()
    }

    fn target(&self) -> Option<&[usize]> {
        None
    }

    fn class(&self, item: usize) -> i32 {
        self.y.row(item)[0]
    }

    /// Chance is drawn in this order: rows down, columns across (0 to 8 each, less 4), flip, and the hole's middle (row,
    /// column).
    fn read(&self, item: usize, chance: Option<&mut Stream>, x: &mut [f32], _: &mut [f32]) {
        let Some(chance) = chance else { return self.cut(item, [0, 0], false, x) };
        let shift = [(); 2].map(|()| chance.below(2 * PAD + 1) as isize - PAD as isize);
        self.cut(item, shift, chance.below(2) == 1, x);
        let &[h, w, _] = self.x.shape() else { unreachable!("checked by open") };
        let hole = |middle: usize, size| (middle.saturating_sub(HOLE / 2), (middle + HOLE / 2).min(size));
        let (top, bottom) = hole(chance.below(h as u64) as usize, h);
        let (left, right) = hole(chance.below(w as u64) as usize, w);
        for r in top..bottom {
            x[3 * (r * w + left)..3 * (r * w + right)].fill(0.0);
        }
    }
}
