//! Finished runs: `<dir>/<profile>/<task>/<method>/<seed>/`. `dir` may also be one profile's folder itself.

use super::Error;
use crate::model::{BLOCKS, Curve, Entry, Marks, Origin, Table};
use nas::profile::Profile;
use nas::protocol::METHODS;
use nas::run::{COST, Cost, MANIFEST, METRICS, RESULT, as_number};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What to do about a damaged file.
const FIX: &str = "run the cell again with bench --fresh, or move the run's folder away";

/// A finished run.
struct Run {
    task: &'static str,
    method: &'static str,
    seed: u64,
    result: Value,
    cost: Option<Cost>,
    identity: Option<Value>,
    curves: Vec<Curve>,
}

/// Reads the runs of a profile: the one asked for, else the fullest of which anything is finished.
///
/// # Errors
/// If there are none, or a file of a finished run cannot be read: which, and what to do.
pub fn read(dir: &Path, profile: Option<Profile>) -> Result<Table, Error> {
    if !dir.is_dir() {
        let fix = "run cargo xtask bench first, or name the folder of the runs with --runs";
        return Err(Error::new(dir, "there is no such folder", fix));
    }
    let (folder, name) = chosen(dir, profile)?;
    let (finished, unfinished) = found(&folder)?;
    let mut table = Table::new(Origin::Runs { dir: dir.display().to_string(), profile: name.clone() });
    let runs = finished.into_iter().map(|(t, m, s)| run(&folder, t, m, s)).collect::<Result<Vec<Run>, Error>>()?;
    for run in &runs {
        if run.result["profile"].as_str().is_some_and(|p| p != name) {
            let path = folder.join(run.place()).join(RESULT);
            return Err(Error::new(&path, format!("is of profile {}, not {name}", run.result["profile"]), FIX));
        }
    }
    for cell in runs.chunk_by(|a, b| (a.task, a.method) == (b.task, b.method)) {
        table.put(cell[0].task, cell[0].method, entry(cell));
    }
    table.curves = runs.iter().flat_map(|r| r.curves.clone()).collect();
    table.notices = notices(&runs, unfinished, &table);
    Ok(table)
}

/// The profile's folder and its name.
fn chosen(dir: &Path, profile: Option<Profile>) -> Result<(PathBuf, String), Error> {
    let own = BLOCKS.into_iter().flatten().any(|task| dir.join(task).is_dir());
    let none = |path: &Path| Error::new(path, "there are no finished runs", "run cargo xtask bench first");
    if own {
        if found(dir)?.0.is_empty() {
            return Err(none(dir));
        }
        let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let name = whole.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // A folder of another name is what its runs say that it is.
        let name = match name.parse::<Profile>() {
            Ok(p) => p.name().to_owned(),
            Err(_) => {
                let (task, method, seed) = found(dir)?.0[0];
                let first = run(dir, task, method, seed)?;
                first.result["profile"].as_str().unwrap_or("unknown").to_owned()
            }
        };
        if let Some(asked) = profile.filter(|p| p.name() != name) {
            return Err(Error::new(
                dir,
                format!("is the folder of profile {name}"),
                format!("leave --profile {asked} out"),
            ));
        }
        return Ok((dir.to_owned(), name));
    }
    let wanted: Vec<Profile> = profile.map_or_else(|| Profile::ALL.into_iter().rev().collect(), |p| vec![p]);
    for p in wanted {
        let folder = dir.join(p.name());
        if folder.is_dir() && !found(&folder)?.0.is_empty() {
            return Ok((folder, p.name().to_owned()));
        }
    }
    match profile {
        Some(p) => Err(none(&dir.join(p.name()))),
        None => Err(none(dir)),
    }
}

type Place = (&'static str, &'static str, u64);

/// Runs that are finished, in the order of the tables, and those that are not.
fn found(folder: &Path) -> Result<(Vec<Place>, Vec<Place>), Error> {
    let (mut finished, mut unfinished) = (Vec::new(), Vec::new());
    for task in BLOCKS.into_iter().flatten() {
        for method in METHODS {
            let path = folder.join(task).join(method.name);
            if !path.is_dir() {
                continue;
            }
            let unreadable = |e: std::io::Error| Error::new(&path, format!("cannot be read: {e}"), "check the folder");
            let mut seeds = BTreeSet::new();
            for item in std::fs::read_dir(&path).map_err(unreadable)? {
                let name = item.map_err(unreadable)?.file_name();
                // `0.old-1` was moved aside; `00` is nobody's.
                seeds.extend(name.to_str().and_then(|n| n.parse::<u64>().ok().filter(|s| s.to_string() == n)));
            }
            for seed in seeds {
                let run = path.join(seed.to_string());
                match (run.join(RESULT).exists(), run.is_dir()) {
                    (true, _) => finished.push((task, method.name, seed)),
                    (false, true) => unfinished.push((task, method.name, seed)),
                    (false, false) => {}
                }
            }
        }
    }
    Ok((finished, unfinished))
}

/// The JSON of a file; none if it is not there.
fn json(path: &Path) -> Result<Option<Value>, Error> {
    match std::fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::new(path, format!("cannot be read: {e}"), "check the file's permissions")),
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(e) => Err(Error::new(path, format!("is damaged: {e}"), FIX)),
        },
    }
}

fn run(folder: &Path, task: &'static str, method: &'static str, seed: u64) -> Result<Run, Error> {
    let path = folder.join(task).join(method).join(seed.to_string());
    let file = path.join(RESULT);
    let result = json(&file)?.unwrap_or_default();
    if as_number(&result["value"]).is_none() {
        return Err(Error::new(&file, "is damaged: it has no number 'value'", FIX));
    }
    for (key, is) in [("task", task), ("method", method)] {
        if result[key] != is {
            return Err(Error::new(&file, format!("is damaged: its {key} is {}, not {is}", result[key]), FIX));
        }
    }
    if result["seed"] != seed {
        return Err(Error::new(&file, format!("is damaged: its seed is {}, not {seed}", result["seed"]), FIX));
    }
    let file = path.join(COST);
    // With what others' work on its trials cost.
    let read = || Cost::read(&path).map_err(|e| Error::new(&file, format!("is damaged: {e}"), FIX));
    let cost = file.exists().then(read).transpose()?;
    let file = path.join(MANIFEST);
    let identity = match json(&file)? {
        None => None,
        Some(v) if v["identity"].is_object() => Some(v["identity"].clone()),
        Some(_) => return Err(Error::new(&file, "is damaged: it has no 'identity'", FIX)),
    };
    let mut run = Run { task, method, seed, result, cost, identity, curves: Vec::new() };
    run.curves = curves(&path.join(METRICS), &run)?;
    Ok(run)
}

/// Training losses, stage by stage in the order in which they appear.
fn curves(path: &Path, run: &Run) -> Result<Vec<Curve>, Error> {
    let text = match std::fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::new(path, format!("cannot be read: {e}"), FIX)),
        Ok(text) => text,
    };
    let mut curves: Vec<Curve> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line)
            .map_err(|e| Error { line: Some(i + 1), ..Error::new(path, format!("is damaged: {e}"), FIX) })?;
        let number = |key: &str| value.get(key).and_then(as_number);
        let (Some(epoch), Some(loss), Some(stage)) = (number("epoch"), number("train_loss"), value["stage"].as_str())
        else {
            continue;
        };
        let there = curves.iter().position(|c| c.stage == stage);
        let at = there.unwrap_or_else(|| {
            curves.push(Curve {
                task: run.task,
                method: run.method.to_owned(),
                seed: run.seed,
                stage: stage.to_owned(),
                quantity: "train_loss".to_owned(),
                points: Vec::new(),
            });
            curves.len() - 1
        });
        curves[at].points.push((epoch, loss));
    }
    Ok(curves)
}

/// A cell's runs as one entry.
fn entry(runs: &[Run]) -> Entry {
    let figures = runs.iter().map(|r| (r.seed, as_number(&r.result["value"]).unwrap_or(f64::NAN))).collect();
    let mut entry = Entry::of_seeds(figures);
    let any = |provenance: &str| runs.iter().any(|r| r.result["data"]["provenance"] == provenance);
    entry.marks = Marks { stand_in: any("stand-in"), partial: any("partial"), picture: false };
    for cost in runs.iter().filter_map(|r| r.cost) {
        let sum = entry.cost.get_or_insert_default();
        sum.hours += cost.hours;
        sum.peak_memory_bytes = sum.peak_memory_bytes.max(cost.peak_memory_bytes);
    }
    let count = |key: &str| runs[0].result[key].as_u64();
    entry.counts = count("parameters").zip(count("multiply_adds"));
    entry
}

impl Run {
    fn place(&self) -> String {
        format!("{}/{}/{}", self.task, self.method, self.seed)
    }

    fn cell(&self) -> String {
        format!("{}/{}", self.task, self.method)
    }
}

/// Places, the first few of many.
fn some(mut places: Vec<String>) -> String {
    places.dedup();
    let more = places.len().saturating_sub(4);
    places.truncate(4);
    places.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// What the reader should know: gaps, and what differs between runs that stand in one table.
fn notices(runs: &[Run], unfinished: Vec<Place>, table: &Table) -> Vec<String> {
    let mut notices = Vec::new();
    if !unfinished.is_empty() {
        let n = unfinished.len();
        let places = unfinished.into_iter().map(|(t, m, s)| format!("{t}/{m}/{s}")).collect();
        notices.push(format!("Runs that are not finished, and left out: {n} ({})", some(places)));
    }
    let numbers: BTreeSet<usize> = table.entries.values().map(|e| e.n).collect();
    if let (Some(low), Some(high)) = (numbers.first(), numbers.last())
        && low != high
    {
        notices.push(format!("Cells have different numbers of seeds: {low} to {high}"));
    }
    let bare: Vec<String> = runs.iter().filter(|r| r.identity.is_none()).map(Run::place).collect();
    if !bare.is_empty() {
        notices.push(format!("Runs without {MANIFEST}, whose configuration is not known: {}", some(bare)));
    }
    // What should be the same everywhere.
    for key in ["protocol", "code", "mode"] {
        let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for run in runs {
            if let Some(identity) = &run.identity {
                let value = &identity[key];
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                by.entry(value).or_default().push(run.place());
            }
        }
        if by.len() > 1 {
            let each: Vec<String> =
                by.into_iter().map(|(v, p)| format!("{v} ({} runs: {})", p.len(), some(p))).collect();
            notices.push(format!("Runs differ in {key}: {}", each.join("; ")));
        } else if let Some((value, _)) =
            by.first_key_value().filter(|(v, _)| key != "code" && !["corrected", "exact"].contains(&v.as_str()))
        {
            notices.push(format!("All runs have {key} {value}"));
        }
    }
    // What is no part of a profile.
    for (key, words) in [
        ("quirks", "Departures of the reference put back"),
        ("set", "Values set by hand"),
        ("arch", "Architectures given by hand"),
    ] {
        let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for run in runs {
            let Some(value) = run.identity.as_ref().map(|i| &i[key]) else { continue };
            let text = match value {
                Value::Array(a) => a.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
                Value::Object(o) => o.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(", "),
                Value::String(s) => s.chars().take(8).collect(),
                _ => String::new(),
            };
            if !text.is_empty() {
                by.entry(text).or_default().push(run.cell());
            }
        }
        let each: Vec<String> = by.into_iter().map(|(v, p)| format!("{v} ({})", some(p))).collect();
        if !each.is_empty() {
            notices.push(format!("{words}: {}", each.join("; ")));
        }
    }
    // Seeds of one cell are to differ in nothing but the seed; methods of one task are to see the same data.
    let differ =
        |a: &Run, b: &Run, key: &str| matches!((&a.identity, &b.identity), (Some(x), Some(y)) if x[key] != y[key]);
    for cell in runs.chunk_by(|a, b| (a.task, a.method) == (b.task, b.method)) {
        for key in ["values", "quirks"] {
            if let Some(other) = cell.iter().find(|r| differ(&cell[0], r, key)) {
                notices.push(format!("{} and {} differ in {key}", cell[0].place(), other.place()));
            }
        }
    }
    for block in runs.chunk_by(|a, b| a.task == b.task) {
        if let Some(other) = block.iter().find(|r| differ(&block[0], r, "data")) {
            notices.push(format!("{} and {} were run on different data", block[0].place(), other.place()));
        }
    }
    notices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cost;
    use serde_json::json;

    fn place(root: &Path, name: &str, value: Value) -> PathBuf {
        let path = root.join(name);
        std::fs::create_dir_all(&path).unwrap();
        let parts: Vec<&str> = name.rsplit('/').collect();
        let (seed, method, task) = (parts[0].parse::<u64>().unwrap(), parts[1], parts[2]);
        let result = json!({"task": task, "method": method, "seed": seed, "value": value, "profile": parts[3],
            "data": {"provenance": "stand-in"}, "parameters": 10, "multiply_adds": 20});
        std::fs::write(path.join(RESULT), result.to_string()).unwrap();
        std::fs::write(path.join(COST), "{\"hours\": 0.5, \"peak_memory_bytes\": 7}").unwrap();
        let identity = json!({"protocol": "corrected", "code": "1", "mode": "exact", "quirks": [], "set": {}, "values": {"lr": 1},
            "data": "d", "arch": null});
        std::fs::write(path.join(MANIFEST), json!({ "identity": identity }).to_string()).unwrap();
        let metrics = "{\"stage\":\"search\",\"epoch\":1,\"train_loss\":3}\n{\"stage\":\"final\",\"epoch\":1,\"train_loss\":2}\n\
                       {\"stage\":\"final\",\"epoch\":2,\"train_loss\":\"NaN\"}\n";
        std::fs::write(path.join(METRICS), metrics).unwrap();
        path
    }

    #[test]
    fn finished_runs_of_the_fullest_profile() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        place(root, "smoke/darcy/wrn/0", json!(0.9));
        place(root, "quick/darcy/wrn/0", json!(0.1));
        // What a guest's work on a trial cost is the run's.
        let trial = place(root, "quick/darcy/wrn/1", json!(0.2)).join("trials/3");
        std::fs::create_dir_all(&trial).unwrap();
        std::fs::write(trial.join(COST), "{\"hours\": 0.25, \"peak_memory_bytes\": 9}").unwrap();
        place(root, "quick/ecg/fno/0", json!("NaN"));
        place(root, "quick/darcy/wrn/0", json!(0.1));
        for other in [
            "quick/darcy/wrn/0.old-1",
            "quick/darcy/notes/0",
            "quick/elsewhere/wrn/0",
            "quick/darcy/gaea/0",
            "paper/darcy/wrn/0",
        ] {
            std::fs::create_dir_all(root.join(other)).unwrap();
        }
        let t = read(root, None).unwrap();
        assert_eq!(t.origin, Origin::Runs { dir: root.display().to_string(), profile: "quick".to_owned() });
        let e = t.entry("darcy", "wrn").unwrap();
        assert_eq!((e.seeds.len(), e.n, e.counts), (2, 2, Some((10, 20))));
        assert_eq!(e.cost, Some(Cost { hours: 1.25, peak_memory_bytes: 9 }));
        assert!(e.marks.stand_in && t.entry("ecg", "fno").unwrap().mean.is_nan());
        assert_eq!(t.curves.len(), 6);
        assert_eq!((t.curves[1].stage.as_str(), t.curves[1].points.len()), ("final", 2));
        assert_eq!(
            t.notices,
            [
                "Runs that are not finished, and left out: 1 (darcy/gaea/0)",
                "Cells have different numbers of seeds: 1 to 2"
            ]
        );
        assert_eq!(read(root, Some(Profile::Smoke)).unwrap().entry("darcy", "wrn").unwrap().mean, 0.9);
        // The profile's own folder will do.
        let own = read(&root.join("quick"), None).unwrap();
        assert_eq!((own.entry("darcy", "wrn"), own.entries.len()), (Some(e), 2));
        let said = read(&root.join("quick"), Some(Profile::Smoke)).unwrap_err().to_string();
        assert!(said.contains("is the folder of profile quick; leave --profile smoke out"), "{said}");
        let said = read(root, Some(Profile::Paper)).unwrap_err().to_string();
        assert!(said.contains("paper: there are no finished runs; run cargo xtask bench"), "{said}");
        assert!(read(&root.join("none"), None).unwrap_err().to_string().contains("no such folder"));
    }

    #[test]
    fn differences_between_runs_are_said() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        place(root, "paper/darcy/wrn/0", json!(0.1));
        let other = place(root, "paper/darcy/wrn/1", json!(0.1));
        let identity = json!({"protocol": "published", "code": "2", "mode": "exact", "quirks": ["a", "b"],
            "set": {"epochs": 3}, "values": {"lr": 2}, "data": "e", "arch": "0123456789"});
        std::fs::write(other.join(MANIFEST), json!({ "identity": identity }).to_string()).unwrap();
        let notices = read(root, None).unwrap().notices;
        assert_eq!(
            notices,
            [
                "Runs differ in protocol: corrected (1 runs: darcy/wrn/0); published (1 runs: darcy/wrn/1)",
                "Runs differ in code: 1 (1 runs: darcy/wrn/0); 2 (1 runs: darcy/wrn/1)",
                "Departures of the reference put back: a, b (darcy/wrn)",
                "Values set by hand: epochs=3 (darcy/wrn)",
                "Architectures given by hand: 01234567 (darcy/wrn)",
                "darcy/wrn/0 and darcy/wrn/1 differ in values",
                "darcy/wrn/0 and darcy/wrn/1 differ in quirks",
                "darcy/wrn/0 and darcy/wrn/1 were run on different data",
            ]
        );
    }

    #[test]
    fn damage_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let path = place(scratch.path(), "quick/darcy/wrn/0", json!(0.1));
        for (file, text, part) in [
            (RESULT, "{", "result.json: is damaged"),
            (RESULT, "{}", "result.json: is damaged: it has no number 'value'"),
            (RESULT, "{\"value\":1,\"task\":\"ecg\"}", "its task is \"ecg\", not darcy"),
            (COST, "[]", "cost.json: is damaged"),
            (MANIFEST, "[]", "manifest.json: is damaged: it has no 'identity'"),
            (METRICS, "{}\nx", "metrics.jsonl, line 2: is damaged"),
        ] {
            let before = std::fs::read(path.join(file)).unwrap();
            std::fs::write(path.join(file), text).unwrap();
            let said = read(scratch.path(), None).unwrap_err().to_string();
            assert!(said.contains(part) && said.ends_with(FIX), "{said}");
            std::fs::write(path.join(file), before).unwrap();
        }
        assert!(read(scratch.path(), None).is_ok());
    }
}
