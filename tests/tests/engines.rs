//! Runs made by several processes: the same bytes as by one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use np360_tests::cli::{Cli, lasting, same};

/// Seconds of four methods, two of which search by trials.
const CELLS: &str = "bench satellite wrn densenas densenas-random wrn-asha --profile smoke --set train=96 --set val=32 \
                     --set test=32 --set epochs=4 --set trials=6 --set width=0.25";

/// The search by trials alone.
const SEARCH: &str = "bench satellite wrn-asha --profile smoke --set train=96 --set val=32 --set test=32 --set epochs=4 \
                      --set trials=6 --set width=0.25";

fn cli() -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_np360"))
}

fn whole(cli: &Cli, line: &str, out: &str) -> String {
    let (code, said) = cli.run(cli.command(line, out));
    assert_eq!(code, 0, "{said}");
    said
}

fn files(cli: &Cli, out: &str) -> BTreeMap<String, Vec<u8>> {
    lasting(&cli.place.path().join(out).join("smoke"))
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap().success());
}

fn until(what: &str, ready: impl Fn() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many trials guests have worked on.
fn helped(folder: &Path) -> usize {
    let trials = fs::read_dir(folder.join("trials")).into_iter().flatten().flatten();
    trials.filter(|t| t.path().join("cost.json").exists()).count()
}

#[test]
fn runs_side_by_side_leave_the_bytes_of_one_after_another() {
    let cli = cli();
    let said = whole(&cli, CELLS, "one");
    let beside = whole(&cli, &format!("{CELLS} --engine local --jobs 3"), "beside");
    same(&files(&cli, "one"), &files(&cli, "beside"));
    // The table's figures, in the same order (times differ).
    let rows = |said: &str| -> Vec<String> {
        let rows = said.lines().filter(|l| l.starts_with("satellite ") && l.contains("lower"));
        rows.map(|l| l.split("  ").filter(|w| !w.contains(" s")).collect()).collect()
    };
    assert_eq!((rows(&said).len(), rows(&said)), (4, rows(&beside)));
    // Nothing is left to do; nothing is done again.
    let begun = Instant::now();
    let again = whole(&cli, &format!("{CELLS} --engine local --jobs 3"), "beside");
    assert_eq!(again.matches("done before").count(), 4, "{again}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn guests_take_trials_from_a_run_and_change_no_byte() {
    let cli = cli();
    whole(&cli, SEARCH, "alone");
    let folder = cli.place.path().join("helped/smoke/satellite/wrn-asha/0");
    // Nothing to help with: no run, and a run whose search is over.
    whole(&cli, &format!("{SEARCH} --help-trials"), "helped");
    assert!(!folder.exists());
    whole(&cli, &format!("{SEARCH} --help-trials"), "alone");

    // While the owner stands still with one trial in hand, a guest does what it can of the others.
    let owner = |out: &str| cli.command(SEARCH, out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut child = owner("helped");
    until("trials are open", || folder.join("open-trials.json").exists());
    until("one is taken", || (0..6).any(|id| folder.join(format!("trials/{id}/owner.json")).exists()));
    signal(&child, "STOP");
    whole(&cli, &format!("{SEARCH} --help-trials"), "helped");
    assert!(helped(&folder) > 0, "the guest did nothing");
    signal(&child, "CONT");
    assert!(child.wait().unwrap().success());
    same(&files(&cli, "alone"), &files(&cli, "helped"));

    // A guest that is killed with a trial in hand, and an owner: the next ones go on with what they left.
    let folder = cli.place.path().join("killed/smoke/satellite/wrn-asha/0");
    let mut child = owner("killed");
    until("trials are open", || folder.join("open-trials.json").exists());
    signal(&child, "STOP");
    let guest = format!("{SEARCH} --help-trials --checkpoint-seconds 0");
    let mut guest = cli.command(&guest, "killed").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the guest is at work", || guest_has_saved(&folder) || helped(&folder) > 0);
    guest.kill().unwrap();
    guest.wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    whole(&cli, SEARCH, "killed");
    same(&files(&cli, "alone"), &files(&cli, "killed"));
}

/// Whether two trials have saved: the owner's, and a guest's.
fn guest_has_saved(folder: &Path) -> bool {
    (0..6).filter(|id| folder.join(format!("trials/{id}/checkpoint.safetensors")).exists()).count() > 1
}

#[test]
fn a_job_that_is_killed_or_stopped_goes_on_where_it_was() {
    let cli = cli();
    whole(&cli, SEARCH, "one");
    let folder = cli.place.path().join("beside/smoke/satellite/wrn-asha/0");
    let line = format!("{SEARCH} --engine local --jobs 2 --checkpoint-seconds 0");
    let start = || cli.command(&line, "beside").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The process that makes the run dies: told, and the command fails.
    let child = start();
    let pid = || -> Option<u32> {
        let owner: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("owner.json")).ok()?).ok()?;
        folder.join("trials/0/checkpoint.safetensors").exists().then_some(())?;
        u32::try_from(owner["pid"].as_u64()?).ok()
    };
    until("the run begins", || pid().is_some());
    assert!(Command::new("kill").args(["-9", &pid().unwrap().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("its process was killed"), "{said}");
    // The command is asked to stop: so is its child, and everything is saved.
    let child = start();
    until("the run goes on", || pid().is_some_and(|p| Path::new(&format!("/proc/{p}")).exists()));
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    whole(&cli, &line, "beside");
    same(&files(&cli, "one"), &files(&cli, "beside"));
}

#[test]
fn a_machine_without_slurm_says_so_and_wrong_usage_is_refused() {
    let cli = cli();
    let mut command = cli.command(&format!("{SEARCH} --engine slurm"), "none");
    command.env("PATH", "/nowhere");
    let (code, said) = cli.run(command);
    assert!(code == 1 && said.contains("there is no squeue here"), "{said}");
    for (line, part) in [
        ("--engine slurm --jobs 2", "--jobs is for --engine local"),
        ("--partition gpu", "--partition is for --engine slurm"),
        ("--gpus 1", "--gpus is for --engine slurm"),
        ("--array-limit 4", "--array-limit is for --engine slurm"),
        ("--engine cloud", "cloud"),
        ("--jobs 0", "0"),
    ] {
        let (code, said) = cli.run(cli.command(&format!("{SEARCH} {line}"), "none"));
        assert!(code == 2 && said.contains(part), "{line}: {code} {said}");
    }
}
