//! Metrics, as fractions or in the data's own unit; [`crate::Metric::scale`] makes them the paper's.

pub mod auroc;
pub mod average_precision;
pub mod detections;
pub mod f1;
pub mod mae_below;
pub mod protein_mae;
pub mod ranking;
mod relative_l2;
pub mod vote;
pub use relative_l2::{RelativeL2, relative_l2, relative_l2_of_batches};

/// Counts over the batches of a split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Top1 {
    /// Items whose first largest output is not their class.
    pub wrong: u64,
    /// All items.
    pub total: u64,
}

impl Top1 {
    /// Counts a batch of outputs `[B, K]` against class numbers `[B]`. The prediction is the first of the largest outputs; a
    /// row that holds NaN predicts nothing and is wrong.
    ///
    /// # Panics
    /// If the outputs are not a whole number, at least one, for each class number.
    pub fn add(&mut self, outputs: &[f32], labels: &[i32]) {
        if labels.is_empty() {
            assert!(outputs.is_empty(), "{} outputs for no item", outputs.len());
            return;
        }
        let classes = outputs.len() / labels.len();
        assert!(
            classes > 0 && classes * labels.len() == outputs.len(),
            "{} outputs for {} items",
            outputs.len(),
            labels.len()
        );
        for (row, &label) in outputs.chunks_exact(classes).zip(labels) {
            self.wrong += u64::from(first_maximum(row).is_none_or(|k| i32::try_from(k) != Ok(label)));
        }
        self.total += labels.len() as u64;
    }

    /// The fraction that is wrong; NaN of no items.
    pub fn error(&self) -> f64 {
        self.wrong as f64 / self.total as f64
    }
}

/// Where the first of the largest numbers stands; `None` if there is NaN among them, or nothing at all.
pub fn first_maximum(row: &[f32]) -> Option<usize> {
    let mut best = 0;
    for (k, &v) in row.iter().enumerate() {
        if v.is_nan() {
            return None;
        }
        if v > row[best] {
            best = k;
        }
    }
    (!row.is_empty()).then_some(best)
}

/// The fraction of items whose first largest output `[B, K]` is not their class `[B]`.
///
/// # Panics
/// As [`Top1::add`].
pub fn top1_error(outputs: &[f32], labels: &[i32]) -> f64 {
    let mut count = Top1::default();
    count.add(outputs, labels);
    count.error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first_and_nan_is_wrong() {
        let nan = f32::NAN;
        let outputs = [1., 1., 0., 0., 1., 1., nan, 2., 3., 3., 2., nan, f32::NEG_INFINITY, -0., 0.];
        assert_eq!(top1_error(&outputs, &[0, 1, 2, 0, 1]), 2.0 / 5.0);
        assert_eq!(top1_error(&outputs, &[1, 2, 0, 1, 2]), 1.0);
        assert_eq!(top1_error(&[f32::NEG_INFINITY; 4], &[0, -1]), 0.5);
        assert!(top1_error(&[], &[]).is_nan());
    }

    #[test]
    fn batches_add_up() {
        let outputs: Vec<f32> = (0..60).map(|i| (i * 7 % 11) as f32).collect();
        let labels: Vec<i32> = (0..20).map(|i| i % 3).collect();
        let mut count = Top1::default();
        count.add(&outputs[..21], &labels[..7]);
        count.add(&outputs[21..], &labels[7..]);
        assert_eq!((count.total, count.error()), (20, top1_error(&outputs, &labels)));
    }
}
