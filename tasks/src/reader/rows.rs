//! Records of a fixed shape, one item each.

use std::sync::Arc;

use kernels::rng::Stream;
use safetensors::Dtype;

use super::{Column, Reader};
use crate::Error;
use crate::store::Stored;

/// Numbers of either width, read as f32.
enum Numbers {
    F32(Column<f32>),
    U8(Column<u8>),
}

impl Numbers {
    fn open(stored: &Arc<Stored>, name: &str) -> Result<Self, Error> {
        match stored.tensor_type(name) {
            Some((Dtype::U8, _)) => Column::open(stored, name).map(Self::U8),
            _ => Column::open(stored, name).map(Self::F32),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::F32(c) => c.rows(),
            Self::U8(c) => c.rows(),
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Self::F32(c) => c.shape(),
            Self::U8(c) => c.shape(),
        }
    }

    fn read(&self, row: usize, to: &mut [f32]) {
        match self {
            Self::F32(c) => to.copy_from_slice(c.row(row)),
            Self::U8(c) => to.iter_mut().zip(c.row(row)).for_each(|(t, &v)| *t = v.into()),
        }
    }
}

enum Targets {
    Classes(Column<i32>),
    Numbers(Numbers),
}

/// `x` f32 or u8 `[N, ...]`, and `y`: i32 `[N]` (class numbers), or f32 or u8 `[N, ...]` (targets).
pub struct Rows {
    x: Numbers,
    y: Targets,
}

impl Rows {
    /// The items of a file.
    ///
    /// # Errors
    /// If it does not hold such tensors.
    pub fn open(stored: &Arc<Stored>) -> Result<Self, Error> {
        let x = Numbers::open(stored, "x")?;
        let y = match stored.tensor_type("y") {
            Some((Dtype::I32, _)) => Targets::Classes(Column::open(stored, "y")?),
            _ => Targets::Numbers(Numbers::open(stored, "y")?),
        };
        let (rows, shape) = match &y {
            Targets::Classes(c) => (c.rows(), c.shape()),
            Targets::Numbers(n) => (n.rows(), n.shape()),
        };
        let deep = x.shape().len().max(shape.len()) + 1 > kernels::shape::MAX_RANK;
        if x.rows() != rows || deep || (matches!(y, Targets::Classes(_)) && !shape.is_empty()) {
            let (n, x) = (x.rows(), x.shape());
            let what = format!("{n} inputs of shape {x:?} do not go with {rows} targets of shape {shape:?}");
            return Err(Error::invalid(what, "import the task again").at(stored.path()));
        }
        Ok(Self { x, y })
    }
}

impl Reader for Rows {
    fn items(&self) -> usize {
        self.x.rows()
    }

    fn input(&self) -> &[usize] {
        self.x.shape()
    }

    fn target(&self) -> Option<&[usize]> {
        match &self.y {
            Targets::Classes(_) => None,
            Targets::Numbers(n) => Some(n.shape()),
        }
    }

    fn class(&self, item: usize) -> i32 {
        match &self.y {
            Targets::Classes(c) => c.row(item)[0],
            Targets::Numbers(_) => unreachable!("targets are numbers"),
        }
    }

    fn read(&self, item: usize, _: Option<&mut Stream>, x: &mut [f32], y: &mut [f32]) {
        self.x.read(item, x);
        if let Targets::Numbers(n) = &self.y {
            n.read(item, y);
        }
    }
}
