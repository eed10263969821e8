//! One tensor of a mapped store, by rows.

use std::marker::PhantomData;
use std::sync::Arc;

use half::f16;
use safetensors::Dtype;

use crate::Error;
use crate::store::Stored;

/// A number that stores hold.
pub trait Element: bytemuck::AnyBitPattern {
    /// As the header names it.
    const DTYPE: Dtype;
}

macro_rules! elements {
    ($($t:ty: $dtype:ident),*) => { $(impl Element for $t { const DTYPE: Dtype = Dtype::$dtype; })* };
}
elements!(u8: U8, i16: I16, i32: I32, i64: I64, f16: F16, f32: F32);

/// A tensor `[N, ...]` of a store, checked once, read where it lies.
#[derive(Debug, Clone)]
pub struct Column<T> {
    stored: Arc<Stored>,
    /// Of the file, in bytes.
    start: usize,
    rows: usize,
    item: Vec<usize>,
    each: usize,
    element: PhantomData<fn() -> T>,
}

impl<T: Element> Column<T> {
    /// The tensor of this name.
    ///
    /// # Errors
    /// If there is none, or it has another type, no rows' dimension, or rows of nothing.
    pub fn open(stored: &Arc<Stored>, name: &str) -> Result<Self, Error> {
        let data = stored.tensor::<T>(name, T::DTYPE)?;
        let (_, shape) = stored.tensor_type(name).expect("it is there");
        let (Some((&rows, item)), true) = (shape.split_first(), !shape[1.min(shape.len())..].contains(&0)) else {
            let what = format!("tensor '{name}' of shape {shape:?} has no rows");
            return Err(Error::invalid(what, "import the task again").at(stored.path()));
        };
        let (item, each) = (item.to_vec(), item.iter().product());
        // The tensor lies in the file's map: its address there is its place.
        let start = data.as_ptr() as usize - stored.whole().as_ptr() as usize;
        let start = if rows == 0 { 0 } else { start };
        Ok(Self { stored: Arc::clone(stored), start, rows, item, each, element: PhantomData })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Shape of a row.
    pub fn shape(&self) -> &[usize] {
        &self.item
    }

    /// Numbers of a row.
    pub fn each(&self) -> usize {
        self.each
    }

    /// `len` numbers from number `start`, rows one after the other.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn numbers(&self, start: usize, len: usize) -> &[T] {
        &self.all()[start..start + len]
    }

    /// A row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[T] {
        self.numbers(row * self.each, self.each)
    }

    /// Everything.
    pub fn all(&self) -> &[T] {
        let bytes = self.rows * self.each * size_of::<T>();
        bytemuck::cast_slice(&self.stored.whole()[self.start..self.start + bytes])
    }
}
