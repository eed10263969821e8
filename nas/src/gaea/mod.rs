//! GAEA: PC-DARTS's cell space, searched by exponentiated gradient.

pub mod operations;
