//! What the integration tests share. The tests themselves are in `tests/tests/`.

pub mod cli;
pub mod vectors;
