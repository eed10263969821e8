//! The reference's vectors of the metrics, replayed.

use std::fs;

use safetensors::SafeTensors;

use super::f1::{Confusion, mean};
use super::vote::{Ballot, Tie};
use crate::test_support::shared;

struct Case(Vec<u8>);

impl Case {
    fn read<T, const N: usize>(&self, name: &str, from: impl Fn([u8; N]) -> T) -> Vec<T> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(name).unwrap();
        let bytes = tensor.data().chunks_exact(N);
        assert_eq!(tensor.dtype().bitsize(), 8 * N, "{name}");
        bytes.map(|b| from(b.try_into().unwrap())).collect()
    }

    fn classes(&self, name: &str) -> Vec<usize> {
        self.read(name, i64::from_le_bytes).into_iter().map(|v| v as usize).collect()
    }

    fn expect(&self, name: &str, got: &[f64]) {
        let want = self.read(name, f64::from_le_bytes);
        assert_eq!(want.len(), got.len(), "{name}");
        assert!(want.iter().zip(got).all(|(w, g)| (w - g).abs() <= 1e-12), "{name}: {got:?}, not {want:?}");
    }

    fn expect_f1(&self, counts: &Confusion<4>) {
        self.expect("out.per_class", &counts.f1());
        self.expect("out.mean_NAO", &[mean(&counts.f1()[..3])]);
        self.expect("out.mean_all4", &[mean(&counts.f1())]);
    }
}

fn case(name: &str) -> Option<Case> {
    shared(&format!("vectors/metric/{name}.safetensors")).map(|path| Case(fs::read(path).unwrap()))
}

#[test]
fn f1_physionet() {
    for case in ["f1", "f1_class_absent", "f1_class_never_predicted"].into_iter().filter_map(case) {
        let mut counts = Confusion::default();
        for (truth, predicted) in case.classes("in.target").into_iter().zip(case.classes("in.pred")) {
            counts.add(truth, Some(predicted));
        }
        case.expect_f1(&counts);
    }
}

#[test]
fn ecg_vote() {
    let Some(case) = case("ecg_vote") else { return };
    let (records, truths) = (case.classes("in.pid"), case.classes("in.target"));
    let x = case.read("in.x", f32::from_le_bytes);
    let mut ids = records.clone();
    ids.sort_unstable();
    ids.dedup();
    let (mut counts, mut winners, mut targets) = (Confusion::default(), Vec::new(), Vec::new());
    for id in ids {
        let mut ballot = Ballot::<4>::default();
        let windows = || (0..records.len()).filter(|&w| records[w] == id);
        windows().for_each(|w| ballot.add(&x[4 * w..][..4]));
        let winner = ballot.winner(Tie::FirstMet).unwrap();
        let truth = truths[windows().next().unwrap()];
        counts.add(truth, Some(winner));
        winners.push(winner);
        targets.push(truth);
    }
    assert_eq!((winners, targets), (case.classes("out.record_pred"), case.classes("out.record_target")));
    case.expect_f1(&counts);
}
