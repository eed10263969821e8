//! What whoever watches is told: events on the standard output, the folders' word on where runs stand.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use np360_tests::cli::{CELL, Cli, lines};
use serde_json::Value;

fn json(text: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(text).unwrap().lines();
    lines.map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

/// What `status` says of the runs in `<place>/<out>`.
fn status(cli: &Cli, out: &str) -> Vec<Value> {
    let mut command = Command::new(&cli.program);
    let output = command.args(["status", "--json", "--runs"]).arg(cli.place.path().join(out)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json(&output.stdout)
}

#[test]
fn events_tell_a_run_from_its_plan_to_its_end() {
    let cli = Cli::new(env!("CARGO_BIN_EXE_np360"));
    let output = cli.command(&format!("{CELL} --json"), "runs").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events = json(&output.stdout);
    let named = |name: &str| events.iter().filter(|e| e["event"] == name).collect::<Vec<_>>();
    assert_eq!((&events[0]["event"], &events[0]["runs"][0]["task"]), (&"plan".into(), &"satellite".into()));
    assert_eq!((named("start").len(), named("epoch").len()), (1, 4));
    let epoch = named("epoch")[3];
    assert_eq!((&epoch["stage"], &epoch["done"], &epoch["total"]), (&"train".into(), &4.into(), &4.into()));
    assert!(epoch["metric"]["value"].is_number() && epoch["seed"] == 0);
    let done = named("done")[0];
    assert!(done["value"].is_number() && done["hours"].is_number() && done["metric"] == "0-1 error");
    let end = events.last().unwrap();
    assert_eq!(
        (&end["event"], &end["done"], &end["failed"], &end["left"]),
        (&"end".into(), &1.into(), &0.into(), &0.into())
    );
    // The same again is told at once.
    let again = json(&cli.command(&format!("{CELL} --json"), "runs").output().unwrap().stdout);
    let names: Vec<&str> = again.iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["plan", "start", "note", "done", "end"]);
    assert_eq!(again[3], *done);
    // What failed is told there, and by the exit code.
    let output = cli.command(&format!("{CELL} --json --set epochs=5"), "runs").output().unwrap();
    let failed = json(&output.stdout);
    assert_eq!((output.status.code(), &failed[2]["event"]), (Some(1), &"failed".into()));
    assert!(failed[2]["error"].as_str().unwrap().contains("another configuration"));
    let all = status(&cli, "runs");
    assert_eq!((all.len(), &all[0]["state"], &all[0]["value"]), (1, &"done".into(), &done["value"]));
    assert!(!cli.folder("runs").join("live.json").exists());
}

#[test]
fn status_tells_a_run_that_goes_on_from_one_that_was_killed() {
    let cli = Cli::new(env!("CARGO_BIN_EXE_np360"));
    let mut command = cli.command(&format!("{CELL} --set epochs=100000 --checkpoint-seconds 0"), "runs");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (folder, begun) = (cli.folder("runs"), Instant::now());
    while lines(&folder.join("metrics.jsonl")) < 2 || !folder.join("live.json").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not get there");
        std::thread::sleep(Duration::from_millis(10));
    }
    let running = status(&cli, "runs");
    let _ = child.kill();
    child.wait().unwrap();
    let killed = status(&cli, "runs");
    assert_eq!((&running[0]["state"], &running[0]["pid"]), (&"running".into(), &child.id().into()));
    assert_eq!((&running[0]["stage"], &running[0]["total"]), (&"train".into(), &100_000.into()));
    assert_eq!((&killed[0]["state"], &killed[0]["pid"]), (&"interrupted".into(), &Value::Null));
    assert_eq!((&killed[0]["stage"], &killed[0]["total"]), (&"train".into(), &100_000.into()));

    let mut command = Command::new(&cli.program);
    let output = command.args(["status", "--runs"]).arg(cli.place.path().join("none")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("no such folder") && said.lines().count() == 1, "{said}");
}
