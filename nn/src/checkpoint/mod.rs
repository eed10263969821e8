//! Checkpoints: safetensors files with PyTorch's names and layouts, deterministic to the byte.
//!
//! # Format
//! The safetensors layout: the header's length (u64, little endian), the header (JSON, padded with spaces so that the data
//! begin at a multiple of 64), the data. Tensors lie in the data in the order in which they were put, without gaps; the
//! header is canonical JSON (keys sorted by bytes, no white space). `__metadata__` has one key, `np360`, whose value is
//! canonical JSON again:
//!
//! | key | value |
//! |---|---|
//! | `data` | BLAKE3 of the data section |
//! | `format` | 1 |
//! | `header` | BLAKE3 of everything before the data, this value's own 64 digits being zeros |
//! | `meta` | what the caller gave: counters, best so far, ... |
//!
//! So one flipped bit, anywhere, is found. f32 NaNs are written as 0x7fc00000. Parameters and buffers come first, under
//! their own names; then state under `optimizer.` and `state.`. Writing the file safely is the run folder's business.

mod bytes;
mod json;
#[cfg(test)]
mod tests;

pub use json::canonical;

use std::collections::BTreeMap;

use kernels::{DType, Shape, Tensor};
use serde_json::Value;

use crate::layout::{proper_name, write_numbers};
use crate::{Layout, ParamId, Params, params::RESERVED};

/// A checkpoint was refused; nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a checkpoint, cut short, or changed since it was written.
    #[error("the checkpoint is damaged: {0}; use an older one or start again")]
    Damaged(String),
    /// A file of another version of the program.
    #[error("the checkpoint has format {0}, this program reads 1; use the version that wrote it")]
    Format(String),
    /// Of another network.
    #[error(
        "the checkpoint is of another network: entry {index} is {file} there and {ours} here; build the network it was written for"
    )]
    Network {
        /// Number of the first entry that differs.
        index: usize,
        /// Name and shape in the file, or "missing".
        file: String,
        /// Name and shape of the network, in the file's layout, or "missing".
        ours: String,
    },
    /// State that the file lacks, or has with another shape or type.
    #[error(
        "the checkpoint has {file} where {name} {shape} is expected; continue with the configuration it was written for"
    )]
    State {
        /// The tensor's name.
        name: String,
        /// What is expected.
        shape: Shape,
        /// What the file has.
        file: String,
    },
}

/// A named tensor, as files have it.
#[derive(Debug, Clone)]
struct Item {
    name: String,
    dtype: DType,
    shape: Shape,
    /// Little endian, row-major, in PyTorch's layout.
    bytes: std::ops::Range<usize>,
}

/// Named tensors and metadata, on their way to a file or back.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// What is not a tensor: counters, the best value so far, ...
    pub meta: Value,
    items: Vec<Item>,
    index: BTreeMap<String, usize>,
    data: Vec<u8>,
}

impl Checkpoint {
    /// Empty, with metadata.
    pub fn new(meta: Value) -> Self {
        Self { meta, items: Vec::new(), index: BTreeMap::new(), data: Vec::new() }
    }

    fn push(&mut self, name: String, value: &Tensor, layout: Layout) {
        assert!(proper_name(&name), "'{name}' is no name for a tensor");
        assert!(self.find(&name).is_none(), "two tensors are called '{name}'");
        self.index.insert(name.clone(), self.items.len());
        let start = self.data.len();
        write_numbers(&mut self.data, value, layout);
        let shape = layout.file_shape(value.shape());
        self.items.push(Item { name, dtype: value.dtype(), shape, bytes: start..self.data.len() });
    }

    /// Puts every parameter and buffer.
    ///
    /// # Panics
    /// If something was put before: a network comes first.
    pub fn put_params(&mut self, params: &Params) {
        assert!(self.items.is_empty(), "a network comes first, and once");
        params.entries().iter().for_each(|e| self.push(e.name().to_owned(), e.value(), e.layout()));
    }

    /// Puts a tensor of the training's state as `state.<name>`.
    ///
    /// # Panics
    /// If the name was used before, or has other characters than ASCII letters, digits, `.`, `_`, `-`.
    pub fn put_state(&mut self, name: &str, value: &Tensor) {
        self.push(format!("state.{name}"), value, Layout::Plain);
    }

    /// Puts what an optimiser keeps for a parameter as `optimizer.<what>.<the parameter's name>`, in its layout.
    ///
    /// # Panics
    /// If it was put before.
    pub fn put_optimizer(&mut self, what: &str, params: &Params, id: ParamId, value: &Tensor) {
        let e = &params.entries()[id.0];
        self.push(format!("optimizer.{what}.{}", e.name()), value, e.layout());
    }

    /// Names and shapes (PyTorch's) in order.
    pub fn names(&self) -> impl Iterator<Item = (&str, Shape)> {
        self.items.iter().map(|i| (i.name.as_str(), i.shape))
    }

    fn find(&self, name: &str) -> Option<&Item> {
        self.index.get(name).map(|&i| &self.items[i])
    }

    /// Reads an item into our layout; shape and type are right.
    fn tensor(&self, item: &Item, ours: Shape, layout: Layout) -> Tensor {
        let words = self.data[item.bytes.clone()].chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
        match item.dtype {
            DType::I32 => Tensor::from_ints(ours, &words.map(i32::from_le_bytes).collect::<Vec<_>>()),
            DType::F32 => {
                let mut t = Tensor::uninit(ours);
                let (data, mut words) = (t.data_mut(), words);
                layout
                    .in_file_order(ours, |i| data[i] = f32::from_le_bytes(words.next().expect("as many as the shape")));
                t
            }
        }
    }

    /// Loads every parameter and buffer; gradients are forgotten.
    ///
    /// # Errors
    /// If the file's network differs: names the first entry that does, with both shapes. Nothing is changed then.
    pub fn load_params(&self, params: &mut Params) -> Result<(), CheckpointError> {
        let network = self.items.iter().take_while(|i| RESERVED.iter().all(|r| !i.name.starts_with(r)));
        let items: Vec<&Item> = network.collect();
        let entries = params.entries();
        for index in 0..items.len().max(entries.len()) {
            let file = items.get(index).map(|i| (i.name.as_str(), i.shape, i.dtype));
            let ours = entries.get(index).map(|e| (e.name(), e.file_shape(), DType::F32));
            if file != ours {
                let say = |x: Option<(&str, Shape, DType)>| match x {
                    Some((name, shape, DType::F32)) => format!("'{name}' {shape}"),
                    Some((name, shape, DType::I32)) => format!("'{name}' {shape} (integers)"),
                    None => "missing".to_owned(),
                };
                return Err(CheckpointError::Network { index, file: say(file), ours: say(ours) });
            }
        }
        for (i, item) in items.iter().enumerate() {
            let e = &params.entries()[i];
            let value = self.tensor(item, e.value().shape(), e.layout());
            let device = e.value().device();
            params.set(ParamId(i), value.to(device));
        }
        params.zero_grad();
        Ok(())
    }

    /// A tensor put with [`Checkpoint::put_state`], of this shape and type.
    ///
    /// # Errors
    /// If it is missing, or has another shape or type.
    pub fn state(&self, name: &str, shape: Shape, dtype: DType) -> Result<Tensor, CheckpointError> {
        self.expect(format!("state.{name}"), shape, Layout::Plain, dtype)
    }

    /// What an optimiser kept for a parameter, put with [`Checkpoint::put_optimizer`]; `None` if it kept nothing.
    ///
    /// # Errors
    /// If it has another shape.
    pub fn optimizer(&self, what: &str, params: &Params, id: ParamId) -> Result<Option<Tensor>, CheckpointError> {
        let e = &params.entries()[id.0];
        let name = format!("optimizer.{what}.{}", e.name());
        if self.find(&name).is_none() {
            return Ok(None);
        }
        let kept = self.expect(name, e.value().shape(), e.layout(), DType::F32)?;
        Ok(Some(kept.to(e.value().device())))
    }

    fn expect(&self, name: String, ours: Shape, layout: Layout, dtype: DType) -> Result<Tensor, CheckpointError> {
        let shape = layout.file_shape(ours);
        match self.find(&name) {
            Some(item) if item.shape == shape && item.dtype == dtype => Ok(self.tensor(item, ours, layout)),
            Some(item) => Err(CheckpointError::State { file: format!("{:?} {}", item.dtype, item.shape), name, shape }),
            None => Err(CheckpointError::State { name, shape, file: "nothing".to_owned() }),
        }
    }
}
