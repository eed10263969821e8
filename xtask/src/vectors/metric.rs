//! Metrics: no tape, no gradients.

use anyhow::{Context, ensure};
use tasks::metrics::auroc::mean_auroc;
use tasks::metrics::average_precision::mean_average_precision;
use tasks::metrics::detections::{Activation, Detections};
use tasks::metrics::f1::{Confusion, mean};
use tasks::metrics::mae_below::MaeBelow;
use tasks::metrics::protein_mae::{Map, ProteinMae};
use tasks::metrics::vote::{Ballot, Tie};
use tasks::metrics::{relative_l2, relative_l2_of_batches, top1_error};

use super::case::Stored;
use super::layout::Layout;
use super::{Case, Got, Row, row, unsupported};

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
    row("mean_average_precision", |c| {
        let (x, target) = scores(c)?;
        let m = mean_average_precision(&x, &target, width(c)?);
        let means = [one("macro", m.mean), one("macro_with_positives", m.mean_with_positives)];
        Ok([Got::numbers("out.per_class", m.per_class)].into_iter().chain(means).collect())
    }),
    row("auroc", |c| {
        let (x, target) = scores(c)?;
        let m = mean_auroc(&x, &target, width(c)?);
        let means = [one("macro", m.mean), one("macro_defined", m.mean_defined), one("pooled", m.pooled)];
        Ok([Got::numbers("out.per_class", m.per_class)].into_iter().chain(means).collect())
    }),
    row("fnr", |c| {
        let activation = match c.attr("activation").as_str().unwrap_or("none") {
            "none" => Activation::None,
            "sigmoid" => Activation::Sigmoid,
            other => return Err(unsupported(format!("activation {other}"))),
        };
        let ((x, target), mut d) = (scores(c)?, Detections::default());
        d.add(&x, &target, activation, c.number("threshold")?);
        let count = |name: &str, n: u64| one(name, n as f64);
        Ok(vec![
            count("tp", d.true_positives),
            count("fn", d.false_negatives),
            count("fp", d.false_positives),
            count("tn", d.true_negatives),
            one("fnr", d.false_negative_rate()),
            one("fpr", d.false_positive_rate()),
            one("auroc_of_detections", d.auroc()),
        ])
    }),
    row("mae_below", |c| {
        let ((x, target), mut m) = (scores(c)?, MaeBelow::new(c.number("threshold")?));
        m.add(&x, &target);
        Ok(vec![one("mae", m.mean())])
    }),
    row("protein_mae", |c| proteins(c, |m, map| m.add(map))),
    row("protein_mae_pipeline", |c| {
        let pad = c.whole("pad")?;
        proteins(c, |m, map| m.add_as_published(map, pad))
    }),
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

/// Outputs and targets, targets that are whole numbers among them.
fn scores(case: &Case) -> anyhow::Result<(Vec<f32>, Vec<f32>)> {
    let single = |t: Stored| t.data.into_iter().map(|v| v as f32).collect();
    Ok((single(case.stored("in.x")?), single(case.stored("in.target")?)))
}

/// Classes of `[N, classes]`.
fn width(case: &Case) -> anyhow::Result<usize> {
    case.shape("x")?.get(1).copied().context("x has no classes")
}

/// Maps `[B, L, L]` of proteins of the given lengths.
fn proteins(case: &Case, add: impl Fn(&mut ProteinMae, Map<'_>)) -> anyhow::Result<Vec<Got>> {
    let ((x, targets), side, mut m) = (scores(case)?, width(case)?, ProteinMae::default());
    for (i, length) in case.stored("in.lengths")?.data.into_iter().enumerate() {
        let part = i * side * side..(i + 1) * side * side;
        add(&mut m, Map { outputs: &x[part.clone()], targets: &targets[part], side, length: length as usize });
    }
    let e = m.errors();
    Ok(vec![one("lr8", e.lr8), one("mlr8", e.mlr8), one("lr12", e.lr12), one("mlr12", e.mlr12)])
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
