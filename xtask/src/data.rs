//! `data`: import, verify, list.

use crate::cli::DataCommand;
use crate::{Ended, Usage, ui};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::Path;
use std::sync::Mutex;
use tasks::{Dataset, ErrorKind, Sizes, Task, Unit};

/// Runs the command.
///
/// # Errors
/// If a task is unknown, or its data are not what they should be.
pub fn run(command: &DataCommand) -> anyhow::Result<Ended> {
    match command {
        DataCommand::Import { task, from, data } => import(named(task)?, from, data),
        DataCommand::Verify { task: Some(task), data } => verify(named(task)?, data),
        DataCommand::Verify { task: None, data } => verify_all(data),
        DataCommand::List { data } => {
            list(data);
            Ok(Ended::Well)
        }
    }
}

fn named(name: &str) -> Result<&'static dyn Task, Usage> {
    tasks::by_name(name).map_err(|_| Usage(crate::cells::unknown(name)))
}

fn import(task: &'static dyn Task, from: &Path, data: &Path) -> anyhow::Result<Ended> {
    std::fs::create_dir_all(data)
        .with_context(|| format!("cannot create {} (--data chooses another folder)", data.display()))?;
    let summary = {
        let watch = Watch::default();
        task.import(from, data, &watch)?
    };
    for notice in &summary.notices {
        ui::note(&format!("note: {notice}"));
    }
    let (sizes, what) = (sizes(summary.sizes), task.facts().items);
    ui::line(&format!(
        "{}: {} data, {sizes} {what} (train / val / test)\nstore {}\nhash  {}",
        summary.task,
        summary.provenance.name(),
        summary.folder.display(),
        summary.hash
    ));
    Ok(Ended::Well)
}

fn verify(task: &'static dyn Task, data: &Path) -> anyhow::Result<Ended> {
    let set = Dataset::open(data, task)?;
    {
        let watch = Watch::default();
        set.verify(&watch)?;
    }
    ui::line(&format!("{}: whole, hash {}", task.facts().name, set.hash()));
    Ok(Ended::Well)
}

/// Every task that is there; those that fail are told one by one.
fn verify_all(data: &Path) -> anyhow::Result<Ended> {
    let (mut ended, mut found) = (Ended::Well, false);
    for task in tasks::all() {
        match verify(*task, data) {
            Ok(_) => found = true,
            Err(e) if e.downcast_ref::<tasks::Error>().is_some_and(|e| is_absent(e, *task, data)) => {}
            Err(e) => {
                ui::error(&e);
                (ended, found) = (Ended::Failed, true);
            }
        }
    }
    if !found {
        ui::line(&format!("no data in {}; cargo xtask data import TASK --from PATH puts some there", data.display()));
    }
    Ok(ended)
}

fn is_absent(e: &tasks::Error, task: &dyn Task, data: &Path) -> bool {
    e.kind == ErrorKind::Missing && !data.join(task.facts().name).exists()
}

fn list(data: &Path) {
    let rows: Vec<Vec<String>> = tasks::all()
        .iter()
        .map(|task| {
            let facts = task.facts();
            let shape: Vec<String> = facts.input.iter().map(ToString::to_string).collect();
            let mut row = vec![
                facts.name.to_owned(),
                shape.join("x"),
                format!("{} {}", facts.metric.name, facts.metric.unit).trim_end().to_owned(),
                sizes(facts.sizes),
            ];
            row.extend(match Dataset::open(data, *task) {
                Ok(set) => {
                    [format!("{}: {}", set.provenance().name(), sizes(set.sizes())), set.hash()[..12].to_owned()]
                }
                Err(e) if is_absent(&e, *task, data) => ["-".to_owned(), String::new()],
                Err(e) => [format!("unusable: {}", e.what), String::new()],
            });
            row
        })
        .collect();
    let header = ["task", "input", "metric", "published", &format!("in {}", data.display()), "hash"];
    ui::line(&ui::table(&header, &[false; 6], &rows));
    ui::line("\nsizes are train / val / test; a task that is not there is generated when it is run");
}

fn sizes(s: Sizes) -> String {
    [s.train, s.val, s.test].map(ui::grouped).join(" / ")
}

/// A bar for long work; nothing where nobody watches.
#[derive(Default)]
struct Watch(Mutex<Option<ProgressBar>>);

impl tasks::Progress for Watch {
    fn report(&self, message: &str, done: u64, total: u64, unit: Unit) {
        let Ok(mut bar) = self.0.lock() else { return };
        let bar = bar.get_or_insert_with(|| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()));
        if bar.message() != message {
            let template = match unit {
                Unit::Bytes => "{msg}  [{bar:20}] {bytes}/{total_bytes}, {eta} left",
                Unit::Items => "{msg}  [{bar:20}] {human_pos}/{human_len}, {eta} left",
            };
            bar.set_style(ProgressStyle::with_template(template).expect("a valid template").progress_chars("=> "));
            bar.set_message(message.to_owned());
            bar.reset();
        }
        bar.set_length(total);
        bar.set_position(done);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(Some(bar)) = self.0.lock().as_deref() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_absence_is_no_failure() {
        assert!(named("satelite").err().unwrap().0.contains("did you mean 'satellite'?"));
        let scratch = tempfile::tempdir().unwrap();
        list(scratch.path());
        assert_eq!(verify_all(scratch.path()).unwrap(), Ended::Well);
        assert!(verify(named("satellite").unwrap(), scratch.path()).is_err());
        std::fs::create_dir(scratch.path().join("satellite")).unwrap();
        assert_eq!(verify_all(scratch.path()).unwrap(), Ended::Failed);
    }
}
