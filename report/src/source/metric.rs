//! What a file's column `metric` means for a task.

use super::names::plain;
use tasks::{Direction, Facts};

/// How figures become those of the paper's metric, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    /// As they are.
    AsTheyAre,
    /// A fraction given in percent: divided by 100.
    Percent,
    /// What is lacking to this: 1 or 100.
    Lacking(f64),
    /// What is lacking to 100 %, as a fraction.
    LackingPercent,
    /// As they are, for want of a better reading.
    Unknown,
}

impl Reading {
    /// What the paper's metric is of this figure.
    pub(crate) fn of(self, value: f64) -> f64 {
        match self {
            Self::AsTheyAre | Self::Unknown => value,
            Self::Percent => value / 100.0,
            Self::Lacking(whole) => whole - value,
            Self::LackingPercent => (100.0 - value) / 100.0,
        }
    }

    /// And of this deviation.
    pub(crate) fn of_std(self, std: f64) -> f64 {
        match self {
            Self::Percent | Self::LackingPercent => std / 100.0,
            _ => std,
        }
    }

    /// What was done with figures named so, for the reader; nothing of what is as it should be.
    pub(crate) fn words(self, facts: &Facts, given: &str) -> Option<String> {
        let (task, metric) = (facts.name, format!("{} {}", facts.metric.name, facts.metric.unit));
        let metric = metric.trim_end();
        let given = given.trim().escape_debug();
        Some(match self {
            Self::AsTheyAre => return None,
            Self::Percent => format!("{task}: '{given}' was divided by 100 to be {metric}"),
            Self::Lacking(whole) => format!("{task}: '{given}' was turned into {metric}: {whole} - figure"),
            Self::LackingPercent => format!("{task}: '{given}' was turned into {metric}: 1 - figure / 100"),
            Self::Unknown => format!("{task}: '{given}' is not known there, its figures were taken as {metric}"),
        })
    }
}

/// Names of a task's metric, and of what is lacking to it.
fn aliases(metric: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match metric {
        "0-1 error" => (
            &[
                "01error",
                "error",
                "errorrate",
                "testerror",
                "01loss",
                "zerooneerror",
                "top1error",
                "classificationerror",
            ],
            &["accuracy", "acc", "top1accuracy", "testaccuracy", "top1"],
        ),
        "FNR" => (&["fnr", "falsenegativerate", "missrate"], &["recall", "tpr", "truepositiverate", "sensitivity"]),
        "relative L2" => (
            &["relativel2", "rell2", "relativel2error", "relativel2loss", "l2", "relativeerror", "relativel2norm"],
            &[],
        ),
        "MAE8" => (&["mae8", "mae8a", "mae"], &[]),
        "AUROC" => (&["auroc", "auc", "rocauc", "aucroc", "meanauroc", "averageauroc"], &[]),
        "F1" => (&["f1", "f1score", "macrof1", "f1macro", "meanf1", "averagef1"], &[]),
        "mAP" => (&["map", "meanaverageprecision"], &[]),
        _ => (&[], &[]),
    }
}

/// How a task's figures of this name are read.
pub(crate) fn reading(facts: &Facts, given: &str) -> Reading {
    let lower = given.to_lowercase();
    let percent = lower.contains('%') || lower.contains("percent");
    let bare = lower.replace("percent", "").replace('å', "").replace("angstroms", "").replace("angstrom", "");
    let (names, lacking) = aliases(facts.metric.name);
    let is = |name: &str, of: &[&str]| of.contains(&name) || name == plain(facts.metric.name);
    if plain(&bare).is_empty() {
        return Reading::AsTheyAre;
    }
    let fraction = facts.metric.unit.is_empty() && facts.metric.direction == Direction::Higher;
    if is(&plain(&bare), names) {
        return if percent && fraction { Reading::Percent } else { Reading::AsTheyAre };
    }
    let named = lacking.contains(&plain(&bare).as_str());
    let rest = ["100", "1", "one"].into_iter().find_map(|whole| {
        let after = bare.trim_start().strip_prefix(whole)?.trim_start();
        ["-", "\u{2212}", "minus"].into_iter().find_map(|sign| after.strip_prefix(sign))
    });
    let minus = rest.is_some_and(|rest| is(&plain(rest), names));
    match (named || minus, fraction, facts.metric.unit == "%") {
        (true, true, _) if percent => Reading::LackingPercent,
        (true, true, _) => Reading::Lacking(1.0),
        (true, _, true) => Reading::Lacking(100.0),
        _ => Reading::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts;

    #[test]
    fn names_of_metrics_are_read_generously() {
        let of = |task, given| reading(facts(task), given);
        for (task, given) in [
            ("cifar100", "0-1 error (%)"),
            ("cifar100", "0-1 Error"),
            ("cifar100", "error rate %"),
            ("cosmic", "FNR (%)"),
            ("darcy", "relative L2"),
            ("darcy", "rel. L2"),
            ("psicov", "MAE8 (Å)"),
            ("psicov", "mae_8"),
            ("fsd50k", "mAP"),
            ("ecg", "F1-score"),
            ("deepsea", "AUROC"),
            ("deepsea", " "),
        ] {
            assert_eq!(of(task, given), Reading::AsTheyAre, "{task} {given}");
        }
        assert_eq!(of("fsd50k", "mAP (%)"), Reading::Percent);
        assert_eq!(of("fsd50k", "1 - mAP"), Reading::Lacking(1.0));
        assert_eq!(of("deepsea", "1-AUROC"), Reading::Lacking(1.0));
        assert_eq!(of("ecg", "100 - F1 %"), Reading::LackingPercent);
        assert_eq!(of("satellite", "Accuracy %"), Reading::Lacking(100.0));
        assert_eq!(of("cosmic", "recall"), Reading::Lacking(100.0));
        assert_eq!(of("darcy", "MSE"), Reading::Unknown);
        assert_eq!(of("ecg", "accuracy"), Reading::Unknown);
    }

    #[test]
    fn figures_follow_their_readings() {
        assert_eq!((Reading::Lacking(1.0).of(0.25), Reading::Lacking(100.0).of(25.0)), (0.75, 75.0));
        assert_eq!((Reading::Percent.of(25.0), Reading::LackingPercent.of(25.0)), (0.25, 0.75));
        assert_eq!((Reading::Percent.of_std(1.0), Reading::Lacking(1.0).of_std(0.1)), (0.01, 0.1));
        let words = Reading::Lacking(100.0).words(facts("satellite"), "accuracy").unwrap();
        assert_eq!(words, "satellite: 'accuracy' was turned into 0-1 error %: 100 - figure");
    }
}
