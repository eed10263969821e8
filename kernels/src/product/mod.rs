//! Products: what convolutions, linear layers and matrix products have in common.
//!
//! One accumulator an output element, starting at +0, k ascending, one `fma` a term. Lanes run along output channels and
//! tiles along pixels, so neither SIMD width nor tiling touches the order. [`gather`] computes outputs from a list of taps
//! (forward and input gradient), [`left`] multiplies many by one matrix from the left; [`scatter`] computes weight gradients in
//! chunks of rows.

pub mod cuda;
pub mod gather;
pub mod left;
pub mod scatter;
pub(crate) mod tile;
mod turn;

use std::mem::MaybeUninit;

use crate::Tensor;

/// Vectors of output channels, cut into panels of a few registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panels {
    /// Output channels.
    pub channels: usize,
    /// Lanes of a register.
    pub lanes: usize,
    /// Registers of a full panel.
    pub registers: usize,
}

/// One panel: its first channel, registers, and channels (at most registers * lanes).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel {
    pub first: usize,
    pub registers: usize,
    pub channels: usize,
}

impl Panels {
    pub fn len(&self) -> usize {
        self.channels.div_ceil(self.lanes * self.registers)
    }

    pub fn get(&self, i: usize) -> Panel {
        let first = i * self.lanes * self.registers;
        let left = self.channels - first;
        let registers = left.div_ceil(self.lanes).min(self.registers);
        Panel { first, registers, channels: left.min(registers * self.lanes) }
    }

    /// Lanes of all panels before panel `i`, tails filled up.
    pub fn offset(&self, i: usize) -> usize {
        i * self.lanes * self.registers
    }

    /// Lanes of all panels, tails filled up.
    pub fn width(&self) -> usize {
        self.channels.div_ceil(self.lanes) * self.lanes
    }
}

/// A table for a task's own length: short ones in place, others in recycled memory, without asking the system.
pub(crate) struct Table<T> {
    /// The elements, in `_memory`; null if they are in place. Kept here, since asking a tensor for its address costs an atomic
    /// exchange.
    elements: *mut T,
    capacity: usize,
    len: usize,
    place: [MaybeUninit<u64>; SHORT],
    /// Held until the table goes.
    _memory: Option<Tensor>,
}

/// 8-byte words that a table has in place: two dozen pointers, the rows of a small batch.
const SHORT: usize = 24;

impl<T: Copy> Table<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        const { assert!(align_of::<T>() <= align_of::<u64>() && !std::mem::needs_drop::<T>()) };
        let bytes = capacity * size_of::<T>();
        let mut memory = (bytes > 8 * SHORT).then(|| Tensor::uninit([bytes.div_ceil(4)]));
        let elements = memory.as_mut().map_or(std::ptr::null_mut(), |m| m.data_mut().as_mut_ptr().cast());
        Self { elements, capacity, len: 0, place: [MaybeUninit::uninit(); SHORT], _memory: memory }
    }

    fn first(&self) -> *const T {
        if self.elements.is_null() { self.place.as_ptr().cast() } else { self.elements }
    }

    fn first_mut(&mut self) -> *mut T {
        if self.elements.is_null() { self.place.as_mut_ptr().cast() } else { self.elements }
    }

    pub(crate) fn push(&mut self, value: T) {
        assert!(self.len < self.capacity, "a table has room for what it was made for");
        // SAFETY: in bounds (checked above) of memory that nobody else holds; words and blocks are aligned to 8 bytes.
        unsafe { self.first_mut().add(self.len).write(value) };
        self.len += 1;
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: the first `len` elements were written by `push`; alignment as above.
        unsafe { std::slice::from_raw_parts(self.first(), self.len) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`.
        unsafe { std::slice::from_raw_parts_mut(self.first_mut(), self.len) }
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut T> {
        self.as_mut_slice().last_mut()
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }
}
