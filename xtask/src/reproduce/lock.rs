//! The file of `bench --lock`: what a stranger needs to run the same cells again and to see whether the bits are the same.
//!
//! ```json
//! {"format": 1, "blake3": "hash of the rest", "code": "0.1.0+numerics.4", "commits": ["..."], "cudnn": [],
//!  "protocol": "corrected", "quirks": [], "profile": "quick", "mode": "exact", "set": {}, "seeds": [0], "arch": null,
//!  "tasks": {"satellite": {"data": "hash", "provenance": "stand-in", "train": 6400, "val": 800, "test": 16799}},
//!  "runs": [{"task": "satellite", "method": "wrn", "seed": 0, "configuration": "hash", "metric": "0-1 error %", "value": 20.5,
//!            "arch": "hash", "metrics": "hash", "result": "hash", "parameters": "hash"}]}
//! ```
//!
//! Hashes are BLAKE3: of the files `arch.json`, `metrics.jsonl` and `result.json`, of a run's identity, and the digest of its
//! parameters that the result has. `train`, `val` and `test` are the most items used, and how many a stand-in has.

use super::recorded::Recorded;
use crate::bench::plan::Plan;
use crate::cells::Cell;
use crate::cli::BenchArgs;
use crate::ui;
use anyhow::{Context, bail};
use nas::arch::Arch;
use nas::profile::{Overrides, Profile};
use nas::protocol::{Asked, method_named};
use nas::run::{ARCH, Identity, METRICS, Mode, RESULT, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The version of the file's layout.
const FORMAT: u32 = 1;

/// A lock file's content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The layout's version.
    pub format: u32,
    /// The code's version, numerics included.
    pub code: String,
    /// The commits that the runs were made with.
    pub commits: BTreeSet<String>,
    /// In speed mode: the versions of cuDNN and cards, for which alone the bits hold.
    pub cudnn: BTreeSet<String>,
    /// The protocol's name.
    pub protocol: String,
    /// The quirks asked for by name.
    pub quirks: Vec<String>,
    /// The profile's name.
    pub profile: String,
    /// How products were computed on a card.
    pub mode: String,
    /// The overrides of `--set`.
    pub set: BTreeMap<String, Value>,
    /// The seeds that were asked for.
    pub seeds: Vec<u64>,
    /// The architecture of `--arch`.
    pub arch: Option<Given>,
    /// By name, the data.
    pub tasks: BTreeMap<String, Data>,
    /// The finished runs, in an order in which they can be run.
    pub runs: Vec<Run>,
}

/// An architecture that was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Hash of its file.
    pub hash: String,
    /// What it held.
    pub content: Arch,
}

/// A task's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Their hash.
    pub data: String,
    /// Where they came from: `imported`, `partial`, `stand-in`, ...
    pub provenance: String,
    /// The most training items used.
    pub train: usize,
    /// Likewise of validation.
    pub val: usize,
    /// Likewise of test.
    pub test: usize,
}

/// A finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The task's name.
    pub task: String,
    /// The method's name.
    pub method: String,
    /// The seed.
    pub seed: u64,
    /// Hash of the identity.
    pub configuration: String,
    /// Name and unit of the metric.
    pub metric: String,
    /// Its value, or one of the three words for what JSON lacks.
    pub value: Value,
    /// Hash of `arch.json`.
    pub arch: String,
    /// Hash of `metrics.jsonl`.
    pub metrics: String,
    /// Digest of the parameters.
    pub parameters: String,
    /// Hash of `result.json`.
    pub result: String,
}

impl Run {
    /// What a folder's finished run is.
    ///
    /// # Errors
    /// If one of its files cannot be read.
    pub(super) fn of(recorded: &Recorded) -> anyhow::Result<Self> {
        let Recorded { folder, identity, result, .. } = recorded;
        let hash = |name: &str| -> anyhow::Result<String> {
            let path = folder.join(name);
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(blake3::hash(&bytes).to_hex().to_string())
        };
        let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            task: identity.task.clone(),
            method: identity.method.clone(),
            seed: identity.seed,
            configuration: identity.hash(),
            metric: format!("{} {}", text("metric"), text("unit")).trim_end().to_owned(),
            value: result["value"].clone(),
            arch: hash(ARCH)?,
            metrics: hash(METRICS)?,
            parameters: text("digest"),
            result: hash(RESULT)?,
        })
    }

    /// The first file, in the order in which bits arise, in which two runs differ.
    pub fn first_difference(&self, now: &Self) -> Option<&'static str> {
        let all = [
            (ARCH, self.arch == now.arch),
            (METRICS, self.metrics == now.metrics),
            ("parameters", self.parameters == now.parameters),
            (RESULT, self.result == now.result),
        ];
        all.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
    }
}

impl Lock {
    /// What a bench of these cells and seeds asked for, with no runs yet.
    fn asked(
        args: &BenchArgs,
        overrides: &Overrides,
        asked: &Asked,
        arch: Option<&(Arch, String)>,
        seeds: &[u64],
    ) -> Self {
        Self {
            format: FORMAT,
            code: nas::code_version(),
            commits: BTreeSet::new(),
            cudnn: BTreeSet::new(),
            protocol: asked.protocol().to_owned(),
            quirks: args.quirk.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
            profile: args.profile.name().to_owned(),
            mode: args.mode.to_string(),
            set: overrides.map().clone(),
            seeds: seeds.to_vec(),
            arch: arch.map(|(content, hash)| Given { hash: hash.clone(), content: content.clone() }),
            tasks: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    /// The identity of one of its runs on data of this hash.
    ///
    /// # Errors
    /// If a name in the file is none of this program's.
    pub fn identity(&self, task: &str, method: &str, seed: u64, data: &str) -> anyhow::Result<Identity> {
        let profile: Profile = self.profile.parse().map_err(anyhow::Error::msg)?;
        let words: Vec<String> = self.set.iter().map(|(k, v)| format!("{k}={}", canonical(v))).collect();
        let overrides = Overrides::parse(&words).map_err(anyhow::Error::msg)?;
        let asked = Asked::parse(&self.protocol, &self.quirks).map_err(anyhow::Error::msg)?;
        let task = tasks::by_name(task)?.facts().name;
        let method = method_named(method).with_context(|| format!("there is no method '{method}'"))?.name;
        Ok(Identity {
            task: task.to_owned(),
            method: method.to_owned(),
            seed,
            protocol: asked.protocol().to_owned(),
            quirks: asked.of(task, method).names().map(str::to_owned).collect(),
            mode: self.mode()?,
            profile: profile.name().to_owned(),
            values: profile.values(task, method).with(&overrides).map(),
            set: overrides.of(method).map().clone(),
            arch: self.arch.as_ref().map(|a| a.hash.clone()),
            data: data.to_owned(),
            code: self.code.clone(),
        })
    }

    /// The mode.
    ///
    /// # Errors
    /// If there is no such mode.
    pub fn mode(&self) -> anyhow::Result<Mode> {
        self.mode.parse().map_err(|e| anyhow::anyhow!("the lock's mode: {e}"))
    }

    /// Adds a folder's run; `false` if it is not finished, or not of this configuration and these data.
    fn add(&mut self, out: &Path, cell: Cell, seed: u64) -> anyhow::Result<bool> {
        let folder = out.join(&self.profile).join(cell.task).join(cell.method).join(seed.to_string());
        if !folder.join(RESULT).exists() {
            return Ok(false);
        }
        let recorded = Recorded::read(&folder)?;
        let hash = self.tasks.get(cell.task).map_or(&recorded.identity.data, |d| &d.data);
        if recorded.identity != self.identity(cell.task, cell.method, seed, hash)? {
            return Ok(false);
        }
        let words = |field: &str| -> BTreeSet<String> {
            recorded.attempts.iter().filter_map(|a| a[field].as_str().map(str::to_owned)).collect()
        };
        self.commits.extend(words("commit"));
        self.cudnn.extend(words("cudnn"));
        let size = |key: &str| recorded.identity.values.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
        let data = recorded.identity.data.clone();
        self.tasks.entry(cell.task.to_owned()).or_insert_with(|| Data {
            data,
            provenance: recorded.provenance().to_owned(),
            train: size("train"),
            val: size("val"),
            test: size("test"),
        });
        self.runs.push(Run::of(&recorded)?);
        Ok(true)
    }

    /// The file's text: pretty JSON with sorted keys, sealed by the hash of its canonical form.
    fn text(&self) -> String {
        let mut json = serde_json::to_value(self).expect("plain data");
        json["blake3"] = seal(&json).into();
        serde_json::to_string_pretty(&json).expect("plain data") + "\n"
    }

    /// Reads a file's text.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let mut json: Value = serde_json::from_slice(text).map_err(|e| format!("it is no JSON ({e})"))?;
        match json["format"].as_u64() {
            Some(f) if f == u64::from(FORMAT) => {}
            Some(f) => return Err(format!("it has format {f}, this program reads {FORMAT}")),
            None => return Err("it is no lock file of bench --lock: it has no number 'format'".to_owned()),
        }
        let sealed = json.as_object_mut().and_then(|o| o.remove("blake3"));
        if sealed != Some(seal(&json).into()) {
            return Err("it was changed since it was written: its hash is not that of its content".to_owned());
        }
        let lock: Self = serde_json::from_value(json).map_err(|e| e.to_string())?;
        // Two spellings of a number are one number; line ends may be a system's own.
        let plain = String::from_utf8_lossy(text).replace("\r\n", "\n");
        if lock.text() == plain { Ok(lock) } else { Err("it was changed since it was written".to_owned()) }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not as it was written.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).map_err(|what| anyhow::anyhow!("{}: {what}", path.display()))
    }
}

fn seal(json: &Value) -> String {
    blake3::hash(canonical(json).as_bytes()).to_hex().to_string()
}

/// Writes the lock of a bench's finished runs; says where, and how many are missing.
///
/// # Errors
/// If no run is finished, or a file cannot be read or written.
pub fn write(
    path: &Path,
    args: &BenchArgs,
    asked: (&Overrides, &Asked, Option<&(Arch, String)>),
    plan: &Plan,
) -> anyhow::Result<()> {
    let mut lock = Lock::asked(args, asked.0, asked.1, asked.2, &plan.seeds);
    for work in &plan.work {
        lock.add(&args.out, work.cell, work.seed)?;
    }
    let (done, all) = (lock.runs.len(), plan.work.len());
    if done == 0 {
        bail!("--lock {}: none of {all} runs is finished, nothing is written", path.display());
    }
    put(path, lock.text().as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    let missing = match all - done {
        0 => String::new(),
        n => format!("; {n} of {all} are missing, for they are not finished (the same command goes on with them)"),
    };
    let runs = if done == 1 { "1 run".to_owned() } else { format!("{done} runs") };
    let said = format!("locked {runs} in {}{missing}", path.display());
    if args.json {
        ui::note(&said)
    } else {
        ui::line(&said)
    }
    Ok(())
}

/// Puts a whole file under its name, or leaves what was there.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let half = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let write = || {
        let mut file = fs::File::create(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Lock {
        let (asked, overrides) =
            (Asked::parse("corrected", &["sky-at-test"]), Overrides::parse(&["lr=0.30000000000000004"]));
        let words = ["xtask", "bench", "cosmic", "wrn", "--quirk", "sky-at-test", "--quirk", "sky-at-test"];
        let crate::cli::Command::Bench(args) = <crate::cli::Cli as clap::Parser>::parse_from(words).command else {
            unreachable!()
        };
        let mut lock = Lock::asked(&args, &overrides.unwrap(), &asked.unwrap(), None, &[0, 3]);
        let identity = lock.identity("cosmic", "wrn", 3, "d").unwrap();
        lock.runs.push(Run {
            task: "cosmic".into(),
            method: "wrn".into(),
            seed: 3,
            configuration: identity.hash(),
            metric: "FNR %".into(),
            value: json!(0.1f64 + 0.2),
            arch: "a".into(),
            metrics: "m".into(),
            parameters: "p".into(),
            result: "r".into(),
        });
        lock
    }

    #[test]
    fn a_lock_reads_back_and_any_damage_is_refused() {
        let lock = sample();
        let text = lock.text();
        assert_eq!(Lock::parse(text.as_bytes()).unwrap(), lock);
        assert!(text.starts_with("{\n  \"arch\": null,\n  \"blake3\": \"") && text.ends_with("}\n"), "{text}");
        // Line ends and spaces are no damage; any other character is.
        assert_eq!(Lock::parse(text.replace('\n', "\r\n").as_bytes()).unwrap(), lock);
        for n in 0..text.len() - 1 {
            assert!(Lock::parse(&text.as_bytes()[..n]).is_err(), "cut to {n} bytes");
        }
        for (n, c) in text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()) {
            let mut changed = text.clone().into_bytes();
            changed[n] = if c == '7' { b'8' } else { b'7' };
            assert!(Lock::parse(&changed).is_err(), "byte {n}: {c}");
        }
        let refused = Lock::parse(text.replace("\"value\": 0.3", "\"value\": 0.4").as_bytes()).unwrap_err();
        assert!(refused.contains("was changed since it was written"), "{refused}");
        let newer = Lock { format: 2, ..lock };
        assert_eq!(Lock::parse(newer.text().as_bytes()).unwrap_err(), "it has format 2, this program reads 1");
    }

    #[test]
    fn an_identity_is_that_of_the_bench() {
        let lock = sample();
        let identity = lock.identity("cosmic", "wrn", 3, "d").unwrap();
        assert_eq!((identity.values["lr"].as_f64(), identity.set["lr"].as_f64()), (Some(0.1 + 0.2), Some(0.1 + 0.2)));
        assert!(identity.quirks.contains("sky-at-test") && lock.quirks.len() == 1);
        assert!(lock.identity("ecg", "wrn", 3, "d").unwrap().quirks.is_empty());
        assert!(lock.identity("ecg", "nobody", 3, "d").unwrap_err().to_string().contains("no method 'nobody'"));
    }

    #[test]
    fn the_first_file_that_differs_is_named() {
        let run = sample().runs.remove(0);
        assert_eq!(run.first_difference(&run), None);
        let x = || "x".to_owned();
        let result = Run { result: x(), ..run.clone() };
        let parameters = Run { parameters: x(), ..result.clone() };
        let metrics = Run { metrics: x(), ..parameters.clone() };
        let arch = Run { arch: x(), ..metrics.clone() };
        let names = [result, parameters, metrics, arch].map(|now| run.first_difference(&now).unwrap());
        assert_eq!(names, ["result.json", "parameters", "metrics.jsonl", "arch.json"]);
    }

    #[test]
    fn a_file_is_put_whole_and_leaves_nothing_beside_it() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("new/a.lock");
        put(&path, b"one").unwrap();
        put(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(put(&scratch.path().join("new"), b"x").is_err(), "a folder is in the way");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    }
}
