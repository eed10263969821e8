//! A few tensors, held in place: a step asks the system for nothing.

use nn::Tensor;

/// Up to `N` tensors.
#[derive(Debug)]
pub(crate) struct Few<const N: usize> {
    items: [Option<Tensor>; N],
    len: usize,
}

impl<const N: usize> Few<N> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { items: [const { None }; N], len: 0 }
    }

    /// One more.
    ///
    /// # Panics
    /// If there are `N`.
    pub(crate) fn push(&mut self, tensor: Tensor) {
        self.items[self.len] = Some(tensor);
        self.len += 1;
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    /// All, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tensor> {
        self.items[..self.len].iter().flatten()
    }

    /// Calls `f` with all.
    ///
    /// # Panics
    /// If there are none.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&[&Tensor]) -> R) -> R {
        let mut all = [self.iter().next().expect("some tensors"); N];
        all.iter_mut().zip(self.iter()).for_each(|(to, t)| *to = t);
        f(&all[..self.len])
    }
}

impl<const N: usize> Extend<Tensor> for Few<N> {
    fn extend<I: IntoIterator<Item = Tensor>>(&mut self, all: I) {
        all.into_iter().for_each(|t| self.push(t));
    }
}

impl<const N: usize> FromIterator<Tensor> for Few<N> {
    fn from_iter<I: IntoIterator<Item = Tensor>>(all: I) -> Self {
        let mut few = Self::new();
        few.extend(all);
        few
    }
}
