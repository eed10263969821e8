//! Slurm's commands, as far as the benchmark needs them.

use anyhow::{Context, bail};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::{Command, Output};

/// The name of our jobs.
pub const NAME: &str = "np360";

/// What a job in the queue is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Pending,
    /// It runs, or is about to end.
    Running,
    /// It has ended; Slurm remembers it for a while.
    Over,
}

/// An element of an array of jobs in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The job's own number.
    pub job: u64,
    /// The array's number: what `sbatch` answered.
    pub array: u64,
    /// The element's index.
    pub index: usize,
    /// What it does.
    pub state: State,
    /// Where it runs; empty while it waits.
    pub node: String,
    /// Why it waits, in Slurm's word.
    pub reason: String,
}

/// Runs one of Slurm's commands.
fn slurm<S: AsRef<OsStr>>(program: &str, args: &[S]) -> anyhow::Result<Output> {
    match Command::new(program).args(args).output() {
        Ok(output) => Ok(output),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            bail!("there is no {program} here: --engine slurm is for a machine that can submit jobs to Slurm")
        }
        Err(e) => Err(e).with_context(|| format!("cannot start {program}")),
    }
}

/// Its standard output, if it succeeded.
fn answer<S: AsRef<OsStr>>(program: &str, args: &[S]) -> anyhow::Result<String> {
    let output = slurm(program, args)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} refuses: {}", said.trim().lines().last().unwrap_or("it does not say why"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Submits a script; gives the array's number.
///
/// # Errors
/// If Slurm is not there, or refuses.
pub fn submit<S: AsRef<OsStr>>(args: &[S]) -> anyhow::Result<u64> {
    let said = answer("sbatch", args)?;
    // `--parsable` answers "number" or "number;cluster".
    let number = said.trim().split(';').next().unwrap_or_default();
    number.parse().with_context(|| format!("sbatch answered '{}', which is no job's number", said.trim()))
}

/// Our jobs in the queue.
///
/// # Errors
/// If Slurm is not there, or does not answer.
pub fn queue() -> anyhow::Result<Vec<Queued>> {
    let said = answer("squeue", &["--noheader", "--array", "--me", "--name", NAME, "--format", "%A|%F|%K|%T|%N|%r"])?;
    Ok(said.lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Queued> {
    let mut fields = line.split('|').map(str::trim);
    let mut next = || fields.next();
    let (job, array, index, state) = (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?, next()?);
    let state = match state {
        "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => State::Pending,
        "COMPLETED" | "CANCELLED" | "FAILED" | "TIMEOUT" | "NODE_FAIL" | "PREEMPTED" | "BOOT_FAIL" | "DEADLINE"
        | "OUT_OF_MEMORY" | "REVOKED" => State::Over,
        // RUNNING, COMPLETING, CONFIGURING, SUSPENDED, SIGNALING, STAGE_OUT, STOPPED, RESIZING.
        _ => State::Running,
    };
    Some(Queued { job, array, index, state, node: next()?.to_owned(), reason: next()?.to_owned() })
}

/// Takes jobs out of the queue; what is not there any more is no error.
pub fn cancel(arrays: &[u64]) {
    if !arrays.is_empty() {
        let numbers: Vec<String> = arrays.iter().map(u64::to_string).collect();
        let _ = slurm("scancel", &numbers);
    }
}

/// Lets a job that was put back into the queue begin as soon as there is room, not only when its old credential has expired.
pub fn no_waiting(job: u64) {
    let _ = slurm("scontrol", &["update".to_owned(), format!("JobId={job}"), "StartTime=now".to_owned()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_queue_is_read() {
        let running = parse("12|9|3|RUNNING|n1|None").unwrap();
        let expected =
            Queued { job: 12, array: 9, index: 3, state: State::Running, node: "n1".into(), reason: "None".into() };
        assert_eq!(running, expected);
        let states = ["PENDING", "COMPLETING", "CANCELLED", "TIMEOUT"].map(|s| format!("1|1|5|{s}||Priority"));
        let states = states.map(|l| parse(&l).unwrap().state);
        assert_eq!(states, [State::Pending, State::Running, State::Over, State::Over]);
        // Jobs that are no array's, and words of a plugin.
        assert_eq!(["12|12|N/A|RUNNING|n1|None", "", "slurm_load_jobs error"].map(parse), [None, None, None]);
    }
}
