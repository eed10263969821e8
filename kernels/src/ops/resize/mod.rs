//! Images and series of another size.

pub mod upsample_bilinear;
pub mod upsample_nearest;

pub use upsample_bilinear::UpsampleBilinear;
pub use upsample_nearest::UpsampleNearest;

/// Numbers a task should at least touch.
const TASK: usize = 1 << 14;
