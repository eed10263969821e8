//! Moving numbers.

mod boxes;
pub mod channel_shuffle;
pub mod concat;
pub mod cuda;
pub mod pad;
pub mod pad_reflect;
pub mod permute;
pub mod slice;
pub mod split;
