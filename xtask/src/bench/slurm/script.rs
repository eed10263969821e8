//! The script of a job, and what lies beside it in `<out>/.slurm/<n>/`.
//!
//! | file | holds |
//! |---|---|
//! | `np360` | this program as it was when the jobs were submitted: a build in the meantime does not reach them |
//! | `cells` | a line an index: task, method, seed |
//! | `job.sh` | what every element of the array runs |
//! | `<index>.log`, `<index>.exit` | what it said; the exit code with which it ended |
//! | `help-<array>.log` | what those that help with trials said |
//! | `arrays` | a line a submission: the array's number, its indices, and whether it helps with trials |

use anyhow::Context;
use std::fmt::Write;
use std::path::Path;

/// How often a cell whose process dies (`kill -9`, out of memory) is put back into the queue by its own job.
const DEATHS: usize = 3;
/// How often one that was asked to stop (time limit, preemption) is.
const STOPS: usize = 1000;
/// The most threads of a process.
const THREADS: usize = 64;

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The script: `flags` are those of `bench` for every cell.
pub fn job(folder: &Path, flags: &[String]) -> String {
    let folder = quoted(&folder.display().to_string());
    let flags: Vec<String> = flags.iter().map(|f| quoted(f)).collect();
    let flags = flags.join(" ");
    format!(
        r#"#!/bin/sh
# One run of the benchmark: a line of cells, that of the array's index unless NP360_LINE says which. Asked to stop (time limit, preemption) it saves and is put back
# into the queue; killed, it is too, and goes on from its last checkpoint.
folder={folder}
index=$SLURM_ARRAY_TASK_ID
restarts=${{SLURM_RESTART_COUNT:-0}}
threads=${{SLURM_CPUS_ON_NODE:-1}}
[ "$threads" -gt {THREADS} ] && threads={THREADS}
[ -z "$NP360_HELP" ] && rm -f "$folder/$index.exit"
set -- $(sed -n "${{NP360_LINE:-$index}}p" "$folder/cells")
"$folder/np360" bench "$1" "$2" --seeds "$3" $NP360_HELP --threads "$threads" {flags} &
cell=$!
trap 'kill -TERM $cell' TERM USR1
while :; do
  wait $cell
  code=$?
  kill -0 $cell 2>/dev/null || break
done
again() {{ [ -z "$NP360_HELP" ] && scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$index"; }}
if [ $code -eq 130 ] && [ $restarts -lt {STOPS} ]; then again && exit 130; fi
if [ $code -gt 130 ] && [ $restarts -lt {DEATHS} ]; then again && exit $code; fi
[ -z "$NP360_HELP" ] && echo $code > "$folder/$index.exit"
exit $code
"#
    )
}

/// An array of jobs, as it was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Its number.
    pub number: u64,
    /// Lines of `cells`, from 1.
    pub indices: Vec<usize>,
    /// Whether it helps with the trials of the cell of its only line; its own indices then count from 1.
    pub helps: bool,
}

impl Array {
    fn line(&self) -> String {
        let indices: Vec<String> = self.indices.iter().map(usize::to_string).collect();
        format!("{} {} {}\n", self.number, if self.helps { "help" } else { "cells" }, indices.join(","))
    }

    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [number, kind, indices] = words[..] else { return None };
        let indices = indices.split(',').map(|i| i.parse().ok()).collect::<Option<Vec<usize>>>()?;
        Some(Self { number: number.parse().ok()?, indices, helps: kind == "help" })
    }

    /// Adds it to those of a folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn note(&self, folder: &Path) -> anyhow::Result<()> {
        use std::io::Write;
        let path = folder.join("arrays");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        let written = file.as_mut().map_err(|e| std::io::Error::new(e.kind(), e.to_string()));
        written
            .and_then(|f| f.write_all(self.line().as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Those of a folder.
    pub fn of(folder: &Path) -> Vec<Self> {
        let text = std::fs::read_to_string(folder.join("arrays")).unwrap_or_default();
        text.lines().filter_map(Self::parse).collect()
    }
}

/// Indices as `--array` takes them: `1-4,7`.
pub fn ranges(indices: &[usize]) -> String {
    let mut text = String::new();
    let mut rest = indices;
    while let [first, ..] = rest {
        let run = rest.iter().zip(*first..).take_while(|(a, b)| **a == *b).count();
        let comma = if text.is_empty() { "" } else { "," };
        let last = first + run - 1;
        let _ = if run == 1 { write!(text, "{comma}{first}") } else { write!(text, "{comma}{first}-{last}") };
        rest = &rest[run..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn indices_are_ranges_and_arrays_come_back() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
        assert_eq!(ranges(&[4]), "4");
        let folder = tempfile::tempdir().unwrap();
        let arrays = [
            Array { number: 12, indices: vec![1, 2, 9], helps: false },
            Array { number: 13, indices: vec![2], helps: true },
        ];
        for array in &arrays {
            array.note(folder.path()).unwrap();
        }
        assert_eq!(Array::of(folder.path()), arrays);
    }

    /// Runs the script with a program of our own in the place of the benchmark; gives exit code, arguments, the queue's orders.
    fn run(program: &str, help: &str, restarts: usize) -> (i32, String, String, Option<String>) {
        let folder = tempfile::Builder::new().prefix("with a space").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("cells"), "darcy wrn 0\necg gaea 2\n").unwrap();
        std::fs::write(path("job.sh"), job(folder.path(), &["--set".into(), "a=b c".into()])).unwrap();
        std::fs::create_dir(path("bin")).unwrap();
        let said =
            |name: &str| format!("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done > '{}'\n", path(name).display());
        for (name, text) in [("np360", said("args") + program), ("bin/scontrol", said("orders"))] {
            std::fs::write(path(name), text).unwrap();
            assert!(Command::new("chmod").arg("+x").arg(path(name)).status().unwrap().success());
        }
        let bin = format!("{}:{}", path("bin").display(), std::env::var("PATH").unwrap());
        let status = Command::new("sh")
            .arg(path("job.sh"))
            .envs([("PATH", bin.as_str()), ("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_JOB_ID", "40")])
            .envs([("SLURM_RESTART_COUNT", restarts.to_string().as_str()), ("SLURM_CPUS_ON_NODE", "3")])
            .env("NP360_HELP", help)
            .status()
            .unwrap();
        let text = |name| std::fs::read_to_string(path(name)).unwrap_or_default().trim().replace('\n', " ");
        let exit = path("2.exit").exists().then(|| text("2.exit"));
        (status.code().unwrap(), text("args"), text("orders"), exit)
    }

    #[test]
    fn the_script_runs_its_line_and_says_how_it_ended() {
        let (code, args, orders, exit) = run("exit 0", "", 0);
        assert_eq!(args, "bench ecg gaea --seeds 2 --threads 3 --set a=b c");
        assert_eq!((code, orders.as_str(), exit.as_deref()), (0, "", Some("0")));
        // A cell that fails is not tried again.
        let (code, _, orders, exit) = run("exit 1", "", 0);
        assert_eq!((code, orders.as_str(), exit.as_deref()), (1, "", Some("1")));
    }

    #[test]
    fn what_is_killed_or_stopped_goes_back_into_the_queue() {
        for program in ["kill -9 $$", "exit 130"] {
            let (_, _, orders, exit) = run(program, "", 1);
            assert_eq!((orders.as_str(), exit), ("requeue 40_2", None), "{program}");
        }
        // Not for ever, and not who only helps.
        let (code, _, orders, exit) = run("kill -9 $$", "", DEATHS);
        assert_eq!((code, orders.as_str(), exit.as_deref()), (137, "", Some("137")));
        let (code, args, orders, exit) = run("exit 130", "--help-trials", 0);
        assert!(args.contains("--seeds 2 --help-trials --threads"), "{args}");
        assert_eq!((code, orders.as_str(), exit), (130, "", None));
    }
}
