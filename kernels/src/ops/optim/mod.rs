//! Updates of parameters: functions over slices, in place, which no tape records.

pub mod grad_norm;
pub mod sgd;
