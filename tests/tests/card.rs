//! Whole runs on the emulated card: the unmodified path of a card (driver, kernels, copies, captured steps), and the
//! processor's bytes.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use np360_tests::cli::{CELL, Cli};

fn cli() -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_np360"))
}

fn run(cli: &Cli, out: &str, extra: &str, env: &[(&str, &str)]) -> (i32, String) {
    let mut command = cli.command(&format!("{CELL} --set epochs=2 {extra}"), out);
    command.envs(env.iter().copied());
    cli.run(command)
}

/// The cell, small enough for an emulated card: an epoch has eager steps, a captured one and replays, and a last short batch.
#[test]
fn a_run_on_the_card_has_the_processors_bytes_in_both_orders_of_threads() {
    let cli = cli();
    assert_eq!(run(&cli, "cpu", "", &[]).0, 0);
    for order in ["forward", "reverse"] {
        let (code, said) = run(&cli, order, "--device emu", &[("NP360_EMU_ORDER", order)]);
        assert_eq!(code, 0, "{said}");
        cli.same("cpu", order);
        let manifest = fs::read_to_string(cli.folder(order).join("manifest.json")).unwrap();
        assert!(manifest.contains("\"emu\""), "{manifest}");
    }
}

/// Starts the cell, kills it once it has a checkpoint.
fn killed(cli: &Cli, out: &str, device: &str) {
    let words = format!("{CELL} --set epochs=2 --device {device} --checkpoint-seconds 0");
    let mut child = cli.command(&words, out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (checkpoint, begun) = (cli.folder(out).join("checkpoint.safetensors"), Instant::now());
    while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not get there");
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill(); // SIGKILL
    child.wait().unwrap();
}

/// What one device began another ends, from the middle of an epoch.
#[test]
fn a_run_changes_devices_and_no_byte() {
    let cli = cli();
    assert_eq!(run(&cli, "cpu", "", &[]).0, 0);
    for (out, from, to) in [("left", "emu", "cpu"), ("came", "cpu", "emu")] {
        killed(&cli, out, from);
        let (code, said) = run(&cli, out, &format!("--device {to}"), &[]);
        assert_eq!(code, 0, "{said}");
        cli.same("cpu", out);
    }
}

/// Searches and what they find: supernets, trials, drop-path, clipped gradients, one channel a group.
#[test]
fn every_searching_method_has_the_processors_bytes() {
    let cli = cli();
    let small = "--set train=32 --set val=16 --set test=16";
    for (task, method, sizes) in [
        ("satellite", "gaea", small),
        ("satellite", "densenas", small),
        ("satellite", "densenas-random", small),
        ("satellite", "wrn-asha", small),
        ("satellite", "amber", small),
        ("cosmic", "autodl", ""),
    ] {
        let bench = format!("bench {task} {method} --profile smoke {sizes}");
        for (out, device) in [("cpu", "cpu"), ("card", "emu")] {
            let (code, said) = cli.run(cli.command(&format!("{bench} --device {device}"), out));
            assert_eq!(code, 0, "{said}");
        }
        let file = |out: &str, name: &str| {
            let run = cli.place.path().join(out).join("smoke").join(task).join(method).join("0");
            fs::read(run.join(name)).unwrap()
        };
        for name in ["arch.json", "metrics.jsonl", "result.json", "checkpoint.safetensors"] {
            assert!(file("cpu", name) == file("card", name), "{method}: {name}");
        }
    }
}

#[test]
fn a_card_without_room_says_who_asked_for_how_much() {
    let cli = cli();
    let (code, said) = run(&cli, "full", "--device emu", &[("NP360_EMU_MEMORY", "3000000")]);
    assert_eq!(code, 1, "{said}");
    for part in ["do not fit on the card", "are in use (peak", "use a smaller batch"] {
        assert!(said.contains(part), "no '{part}' in: {said}");
    }
}
