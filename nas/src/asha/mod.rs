//! ASHA over the fixed network: the training's own numbers are searched, by asynchronous successive halving.

pub mod rungs;
pub mod simulate;
pub mod space;
