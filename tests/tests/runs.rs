//! Whole runs through the real command line: the same bytes for any thread count, SIMD level and interruption; and what
//! happens when the folder, the disk or the data are not as they should be.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use np360_tests::cli::{CELL, Cli, lines};

fn cli() -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_np360"))
}

/// Runs the cell to its end.
fn whole(cli: &Cli, out: &str, extra: &str, simd: Option<&str>) {
    let mut command = cli.command(&format!("{CELL} {extra}"), out);
    if let Some(simd) = simd {
        command.env("NP360_SIMD", simd);
    }
    let (code, said) = cli.run(command);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn threads_and_simd_levels_do_not_change_a_byte() {
    let cli = cli();
    whole(&cli, "plain", "", None);
    for threads in ["1", "2", "7"] {
        let out = format!("threads-{threads}");
        whole(&cli, &out, &format!("--threads {threads}"), None);
        cli.same("plain", &out);
    }
    for level in kernels::simd::Level::ALL.into_iter().filter(|l| l.available()) {
        whole(&cli, level.name(), "--threads 2", Some(level.name()));
        cli.same("plain", level.name());
    }
}

#[test]
fn the_speed_mode_without_a_card_is_our_kernels_and_says_so() {
    let cli = cli();
    whole(&cli, "exact", "", None);
    let (code, said) = cli.run(cli.command(&format!("{CELL} --mode speed"), "speed"));
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("own kernels go on").count(), 1, "{said}");
    cli.same("exact", "speed");
    let (code, said) = cli.run(cli.command(CELL, "speed"));
    assert!(code == 1 && said.contains("mode: speed -> exact"), "{said}");
}

/// Starts the cell and waits until `ready`.
fn until(cli: &Cli, out: &str, extra: &str, ready: impl Fn() -> bool) -> Child {
    let mut command = cli.command(&format!("{CELL} {extra}"), out);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not get there");
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(done.success());
}

#[test]
fn kill_9_and_ctrl_c_anywhere_do_not_change_a_byte() {
    let cli = cli();
    whole(&cli, "plain", "", None);
    let metrics = |out: &str| cli.folder(out).join("metrics.jsonl");
    // Before the first epoch is through, after one, after three; with a checkpoint every step, and with hardly any.
    for (out, every) in [("often", "--checkpoint-seconds 0"), ("seldom", "--checkpoint-seconds 0.05")] {
        for epochs in [0, 1, 3] {
            let file = metrics(out);
            let checkpoint = cli.folder(out).join("checkpoint.safetensors");
            let mut child = until(&cli, out, every, || lines(&file) >= epochs && (epochs > 0 || checkpoint.exists()));
            let _ = child.kill(); // SIGKILL
            child.wait().unwrap();
        }
        whole(&cli, out, "", None);
        cli.same("plain", out);
    }
    // Ctrl-C, with other threads each time: it saves and says so.
    for (i, epochs) in [0, 1, 3].into_iter().enumerate() {
        let file = metrics("stopped");
        let folder = cli.folder("stopped");
        let ready =
            || lines(&file) >= epochs && folder.join("owner.json").exists() && folder.join("arch.json").exists();
        let mut child = until(&cli, "stopped", &format!("--threads {}", i + 1), ready);
        signal(&child, "INT");
        let status = child.wait().unwrap();
        assert!(matches!(status.code(), Some(130 | 0)), "{status}");
        assert!(status.code() == Some(0) || folder.join("checkpoint.safetensors").exists());
    }
    whole(&cli, "stopped", "", None);
    cli.same("plain", "stopped");
}

#[test]
fn a_second_process_and_another_configuration_are_refused() {
    let cli = cli();
    let folder = cli.folder("runs");
    let long = "--set epochs=100000 --checkpoint-seconds 0";
    let mut child = until(&cli, "runs", long, || folder.join("checkpoint.safetensors").exists());
    let (code, said) = cli.run(cli.command(&format!("{CELL} {long}"), "runs"));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("belongs to a running process (host ") && said.contains(&child.id().to_string()), "{said}");
    let _ = child.kill();
    child.wait().unwrap();

    // The owner is gone: its folder is taken over at once, by the same configuration only.
    let (code, said) = cli.run(cli.command(CELL, "runs"));
    assert_eq!(code, 1, "{said}");
    for part in ["another configuration", "values.epochs: 100000 -> 4", "--out", "--fresh"] {
        assert!(said.contains(part), "no '{part}' in: {said}");
    }
    whole(&cli, "runs", "--fresh", None);
    assert!(folder.with_file_name("0.old-1").join("checkpoint.safetensors").exists());
}

#[test]
fn damage_is_found_before_it_is_used() {
    let cli = cli();
    let folder = cli.folder("runs");
    let mut child = until(&cli, "runs", "--checkpoint-seconds 0", || lines(&folder.join("metrics.jsonl")) >= 2);
    let _ = child.kill();
    child.wait().unwrap();
    let checkpoint = folder.join("checkpoint.safetensors");
    let good = fs::read(&checkpoint).unwrap();
    for (what, bytes) in [
        ("cut short", good[..good.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("one bit", {
            let mut b = good.clone();
            let middle = b.len() / 2;
            b[middle] ^= 4;
            b
        }),
    ] {
        fs::write(&checkpoint, bytes).unwrap();
        let (code, said) = cli.run(cli.command(CELL, "runs"));
        assert_eq!(code, 1, "{what}: {said}");
        let error: Vec<&str> = said.lines().filter(|l| l.starts_with("error: ")).collect();
        assert_eq!(error.len(), 1, "{what}: {said}");
        assert!(error[0].contains("checkpoint.safetensors") && error[0].contains("--fresh"), "{what}: {said}");
    }
    fs::write(&checkpoint, &good).unwrap();
    whole(&cli, "plain", "", None);
    whole(&cli, "runs", "", None);
    cli.same("plain", "runs");
}

#[test]
fn a_folder_that_cannot_be_written_is_one_line() {
    let cli = cli();
    fs::write(cli.place.path().join("file"), "not a folder").unwrap();
    let (code, said) = cli.run(cli.command(CELL, "file/runs"));
    assert_eq!(code, 1, "{said}");
    assert_eq!(said.lines().filter(|l| l.starts_with("error: ")).count(), 1, "{said}");
    assert!(said.contains("file/runs") && said.contains("--out"), "{said}");
}

/// A small file system of its own, unmounted when dropped.
struct Tmpfs(std::path::PathBuf);

impl Tmpfs {
    #[allow(clippy::print_stderr)] // a skipped test says why
    fn mount(at: &std::path::Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        match mounted {
            Ok(o) if o.status.success() => Some(Self(at.to_owned())),
            _ => {
                eprintln!("skipped: a tmpfs cannot be mounted here");
                None
            }
        }
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_and_a_read_only_one_lose_nothing() {
    let cli = cli();
    let place = cli.place.path().join("small");
    // Room for one checkpoint and not for two: the second cannot be written beside the first.
    let Some(disk) = Tmpfs::mount(&place, "size=400k") else { return };
    let (code, said) = cli.run(cli.command(&format!("{CELL} --checkpoint-seconds 0"), "small"));
    assert_eq!(code, 1, "{said}");
    let error: Vec<&str> = said.lines().filter(|l| l.starts_with("error: ")).collect();
    assert!(error.len() == 1 && error[0].contains("no space"), "{said}");
    // With room it goes on, to the same bytes.
    assert!(Command::new("mount").args(["-o", "remount,size=64m"]).arg(&place).status().unwrap().success());
    whole(&cli, "small", "", None);
    whole(&cli, "plain", "", None);
    cli.same("plain", "small");
    // Read-only: what is finished is shown, what is not is refused.
    assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(&place).status().unwrap().success());
    whole(&cli, "small", "", None);
    let (code, said) = cli.run(cli.command(&format!("{CELL} --seeds 1"), "small"));
    assert!(code == 1 && said.contains("read-only"), "{said}");
    drop(disk);
}
