//! Tensors, the thread pool and every operation, each with the order of its sums specified.
//!
//! The law of numbers (`docs/determinism.md`): an operation's bits depend on its inputs and their shapes alone;
//! never on the number of threads, the SIMD level, the device or what else is in the batch. Each op's folder under
//! [`ops`] holds its specification (`mod.rs`), the reference that defines the bits (`reference.rs`), the fast version
//! (`cpu.rs`) and one table of cases (`cases.rs`) that drives every check.

pub mod check;
pub mod cuda;
pub mod device;
pub mod error;
pub mod host;
pub mod math;
pub mod memory;
pub mod op;
pub mod ops;
pub mod pool;
pub mod product;
pub mod rng;
pub mod shape;
pub mod simd;
pub mod tensor;
pub mod tree;

pub use device::Device;
pub use error::OpError;
pub use op::{Backward, Op, Outputs, Saves};
pub use shape::Shape;
pub use tensor::{DType, Tensor};
