//! A tensor: a shape over a shared, recycled block of 4-byte words.

use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::cuda::{self, driver};
use crate::memory::{self, Block};
use crate::simd::Simd;
use crate::{Device, Shape, dispatch, pool};

/// Element type. Everything that is differentiated is `F32`; targets and indices are `I32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// IEEE binary32.
    F32,
    /// Class numbers and indices.
    I32,
}

/// Numbers that a task copies or adds.
const CHUNK: usize = 1 << 14;

/// A dense tensor, row-major; cloning shares the data, writing to shared data copies them first.
pub struct Tensor {
    block: ManuallyDrop<Arc<Block>>,
    shape: Shape,
    dtype: DType,
}

impl Tensor {
    fn take(device: Device, shape: Shape, dtype: DType) -> Self {
        Self { block: ManuallyDrop::new(memory::take(device, shape.len())), shape, dtype }
    }

    /// Room for an f32 tensor in this machine's memory; its numbers are arbitrary until written.
    pub fn uninit(shape: impl Into<Shape>) -> Self {
        Self::uninit_on(Device::Cpu, shape)
    }

    /// Room for an f32 tensor on a device; its numbers are arbitrary until written.
    pub fn uninit_on(device: Device, shape: impl Into<Shape>) -> Self {
        Self::take(device, shape.into(), DType::F32)
    }

    /// All `value`, in this machine's memory.
    pub fn full(shape: impl Into<Shape>, value: f32) -> Self {
        Self::full_on(Device::Cpu, shape, value)
    }

    /// All `value`, on a device.
    pub fn full_on(device: Device, shape: impl Into<Shape>, value: f32) -> Self {
        let mut t = Self::uninit_on(device, shape);
        match device {
            Device::Cpu => t.data_mut().fill(value),
            Device::PLANNED => {}
            Device::Cuda(_) => driver::card().fill(t.address_mut(), value.to_bits(), t.len()),
        }
        t
    }

    /// The same numbers on `device`: shared if they are there already, else copied.
    #[must_use]
    pub fn to(&self, device: Device) -> Self {
        match (self.device(), device) {
            (a, b) if a == b => self.clone(),
            (_, Device::PLANNED) => Self::take(device, self.shape, self.dtype),
            (Device::Cpu, Device::Cuda(_)) => {
                let t = Self::take(device, self.shape, self.dtype);
                driver::card().upload(t.block.card_address(), self.words());
                t
            }
            (Device::Cuda(_), Device::Cpu) => {
                let mut t = Self::take(device, self.shape, self.dtype);
                driver::card().download(self.block.card_address(), t.words_mut());
                t
            }
            (a, b) => driver::raise(format!("a tensor of {a} was asked for on {b}: a process works with one card")),
        }
    }

    /// The address of the first number, on the card.
    ///
    /// # Panics
    /// If it lives in this machine's memory.
    pub fn address(&self) -> u64 {
        self.block.card_address()
    }

    /// The same, to be written to; copies first if another tensor shares the numbers.
    ///
    /// # Panics
    /// If it lives in this machine's memory.
    pub fn address_mut(&mut self) -> u64 {
        if Arc::get_mut(&mut self.block).is_none() {
            let own = memory::take(self.device(), self.len());
            driver::card().copy(own.card_address(), self.block.card_address(), 4 * self.len());
            let shared = std::mem::replace(&mut *self.block, own);
            memory::give(shared);
        }
        self.block.card_address()
    }

    /// All +0.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Self::full(shape, 0.0)
    }

    /// A copy of `data`, row-major.
    ///
    /// # Panics
    /// If `data` does not hold as many numbers as the shape.
    pub fn from_slice(shape: impl Into<Shape>, data: &[f32]) -> Self {
        let mut t = Self::uninit(shape);
        t.data_mut().copy_from_slice(data);
        t
    }

    /// A copy of class numbers or indices.
    ///
    /// # Panics
    /// If `data` does not hold as many numbers as the shape.
    pub fn from_ints(shape: impl Into<Shape>, data: &[i32]) -> Self {
        let mut t = Self::take(Device::Cpu, shape.into(), DType::I32);
        t.ints_mut().copy_from_slice(data);
        t
    }

    /// A tensor without dimensions.
    pub fn scalar(value: f32) -> Self {
        Self::full(Shape::scalar(), value)
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where it lives.
    pub fn device(&self) -> Device {
        self.block.device()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.len()
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.shape.is_empty()
    }

    fn words(&self) -> &[u32] {
        &self.block.words()[..self.shape.len()]
    }

    fn words_mut(&mut self) -> &mut [u32] {
        let n = self.shape.len();
        if Arc::get_mut(&mut self.block).is_none() {
            let mut own = memory::take(Device::Cpu, n);
            copy(self.words(), &mut Arc::get_mut(&mut own).expect("fresh").words_mut()[..n]);
            let shared = std::mem::replace(&mut *self.block, own);
            memory::give(shared);
        }
        &mut Arc::get_mut(&mut self.block).expect("made unique above").words_mut()[..n]
    }

    /// The numbers, row-major.
    ///
    /// # Panics
    /// If the tensor holds integers.
    pub fn data(&self) -> &[f32] {
        assert_eq!(self.dtype, DType::F32, "an integer tensor has no f32 data");
        bytemuck::cast_slice(self.words())
    }

    /// The numbers, writable; copies first if another tensor shares them.
    ///
    /// # Panics
    /// If the tensor holds integers.
    pub fn data_mut(&mut self) -> &mut [f32] {
        assert_eq!(self.dtype, DType::F32, "an integer tensor has no f32 data");
        bytemuck::cast_slice_mut(self.words_mut())
    }

    /// The class numbers or indices.
    ///
    /// # Panics
    /// If the tensor holds floats.
    pub fn ints(&self) -> &[i32] {
        assert_eq!(self.dtype, DType::I32, "a float tensor has no integer data");
        bytemuck::cast_slice(self.words())
    }

    /// The class numbers or indices, writable; copies first if another tensor shares them.
    ///
    /// # Panics
    /// If the tensor holds floats.
    pub fn ints_mut(&mut self) -> &mut [i32] {
        assert_eq!(self.dtype, DType::I32, "a float tensor has no integer data");
        bytemuck::cast_slice_mut(self.words_mut())
    }

    /// Takes the numbers of a tensor of this machine's memory and keeps its own place on the card.
    ///
    /// # Panics
    /// If the shapes or types differ.
    pub fn load(&mut self, host: &Self) {
        assert_eq!((self.shape, self.dtype), (host.shape, host.dtype), "load");
        driver::card().upload(self.address_mut(), host.words());
    }

    /// Takes `other`'s numbers and keeps its place in memory, which a captured graph may have written down.
    ///
    /// # Panics
    /// If the shapes, types or devices differ.
    pub fn assign(&mut self, other: &Self) {
        assert_eq!((self.shape, self.dtype, self.device()), (other.shape, other.dtype, other.device()), "assign");
        match self.device() {
            Device::Cpu => copy(other.words(), self.words_mut()),
            Device::PLANNED => {}
            Device::Cuda(_) => driver::card().copy(self.address_mut(), other.address(), 4 * other.len()),
        }
    }

    /// Adds `other`, element by element: how a second gradient contribution joins the first. Shared numbers are not
    /// copied first: the sums go to memory of their own.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn accumulate(&mut self, other: &Self) {
        assert_eq!(self.shape, other.shape, "a gradient has the shape of its value");
        match self.device() {
            Device::Cpu => {}
            Device::PLANNED => return,
            Device::Cuda(_) => return cuda::basic::accumulate(self, other),
        }
        let b = other.data();
        if Arc::get_mut(&mut self.block).is_some() {
            pool::chunks_mut(self.data_mut(), CHUNK, |i, a| add_into(a, &b[i * CHUNK..][..a.len()]));
        } else {
            let (a, mut sum) = (self.data(), Self::uninit(self.shape));
            pool::chunks_mut(sum.data_mut(), CHUNK, |i, y| {
                add(&a[i * CHUNK..][..y.len()], &b[i * CHUNK..][..y.len()], y);
            });
            *self = sum;
        }
    }

    /// The only element.
    ///
    /// # Panics
    /// If there is not exactly one.
    pub fn item(&self) -> f32 {
        assert_eq!(self.len(), 1, "item() of a tensor of shape {}", self.shape);
        self.to(Device::Cpu).data()[0]
    }

    /// The same data under another shape with as many elements.
    ///
    /// # Panics
    /// If the numbers of elements differ.
    #[must_use]
    pub fn reshaped(&self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert_eq!(shape.len(), self.len(), "{} cannot be seen as {shape}", self.shape);
        let mut t = self.clone();
        t.shape = shape;
        t
    }

    /// Equal shapes, types and bits; NaNs are equal as a class.
    pub fn same_bits(&self, other: &Self) -> bool {
        self.first_difference(other).is_none()
    }

    /// Flat index of the first element whose bits differ (0 if shapes or types do); NaNs are equal as a class.
    pub fn first_difference(&self, other: &Self) -> Option<usize> {
        if self.shape != other.shape || self.dtype != other.dtype {
            return Some(0);
        }
        let nan = |w: u32| self.dtype == DType::F32 && f32::from_bits(w).is_nan();
        let (a, b) = (self.to(Device::Cpu), other.to(Device::Cpu));
        a.words().iter().zip(b.words()).position(|(&a, &b)| a != b && !(nan(a) && nan(b)))
    }
}

impl Clone for Tensor {
    fn clone(&self) -> Self {
        Self { block: ManuallyDrop::new(Arc::clone(&self.block)), shape: self.shape, dtype: self.dtype }
    }
}

impl Drop for Tensor {
    fn drop(&mut self) {
        // SAFETY: the block is taken out exactly once, here, and never touched again.
        memory::give(unsafe { ManuallyDrop::take(&mut self.block) });
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor{}", self.shape)?;
        match (self.device(), self.dtype) {
            (Device::Cpu, DType::F32) => write!(f, " {:?}", &self.data()[..self.len().min(8)]),
            (Device::Cpu, DType::I32) => write!(f, " {:?}", &self.ints()[..self.len().min(8)]),
            (card, dtype) => write!(f, " of {dtype:?} on {card}"),
        }
    }
}

/// Copies on all threads.
fn copy(from: &[u32], to: &mut [u32]) {
    assert_eq!(from.len(), to.len());
    let from: &[f32] = bytemuck::cast_slice(from);
    pool::chunks_mut(bytemuck::cast_slice_mut(to), CHUNK, |i, to| to.copy_from_slice(&from[i * CHUNK..][..to.len()]));
}

dispatch! {
    fn add_into(a: &mut [f32], b: &[f32]) = add_into_body;
    fn add(a: &[f32], b: &[f32], y: &mut [f32]) = add_body;
}

#[inline(always)]
fn add_into_body<S: Simd>(a: &mut [f32], b: &[f32]) {
    for (x, y) in a.iter_mut().zip(b) {
        *x += *y;
    }
}

#[inline(always)]
fn add_body<S: Simd>(a: &[f32], b: &[f32], y: &mut [f32]) {
    for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
        *y = *a + *b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_to_shared_data_copies_them_first() {
        let a = Tensor::from_slice([2, 2], &[1., 2., 3., 4.]);
        let mut b = a.reshaped([4]);
        b.data_mut()[0] = 9.0;
        assert_eq!(a.data(), [1., 2., 3., 4.]);
        assert_eq!(b.data(), [9., 2., 3., 4.]);
    }

    #[test]
    fn sums_have_the_same_bits_in_shared_and_in_own_memory() {
        let n = 3 * CHUNK + 5;
        let numbers = |k: usize| (0..n).map(|i| (i * k % 1009) as f32 * 0.37 - 100.0).collect::<Vec<_>>();
        let (a, b) = (numbers(7), numbers(13));
        let (mut own, other) = (Tensor::from_slice([n], &a), Tensor::from_slice([n], &b));
        let mut shared = own.clone();
        let witness = shared.reshaped([1, n]);
        shared.accumulate(&other);
        assert_eq!(witness.data(), a, "the numbers that were shared are left alone");
        drop(witness);
        own.accumulate(&other);
        assert!(own.same_bits(&shared));
        assert!(shared.data().iter().zip(a.iter().zip(&b)).all(|(y, (a, b))| y.to_bits() == (a + b).to_bits()));
        shared.accumulate(&shared.clone());
        assert!(shared.data().iter().zip(own.data()).all(|(y, a)| y.to_bits() == (a + a).to_bits()));
    }

    #[test]
    fn a_long_copy_is_whole() {
        let numbers: Vec<i32> = (0..2 * CHUNK as i32 + 3).collect();
        let a = Tensor::from_ints([numbers.len()], &numbers);
        let mut b = a.clone();
        b.ints_mut()[0] = 7;
        assert_eq!(b.ints()[1..], numbers[1..]);
        assert_eq!(a.ints(), numbers);
    }

    #[test]
    fn nans_are_equal_as_a_class_and_zeros_are_not() {
        let nan = |bits| Tensor::from_slice([1], &[f32::from_bits(bits)]);
        assert!(nan(0x7fc0_0000).same_bits(&nan(0xffc0_0001)));
        assert_eq!(nan(0).first_difference(&nan(0x8000_0000)), Some(0));
    }
}
