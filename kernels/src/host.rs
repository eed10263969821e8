//! What references compute with: plain arrays of f32 or f64.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::{DType, Shape, Tensor, math};

/// f32 or f64: a reference is written once over both. In f32 it defines the bits; in f64 it is the truth that gradients
/// are checked against.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + Sum
    + 'static
{
    /// `a * b + c`, rounded once.
    fn fma(a: Self, b: Self, c: Self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// From f64, rounded.
    fn of(x: f64) -> Self;
    /// To f64, exactly.
    fn f64(self) -> f64;
    /// Applies a function of two precisions: `single` to an f32, `double` to an f64.
    fn map(self, single: fn(f32) -> f32, double: fn(f64) -> f64) -> Self;
    /// Is NaN.
    fn is_nan(self) -> bool;
}

impl Real for f32 {
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        math::fma(a, b, c)
    }
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    fn of(x: f64) -> f32 {
        x as f32
    }
    fn f64(self) -> f64 {
        self.into()
    }
    fn map(self, single: fn(f32) -> f32, _: fn(f64) -> f64) -> f32 {
        single(self)
    }
    fn is_nan(self) -> bool {
        self.is_nan()
    }
}

impl Real for f64 {
    fn fma(a: f64, b: f64, c: f64) -> f64 {
        math::fma64(a, b, c)
    }
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    fn of(x: f64) -> f64 {
        x
    }
    fn f64(self) -> f64 {
        self
    }
    fn map(self, _: fn(f32) -> f32, double: fn(f64) -> f64) -> f64 {
        double(self)
    }
    fn is_nan(self) -> bool {
        self.is_nan()
    }
}

/// A shape and its numbers, row-major. Integer tensors come as whole numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Host<T> {
    /// Sizes.
    pub shape: Shape,
    /// Row-major.
    pub data: Vec<T>,
}

impl<T: Real> Host<T> {
    /// All +0.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Self { shape, data: vec![T::default(); shape.len()] }
    }

    /// From numbers.
    ///
    /// # Panics
    /// If there are not as many as the shape says.
    pub fn new(shape: impl Into<Shape>, data: Vec<T>) -> Self {
        let shape = shape.into();
        assert_eq!(shape.len(), data.len(), "shape {shape}");
        Self { shape, data }
    }

    /// A tensor's numbers.
    pub fn of(t: &Tensor) -> Self {
        let data = match t.dtype() {
            DType::F32 => t.data().iter().map(|&x| T::of(x.into())).collect(),
            DType::I32 => t.ints().iter().map(|&x| T::of(x.into())).collect(),
        };
        Self { shape: t.shape(), data }
    }

    /// As a float tensor, rounded to f32.
    pub fn tensor(&self) -> Tensor {
        let data: Vec<f32> = self.data.iter().map(|x| x.f64() as f32).collect();
        Tensor::from_slice(self.shape, &data)
    }
}
