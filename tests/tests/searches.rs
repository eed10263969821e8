//! Searches through the real command line: killed anywhere, on any number of threads, they leave the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use np360_tests::cli::{Cli, lines};

/// Seconds of a search: trials of up to four epochs, of which some are promoted; then four epochs of final training.
const SEARCH: &str = "bench satellite wrn-asha --profile smoke --set train=96 --set val=32 --set test=32 --set epochs=4 \
                      --set trials=6 --set width=0.25";

/// What may differ from run to run, and may be there or not.
const PASSING: [&str; 3] = ["manifest.json", "cost.json", "owner.json"];

/// The beginning of the names of TensorBoard's files, one an attempt, which hold times.
const EVENTS: &str = "events.out.tfevents.";

/// Every lasting file below a folder, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()) {
            let name = entry.strip_prefix(folder).unwrap().display().to_string();
            if entry.is_dir() {
                open.push(entry);
            } else if !PASSING.contains(&name.as_str()) && !name.starts_with(EVENTS) {
                all.insert(name, fs::read(entry).unwrap());
            }
        }
    }
    all
}

fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert!(a.keys().eq(b.keys()), "{:?} and {:?}", a.keys(), b.keys());
    let differ: Vec<&String> = a.iter().filter(|(name, bytes)| b[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(differ.is_empty(), "{differ:?} differ");
}

#[test]
fn kill_9_anywhere_in_a_search_does_not_change_a_byte() {
    let cli = Cli::new(env!("CARGO_BIN_EXE_np360"));
    let folder = |out: &str| cli.place.path().join(out).join("smoke/satellite/wrn-asha/0");
    let whole = |out: &str, extra: &str| {
        let (code, said) = cli.run(cli.command(&format!("{SEARCH} {extra}"), out));
        assert_eq!(code, 0, "{said}");
        files(&folder(out))
    };
    let plain = whole("plain", "--threads 1");
    assert_eq!(plain.keys().filter(|name| name.starts_with("trials/")).count(), 12, "{:?}", plain.keys());

    // While a trial has not come to a rung, after its first epoch, between two trials, in the final training.
    let trial = |id: usize, file: &str| folder("killed").join(format!("trials/{id}/{file}"));
    let ready: [&dyn Fn() -> bool; 5] = [
        &|| trial(0, "checkpoint.safetensors").exists(),
        &|| trial(0, "trial.json").exists(),
        &|| trial(3, "trial.json").exists(),
        &|| trial(5, "checkpoint.safetensors").exists(),
        &|| lines(&folder("killed").join("metrics.jsonl")) > 1,
    ];
    for (i, ready) in ready.iter().enumerate() {
        let every = if i % 2 == 0 { "--checkpoint-seconds 0" } else { "--checkpoint-seconds 0.05" };
        let mut command = cli.command(&format!("{SEARCH} {every} --threads {}", 1 + i % 3), "killed");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while !ready() && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the search does not get there");
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill(); // SIGKILL
        child.wait().unwrap();
    }
    same(&plain, &whole("killed", ""));
}

/// Every method with a supernet, on a task that it has.
const CELLS: [(&str, &str, &str); 5] = [
    ("satellite", "gaea", SMALL),
    ("satellite", "densenas", SMALL),
    ("satellite", "densenas-random", SMALL),
    ("satellite", "amber", EPISODES),
    ("cosmic", "autodl", "--profile smoke --set search_epochs=3 --set epochs=2"),
];

/// Sizes of a few seconds.
const SMALL: &str = "--profile smoke --set train=96 --set val=32 --set test=32 --set search_epochs=3 --set epochs=2";

/// The same for the one that has episodes.
const EPISODES: &str = "--profile smoke --set train=96 --set val=32 --set test=32 --set episodes=3 --set epochs=2 \
                        --set width=0.0625";

#[test]
fn kill_9_anywhere_in_any_method_does_not_change_a_byte() {
    let cli = Cli::new(env!("CARGO_BIN_EXE_np360"));
    for (task, method, sizes) in CELLS {
        let bench = format!("bench {task} {method} {sizes}");
        let folder = |out: &str| cli.place.path().join(out).join("smoke").join(task).join(method).join("0");
        let whole = |out: &str, extra: &str| {
            let (code, said) = cli.run(cli.command(&format!("{bench} {extra}"), out));
            assert_eq!(code, 0, "{said}");
            files(&folder(out))
        };
        let (plain, killed) = (whole("plain", "--threads 1"), folder("killed"));
        let there = |file: &str| killed.join(file).exists();
        let metrics = killed.join("metrics.jsonl");
        // In the search, after an epoch of it (or a trial), when something is found, in the final training.
        let ready: [&dyn Fn() -> bool; 4] = [
            &|| there("checkpoint.safetensors") || there("searched/checkpoint.safetensors"),
            &|| lines(&metrics) > 0 || there("trials/1/trial.json"),
            &|| there("arch.json"),
            &|| there("arch.json") && lines(&metrics) > 0,
        ];
        for (i, ready) in ready.iter().enumerate() {
            let every = if i % 2 == 0 { "--checkpoint-seconds 0" } else { "--checkpoint-seconds 0.05" };
            let mut command = cli.command(&format!("{bench} {every} --threads {}", 1 + i % 3), "killed");
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let begun = Instant::now();
            while !ready() && child.try_wait().unwrap().is_none() {
                assert!(begun.elapsed() < Duration::from_secs(60), "{method} does not get there");
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = child.kill(); // SIGKILL
            child.wait().unwrap();
        }
        same(&plain, &whole("killed", ""));
    }
}

#[test]
fn the_random_baseline_takes_what_densenas_found_or_searches_itself() {
    let cli = Cli::new(env!("CARGO_BIN_EXE_np360"));
    let result = |words: &str, out: &str| {
        let (code, said) = cli.run(cli.command(&format!("bench satellite {words} {SMALL}"), out));
        assert_eq!(code, 0, "{said}");
        let folder = cli.place.path().join(out).join("smoke/satellite/densenas-random/0");
        (fs::read(folder.join("result.json")).unwrap(), folder.join("searched").exists(), said)
    };
    let (alone, searched, said) = result("densenas-random", "alone");
    assert!(searched && said.contains("its search comes first"), "{said}");
    let (beside, searched, _) = result("densenas-random densenas", "beside");
    assert!(!searched && alone == beside);
}
