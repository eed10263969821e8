//! The paper's claims, each with the rule that decides it. A rule is a statement about figures; what share of resamples it is
//! true in decides (see [`crate::stats::resample`]).

use crate::analysis::{Claim, Verdict};
use crate::model::{Table, error, title};
use crate::stats::Grid;
use crate::stats::resample::{Count, Sorted, ahead, count, means, verdict};

/// The rows that are for all tasks.
const GENERAL: [&str; 5] = ["wrn", "densenas-random", "densenas", "wrn-asha", "gaea"];

/// Within how much two rows' errors are about equal: a twentieth.
const ABOUT: f64 = 0.05;

/// What decided a claim.
struct Decided {
    share: Option<f64>,
    figures: String,
}

type Figures<'a> = (&'a Table, &'a [(Grid, u64)]);

struct Rule {
    name: &'static str,
    claim: &'static str,
    rule: &'static str,
    decide: fn(Figures<'_>) -> Result<Decided, String>,
}

const RULES: [Rule; 8] = [
    Rule {
        name: "gaea-best-rank",
        claim: "DARTS GAEA has the best median rank of the methods for all tasks.",
        rule: "Its median rank is lower than that of each of the other four.",
        decide: gaea_best,
    },
    Rule {
        name: "densenas-not-above-random",
        claim: "DenseNAS is no better than its own random search.",
        rule: "The median over tasks of how much lower its error is than random search's is not above 0.",
        decide: |f| paired(f, "densenas", "densenas-random", |d| d <= 0.0),
    },
    Rule {
        name: "densenas-best-on-fsd50k",
        claim: "DenseNAS's space gives the best result on FSD50K.",
        rule: "The better of its two rows is ahead of each of the other three methods for all tasks.",
        decide: densenas_on_fsd50k,
    },
    Rule {
        name: "gaea-poor",
        claim: "DARTS GAEA does poorly on NinaPro and FSD50K.",
        rule: "It is behind default WRN on both.",
        decide: gaea_poor,
    },
    Rule {
        name: "tuned-wrn-equal",
        claim: "WRN tuned by ASHA is about equal to default WRN.",
        rule: "The median over tasks of how much lower its error is lies within 5 %.",
        decide: |f| paired(f, "wrn-asha", "wrn", |d| (-ABOUT..=ABOUT).contains(&d)),
    },
    Rule {
        name: "autodl-last",
        claim: "Auto-DL comes last on the three dense prediction tasks.",
        rule: "Its median rank over them is higher than that of each method for all tasks.",
        decide: autodl_last,
    },
    Rule {
        name: "amber-above-gaea",
        claim: "AMBER is ahead of DARTS GAEA on the three 1-D tasks.",
        rule: "The median over them of how much lower its error is than GAEA's is above 0.",
        decide: |f| paired(f, "amber", "gaea", |d| d > 0.0),
    },
    Rule {
        name: "spaces-above-algorithms",
        claim: "Search spaces matter more than search algorithms.",
        rule: "The median over tasks of (mean difference between the best rows of the three spaces) - (mean difference between \
               the two rows of one space) is above 0.",
        decide: spaces,
    },
];

/// What a table says of every claim.
pub fn decide(table: &Table, replicates: &[(Grid, u64)]) -> Vec<Claim> {
    RULES
        .iter()
        .map(|rule| {
            let (share, figures) = match (rule.decide)((table, replicates)) {
                Ok(d) => (d.share, d.figures),
                Err(missing) => (None, missing),
            };
            let verdict = share.map_or(Verdict::NotDecided, verdict);
            Claim { name: rule.name, claim: rule.claim, rule: rule.rule, verdict, share, figures }
        })
        .collect()
}

/// How much lower an error is than another, as a part of the larger: -1 to 1 of errors that are not negative.
fn lower(of: f64, than: f64) -> f64 {
    match (of.is_finite(), than.is_finite()) {
        (true, true) => {
            let larger = of.abs().max(than.abs());
            if larger == 0.0 { 0.0 } else { (than - of) / larger }
        }
        (of, than) => f64::from(u8::from(of)) - f64::from(u8::from(than)),
    }
}

fn error_at(grid: &Grid, row: usize, task: usize) -> f64 {
    grid.values[row][task].map_or(f64::NAN, |v| error(grid.tasks[task], v))
}

/// Indices of rows, and of the tasks that all of them have: at least two, else there is nothing to resample.
fn found(grid: &Grid, names: &[&str]) -> Result<(Vec<usize>, Vec<usize>), String> {
    let missing: Vec<&str> = names.iter().copied().filter(|n| grid.row(n).is_none()).collect();
    if !missing.is_empty() {
        return Err(format!("Rows that it needs are not there: {}.", missing.join(", ")));
    }
    let rows: Vec<usize> = names.iter().filter_map(|n| grid.row(n)).collect();
    let tasks = grid.common(&rows);
    match tasks.len() {
        0 => Err(format!("There is no task with figures of {}.", names.join(", "))),
        1 => Err(format!(
            "Only {} has figures of {}; it takes two tasks at least.",
            grid.tasks[tasks[0]],
            names.join(", ")
        )),
        _ => Ok((rows, tasks)),
    }
}

fn over(count: Count, tasks: &[usize], figures: String) -> Decided {
    Decided { share: Some(count.share()), figures: format!("{figures} over {} tasks.", tasks.len()) }
}

/// Median ranks over tasks, of every draw.
fn by_rank((table, replicates): Figures<'_>, names: &[&str], holds: fn(&[f64]) -> bool) -> Result<Decided, String> {
    let grid = Grid::of(table);
    let (rows, tasks) = found(&grid, names)?;
    let prepare = |grid: &Grid| {
        let ranks = grid.ranks();
        let of = |row: &usize| tasks.iter().filter_map(|t| ranks[*row][*t]).collect::<Vec<f64>>();
        rows.iter().map(|row| Sorted::new(&of(row))).collect::<Vec<Sorted>>()
    };
    let medians = |sorted: &[Sorted], counts: &[u8]| sorted.iter().map(|s| s.median(counts)).collect::<Vec<f64>>();
    let counted = count(replicates, tasks.len(), prepare, |sorted, counts| holds(&medians(sorted, counts)));
    let here = medians(&prepare(&grid), &vec![1; tasks.len()]);
    let each: Vec<String> = names.iter().zip(here).map(|(n, m)| format!("{} {m}", title(n))).collect();
    Ok(over(counted, &tasks, format!("Median ranks: {};", each.join(", "))))
}

fn gaea_best(figures: Figures<'_>) -> Result<Decided, String> {
    by_rank(figures, &GENERAL, |m| m[..4].iter().all(|other| m[4] < *other))
}

fn autodl_last(figures: Figures<'_>) -> Result<Decided, String> {
    let names: Vec<&str> = GENERAL.into_iter().chain(["autodl"]).collect();
    by_rank(figures, &names, |m| m[..5].iter().all(|other| m[5] > *other))
}

/// A figure a task, whose median over draws of tasks a statement is about.
fn by_median(
    (table, replicates): Figures<'_>,
    names: &[&str],
    what: &str,
    figure: impl Fn(&[f64]) -> f64,
    holds: impl Fn(f64) -> bool,
) -> Result<Decided, String> {
    let grid = Grid::of(table);
    let (rows, tasks) = found(&grid, names)?;
    let prepare = |grid: &Grid| {
        let of = |t: &usize| figure(&rows.iter().map(|r| error_at(grid, *r, *t)).collect::<Vec<f64>>());
        Sorted::new(&tasks.iter().map(of).collect::<Vec<f64>>())
    };
    let counted = count(replicates, tasks.len(), prepare, |sorted, counts| holds(sorted.median(counts)));
    let here = 100.0 * prepare(&grid).median(&vec![1; tasks.len()]);
    // A zero has no sign.
    let here = if here.abs() < 0.05 { 0.0 } else { here };
    Ok(over(counted, &tasks, format!("{what} {here:.1} %")))
}

fn paired(figures: Figures<'_>, of: &str, than: &str, holds: fn(f64) -> bool) -> Result<Decided, String> {
    let what = format!("Error of {} lower than that of {} by a median of", title(of), title(than));
    by_median(figures, &[of, than], &what, |e| lower(e[0], e[1]), holds)
}

fn spaces(figures: Figures<'_>) -> Result<Decided, String> {
    let apart = |a: f64, b: f64| lower(a, b).abs();
    let best = |a: f64, b: f64| if b.is_nan() || a <= b { a } else { b };
    by_median(
        figures,
        &GENERAL,
        "Differences between spaces above those within by a median of",
        |e| {
            let within = (apart(e[0], e[3]) + apart(e[1], e[2])) / 2.0;
            let (wrn, densenas, darts) = (best(e[0], e[3]), best(e[1], e[2]), e[4]);
            (apart(wrn, densenas) + apart(wrn, darts) + apart(densenas, darts)) / 3.0 - within
        },
        |d| d > 0.0,
    )
}

/// The means of a row's draws on a task.
fn row_means(table: &Table, task: &'static str, method: &str) -> Result<Vec<(f64, f64)>, String> {
    let entry =
        table.entry(task, method).ok_or_else(|| format!("There is no figure of {} on {task}.", title(method)))?;
    means(entry).ok_or_else(|| {
        format!("{} on {task} has one seed, or no deviation: there is nothing to resample.", title(method))
    })
}

fn one_task(table: &Table, task: &'static str, rows: &[&str], others: &[&str]) -> Result<(f64, String), String> {
    let of = |names: &[&str]| names.iter().map(|m| row_means(table, task, m)).collect::<Result<Vec<_>, _>>();
    let share = ahead(task, &of(rows)?, &of(others)?);
    let decimals = crate::published::decimals(task, "");
    let figure = |m: &&str| {
        let mean = table.entry(task, m).map_or(f64::NAN, |e| e.mean);
        format!("{} {mean:.decimals$}", title(m))
    };
    let each: Vec<String> = rows.iter().chain(others).map(figure).collect();
    Ok((share, format!("{}: {}", crate::model::facts(task).title, each.join(", "))))
}

fn densenas_on_fsd50k((table, _): Figures<'_>) -> Result<Decided, String> {
    let (share, figures) = one_task(table, "fsd50k", &["densenas-random", "densenas"], &["wrn", "wrn-asha", "gaea"])?;
    Ok(Decided { share: Some(share), figures: figures + "." })
}

fn gaea_poor((table, _): Figures<'_>) -> Result<Decided, String> {
    let (first, a) = one_task(table, "ninapro", &["wrn"], &["gaea"])?;
    let (second, b) = one_task(table, "fsd50k", &["wrn"], &["gaea"])?;
    Ok(Decided { share: Some(first * second), figures: format!("{a}; {b}.") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::resample::replicates;

    fn all(table: &Table) -> Vec<Claim> {
        decide(table, &replicates(table))
    }

    #[test]
    fn the_papers_claims_by_its_own_figures() {
        let claims = all(&crate::source::paper::table());
        let said: Vec<(&str, &str)> = claims.iter().map(|c| (c.name, c.verdict.words())).collect();
        assert_eq!(
            said,
            [
                ("gaea-best-rank", "not decided"),
                ("densenas-not-above-random", "holds"),
                ("densenas-best-on-fsd50k", "holds"),
                ("gaea-poor", "holds"),
                ("tuned-wrn-equal", "not decided"),
                ("autodl-last", "not decided"),
                ("amber-above-gaea", "not decided"),
                ("spaces-above-algorithms", "holds"),
            ]
        );
        let share = |i: usize| claims[i].share.unwrap();
        // Of 27 draws of three tasks 20 have two at least of the two on which the row is ahead, or last.
        assert!((share(5) - 20.0 / 27.0).abs() < 1e-12 && (share(6) - 20.0 / 27.0).abs() < 1e-12);
        let shares: Vec<String> = [0, 1, 4, 7].map(|i| format!("{:.4}", share(i))).into();
        assert_eq!(shares, ["0.8933", "0.9804", "0.8905", "1.0000"]);
        assert_eq!(
            claims[0].figures,
            "Median ranks: WRN default 4, DenseNAS random 4, DenseNAS original 4, WRN ASHA 3.5, DARTS GAEA 1.5; over 10 tasks."
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let t =
            crate::model::tests::table(&[("darcy", "wrn", 0.1), ("darcy", "wrn-asha", 0.1), ("fsd50k", "wrn", 0.1)]);
        let claims = all(&t);
        assert!(claims.iter().all(|c| c.verdict == Verdict::NotDecided && c.share.is_none()));
        let figures = |name| claims.iter().find(|c| c.name == name).unwrap().figures.as_str();
        assert!(figures("gaea-best-rank").contains("not there: densenas-random, densenas, gaea"));
        assert!(figures("tuned-wrn-equal").contains("Only darcy"));
        assert!(figures("densenas-best-on-fsd50k").contains("no figure of DenseNAS random on fsd50k"));
        assert!(figures("gaea-poor").contains("no figure of WRN default on ninapro"));
    }

    #[test]
    fn differences_are_parts_of_the_larger() {
        assert_eq!((lower(1.0, 2.0), lower(2.0, 1.0), lower(0.0, 0.0)), (0.5, -0.5, 0.0));
        assert_eq!((lower(f64::NAN, 2.0), lower(2.0, f64::INFINITY), lower(f64::NAN, f64::NAN)), (-1.0, 1.0, 0.0));
    }
}
