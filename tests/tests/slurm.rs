//! `--engine slurm`: the same bytes as by one process, whatever happens to jobs and nodes. With a queue of our own everywhere,
//! with two nodes of a real Slurm where it is installed (and this is root).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use np360_tests::cli::{Cli, lasting, same};

/// Seconds of four methods, two of which search by trials and one of which waits for another.
const CELLS: &str = "bench satellite wrn densenas densenas-random wrn-asha --profile smoke --set train=96 --set val=32 \
                     --set test=32 --set epochs=4 --set trials=6 --set width=0.25 --checkpoint-seconds 0";

fn cli() -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_np360"))
}

fn files(cli: &Cli, out: &str) -> BTreeMap<String, Vec<u8>> {
    lasting(&cli.place.path().join(out).join("smoke"))
}

fn whole(cli: &Cli, line: &str, out: &str, env: &[(String, String)]) -> String {
    let mut command = cli.command(line, out);
    command.envs(env.iter().cloned());
    let (code, said) = cli.run(command);
    assert_eq!(code, 0, "{said}");
    said
}

/// The process that owns a run, once it has saved something.
fn owner(folder: &Path) -> Option<u32> {
    let owner: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("owner.json")).ok()?).ok()?;
    let saved =
        folder.join("checkpoint.safetensors").exists() || folder.join("trials/0/checkpoint.safetensors").exists();
    saved.then_some(u32::try_from(owner["pid"].as_u64()?).ok()?)
}

/// Kills the process of a run with -9 as soon as it has saved something; `whole` job: its script too.
fn kill(folder: &Path, whole_job: bool) {
    let begun = Instant::now();
    let pid = loop {
        assert!(begun.elapsed() < Duration::from_secs(120), "{} does not begin", folder.display());
        if let Some(pid) = owner(folder) {
            break pid;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let parent = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let parent = parent.and_then(|s| s[s.rfind(')')? + 1..].split_whitespace().nth(1).map(str::to_owned));
    let mut pids = vec![pid.to_string()];
    pids.extend(parent.filter(|_| whole_job));
    pids.reverse();
    let _ = Command::new("kill").arg("-9").args(&pids).stderr(Stdio::null()).status();
}

/// Runs the cells through the queue, killing one run's process, then one job with its script; compares with a local run.
fn killed_jobs_change_no_byte(cli: &Cli, env: &[(String, String)], flags: &str, disturb: impl FnOnce()) -> String {
    whole(cli, CELLS, "local", env);
    let run = |method: &str| cli.place.path().join(format!("queue/smoke/satellite/{method}/0"));
    let mut command = cli.command(&format!("{CELLS} --engine slurm {flags}"), "queue");
    command.envs(env.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    kill(&run("wrn-asha"), false);
    disturb();
    kill(&run("densenas"), true);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    same(&files(cli, "local"), &files(cli, "queue"));
    said
}

/// The variables that put our queue in Slurm's place.
fn queue(cli: &Cli) -> (PathBuf, Vec<(String, String)>) {
    let (bin, queue) = (cli.place.path().join("bin"), cli.place.path().join("slurm"));
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(&queue).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("slurm/queue.sh");
    for name in ["sbatch", "squeue", "scontrol", "scancel"] {
        symlink(&script, bin.join(name)).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    (queue.clone(), vec![("PATH".into(), path), ("QUEUE".into(), queue.display().to_string())])
}

#[test]
fn jobs_of_a_queue_leave_the_bytes_of_one_process() {
    let cli = cli();
    let (queue, env) = queue(&cli);
    let said = killed_jobs_change_no_byte(&cli, &env, "--partition gpu --gpus 1 --array-limit 3", || {});
    assert!(said.contains("submitting it again") || said.contains("submitted satellite densenas"), "{said}");
    let submitted = fs::read_to_string(queue.join("submitted")).unwrap();
    let first = submitted.lines().next().unwrap();
    for part in ["--array=1-2,4%3", "--requeue", "--partition=gpu", "--gres=gpu:1"] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert!(submitted.lines().nth(1).unwrap().contains("--dependency=afterok:1_2"), "{submitted}");
    // What is done is not submitted again; another configuration is refused here, not by its job.
    whole(&cli, &format!("{CELLS} --engine slurm"), "queue", &env);
    let mut command = cli.command(&format!("{CELLS} --set lr=0.5 --engine slurm"), "queue");
    command.envs(env);
    let (code, said) = cli.run(command);
    assert!(code == 1 && said.contains("another configuration"), "{said}");
    assert_eq!(fs::read_to_string(queue.join("submitted")).unwrap(), submitted);
}

#[test]
fn a_watcher_may_be_stopped_and_comes_back() {
    let cli = cli();
    let (queue, env) = queue(&cli);
    let line = "bench satellite wrn --profile smoke --set epochs=60 --set train=96 --engine slurm";
    let mut command = cli.command(line, "queue");
    let child = command.envs(env.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let folder = cli.place.path().join("queue/smoke/satellite/wrn/0");
    let begun = Instant::now();
    while !folder.join("manifest.json").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(130) && said.contains("the jobs go on"), "{said}");
    whole(&cli, line, "queue", &env);
    assert_eq!(fs::read_to_string(queue.join("submitted")).unwrap().lines().count(), 1, "it was found in the queue");
    // A cell that fails says why, from its log.
    let (code, said) = {
        let mut command = cli.command("bench satellite wrn --profile smoke --set lr=1e30 --engine slurm", "fails");
        command.envs(env);
        cli.run(command)
    };
    assert!(code == 1 && said.contains("the loss is") && said.contains("satellite wrn seed 0"), "{said}");
}

/// Two nodes, gone when dropped.
struct Nodes(PathBuf);

impl Drop for Nodes {
    fn drop(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("slurm/down.sh");
        let _ = Command::new("bash").arg(script).arg(&self.0).status();
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "says why it does nothing")]
fn two_nodes_of_a_real_slurm_leave_the_bytes_of_one_process() {
    let there = |program: &str| Command::new(program).arg("-V").output().is_ok_and(|o| o.status.success());
    let root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root || !["slurmctld", "slurmd"].iter().all(|p| there(p)) {
        println!("skipped: needs root and Slurm (Debian: slurmctld slurmd slurm-client munge)");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("slurm");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("slurm/up.sh");
    let nodes = Nodes(dir.clone());
    assert!(Command::new("bash").arg(script).arg(&dir).arg("17817").status().unwrap().success());
    let conf = dir.join("slurm.conf").display().to_string();
    let cli = cli();
    let drain = || {
        let orders = ["update", "nodename=n2", "state=drain", "reason=test"];
        assert!(Command::new("scontrol").args(orders).env("SLURM_CONF", &conf).status().unwrap().success());
    };
    killed_jobs_change_no_byte(&cli, &[("SLURM_CONF".into(), conf.clone())], "--array-limit 4", drain);
    drop(nodes);
}
