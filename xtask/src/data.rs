//! `data`: fetch (in its own module), import, generate, verify, show, export, list.

use crate::cli::DataCommand;
use crate::{Ended, Usage, export, sheet, ui};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use safetensors::Dtype;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;
use tasks::store::Stored;
use tasks::{Dataset, ErrorKind, Loss, Part, Provenance, Sizes, Summary, Task, Unit};

/// Runs the command.
///
/// # Errors
/// If a task is unknown, or its data are not what they should be.
pub fn run(command: &DataCommand) -> anyhow::Result<Ended> {
    match command {
        DataCommand::Fetch { task, to, mirror } => {
            crate::fetch::run(named(task)?.facts().name, to.as_deref(), mirror.as_deref())
        }
        DataCommand::Import { task, from, data } => import(named(task)?, from, data),
        DataCommand::Generate { task, train, val, test, seed, threads, data } => {
            if let Some(threads) = threads {
                kernels::pool::set_threads(usize::from(*threads));
            }
            generate(named(task)?, [*train, *val, *test], *seed, data)
        }
        DataCommand::Show { task, png, data } => show(named(task)?, png.as_deref(), data),
        DataCommand::Export { task, npz: _, to, data } => export::npz(named(task)?, to.as_deref(), data),
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
    report(&summary, task);
    Ok(Ended::Well)
}

fn report(summary: &Summary, task: &dyn Task) {
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
}

/// Makes data of the task's own process in `<data>/<task>`. What was imported there is not replaced.
fn generate(task: &'static dyn Task, sizes: [Option<usize>; 3], seed: u64, data: &Path) -> anyhow::Result<Ended> {
    let name = task.facts().name;
    let published = task.facts().sizes;
    let [train, val, test] = sizes;
    let sizes = Sizes {
        train: train.unwrap_or(published.train),
        val: val.unwrap_or(published.val),
        test: test.unwrap_or(published.test),
    };
    if let Ok(set) = Dataset::open(data, task)
        && matches!(set.provenance(), Provenance::Original | Provenance::Partial)
    {
        bail!("{} holds imported data of {name}; choose another folder with --data", data.display());
    }
    std::fs::create_dir_all(data)
        .with_context(|| format!("cannot create {} (--data chooses another folder)", data.display()))?;
    let begun = Instant::now();
    let summary = {
        let watch = Watch::default();
        task.generate(sizes, seed, data, &watch)?
    };
    report(&summary, task);
    ui::line(&format!("time  {}", ui::duration(begun.elapsed().as_secs_f64())));
    Ok(Ended::Well)
}

/// Prints what the stores hold and draws the contact sheet.
fn show(task: &'static dyn Task, png: Option<&Path>, data: &Path) -> anyhow::Result<Ended> {
    let (set, facts) = (Dataset::open(data, task)?, task.facts());
    ui::line(&format!("{}: {} data, hash {}", facts.title, set.provenance().name(), set.hash()));
    for notice in set.notices() {
        ui::line(&format!("  {notice}"));
    }
    let folder = data.join(facts.name);
    let (mut tensors, mut classes) = (Vec::new(), Vec::new());
    for part in Part::ALL {
        let stored = Stored::open(&folder, part)?;
        for name in stored.names() {
            let Some((dtype, shape)) = stored.tensor_type(&name) else { continue };
            let bytes = ui::grouped(stored.bytes(&name).map_or(0, <[u8]>::len));
            tensors.push(vec![part.name().to_owned(), name.clone(), dtype.to_string(), format!("{shape:?}"), bytes]);
            if ["y", "label"].contains(&name.as_str())
                && let Ok(labels) = stored.tensor::<i32>(&name, Dtype::I32)
            {
                let mut count = vec![0usize; set.outputs()];
                for &k in labels {
                    if let Some(n) = usize::try_from(k).ok().and_then(|k| count.get_mut(k)) {
                        *n += 1;
                    }
                }
                classes.push((part.name(), count));
            }
        }
    }
    ui::line(&format!(
        "\n{}",
        ui::table(&["split", "tensor", "type", "shape", "bytes"], &[false, false, false, false, true], &tensors)
    ));
    if !classes.is_empty() {
        let rows: Vec<Vec<String>> = (0..set.outputs())
            .map(|k| std::iter::once(k.to_string()).chain(classes.iter().map(|(_, n)| ui::grouped(n[k]))).collect())
            .collect();
        let header: Vec<&str> = std::iter::once("class").chain(classes.iter().map(|(part, _)| *part)).collect();
        ui::line(&format!("\n{}", ui::table(&header, &[true; 4], &rows)));
    }
    let png = png.map_or_else(|| data.join(format!("{}.png", facts.name)), Path::to_path_buf);
    sheet::draw(&set, &png)?;
    ui::line(&format!("\ncontact sheet {}", png.display()));
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

/// The paper's Table 1 as the code has it, then what is here.
fn list(data: &Path) {
    let words = |facts: &tasks::Facts| {
        let [dimensions, kind] = facts.kind.words();
        let kind = if facts.loss == Loss::BceWithLogits { format!("{kind}, multi-label") } else { kind.to_owned() };
        [dimensions.to_owned(), kind]
    };
    let table: Vec<Vec<String>> = tasks::all()
        .iter()
        .map(|task| {
            let (facts, [dimensions, kind]) = (task.facts(), words(task.facts()));
            let new = if facts.table.new_to_nas { "yes" } else { "no" };
            let (size, objective) = (facts.table.size, facts.table.objective);
            let metric = format!("{} {}", facts.metric.name, facts.metric.unit).trim_end().to_owned();
            vec![facts.title.into(), size.into(), dimensions, kind, objective.into(), metric, new.into()]
        })
        .collect();
    let header = ["Table 1", "size", "dim.", "type", "learning objective", "metric", "new to NAS"];
    ui::line(&ui::table(&header, &[false, true, false, false, false, false, false], &table));
    let rows: Vec<Vec<String>> = tasks::all()
        .iter()
        .map(|task| {
            let facts = task.facts();
            let shape: Vec<String> = facts.input.iter().map(ToString::to_string).collect();
            let mut row = vec![facts.name.to_owned(), shape.join("x"), sizes(facts.sizes)];
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
    let header = ["task", "input", "published", &format!("in {}", data.display()), "hash"];
    ui::line(&format!("\n{}", ui::table(&header, &[false; 5], &rows)));
    ui::line(
        "\nsizes are train / val / test in what a task counts (images, windows, clips, fields, proteins, tiles, records ...);\n\
         where nothing was imported, bench generates what it needs",
    );
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
