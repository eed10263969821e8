//! Moving numbers.

mod boxes;
pub mod concat;
pub mod pad;
pub mod pad_reflect;
pub mod slice;
