//! Updates of parameters: functions over slices, in place, which no tape records.

pub mod adam;
pub mod exponentiated;
pub mod grad_norm;
pub mod rmsprop;
pub mod sgd;
