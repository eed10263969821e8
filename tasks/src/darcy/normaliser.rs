//! What a network sees of a field: each node standardised by itself, and where it lies.

use kernels::{Shape, Tensor};

use crate::{Split, Transform};

/// Added to a deviation, so that a node that never changes can be divided by it.
const EPSILON: f32 = 1e-5;
/// Items read at once; no bit depends on it.
const BATCH: usize = 32;

/// Mean and deviation of each node over the items that were fitted.
///
/// A node's mean is the sum over the items, in their order, in f64, over their number; its deviation the root of the sum of
/// the squared differences from that mean (in f64, again in order), over their number less one; both are rounded to f32
/// once. A single item has the deviation 0. The *spread* is the deviation + 1e-5, added in f32; encoding and decoding are
/// two f32 operations each, rounded one by one.
#[derive(Debug, Clone)]
pub struct PointNormaliser {
    mean: Tensor,
    spread: Tensor,
}

impl PointNormaliser {
    /// Fits the inputs of these items.
    ///
    /// # Panics
    /// If there is no item, or none of such a number.
    pub fn fit_inputs(split: &Split, items: &[u32]) -> Self {
        Self::fit(split.input(), items, |batch| split.batch(batch).0)
    }

    /// Fits the targets of these items.
    ///
    /// # Panics
    /// As [`PointNormaliser::fit_inputs`].
    pub fn fit_targets(split: &Split, items: &[u32]) -> Self {
        Self::fit(split.target(), items, |batch| split.batch(batch).1)
    }

    fn fit(shape: &[usize], items: &[u32], read: impl Fn(&[u32]) -> Tensor) -> Self {
        assert!(!items.is_empty(), "a normaliser of no item");
        let nodes: usize = shape.iter().product();
        let sum = |term: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; nodes];
            for batch in items.chunks(BATCH) {
                for field in read(batch).data().chunks_exact(nodes) {
                    for (node, (s, &v)) in sums.iter_mut().zip(field).enumerate() {
                        *s += term(node, v.into());
                    }
                }
            }
            sums
        };
        let n = items.len() as f64;
        let means: Vec<f64> = sum(&|_, v| v).iter().map(|s| s / n).collect();
        let squares = sum(&|node, v| (v - means[node]) * (v - means[node]));
        let divisor = if items.len() > 1 { n - 1.0 } else { 1.0 };
        let mean: Vec<f32> = means.iter().map(|&m| m as f32).collect();
        let spread: Vec<f32> = squares.iter().map(|s| (s / divisor).sqrt() as f32 + EPSILON).collect();
        Self { mean: Tensor::from_slice(shape, &mean), spread: Tensor::from_slice(shape, &spread) }
    }

    /// The mean of each node, `[s, s, 1]`.
    pub fn mean(&self) -> &Tensor {
        &self.mean
    }

    /// The deviation of each node + 1e-5, `[s, s, 1]`.
    pub fn spread(&self) -> &Tensor {
        &self.spread
    }

    /// `(v - mean) / spread` of fields `[B, s, s, 1]`.
    ///
    /// # Panics
    /// If the fields have another shape.
    pub fn encode(&self, fields: &Tensor) -> Tensor {
        self.each(fields, |v, mean, spread| (v - mean) / spread)
    }

    /// `v * spread + mean` of fields `[B, s, s, 1]`.
    ///
    /// # Panics
    /// If the fields have another shape.
    pub fn decode(&self, fields: &Tensor) -> Tensor {
        self.each(fields, |v, mean, spread| v * spread + mean)
    }

    fn each(&self, fields: &Tensor, f: impl Fn(f32, f32, f32) -> f32) -> Tensor {
        let (shape, own) = (fields.shape(), self.mean.shape());
        assert!(shape[..].split_first().is_some_and(|(_, s)| *s == own[..]), "fields {shape}, a normaliser of {own}");
        let mut out = Tensor::uninit(shape);
        let (mean, spread) = (self.mean.data(), self.spread.data());
        for (to, from) in out.data_mut().chunks_exact_mut(own.len()).zip(fields.data().chunks_exact(own.len())) {
            for (i, (o, &v)) in to.iter_mut().zip(from).enumerate() {
                *o = f(v, mean[i], spread[i]);
            }
        }
        out
    }

    /// A network's inputs `[B, h, w, 3]` of raw inputs `[B, h, w, 1]`: encoded, and two coordinates from 0 to 1, the first
    /// along a row (from column to column), the second along a column.
    ///
    /// # Panics
    /// If the fields have another shape.
    pub fn inputs(&self, fields: &Tensor) -> Tensor {
        let encoded = self.encode(fields);
        let &[b, h, w, 1] = &encoded.shape()[..] else { panic!("inputs of {}, not [B, h, w, 1]", encoded.shape()) };
        let mut out = Tensor::uninit(Shape::from([b, h, w, 3]));
        let (across, down) = (line(w), line(h));
        for (node, (to, &v)) in out.data_mut().chunks_exact_mut(3).zip(encoded.data()).enumerate() {
            to.copy_from_slice(&[v, across[node % w], down[node / w % h]]);
        }
        out
    }
}

/// Both normalisers: a network reads encoded coefficients with coordinates, and its outputs are decoded to pressures.
#[derive(Debug, Clone)]
pub struct Normalisers {
    x: PointNormaliser,
    y: PointNormaliser,
}

impl Normalisers {
    /// Fits them on these items.
    ///
    /// # Panics
    /// As [`PointNormaliser::fit_inputs`].
    pub fn fit(split: &Split, items: &[u32]) -> Self {
        Self { x: PointNormaliser::fit_inputs(split, items), y: PointNormaliser::fit_targets(split, items) }
    }
}

impl Transform for Normalisers {
    fn input(&self, x: &Tensor) -> Tensor {
        self.x.inputs(x)
    }

    fn output(&self) -> Option<(&Tensor, &Tensor)> {
        Some((self.y.spread(), self.y.mean()))
    }
}

/// `n` numbers from 0 to 1: i times 1 / (n - 1), in f64, rounded to f32 once; the last is 1.
fn line(n: usize) -> Vec<f32> {
    let step = 1.0 / (n as f64 - 1.0);
    let mut line: Vec<f32> = (0..n).map(|i| if i == 0 { 0.0 } else { (i as f64 * step) as f32 }).collect();
    if let Some(last) = line.last_mut().filter(|_| n > 1) {
        *last = 1.0;
    }
    line
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;

    use super::super::{Darcy, FACTS};
    use super::*;
    use crate::Dataset;
    use crate::store::{Origin, Part, Provenance, StoreWriter};

    /// Four training fields of 2 x 2, one for validation, one for testing.
    fn dataset(dir: &std::path::Path) -> Dataset {
        let origin = Origin {
            preprocessing: FACTS.preprocessing,
            provenance: Provenance::Generated,
            seed: Some(0),
            sources: Vec::new(),
            task: FACTS.name.into(),
            outputs: 1,
            notices: Vec::new(),
        };
        let mut store = StoreWriter::begin(dir, FACTS.name).unwrap();
        for (part, items) in [(Part::Train, 4), (Part::Val, 1), (Part::Test, 1)] {
            let mut split = store.split(part).unwrap();
            for (name, factor) in [("x", 1.0), ("y", 0.5)] {
                split.tensor(name, Dtype::F32, &[2, 2, 1]).unwrap();
                for i in 0..items {
                    // A node that counts, one of two values, one that never changes, one with a single outlier.
                    let i = i as f32;
                    let field = [i, if i < 2.0 { 3.0 } else { 12.0 }, 12.0, if i == 3.0 { 8.0 } else { 0.0 }];
                    split.push(&field.map(|v| factor * v)).unwrap();
                }
            }
            store.finish(split, &origin).unwrap();
        }
        store.publish().unwrap();
        Dataset::open(dir, &Darcy).unwrap()
    }

    #[test]
    fn means_and_deviations_by_hand() {
        let dir = tempfile::tempdir().unwrap();
        let train = dataset(dir.path()).train();
        let x = PointNormaliser::fit_inputs(&train, &[0, 1, 2, 3]);
        assert_eq!((&x.mean().shape()[..], x.mean().data()), (&[2, 2, 1][..], &[1.5, 7.5, 12.0, 2.0][..]));
        // Squares: 5 / 3, 81 / 3, 0, (3 * 4 + 36) / 3.
        let deviations = [(5f64 / 3.0).sqrt(), 27f64.sqrt(), 0.0, 4.0];
        let spread = deviations.map(|d| d as f32 + 1e-5);
        assert_eq!(x.spread().data(), spread);
        let (raw, _) = train.batch(&[3, 0]);
        let encoded = x.encode(&raw);
        let want = [1.5 / spread[0], 4.5 / spread[1], 0.0, 6.0 / spread[3]];
        assert_eq!(encoded.data()[..4], want);
        assert_eq!(encoded.data()[4..], [-1.5 / spread[0], -4.5 / spread[1], 0.0, -2.0 / spread[3]]);
        let back = x.decode(&encoded);
        assert!(back.data().iter().zip(raw.data()).all(|(b, r)| (b - r).abs() < 1e-6), "{back:?}");
        assert_eq!(x.decode(&Tensor::full([1, 2, 2, 1], 2.0)).data()[3], 2.0 * spread[3] + 2.0);

        let y = PointNormaliser::fit_targets(&train, &[0, 1, 2, 3]);
        assert_eq!((y.mean().data(), y.spread().data()[3]), (&[0.75, 3.75, 6.0, 1.0][..], 2.0 + 1e-5));
        // Of some items, or one.
        let some = PointNormaliser::fit_inputs(&train, &[3, 1]);
        assert_eq!((some.mean().data()[0], some.spread().data()[0]), (2.0, 2f64.sqrt() as f32 + 1e-5));
        let one = PointNormaliser::fit_inputs(&train, &[2]);
        assert_eq!((one.mean().data(), one.spread().data()), (&[2.0, 12.0, 12.0, 0.0][..], &[1e-5; 4][..]));
    }

    #[test]
    fn coordinates_first_along_the_row() {
        let dir = tempfile::tempdir().unwrap();
        let train = dataset(dir.path()).train();
        let x = PointNormaliser::fit_inputs(&train, &[0, 1, 2, 3]);
        let (raw, _) = train.batch(&[1, 3]);
        let (inputs, encoded) = (x.inputs(&raw), x.encode(&raw));
        assert_eq!(inputs.shape()[..], [2, 2, 2, 3]);
        for (node, got) in inputs.data().chunks_exact(3).enumerate() {
            let (row, column) = (node / 2 % 2, node % 2);
            assert_eq!(got, [encoded.data()[node], column as f32, row as f32]);
        }
        let line = line(85);
        assert_eq!((line[0], line[21], line[84]), (0.0, 0.25, 1.0));
        assert_eq!(line[1], (1.0 / 84.0) as f32);
        assert!(line.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(super::line(1), [0.0]);
    }

    #[test]
    #[should_panic(expected = "fields [1, 3, 3, 1], a normaliser of [2, 2, 1]")]
    fn other_shapes_are_the_callers_fault() {
        let dir = tempfile::tempdir().unwrap();
        let x = PointNormaliser::fit_inputs(&dataset(dir.path()).train(), &[0]);
        x.encode(&Tensor::zeros([1, 3, 3, 1]));
    }
}
