//! Updates of parameters: in place, which no tape records.

pub mod adam;
#[cfg(test)]
mod card;
pub mod exponentiated;
pub mod grad_norm;
pub mod max_norm;
pub mod rmsprop;
pub mod sgd;
