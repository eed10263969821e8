//! `reproduce` and `bench --lock` through the real command line.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use np360_tests::cli::{CELL, Cli};

fn cli() -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_np360"))
}

/// Runs a command; the exit code, the last line of the standard output, and all that was said.
fn run(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let out = String::from_utf8(stdout).unwrap();
    let last = out.lines().next_back().unwrap_or_default().to_owned();
    (status.code().unwrap(), last, out + &String::from_utf8(stderr).unwrap())
}

fn reproduce(cli: &Cli, words: &str) -> (i32, String, String) {
    let mut command = cli.command(&format!("reproduce {words}"), "");
    // What it keeps of a run that differs is kept within the test's own folder.
    command.env("TMPDIR", cli.place.path());
    run(command)
}

/// Replaces a part of a file.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_run_is_reproduced_to_the_bit_and_differences_are_found() {
    let cli = cli();
    let (finished, place) = (cli.folder("runs"), cli.place.path());
    let folder = finished.display();
    assert_eq!(reproduce(&cli, &folder.to_string()).0, 1);
    assert_eq!(run(cli.command(&format!("{CELL} --threads 1"), "runs")).0, 0);

    let out = place.join("again");
    let (code, _, said) = reproduce(&cli, &format!("{folder} --threads 2 --device emu --out {}", out.display()));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("device   cpu") && said.contains("threads  1"), "{said}");
    assert!(said.lines().any(|l| l.starts_with("same bits: arch.json, metrics.jsonl (4 lines), checkpoint")), "{said}");
    cli.same("runs", "again");
    let (code, _, said) = reproduce(&cli, &format!("{folder} --out {}", place.join("runs").display()));
    assert!(code == 1 && said.contains("the run to be reproduced lies there"), "{said}");

    // A result that was written by hand, then a metric.
    edit(&finished.join("result.json"), "\"parameters\":", "\"parameters\":1");
    let (code, _, said) = reproduce(&cli, &folder.to_string());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("first difference: result.json: parameters 1"), "{said}");
    assert!(said.contains("the new run is kept in "), "{said}");
    edit(&finished.join("metrics.jsonl"), "\"train_loss\":", "\"train_loss\":9");
    let (code, last, said) = reproduce(&cli, &format!("{folder} --out {}", out.display()));
    assert!(code == 1 && said.contains("compared as it stands there"), "{said}");
    assert!(last.starts_with("first difference: metrics.jsonl line 1 (final, epoch 1): train_loss 9"), "{said}");

    // An unfinished run; a manifest that was changed.
    fs::remove_file(finished.join("result.json")).unwrap();
    let (code, _, said) = reproduce(&cli, &folder.to_string());
    assert!(code == 1 && said.contains("is not finished; first end it: cargo xtask bench satellite wrn"), "{said}");
    edit(&finished.join("manifest.json"), "\"seed\": 0", "\"seed\": 1");
    let (code, _, said) = reproduce(&cli, &folder.to_string());
    assert!(code == 1 && said.contains("hash is not that of its configuration"), "{said}");
}

#[test]
fn other_data_and_other_code_are_refused() {
    let cli = cli();
    let finished = cli.folder("runs");
    assert_eq!(run(cli.command(CELL, "runs")).0, 0);
    let manifest = finished.join("manifest.json");
    // As another version, or on other data, would have written it: with its own hash.
    let written = fs::read(&manifest).unwrap();
    let with = |key: &str, value: &str| {
        let mut json: serde_json::Value = serde_json::from_slice(&written).unwrap();
        json["identity"][key] = value.into();
        let text = nas::run::canonical(&json["identity"]);
        json["hash"] = blake3::hash(text.as_bytes()).to_hex().as_str().into();
        fs::write(&manifest, serde_json::to_vec(&json).unwrap()).unwrap();
        reproduce(&cli, &finished.display().to_string())
    };
    let (code, _, said) = with("code", "0.0.1+numerics.1");
    assert!(code == 1 && said.contains("made by code 0.0.1+numerics.1 (commit "), "{said}");
    assert!(said.contains(&format!("this is {}", nas::code_version())), "{said}");
    let (code, _, said) = with("data", "0123");
    assert!(code == 1 && said.contains("other data of satellite: the run's have hash 0123 (stand-in)"), "{said}");
    edit(&finished.join("result.json"), "\"provenance\":\"stand-in\"", "\"provenance\":\"imported\"");
    let (code, _, said) = with("data", "0123");
    assert!(code == 1 && said.contains("were imported (imported, hash 0123), and there are none"), "{said}");
}

#[test]
fn an_architecture_that_was_given_is_taken_from_the_run() {
    let cli = cli();
    assert_eq!(run(cli.command(CELL, "runs")).0, 0);
    let arch = cli.folder("runs").join("arch.json");
    let (code, _, said) = run(cli.command(&format!("{CELL} --arch {}", arch.display()), "given"));
    assert_eq!(code, 0, "{said}");
    let (code, _, said) = reproduce(&cli, &cli.folder("given").display().to_string());
    assert!(code == 0 && said.contains("an architecture given with --arch"), "{said}");
}

#[test]
fn a_lock_is_what_a_stranger_runs() {
    let cli = cli();
    let place = cli.place.path();
    let file = place.join("table.lock");
    let small = "--set train=128 --set epochs=1 --set val=32 --set test=64 --profile smoke";
    // The random search after the search whose size it takes; one seed first, so that a run is missing.
    let words = format!("bench satellite densenas densenas-random --lock {} {small}", file.display());
    let (code, last, said) = run(cli.command(&words, "runs"));
    assert_eq!(code, 0, "{said}");
    assert!(last.starts_with("locked 2 runs in "), "{said}");
    let again = format!("{} --out {}", file.display(), place.join("again").display());
    let (code, last, said) = reproduce(&cli, &again);
    assert_eq!((code, last.as_str()), (0, "2 of 2 runs: same bits"), "{said}");
    // What is there is not run again, but compared.
    let (code, _, said) = reproduce(&cli, &again);
    assert_eq!((code, said.matches("run again before").count()), (0, 2), "{said}");
    // The trials of a run that found its sibling's search, beside one that had to search itself.
    let random = place.join("runs/smoke/satellite/densenas-random/0");
    assert!(!random.join("searched").exists());
    let (code, _, said) = reproduce(&cli, &random.display().to_string());
    assert!(code == 0 && said.contains("its search comes first"), "{said}");
    assert!(said.lines().any(|l| l.starts_with("same bits: ") && l.contains(" trials, arch.json, ")), "{said}");

    let result = place.join("again/smoke/satellite/densenas/0/result.json");
    edit(&result, "\"value\":", "\"value\":1");
    let (code, last, said) = reproduce(&cli, &again);
    assert_eq!((code, last.as_str()), (1, "1 of 2 runs: same bits"), "{said}");
    assert!(said.contains("first difference: result.json"), "{said}");
    edit(&file, "\"seed\": 0", "\"seed\": 1");
    let (code, _, said) = reproduce(&cli, &again);
    assert!(code == 1 && said.contains("it was changed since it was written"), "{said}");
}
