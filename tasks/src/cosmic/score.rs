//! Hit pixels that are missed, over all pixels of all tiles that count.

use std::collections::BTreeMap;

use kernels::Tensor;
use serde_json::Value;

use crate::metrics::detections::Detections;
use crate::{Quirks, Score};

/// The logit at which the probability is a half.
const HALF: f64 = 0.0;
/// What the reference compares logits with, as if they were probabilities.
const RAW: f64 = 0.5;

/// Detections among the pixels of a split.
pub(super) struct Hits {
    /// Logits above it are detections.
    threshold: f64,
    counted: Detections,
    /// The reference's rule: its threshold, and every pixel counts.
    reference: Detections,
    ignored: u64,
    tiles: u64,
}

impl Hits {
    pub(super) fn new(quirks: &Quirks) -> Self {
        let threshold = if quirks.has("raw-threshold") { RAW } else { HALF };
        let (counted, reference) = Default::default();
        Self { threshold, counted, reference, ignored: 0, tiles: 0 }
    }
}

impl Score for Hits {
    /// Logits `[B, h, w, 1]` against (hit, counts) `[B, h, w, 2]`. NaN is no detection.
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]) {
        let (pairs, rest) = targets.data().as_chunks::<2>();
        assert!(rest.is_empty() && pairs.len() == outputs.len(), "an answer a pixel");
        for (&logit, &[hit, counts]) in outputs.data().iter().zip(pairs) {
            let (logit, hit) = (f64::from(logit), hit == 1.0);
            self.reference.count(logit > RAW, hit);
            if counts == 1.0 {
                self.counted.count(logit > self.threshold, hit);
            } else {
                self.ignored += 1;
            }
        }
        self.tiles += items.len() as u64;
    }

    fn value(&self) -> f64 {
        self.counted.false_negative_rate()
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        let (d, r) = (&self.counted, &self.reference);
        let precision = d.true_positives as f64 / (d.true_positives + d.false_positives) as f64;
        BTreeMap::from([
            ("false_negatives", d.false_negatives.into()),
            ("false_positives", d.false_positives.into()),
            ("fnr_as_the_reference", r.false_negative_rate().into()),
            ("fpr", d.false_positive_rate().into()),
            ("fpr_as_the_reference", r.false_positive_rate().into()),
            ("precision", precision.into()),
            ("test_items", self.tiles.into()),
            ("test_pixels_ignored", self.ignored.into()),
            ("true_negatives", d.true_negatives.into()),
            ("true_positives", d.true_positives.into()),
        ])
    }
}
