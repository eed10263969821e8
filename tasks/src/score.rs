//! What a task is judged by, as batches of outputs go past.

use std::collections::BTreeMap;

use kernels::Tensor;
use serde_json::Value;

use crate::metrics::{RelativeL2, Top1};

/// Gathers outputs, then says how good they are.
pub trait Score {
    /// Takes a batch of outputs `[B, ...]`, its targets, and the numbers of its items in the split; each item once.
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]);

    /// The task's metric, as a fraction or in the data's own unit: [`crate::Metric::scale`] makes it the paper's. NaN of
    /// nothing.
    fn value(&self) -> f64;

    /// What else a result records.
    fn secondary(&self) -> BTreeMap<&'static str, Value>;
}

/// The fraction of items whose first largest output is not their class.
#[derive(Debug, Default)]
pub struct ZeroOne(Top1);

impl Score for ZeroOne {
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, _: &[u32]) {
        self.0.add(outputs.data(), targets.ints());
    }

    fn value(&self) -> f64 {
        self.0.error()
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([("test_items", self.0.total.into()), ("test_wrong", self.0.wrong.into())])
    }
}

/// The mean over items of their relative L2 error.
#[derive(Debug, Default)]
pub struct MeanRelativeL2(RelativeL2);

impl Score for MeanRelativeL2 {
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]) {
        self.0.add(outputs.data(), targets.data(), items.len());
    }

    fn value(&self) -> f64 {
        self.0.mean()
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([("test_items", self.0.items.into())])
    }
}
