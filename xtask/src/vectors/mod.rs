//! `vectors`: replays a folder of reference vectors on the product's own path.
//!
//! Families are files here, ops rows of their tables: an op's name, and how to compute from a file what it expects.
//! Nothing else knows about ops: reading, layouts, the tape, comparison and selection are the same for all.

mod activation;
mod autodl;
mod case;
mod compare;
mod conv;
mod densenas;
mod elementwise;
mod index;
mod layout;
mod linear;
mod loss;
mod lstm;
mod metric;
mod networks;
mod norm;
mod optim;
mod pool;
mod record;
mod reduce;
mod schedule;
mod select;
mod shape;
mod spectral;

pub use case::{Case, Got};
pub use select::Selection;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::VectorsArgs;
use crate::{Ended, Usage, ui};

/// A row: the op's name, and how to compute the file's `out.*`, `grad.*` and `gradnorm.*`.
struct Row {
    op: &'static str,
    replay: fn(&Case) -> anyhow::Result<Vec<Got>>,
}

const fn row(op: &'static str, replay: fn(&Case) -> anyhow::Result<Vec<Got>>) -> Row {
    Row { op, replay }
}

/// All rows, by family.
const FAMILIES: &[&[Row]] = &[
    activation::ROWS,
    conv::ROWS,
    elementwise::ROWS,
    index::ROWS,
    linear::ROWS,
    loss::ROWS,
    lstm::ROWS,
    metric::ROWS,
    networks::ROWS,
    norm::ROWS,
    optim::ROWS,
    pool::ROWS,
    reduce::ROWS,
    schedule::ROWS,
    shape::ROWS,
    spectral::ROWS,
];

/// What is not built, as an error: the case counts as failed and says so.
#[derive(Debug)]
struct Unsupported(String);

impl std::fmt::Display for Unsupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not supported: {}", self.0)
    }
}

impl std::error::Error for Unsupported {}

/// An error that says what is not built.
fn unsupported(what: impl Into<String>) -> anyhow::Error {
    Unsupported(what.into()).into()
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All as expected.
    Passed,
    /// What is off.
    Failed(String),
    /// What is not built.
    NotSupported(String),
}

/// Replays one case.
pub fn replay(case: &Case) -> Verdict {
    let row = FAMILIES.iter().flat_map(|rows| rows.iter()).find(|r| r.op == case.op);
    let Some(row) = row else { return Verdict::NotSupported(format!("op '{}'", case.op)) };
    match catch_unwind(AssertUnwindSafe(|| (row.replay)(case))) {
        Ok(Ok(got)) => match compare::compare(case, &got) {
            off if off.is_empty() => Verdict::Passed,
            off => Verdict::Failed(off.join("; ")),
        },
        Ok(Err(e)) => match e.downcast_ref::<Unsupported>() {
            Some(Unsupported(what)) => Verdict::NotSupported(what.clone()),
            None => Verdict::Failed(format!("{e:#}")),
        },
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Verdict::Failed(format!("a fault in the program: {}", said.unwrap_or("no message")))
        }
    }
}

/// The cases of a folder, `family/case` with their files, sorted: every `<family>/<case>.safetensors`, and what an
/// `index.json` lists beside that.
///
/// # Errors
/// If the folder cannot be read or holds none.
pub fn files(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut all = Vec::new();
    let inside = |at: &Path| -> anyhow::Result<Vec<PathBuf>> {
        let entries = at.read_dir().with_context(|| format!("cannot read {}", at.display()))?;
        Ok(entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?)
    };
    let name = |p: &Path, extension: &str| -> Option<String> {
        Some(p.file_name()?.to_str()?.strip_suffix(extension)?.to_owned())
    };
    for family in inside(folder)?.into_iter().filter(|p| p.is_dir()) {
        for file in inside(&family)? {
            if let (Some(f), Some(c)) = (name(&family, ""), name(&file, ".safetensors")) {
                all.push((format!("{f}/{c}"), file));
            }
        }
    }
    let index = folder.join("index.json");
    if index.exists() {
        let text = std::fs::read(&index).with_context(|| format!("cannot read {}", index.display()))?;
        let index: serde_json::Value = serde_json::from_slice(&text).context("index.json")?;
        for case in index["cases"].as_array().into_iter().flatten() {
            if let Some(file) = case["file"].as_str().filter(|f| f.contains('/')) {
                all.push((file.trim_end_matches(".safetensors").to_owned(), folder.join(file)));
            }
        }
    }
    all.sort();
    all.dedup_by(|a, b| a.0 == b.0);
    anyhow::ensure!(!all.is_empty(), "{} holds no <family>/<case>.safetensors", folder.display());
    Ok(all)
}

/// Replays what is selected of a folder and hands every verdict to `each`.
///
/// # Errors
/// If the folder cannot be read, or nothing of it is selected.
pub fn folder(folder: &Path, selection: &Selection, mut each: impl FnMut(&str, &Verdict)) -> anyhow::Result<()> {
    let all = files(folder)?;
    let chosen: Vec<_> = all.iter().filter(|(name, _)| selection.takes(name)).collect();
    if chosen.is_empty() {
        return Err(Usage(format!("--only and --skip leave none of {} cases", all.len())).into());
    }
    for (name, file) in chosen {
        let verdict = match Case::read(name.clone(), file) {
            Ok(case) => replay(&case),
            Err(e) => Verdict::Failed(format!("cannot be read: {e:#}")),
        };
        each(name, &verdict);
    }
    Ok(())
}

/// Runs the command.
///
/// # Errors
/// As [`folder`].
pub fn run(args: &VectorsArgs) -> anyhow::Result<Ended> {
    let (mut passed, mut failed) = (0, 0);
    folder(&args.dir, &Selection::new(&args.only, &args.skip), |name, verdict| match verdict {
        Verdict::Passed => passed += 1,
        Verdict::Failed(what) => {
            failed += 1;
            ui::line(&format!("{name}: {}", what.replace('\n', " ")));
        }
        Verdict::NotSupported(what) => {
            failed += 1;
            ui::line(&format!("{name}: not supported: {what}"));
        }
    })?;
    ui::line(&format!("{passed} passed, {failed} failed"));
    Ok(if failed == 0 { Ended::Well } else { Ended::Failed })
}

#[cfg(test)]
mod tests;
