//! Moving numbers without changing them.

mod boxes;
pub mod concat;
pub mod pad;
pub mod slice;
