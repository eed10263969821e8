//! Tiles as a network reads them: raw counts, and in training more or less sky.

use std::sync::Arc;

use kernels::rng::{Key, Purpose, Stream};

use crate::reader::Column;
use crate::{Error, Quirks, Reader, Stored, Use};

/// The sky that training adds is a multiple of the exposure's own, uniform between these: an exposure may have been
/// shorter or longer.
const LEAST: f64 = -0.9;
const MOST: f64 = 3.0;

/// The tiles of a file.
pub(super) struct Tiles {
    x: Column<f32>,
    y: Column<u8>,
    sky: Column<f32>,
    /// Where judged tiles have noise too: whose item-th stream it comes from (the quirk `sky-at-test`).
    judged: Option<Key>,
}

impl Tiles {
    /// # Errors
    /// If the file does not hold tiles.
    pub(super) fn open(stored: &Arc<Stored>, to: Use, quirks: &Quirks) -> Result<Self, Error> {
        let (x, y) = (Column::<f32>::open(stored, "x")?, Column::<u8>::open(stored, "y")?);
        let sky = Column::<f32>::open(stored, "sky")?;
        let fits = matches!((x.shape(), y.shape()), (&[h, w, 1], &[i, j, 2]) if (h, w) == (i, j));
        if !fits || !sky.shape().is_empty() || [y.rows(), sky.rows()] != [x.rows(); 2] {
            let (n, [a, b, c]) = (x.rows(), [x.shape(), y.shape(), sky.shape()]);
            let (m, k) = (y.rows(), sky.rows());
            let what = format!("{n} tiles of shape {a:?} do not go with {m} masks of {b:?} and {k} skies of {c:?}");
            return Err(Error::invalid(what, "import the task again").at(stored.path()));
        }
        let noisy = to == Use::Judge && quirks.has("sky-at-test");
        // No epoch of training has this number, so no seed's training draws the same.
        let key = Key::new(0, Purpose::Augment).at(u64::MAX, stored.meta().split as u64);
        Ok(Self { x, y, sky, judged: noisy.then_some(key) })
    }

    /// What is added to every pixel of a tile: drawn and multiplied in f64, rounded once to f32.
    fn noise(&self, item: usize, chance: &mut Stream) -> f32 {
        (f64::from(self.sky.row(item)[0]) * (LEAST + (MOST - LEAST) * chance.uniform64())) as f32
    }
}

impl Reader for Tiles {
    fn items(&self) -> usize {
        self.x.rows()
    }

    fn input(&self) -> &[usize] {
        self.x.shape()
    }

    fn target(&self) -> Option<&[usize]> {
        Some(self.y.shape())
    }

    fn class(&self, _: usize) -> i32 {
        unreachable!("targets are numbers")
    }

    fn read(&self, item: usize, chance: Option<&mut Stream>, x: &mut [f32], y: &mut [f32]) {
        x.copy_from_slice(self.x.row(item));
        y.iter_mut().zip(self.y.row(item)).for_each(|(to, &v)| *to = v.into());
        let noise = match (chance, self.judged) {
            (Some(chance), _) => self.noise(item, chance),
            (None, Some(key)) => self.noise(item, &mut key.stream(item as u64)),
            (None, None) => return,
        };
        x.iter_mut().for_each(|v| *v += noise);
    }
}
