//! `doctor`: what this machine offers and which data are there.

use crate::{Ended, ui};
use kernels::cuda::{Probe, probe};
use kernels::simd::{Level, level};
use std::path::Path;
use tasks::Dataset;

/// Runs the command.
///
/// # Errors
/// Never; what is missing is part of the answer.
pub fn run(data: &Path) -> anyhow::Result<Ended> {
    let can: Vec<&str> = Level::ALL.into_iter().filter(|l| l.available()).map(Level::name).collect();
    ui::line(&format!("version  {}", nas::code_version()));
    ui::line(&format!("simd     {} (NP360_SIMD can force: {})", level(), can.join(", ")));
    ui::line(&format!("threads  {} (--threads; results do not depend on it)", kernels::pool::threads()));
    ui::line(&match probe() {
        Probe::Ready { cards } => format!("cuda     {cards} card(s)"),
        Probe::Absent(why) => format!("cuda     none: {why}"),
    });
    let there: Vec<String> = tasks::all()
        .iter()
        .filter_map(|t| Dataset::open(data, *t).ok())
        .map(|set| format!("{} ({})", set.facts().name, set.provenance().name()))
        .collect();
    let there =
        if there.is_empty() { "nothing imported: stand-ins are generated".to_owned() } else { there.join(", ") };
    ui::line(&format!("data     {}: {there}", data.display()));
    Ok(Ended::Well)
}
