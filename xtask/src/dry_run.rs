//! `bench --dry-run`: what each cell would take, and whether it fits the paper's card.

use nas::profile::{Overrides, Profile};
use nas::protocol::Asked;
use nas::{methods, plan};

use crate::cells::select;
use crate::cli::BenchArgs;
use crate::{Ended, Usage, estimate, ui};
use std::collections::BTreeSet;

/// Memory of the card that the paper used (a V100 of 16 GB), in bytes.
const CARD: usize = 16_000_000_000;

/// Runs the command.
///
/// # Errors
/// If the words name no cell whose method is built, or a network cannot be built.
pub fn run(args: &BenchArgs) -> anyhow::Result<Ended> {
    let overrides = &Overrides::parse(&args.set).map_err(Usage)?;
    Asked::parse(&args.protocol, &args.quirk).map_err(Usage)?;
    // A cell can be planned before its data are built: the shapes are the published data's.
    let planned = |task: &str, method: &str| {
        tasks::by_name(task).is_ok_and(|t| methods::by_name(method).is_some_and(|m| m.covers(t.facts())))
    };
    let (scaled, chosen) = (args.profile != Profile::Paper, overrides.map().contains_key("batch"));
    let (mut rows, mut fits) = (Vec::new(), true);
    let cells = select(&args.words, &planned)?;
    let hours = estimate::hours(args, &cells, overrides)?;
    let seeds = BTreeSet::from_iter(if args.seeds.is_empty() { args.profile.seeds() } else { &args.seeds }).len();
    let (mut total, mut unknown) = (0.0, Vec::new());
    for (cell, hours) in cells.into_iter().zip(hours) {
        let (task, method) = (tasks::by_name(cell.task)?, methods::by_name(cell.method).expect("selected as built"));
        let values = args.profile.values(cell.task, cell.method).with(overrides);
        let mut row = vec![cell.task.to_owned(), cell.method.to_owned()];
        match plan::plan(method, task.facts(), &values, scaled, chosen)? {
            None => row.extend(["after its search"; 4].map(str::to_owned)),
            Some(p) => {
                fits &= p.peak_bytes <= CARD;
                row.extend([
                    p.batch.to_string(),
                    p.parameters.to_string(),
                    p.multiply_adds.to_string(),
                    format!("{:.2}", p.peak_bytes as f64 / 1e9),
                ]);
            }
        }
        match hours {
            Ok(one) => {
                total += one * seeds as f64;
                row.push(figure(one * seeds as f64));
            }
            Err(why) => {
                unknown.push(format!("{} {}: {why}", cell.task, cell.method));
                row.push("?".to_owned());
            }
        }
        rows.push(row);
    }
    let more = if unknown.is_empty() { "" } else { "> " };
    let empty = || String::new();
    rows.push(vec![
        "total".to_owned(),
        empty(),
        empty(),
        empty(),
        empty(),
        empty(),
        format!("{more}{}", figure(total)),
    ]);
    let head = ["task", "method", "batch", "parameters", "multiply-adds", "peak GB", "est. hours"];
    ui::line(&ui::table(&head, &[false, false, true, true, true, true, true], &rows));
    ui::line(&format!(
        "profile {}; peak: most that tensors hold on the device in a training step, scratch inside ops excepted; {}",
        args.profile.name(),
        if fits { "every cell fits a card of 16 GB" } else { "NOT every cell fits a card of 16 GB" }
    ));
    ui::line(&format!(
        "est. hours: {}, {} threads on {}; steps of searches, trials and trainings as timed here on small batches, in proportion \
         to items; without validation, test and data",
        if seeds == 1 { "one seed".to_owned() } else { format!("{seeds} seeds together") },
        kernels::pool::threads(),
        args.device
    ));
    unknown.iter().for_each(|line| ui::note(&format!("? {line}")));
    Ok(Ended::Well)
}

/// Hours with three figures or so.
fn figure(hours: f64) -> String {
    let decimals = if hours < 0.995 {
        3
    } else if hours < 99.5 {
        1
    } else {
        0
    };
    format!("{hours:.decimals$}")
}
