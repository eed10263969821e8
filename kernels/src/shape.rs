//! Shapes: at most six sizes, kept in place so that no step allocates for them.

use std::fmt;
use std::ops::Deref;

/// Most dimensions a tensor may have.
pub const MAX_RANK: usize = 6;

/// Sizes of a tensor, outermost first. Images are `[N, H, W, C]`, series `[N, L, C]`, vectors `[N, C]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// A shape from its sizes.
    ///
    /// # Panics
    /// If there are more than [`MAX_RANK`].
    pub fn new(dims: &[usize]) -> Self {
        assert!(dims.len() <= MAX_RANK, "a tensor has at most {MAX_RANK} dimensions, got {dims:?}");
        let mut d = [0; MAX_RANK];
        d[..dims.len()].copy_from_slice(dims);
        Self { dims: d, rank: dims.len() }
    }

    /// A single number: no dimensions, one element.
    pub fn scalar() -> Self {
        Self::new(&[])
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.iter().product()
    }

    /// No elements at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Size of the innermost dimension (channels); 1 for a scalar.
    pub fn last(&self) -> usize {
        self.dims[..self.rank].last().copied().unwrap_or(1)
    }

    /// The same with dimension `axis` of size `size`.
    #[must_use]
    pub fn with(mut self, axis: usize, size: usize) -> Self {
        assert!(axis < self.rank, "axis {axis} of shape {self}");
        self.dims[axis] = size;
        self
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.dims[..self.rank]
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self::new(&dims)
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Self::new(dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self[..])
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
