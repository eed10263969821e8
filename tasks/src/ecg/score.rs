//! F1 over records, each answered by its windows' vote.

use std::collections::BTreeMap;

use kernels::Tensor;
use serde_json::{Value, json};

use super::CLASSES;
use crate::metrics::f1::{Confusion, mean};
use crate::metrics::vote::{Ballot, Tie};
use crate::{Score, Split};

const K: usize = CLASSES.len();

/// The ballots of a split's records.
pub(super) struct Rhythm {
    split: Split,
    /// By record: its class, and its windows' votes.
    records: BTreeMap<u32, (usize, Ballot<K>)>,
    windows: u64,
}

impl Rhythm {
    pub(super) fn new(split: &Split) -> Self {
        Self { split: split.clone(), records: BTreeMap::new(), windows: 0 }
    }

    fn count(&self) -> Confusion<K> {
        let mut count = Confusion::default();
        for (truth, ballot) in self.records.values() {
            count.add(*truth, ballot.winner(Tie::LargerProbability));
        }
        count
    }
}

/// The challenge's F1: the mean over N, A and O.
fn challenge(count: &Confusion<K>) -> f64 {
    if count.total() == 0 { f64::NAN } else { mean(&count.f1()[..3]) }
}

/// The mean over all four classes: the quirk `four-class-f1`.
fn four(count: &Confusion<K>) -> f64 {
    if count.total() == 0 { f64::NAN } else { mean(&count.f1()) }
}

impl Score for Rhythm {
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]) {
        assert_eq!(outputs.len(), K * items.len(), "outputs of {} windows", items.len());
        for ((row, &truth), &item) in outputs.data().chunks_exact(K).zip(targets.ints()).zip(items) {
            let record = self.records.entry(self.split.group(item));
            // A class number below 4: a store with another is not opened.
            record.or_insert((truth as usize, Ballot::default())).1.add(row);
        }
        self.windows += items.len() as u64;
    }

    fn value(&self) -> f64 {
        let count = self.count();
        if self.split.quirks().has("four-class-f1") { four(&count) } else { challenge(&count) }
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        let count = self.count();
        let each: BTreeMap<&str, f64> = CLASSES.into_iter().zip(count.f1()).collect();
        BTreeMap::from([
            ("f1_classes", json!(each)),
            ("f1_three_classes", challenge(&count).into()),
            ("f1_four_classes", four(&count).into()),
            ("f1_of_the_commonest_class", challenge(&count.majority()).into()),
            ("test_items", count.total().into()),
            ("test_windows", self.windows.into()),
            ("test_wrong", count.wrong().into()),
        ])
    }
}
