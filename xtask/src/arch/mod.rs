//! `arch`: architecture files shown, counted, exported.

mod export;
mod pytorch;
#[cfg(test)]
mod tests;

use crate::cli::ArchCommand;
use crate::{Ended, ui};
use anyhow::Context;
use nas::arch::outline::Outline;
use nas::arch::{Arch, Counts, DEFINITION, draw};
use std::path::{Path, PathBuf};

/// Runs the command.
///
/// # Errors
/// If the file is no architecture, what is asked for is not there, or nothing can be written.
pub fn run(command: &ArchCommand) -> anyhow::Result<Ended> {
    match command {
        ArchCommand::Show { file, svg } => show(file, svg.as_deref()),
        ArchCommand::Count { file } => count(file),
        ArchCommand::Export { file, pytorch, weights, initial } => {
            export::run(file, pytorch, export::Source::of(file, weights.as_deref(), *initial)?)
        }
    }
}

fn show(file: &Path, svg: Option<&Path>) -> anyhow::Result<Ended> {
    let outline = Outline::read(&Arch::read(file)?).with_context(|| file.display().to_string())?;
    let svg = svg.map_or_else(|| file.with_extension("svg"), PathBuf::from);
    ui::line(draw::text(&outline).trim_end());
    std::fs::write(&svg, draw::svg(&outline)).with_context(|| format!("cannot write {}", svg.display()))?;
    ui::line(&format!("\ndrawn in {}", svg.display()));
    Ok(Ended::Well)
}

fn count(file: &Path) -> anyhow::Result<Ended> {
    let arch = Arch::read(file)?;
    let Counts { parameters, multiply_adds } = arch.count().with_context(|| file.display().to_string())?;
    let row = |what: &str, counted: usize, recorded: usize| {
        vec![what.to_owned(), ui::grouped(counted), ui::grouped(recorded)]
    };
    let rows = [
        row("parameters", parameters, arch.parameters),
        row("multiply-adds", multiply_adds as usize, arch.multiply_adds as usize),
    ];
    ui::line(&ui::table(&["", "counted", "recorded"], &[false, true, true], &rows));
    ui::line(&format!("\n{DEFINITION}"));
    if (parameters, multiply_adds) == (arch.parameters, arch.multiply_adds) {
        return Ok(Ended::Well);
    }
    ui::note(&format!(
        "error: {}: it records other counts than its network has; it was edited: correct 'parameters' and 'multiply_adds'",
        file.display()
    ));
    Ok(Ended::Failed)
}
