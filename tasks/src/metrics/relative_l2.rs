//! Relative L2 error of fields.

use kernels::math::sum;

/// Sums over the batches of a split.
///
/// An item's error is `norm(output - target) / norm(target)`, both norms roots of long sums of squares ([`sum`]) in f64
/// over all numbers of the item; errors are added in the order of the items, so batches don't show. An item whose target is
/// zero throughout has the error infinity, or NaN where the output is zero too.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RelativeL2 {
    /// Errors, added up.
    pub sum: f64,
    /// Items.
    pub items: u64,
}

impl RelativeL2 {
    /// Adds a batch of `items` items: as many outputs as targets, item after item.
    ///
    /// # Panics
    /// If there are not as many outputs as targets, or not the same number for each item.
    pub fn add(&mut self, outputs: &[f32], targets: &[f32], items: usize) {
        let (have, want) = (outputs.len(), targets.len());
        assert!(
            have == want && have.is_multiple_of(items.max(1)),
            "{have} outputs and {want} targets of {items} items"
        );
        if items == 0 {
            assert!(outputs.is_empty(), "{have} outputs for no item");
            return;
        }
        let each = have / items;
        for i in 0..items {
            self.sum += error(&outputs[i * each..(i + 1) * each], &targets[i * each..(i + 1) * each]);
        }
        self.items += items as u64;
    }

    /// The mean over the items; NaN of none.
    pub fn mean(&self) -> f64 {
        self.sum / self.items as f64
    }
}

/// One item's error.
fn error(output: &[f32], target: &[f32]) -> f64 {
    let difference = sum::pairs(output, target, |o: f32, t: f32| {
        let d = f64::from(o) - f64::from(t);
        d * d
    });
    let norm = sum::pairs(target, target, |t: f32, _: f32| f64::from(t) * f64::from(t));
    difference.sqrt() / norm.sqrt()
}

/// The mean over `items` items of their relative L2 error.
///
/// # Panics
/// As [`RelativeL2::add`].
pub fn relative_l2(outputs: &[f32], targets: &[f32], items: usize) -> f64 {
    let mut all = RelativeL2::default();
    all.add(outputs, targets, items);
    all.mean()
}

/// The mean over batches of the mean over each batch, as published: the items of a last, smaller batch weigh more.
///
/// # Panics
/// As [`RelativeL2::add`]; if `batch_size` is 0.
pub fn relative_l2_of_batches(outputs: &[f32], targets: &[f32], items: usize, batch_size: usize) -> f64 {
    assert!(batch_size > 0, "batches of no item");
    let each = outputs.len() / items.max(1);
    let (mut total, mut batches) = (0.0, 0.0);
    for first in (0..items).step_by(batch_size) {
        let last = items.min(first + batch_size);
        let range = first * each..last * each;
        total += relative_l2(&outputs[range.clone()], &targets[range], last - first);
        batches += 1.0;
    }
    total / batches
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;
    use crate::test_support::shared;

    #[test]
    fn by_hand() {
        let targets = [3.0, 4.0, 0.0, 2.0, 5.0, 12.0];
        let outputs = [3.0, 4.0, 3.0, 2.0, 5.0, -1.0];
        // 0, 3 / 2, 13 / 13.
        assert_eq!(relative_l2(&outputs, &targets, 3), 2.5 / 3.0);
        assert_eq!(relative_l2_of_batches(&outputs, &targets, 3, 2), (0.75 + 1.0) / 2.0);
        assert_eq!(relative_l2_of_batches(&outputs, &targets, 3, 8), 2.5 / 3.0);
        assert_eq!(relative_l2(&outputs, &targets, 1), 178f64.sqrt() / 198f64.sqrt());
        let mut batches = RelativeL2::default();
        batches.add(&outputs[..2], &targets[..2], 1);
        batches.add(&[], &[], 0);
        batches.add(&outputs[2..], &targets[2..], 2);
        assert_eq!((batches.mean(), batches.items), (2.5 / 3.0, 3));
        assert!(relative_l2(&[], &[], 0).is_nan() && relative_l2(&[0.0], &[0.0], 1).is_nan());
        assert_eq!(relative_l2(&[1.0], &[0.0], 1), f64::INFINITY);
        assert!(relative_l2(&[f32::NAN, 1.0], &[1.0, 1.0], 2).is_nan());
    }

    #[test]
    #[should_panic(expected = "3 outputs and 3 targets of 2 items")]
    fn ragged_items_are_the_callers_fault() {
        relative_l2(&[1.0; 3], &[1.0; 3], 2);
    }

    #[test]
    fn reference_vector() {
        let Some(path) = shared("vectors/metric/relative_l2.safetensors") else { return };
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let words = |name: &str| file.tensor(name).unwrap().data().to_vec();
        let single = |name: &str| -> Vec<f32> {
            words(name).as_chunks().0.iter().map(|&b: &[u8; 4]| f32::from_le_bytes(b)).collect()
        };
        let double = |name: &str| f64::from_le_bytes(words(name).try_into().unwrap());
        let (x, t, items) = (single("in.x"), single("in.target"), file.tensor("in.x").unwrap().shape()[0]);
        for (got, want) in [
            (relative_l2(&x, &t, items), double("out.mean")),
            (relative_l2_of_batches(&x, &t, items, 3), double("out.mean_of_batch_means")),
        ] {
            assert!((got - want).abs() <= 1e-12 * want, "{got} {want}");
        }
        assert_ne!(double("out.mean"), double("out.mean_of_batch_means"));
    }
}
