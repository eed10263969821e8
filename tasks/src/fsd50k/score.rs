//! Mean average precision over labels, of clips.

use std::collections::BTreeMap;

use kernels::{Tensor, math};
use serde_json::Value;

use crate::metrics::auroc::mean_auroc;
use crate::metrics::average_precision::mean_average_precision;
use crate::{Score, Split};

/// Sums of outputs by clip.
pub(super) struct Precision {
    split: Split,
    /// By clip: chunks so far, the sum of their outputs, its labels.
    clips: BTreeMap<u32, (u32, Vec<f64>, Vec<f32>)>,
    chunks: u64,
}

impl Precision {
    pub(super) fn new(split: &Split) -> Self {
        Self { split: split.clone(), clips: BTreeMap::new(), chunks: 0 }
    }

    /// Mean outputs `[clips, labels]` (their order is that of their sigmoids), targets, and the number of labels.
    fn means(&self) -> (Vec<f32>, Vec<f32>, usize) {
        let (mut scores, mut targets, mut labels) = (Vec::new(), Vec::new(), 0);
        for (n, sums, truth) in self.clips.values() {
            scores.extend(sums.iter().map(|s| (s / f64::from(*n)) as f32));
            targets.extend_from_slice(truth);
            labels = truth.len();
        }
        (scores, targets, labels)
    }
}

impl Score for Precision {
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]) {
        if items.is_empty() {
            return;
        }
        assert_eq!(outputs.len(), targets.len(), "outputs of {} chunks", items.len());
        let labels = outputs.len() / items.len();
        let rows = outputs.data().chunks_exact(labels).zip(targets.data().chunks_exact(labels));
        for ((row, truth), &item) in rows.zip(items) {
            let clip = self.clips.entry(self.split.group(item));
            let (n, sums, _) = clip.or_insert_with(|| (0, vec![0.0; labels], truth.to_vec()));
            *n += 1;
            sums.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v));
        }
        self.chunks += items.len() as u64;
    }

    /// Labels that no clip has leave the mean.
    fn value(&self) -> f64 {
        let (scores, targets, labels) = self.means();
        mean_average_precision(&scores, &targets, labels).mean_with_positives
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        let (scores, targets, labels) = self.means();
        let all = mean_average_precision(&scores, &targets, labels);
        let area = mean_auroc(&scores, &targets, labels).mean_defined;
        let seen = (0..labels).filter(|&k| targets.iter().skip(k).step_by(labels).any(|&t| t == 1.0)).count();
        let prevalence: f64 = targets.iter().map(|&t| f64::from(t)).sum::<f64>() / (seen * self.clips.len()) as f64;
        BTreeMap::from([
            ("map_all_labels", all.mean.into()),
            ("mauc", area.into()),
            ("d_prime", (2.0f64.sqrt() * probit(area)).into()),
            ("map_of_a_constant", prevalence.into()),
            ("test_items", self.clips.len().into()),
            ("test_chunks", self.chunks.into()),
            ("test_labels", seen.into()),
        ])
    }
}

/// Where the normal distribution has the share `p` below: by 64 halvings of -9 to 9. NaN of what is no share.
fn probit(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        let below = 0.5 * math::erfc(-middle / 2.0f64.sqrt());
        if below < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distributions_quantiles() {
        for (p, want) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.1, -1.281_551_565_544_600_4)] {
            assert!((probit(p) - want).abs() < 1e-12, "{p}: {}", probit(p));
        }
        assert!(probit(f64::NAN).is_nan() && probit(1.0) > 8.0);
    }
}
