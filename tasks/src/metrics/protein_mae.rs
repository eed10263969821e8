//! Mean absolute error of distance maps over pairs of residues that are near in space and far apart in the chain.

/// (separation at least, distance at most) of lr8, mlr8, lr12, mlr12.
const RANGES: [(usize, f64); 4] = [(24, 8.0), (12, 8.0), (24, 12.0), (12, 12.0)];

/// The four errors, in the data's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProteinErrors {
    /// 24 residues apart or more, true distance at most 8: the paper's MAE8.
    pub lr8: f64,
    /// 12 residues apart or more, at most 8.
    pub mlr8: f64,
    /// 24 residues apart or more, at most 12.
    pub lr12: f64,
    /// 12 residues apart or more, at most 12.
    pub mlr12: f64,
}

/// A square map of which a part belongs to the protein.
#[derive(Debug, Clone, Copy)]
pub struct Map<'a> {
    /// Predicted distances, `[side, side]`.
    pub outputs: &'a [f32],
    /// True ones.
    pub targets: &'a [f32],
    /// Rows and columns of both.
    pub side: usize,
    /// Residues of the protein.
    pub length: usize,
}

/// Errors over proteins.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProteinMae {
    sums: [f64; 4],
    proteins: [u64; 4],
}

impl ProteinMae {
    /// Adds a protein whose map begins at (0, 0).
    ///
    /// For residues p < q, the prediction is the mean of outputs (p, q) and (q, p), the truth is target (p, q). In f64; the
    /// sum over pairs is one chain in row-major order, divided by their number; a protein without pairs is left out.
    ///
    /// # Panics
    /// If the maps are not `side` squared, or the protein is longer than that.
    pub fn add(&mut self, map: Map<'_>) {
        let at = |i: usize, j: usize| f64::from(map.outputs[i * map.side + j]);
        self.pairs(map, 0, |p, q| (at(p, q) + at(q, p)) / 2.0);
    }

    /// Adds a padded protein as the benchmark's code does: its map begins at (pad/2, pad/2), and the prediction for a pair is
    /// the mean of lower and *averaged* upper triangle (three quarters lower, one quarter upper), both at least 0.01.
    ///
    /// # Panics
    /// As [`ProteinMae::add`], padding included.
    pub fn add_as_published(&mut self, map: Map<'_>, pad: usize) {
        let at = |i: usize, j: usize| f64::from(map.outputs[i * map.side + j]);
        // NaN stays.
        let floor = |x: f64| if x < 0.01 { 0.01 } else { x };
        self.pairs(map, pad / 2, |p, q| (floor((at(p, q) + at(q, p)) / 2.0) + floor(at(q, p))) / 2.0);
    }

    fn pairs(&mut self, map: Map<'_>, first: usize, prediction: impl Fn(usize, usize) -> f64) {
        let all = map.side * map.side;
        assert!(
            map.outputs.len() == all && map.targets.len() == all && first + map.length <= map.side,
            "{} residues from {first} of maps of {} and {} numbers, side {}",
            map.length,
            map.outputs.len(),
            map.targets.len(),
            map.side
        );
        let (mut sums, mut counts) = ([0.0; 4], [0u64; 4]);
        for p in first..first + map.length {
            for q in p + 1..first + map.length {
                let truth = f64::from(map.targets[p * map.side + q]);
                let error = (prediction(p, q) - truth).abs();
                for (k, (apart, near)) in RANGES.into_iter().enumerate() {
                    if q - p >= apart && truth <= near {
                        sums[k] += error;
                        counts[k] += 1;
                    }
                }
            }
        }
        for k in 0..4 {
            if counts[k] > 0 {
                self.sums[k] += sums[k] / counts[k] as f64;
                self.proteins[k] += 1;
            }
        }
    }

    /// Proteins with pairs to judge, by lr8.
    pub fn counted(&self) -> u64 {
        self.proteins[0]
    }

    /// Means over the proteins, in the order in which they came; NaN of none.
    pub fn errors(&self) -> ProteinErrors {
        let [lr8, mlr8, lr12, mlr12] = std::array::from_fn(|k| self.sums[k] / self.proteins[k] as f64);
        ProteinErrors { lr8, mlr8, lr12, mlr12 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_chosen_by_separation_and_truth() {
        let side = 30;
        let mut outputs = vec![0.0; side * side];
        let mut targets = vec![20.0; side * side];
        // (0, 24): long range, near; (1, 14): medium range, between 8 and 12.
        (outputs[24], outputs[24 * side], targets[24]) = (4.0, 6.0, 7.0);
        (outputs[side + 14], outputs[14 * side + 1], targets[side + 14]) = (9.0, 9.0, 10.0);
        let mut m = ProteinMae::default();
        m.add(Map { outputs: &outputs, targets: &targets, side, length: side });
        assert_eq!(m.errors(), ProteinErrors { lr8: 2.0, mlr8: 2.0, lr12: 2.0, mlr12: 1.5 });
        // A protein without pairs changes nothing; without any, there is no mean.
        m.add(Map { outputs: &outputs, targets: &targets, side, length: 5 });
        assert_eq!(m.errors().lr8, 2.0);
        assert!(ProteinMae::default().errors().lr8.is_nan());
        let mut old = ProteinMae::default();
        old.add_as_published(Map { outputs: &outputs, targets: &targets, side, length: side }, 0);
        assert_eq!(old.errors().lr8, 7.0 - (5.0 + 6.0) / 2.0);
    }

    #[test]
    #[should_panic(expected = "31 residues from 0 of maps")]
    fn a_protein_fits_its_map() {
        let zeros = [0.0; 900];
        ProteinMae::default().add(Map { outputs: &zeros, targets: &zeros, side: 30, length: 31 });
    }
}
