//! Methods: one folder each.

pub mod wrn;
