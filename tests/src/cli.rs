//! Runs the real command line, in a scratch folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The four files that hold nothing of time, machine, threads or SIMD level.
pub const FILES: [&str; 4] = ["arch.json", "checkpoint.safetensors", "metrics.jsonl", "result.json"];

/// A small cell: seconds of training, several epochs, dropout, a last short batch.
pub const CELL: &str = "bench satellite wrn --profile smoke --set train=400 --set val=30 --set test=100 --set epochs=4 \
                        --set batch=32 --set width=0.25 --set dropout=0.1";

/// A scratch folder and the program.
pub struct Cli {
    /// The program.
    pub program: PathBuf,
    /// Where runs and data go.
    pub place: tempfile::TempDir,
}

impl Cli {
    /// A fresh place for `program`.
    ///
    /// # Panics
    /// If there is no room for scratch files.
    pub fn new(program: &str) -> Self {
        Self { program: program.into(), place: tempfile::tempdir().expect("a scratch folder") }
    }

    /// The command `words`, with its data and its runs in `<place>/<out>`.
    pub fn command(&self, words: &str, out: &str) -> Command {
        let mut c = Command::new(&self.program);
        c.args(words.split_whitespace()).env_remove("NP360_SIMD").stdin(Stdio::null());
        if words.starts_with("bench") {
            c.arg("--out").arg(self.place.path().join(out));
        }
        c.arg("--data").arg(self.place.path().join("data"));
        c
    }

    /// Runs it to its end; gives the exit code and what it said on both streams.
    ///
    /// # Panics
    /// If it cannot be started or was killed.
    pub fn run(&self, mut command: Command) -> (i32, String) {
        let Output { status, stdout, stderr } = command.output().expect("the program starts");
        let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        (status.code().expect("ended by itself"), said)
    }

    /// The run's folder below `<place>/<out>`.
    pub fn folder(&self, out: &str) -> PathBuf {
        self.place.path().join(out).join("smoke/satellite/wrn/0")
    }

    /// The four files of a finished run.
    ///
    /// # Panics
    /// If one is missing.
    pub fn files(&self, out: &str) -> Vec<Vec<u8>> {
        let folder = self.folder(out);
        FILES.iter().map(|f| std::fs::read(folder.join(f)).unwrap_or_else(|e| panic!("{f} of {out}: {e}"))).collect()
    }

    /// Says which of the four files differ.
    ///
    /// # Panics
    /// If any does.
    pub fn same(&self, a: &str, b: &str) {
        let pairs = self.files(a).into_iter().zip(self.files(b));
        let differ: Vec<&str> = FILES.iter().zip(pairs).filter(|(_, (x, y))| x != y).map(|(f, _)| *f).collect();
        assert!(differ.is_empty(), "{a} and {b} differ in {differ:?}");
    }
}

/// Lines of a file; 0 if it is not there.
pub fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |s| s.lines().count())
}

/// What may differ from run to run, and may be there or not.
const PASSING: [&str; 5] = ["manifest.json", "cost.json", "owner.json", "live.json", "open-trials.json"];

/// Every lasting file below a folder, by its path.
///
/// # Panics
/// If one cannot be read.
pub fn lasting(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()) {
            let file = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if entry.is_dir() {
                open.push(entry);
            } else if !PASSING.contains(&file.as_str()) && !file.starts_with("events.out.tfevents.") {
                let name = entry.strip_prefix(folder).expect("below it").display().to_string();
                all.insert(name, std::fs::read(entry).expect("a file"));
            }
        }
    }
    all
}

/// Says which files of [`lasting`] differ, or are in one of them alone.
///
/// # Panics
/// If any does, or is.
pub fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert!(a.keys().eq(b.keys()), "{:?} and {:?}", a.keys(), b.keys());
    let differ: Vec<&String> = a.iter().filter(|(name, bytes)| b[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(differ.is_empty(), "{differ:?} differ");
}
