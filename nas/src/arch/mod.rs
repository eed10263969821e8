//! Architectures: the content of `arch.json`.

pub mod draw;
pub mod outline;
