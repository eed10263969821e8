//! Performance profiles (Dolan and Moré): for each row, the fraction of tasks on which its error is at most tau times the
//! best of the rows that are drawn.

use crate::analysis::{Curve, Panel};
use crate::model::{BLOCKS, Group, Table, error, facts, title};
use tasks::Kind;

/// The rows of a panel, by group.
fn rows(table: &Table, also: &[&str], groups: &[Group]) -> Vec<String> {
    let drawn = |name: &str, group| groups.contains(&group) || also.contains(&name);
    table.methods.iter().filter(|m| drawn(&m.name, m.group)).map(|m| m.name.clone()).collect()
}

/// The panels of a table: all tasks, the tasks of two-dimensional inputs and one answer, the two budgets, and each specialised
/// row beside the general ones on the tasks that it has. Those without any figure are left out.
pub fn panels(table: &Table) -> Vec<Panel> {
    use Group::{Efficient, Expensive, Given};
    let all: Vec<&'static str> = BLOCKS.into_iter().flatten().collect();
    let points: Vec<&'static str> = all.iter().copied().filter(|t| facts(t).kind == Kind::Point2d).collect();
    let general = [Efficient, Expensive, Given];
    let budget = |name, what: &str, group| {
        panel(table, name, format!("{what} methods, all tasks"), all.clone(), rows(table, &[], &[group]))
    };
    let special = |name: &'static str| {
        let tasks: Vec<&'static str> = all.iter().copied().filter(|t| table.entry(t, name).is_some()).collect();
        if tasks.is_empty() {
            return None;
        }
        let what = format!("{} and the general methods, its tasks", title(name));
        panel(table, name, what, tasks, rows(table, &[name], &[Efficient, Expensive]))
    };
    [
        panel(table, "all", "All tasks".to_owned(), all.clone(), rows(table, &[], &general)),
        panel(table, "point2d", "2D point tasks".to_owned(), points, rows(table, &[], &general)),
        budget("efficient", "Efficient", Efficient),
        budget("expensive", "Expensive", Expensive),
        special("autodl"),
        special("amber"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The ratio of an error to the best; a best of 0 or less is matched by itself alone.
fn ratio(error: f64, best: f64) -> f64 {
    match error {
        e if !e.is_finite() => f64::INFINITY,
        e if e == best => 1.0,
        e if best > 0.0 => e / best,
        _ => f64::INFINITY,
    }
}

fn panel(
    table: &Table,
    name: &'static str,
    title: String,
    mut tasks: Vec<&'static str>,
    methods: Vec<String>,
) -> Option<Panel> {
    let drawn: Vec<String> =
        methods.into_iter().filter(|m| tasks.iter().any(|t| table.entry(t, m).is_some())).collect();
    tasks.retain(|t| drawn.iter().any(|m| table.entry(t, m).is_some()));
    if tasks.is_empty() {
        return None;
    }
    let mut ratios = vec![Vec::new(); drawn.len()];
    for task in &tasks {
        let errors: Vec<f64> =
            drawn.iter().map(|m| table.entry(task, m).map_or(f64::NAN, |e| error(task, e.mean))).collect();
        let best = errors.iter().copied().filter(|e| e.is_finite()).fold(f64::INFINITY, f64::min);
        for (row, e) in ratios.iter_mut().zip(errors) {
            row.push(ratio(e, best));
        }
    }
    let mut taus: Vec<f64> = ratios.iter().flatten().copied().filter(|r| r.is_finite()).chain([1.0]).collect();
    taus.sort_by(f64::total_cmp);
    taus.dedup();
    let curves = drawn
        .into_iter()
        .zip(&ratios)
        .map(|(method, row)| {
            let within = |tau: f64| row.iter().filter(|r| **r <= tau).count() as f64 / tasks.len() as f64;
            Curve { method, points: taus.iter().map(|tau| (*tau, within(*tau))).collect() }
        })
        .collect();
    Some(Panel { name, title, tasks, curves })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::table;

    #[test]
    fn curves_count_tasks_within_a_factor_of_the_best() {
        // Errors: darcy 0.1, 0.2, -; ecg 0.4, 0.2, 0.2; cosmic NaN of all.
        let t = table(&[
            ("darcy", "wrn", 0.1),
            ("darcy", "gaea", 0.2),
            ("ecg", "wrn", 0.5),
            ("ecg", "gaea", 0.75),
            ("ecg", "mine", 0.75),
            ("cosmic", "wrn", f64::NAN),
            ("darcy", "fno", 0.001),
        ]);
        let panels = panels(&t);
        assert_eq!(panels.iter().map(|p| p.name).collect::<Vec<_>>(), ["all", "efficient", "expensive"]);
        let all = &panels[0];
        assert_eq!(all.tasks, ["darcy", "cosmic", "ecg"]);
        let third = 1.0 / 3.0;
        let points: Vec<_> = all.curves.iter().map(|c| (c.method.as_str(), c.points.clone())).collect();
        assert_eq!(
            points,
            [
                ("wrn", vec![(1.0, third), (2.0, 2.0 / 3.0)]),
                ("gaea", vec![(1.0, third), (2.0, 2.0 / 3.0)]),
                ("mine", vec![(1.0, third), (2.0, third)]),
            ]
        );
        // Alone, a row is the best wherever it has a figure.
        assert_eq!(panels[1].curves[0].points, [(1.0, 2.0 / 3.0)]);
        assert_eq!(panels[2].curves[0].points, [(1.0, 1.0)]);
    }

    #[test]
    fn a_best_of_nothing_is_matched_by_nothing_else() {
        assert_eq!((ratio(0.0, 0.0), ratio(0.1, 0.0), ratio(f64::NAN, 0.0)), (1.0, f64::INFINITY, f64::INFINITY));
        assert_eq!((ratio(0.3, 0.3), ratio(0.6, 0.3)), (1.0, 2.0));
    }
}
