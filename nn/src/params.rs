//! The numbers of a network, in insertion order.

use std::collections::BTreeMap;

use kernels::{DType, Device, Shape, Tensor};

use crate::layout::{Layout, proper_name, write_numbers};

/// The number of an entry in its [`Params`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParamId(pub usize);

/// Whether training moves an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Trained by gradients.
    Parameter,
    /// Kept beside them (running statistics).
    Buffer,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    name: String,
    value: Tensor,
    grad: Option<Tensor>,
    kind: Kind,
    layout: Layout,
}

impl Entry {
    /// PyTorch's dotted name: `block1.layer.0.conv1.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The numbers, in our layout.
    pub fn value(&self) -> &Tensor {
        &self.value
    }

    /// The gradient of the last pass; `None` if the loss did not depend on it.
    pub fn grad(&self) -> Option<&Tensor> {
        self.grad.as_ref()
    }

    /// Parameter or buffer.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How it is laid out in files.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Its shape in files.
    pub fn file_shape(&self) -> Shape {
        self.layout.file_shape(self.value.shape())
    }
}

/// Names that begin so belong to the state of training, not to a network.
pub(crate) const RESERVED: [&str; 2] = ["optimizer.", "state."];

/// All numbers of a network, in the order in which its layers were made.
#[derive(Debug, Default)]
pub struct Params {
    entries: Vec<Entry>,
    index: BTreeMap<String, usize>,
    /// This step's leaves; empty between passes, so that an update finds every value unshared.
    pub(crate) leaves: Vec<Option<autograd::Tensor>>,
}

impl Clone for Params {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), index: self.index.clone(), leaves: Vec::new() }
    }
}

impl Params {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry.
    ///
    /// # Panics
    /// If the name is taken, begins with `optimizer.` or `state.`, or has characters other than ASCII letters, digits, `.`,
    /// `_` and `-`; if the layout does not fit the shape; or if the tensor holds integers.
    pub fn add(&mut self, name: impl Into<String>, value: Tensor, kind: Kind, layout: Layout) -> ParamId {
        let name = name.into();
        assert!(proper_name(&name), "'{name}' is no name for a parameter");
        assert!(RESERVED.iter().all(|r| !name.starts_with(r)), "'{name}': names of training state begin so");
        assert!(self.find(&name).is_none(), "two parameters are called '{name}'");
        assert_eq!(value.dtype(), DType::F32, "'{name}' holds integers");
        let rank = layout.axes().map_or(value.shape().iter().len(), <[usize]>::len);
        assert_eq!(rank, value.shape().iter().len(), "'{name}' {} is no {layout:?}", value.shape());
        self.index.insert(name.clone(), self.entries.len());
        self.entries.push(Entry { name, value, grad: None, kind, layout });
        ParamId(self.entries.len() - 1)
    }

    /// All entries, in insertion order; entry `i` has [`ParamId`] `i`.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name.
    pub fn find(&self, name: &str) -> Option<ParamId> {
        self.index.get(name).copied().map(ParamId)
    }

    /// The name of an entry.
    pub fn name(&self, id: ParamId) -> &str {
        &self.entries[id.0].name
    }

    /// The numbers of an entry.
    pub fn value(&self, id: ParamId) -> &Tensor {
        &self.entries[id.0].value
    }

    /// The numbers of an entry, to be changed in place.
    pub fn value_mut(&mut self, id: ParamId) -> &mut Tensor {
        &mut self.entries[id.0].value
    }

    /// Replaces the numbers of an entry.
    ///
    /// # Panics
    /// If the shape differs.
    pub fn set(&mut self, id: ParamId, value: Tensor) {
        let e = &mut self.entries[id.0];
        assert_eq!(value.shape(), e.value.shape(), "a new value of '{}'", e.name);
        e.value = value;
    }

    /// Replaces the numbers of an entry within a step: on a card in place, where a captured graph looks for them.
    ///
    /// # Panics
    /// If the shape differs.
    pub fn renew(&mut self, id: ParamId, value: Tensor) {
        match self.device() {
            Device::Cpu => self.set(id, value),
            _ => self.entries[id.0].value.assign(&value),
        }
    }

    /// The gradient of the last pass; `None` if the loss did not depend on the entry.
    pub fn grad(&self, id: ParamId) -> Option<&Tensor> {
        self.entries[id.0].grad.as_ref()
    }

    /// Gives an entry a gradient, or takes it.
    ///
    /// # Panics
    /// If the shape differs.
    pub fn set_grad(&mut self, id: ParamId, grad: Option<Tensor>) {
        let e = &mut self.entries[id.0];
        assert!(grad.as_ref().is_none_or(|g| g.shape() == e.value.shape()), "a gradient of '{}'", e.name);
        e.grad = grad;
    }

    /// Forgets all gradients; their memory goes back to the pool.
    pub fn zero_grad(&mut self) {
        self.entries.iter_mut().for_each(|e| e.grad = None);
    }

    /// Value and gradient of an entry, for an update; `None` without a gradient.
    pub fn value_and_grad_mut(&mut self, id: ParamId) -> Option<(&mut Tensor, &mut Tensor)> {
        let e = &mut self.entries[id.0];
        Some((&mut e.value, e.grad.as_mut()?))
    }

    /// Where the numbers live; this machine's memory while there are none.
    pub fn device(&self) -> Device {
        self.entries.first().map_or(Device::Cpu, |e| e.value.device())
    }

    /// Moves every entry; gradients are forgotten.
    pub fn move_to(&mut self, device: Device) {
        self.zero_grad();
        self.entries.iter_mut().for_each(|e| e.value = e.value.to(device));
    }

    /// How many numbers are trained: what the tables call "parameters".
    pub fn trainable(&self) -> usize {
        self.entries.iter().filter(|e| e.kind == Kind::Parameter).map(|e| e.value.len()).sum()
    }

    /// BLAKE3, in hex, over every entry in insertion order: the name's length (u64, little endian) and bytes, the rank and
    /// the sizes in files (u64), and the numbers in the file's order (f32, NaNs canonical). It does not depend on the
    /// layout in memory.
    pub fn digest(&self) -> String {
        let mut hash = blake3::Hasher::new();
        let mut bytes = Vec::new();
        for e in &self.entries {
            hash.update(&(e.name.len() as u64).to_le_bytes()).update(e.name.as_bytes());
            let shape = e.file_shape();
            hash.update(&(shape.iter().len() as u64).to_le_bytes());
            shape.iter().for_each(|&n| _ = hash.update(&(n as u64).to_le_bytes()));
            bytes.clear();
            write_numbers(&mut bytes, &e.value, e.layout);
            hash.update(&bytes);
        }
        hash.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_move_axes_as_pytorch_has_them() {
        let ours = Shape::new(&[3, 5, 7, 11]);
        assert_eq!(*Layout::Conv2d.file_shape(ours), [11, 7, 3, 5]);
        assert_eq!(*Layout::Conv1d.file_shape(Shape::new(&[3, 7, 11])), [11, 7, 3]);
        assert_eq!(*Layout::Linear.file_shape(Shape::new(&[7, 11])), [11, 7]);
        let mut at = Vec::new();
        Layout::Conv2d.in_file_order(ours, |i| at.push(i));
        // Element (o, i, kh, kw) of the file is (kh, kw, i, o) here.
        let (o, i, kh, kw) = (4, 6, 2, 3);
        assert_eq!(at[((o * 7 + i) * 3 + kh) * 5 + kw], ((kh * 5 + kw) * 7 + i) * 11 + o);
        at.sort_unstable();
        assert!(at.iter().copied().eq(0..ours.len()));
    }

    #[test]
    fn the_digest_does_not_depend_on_the_layout_in_memory() {
        let digest = |value, layout| {
            let mut p = Params::new();
            p.add("fc.weight", value, Kind::Parameter, layout);
            p.digest()
        };
        let a = digest(Tensor::from_slice([2, 3], &[1., 2., 3., 4., 5., 6.]), Layout::Plain);
        let b = digest(Tensor::from_slice([3, 2], &[1., 4., 2., 5., 3., 6.]), Layout::Linear);
        assert_eq!(a, b);
        assert_ne!(a, digest(Tensor::from_slice([2, 3], &[1., 2., 3., 4., 5., -6.]), Layout::Plain));
    }

    #[test]
    #[should_panic(expected = "two parameters are called 'a'")]
    fn a_name_is_given_once() {
        let mut p = Params::new();
        p.add("a", Tensor::zeros([1]), Kind::Parameter, Layout::Plain);
        p.add("a", Tensor::zeros([1]), Kind::Buffer, Layout::Plain);
    }
}
