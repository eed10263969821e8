//! Metrics: no tape, no gradients.

use anyhow::{Context, ensure};
use tasks::metrics::f1::{Confusion, mean};
use tasks::metrics::vote::{Ballot, Tie};
use tasks::metrics::{relative_l2, relative_l2_of_batches, top1_error};

use super::layout::Layout;
use super::{Case, Got, Row, row};

pub(super) const ROWS: &[Row] = &[
    row("top1_error", |c| {
        let (x, target) = (c.input("x", Layout::Plain)?, c.input("target", Layout::Plain)?);
        Ok(vec![one("error", top1_error(x.data(), target.ints()))])
    }),
    row("f1_physionet", |c| {
        let (predicted, truth) = (classes(c, "pred")?, classes(c, "target")?);
        let mut counts = Confusion::default();
        truth.into_iter().zip(predicted).for_each(|(t, p)| counts.add(t, Some(p)));
        Ok(f1(&counts))
    }),
    row("ecg_vote", ecg_vote),
    row("relative_l2_metric", |c| {
        let (x, target) = (c.input("x", Layout::Plain)?, c.input("target", Layout::Plain)?);
        let (x, target, items) = (x.data(), target.data(), x.shape()[0]);
        let published = relative_l2_of_batches(x, target, items, c.whole("batch_size")?);
        Ok(vec![one("mean", relative_l2(x, target, items)), one("mean_of_batch_means", published)])
    }),
];

fn one(name: &str, value: f64) -> Got {
    Got::numbers(format!("out.{name}"), vec![value])
}

/// Class numbers below 4.
fn classes(case: &Case, name: &str) -> anyhow::Result<Vec<usize>> {
    let all: Vec<usize> = case.stored(&format!("in.{name}"))?.data.into_iter().map(|v| v as usize).collect();
    ensure!(all.iter().all(|&k| k < 4), "a class beyond 3 in '{name}'");
    Ok(all)
}

fn f1(counts: &Confusion<4>) -> Vec<Got> {
    let each = counts.f1();
    vec![Got::numbers("out.per_class", each.to_vec()), one("mean_NAO", mean(&each[..3])), one("mean_all4", mean(&each))]
}

/// The reference code's votes, over predictions and over labels: a tie goes to the class met first.
fn ecg_vote(case: &Case) -> anyhow::Result<Vec<Got>> {
    let (x, truth) = (case.input("x", Layout::Plain)?, classes(case, "target")?);
    let records = case.stored("in.pid")?.data;
    ensure!(x.len() == 4 * records.len() && truth.len() == records.len(), "not a record and a class for each window");
    let mut ids = records.clone();
    ids.sort_by(f64::total_cmp);
    ids.dedup();
    let one_hot = |k: usize| [0, 1, 2, 3].map(|i| if i == k { 1.0 } else { 0.0 });
    let (mut counts, mut winners, mut targets) = (Confusion::default(), Vec::new(), Vec::new());
    for id in ids {
        let windows: Vec<usize> = (0..records.len()).filter(|&w| records[w] == id).collect();
        let (mut votes, mut labels) = (Ballot::<4>::default(), Ballot::<4>::default());
        for w in windows {
            votes.add(&x.data()[4 * w..][..4]);
            labels.add(&one_hot(truth[w]));
        }
        let winner = |b: Ballot<4>| b.winner(Tie::FirstMet).context("a record without a vote");
        let (voted, label) = (winner(votes)?, winner(labels)?);
        counts.add(label, Some(voted));
        winners.push(voted as f64);
        targets.push(label as f64);
    }
    let mut got = f1(&counts);
    got.extend([Got::numbers("out.record_pred", winners), Got::numbers("out.record_target", targets)]);
    Ok(got)
}
