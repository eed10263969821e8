//! The program as a user meets it: exit codes, one-line errors, help that reads well, a reader that goes away.

use std::process::{Command, Output, Stdio};

fn xtask(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_np360-xtask"));
    command.args(args.split_whitespace()).env_remove("NP360_SIMD");
    command
}

fn run(args: &str) -> (i32, String, String) {
    let Output { status, stdout, stderr } = xtask(args).output().unwrap();
    let text = |b| String::from_utf8(b).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    for (args, part) in [
        ("bench satelite", "did you mean 'satellite'?"),
        ("bench satellite autodl", "autodl is not for satellite"),
        ("data verify mnist5", "there is no task or method 'mnist5'"),
        ("perf --only gemm_2048", "there is no workload 'gemm_2048'"),
        ("perf --only gemm_1024,controller_update_b21", "there is no workload 'controller_update_b21'"),
        ("perf --device cuda", "not built yet"),
    ] {
        let (code, out, err) = run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args}: {err}");
        assert!(err.starts_with("error: ") && err.contains(part) && err.lines().count() == 1, "{args}: {err}");
    }
    for args in ["", "bench --nope", "bench --profile huge", "data import satellite"] {
        assert_eq!(run(args).0, 2, "{args}");
    }
    let refused = xtask("doctor").env("NP360_SIMD", "mmx").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(refused.stderr, b"error: NP360_SIMD=mmx: choose scalar, avx2, avx512 or soft\n");
}

#[test]
fn a_failure_is_one_line_and_exit_code_1() {
    let scratch = tempfile::tempdir().unwrap();
    let place = scratch.path().display();
    let (code, out, err) = run(&format!("data import satellite --from {place}/none --data {place}/data"));
    assert_eq!((code, out.as_str(), err.lines().count()), (1, "", 1), "{err}");
    assert!(err.starts_with("error: ") && err.contains("none"), "{err}");
    if matches!(kernels::cuda::probe(), kernels::cuda::Probe::Absent(_)) {
        let (code, out, err) = run("bench satellite wrn --device cuda");
        assert_eq!((code, out.as_str(), err.lines().count()), (1, "", 1), "{err}");
        assert!(err.starts_with("error: no CUDA: ") && err.contains("--device cpu"), "{err}");
    }
    let (code, out, _) = run(&format!("data list --data {place}/data"));
    assert!(code == 0 && tasks::all().iter().all(|t| out.contains(t.facts().name)), "{out}");
}

#[test]
fn vectors_and_workloads_from_the_command_line() {
    let scratch = tempfile::tempdir().unwrap();
    let place = scratch.path().display();
    assert_eq!(run(&format!("vectors {place}/none")).0, 1);
    std::fs::create_dir(scratch.path().join("conv2d")).unwrap();
    std::fs::write(scratch.path().join("conv2d/broken.safetensors"), "?").unwrap();
    let (code, out, err) = run(&format!("vectors {place}"));
    assert_eq!((code, err.as_str(), out.lines().last()), (1, "", Some("0 passed, 1 failed")), "{out}");
    assert!(out.starts_with("conv2d/broken: cannot be read: "), "{out}");
    assert_eq!(run(&format!("vectors {place} --only norm")).0, 2);

    let (code, out, err) = run("perf --json --only dwconv3x3_4_32px,bn_relu_64_32px --reps 1 --threads 1");
    assert_eq!((code, err.as_str(), out.lines().count()), (0, "", 2));
    assert!(out.starts_with("{\"workload\":\"dwconv3x3_4_32px\",\"median_s\":"), "{out}");
    assert!(out.contains("\"threads\":1,\"flop\":null,\"allocations\":") && !out.contains("\"peak_bytes\":0"), "{out}");
}

#[test]
fn help_reads_well_on_every_level() {
    for args in [
        "",
        "bench",
        "reproduce",
        "data",
        "data import",
        "data verify",
        "data list",
        "vectors",
        "kernels",
        "kernels check",
        "kernels compile",
        "kernels bench",
        "kernels new",
        "perf",
        "test",
        "doctor",
    ] {
        let (code, out, err) = run(&format!("{args} --help"));
        assert_eq!((code, err.as_str()), (0, ""), "{args}");
        assert!(out.contains("Usage: cargo xtask") && out.is_ascii(), "{out}");
        assert!(out.lines().all(|l| l.len() <= 100), "{out}");
    }
}

#[test]
fn doctor_says_what_is_missing_and_what_that_costs() {
    let empty = |command: &mut Command| {
        let Output { status, stdout, stderr } = command.env_clear().env("NP360_CACHE", "/proc/none").output().unwrap();
        assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(0), ""));
        String::from_utf8(stdout).unwrap()
    };
    let out = empty(&mut xtask("doctor"));
    for part in ["simd", "threads", "driver", "nvrtc", "cudnn", "c++", "cache", "data"] {
        assert!(out.lines().any(|l| l.starts_with(&format!("{part:9}"))), "{part}: {out}");
    }
    let lines: Vec<&str> = out.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[0].contains(" none: ")) {
        assert!(pair[1].contains("without it: "), "{out}");
    }
    assert!(out.contains("cache    none: /proc/none: "), "{out}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in ["doctor", "data list", "--help"] {
        let mut child = xtask(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{args}");
    }
}

#[test]
fn a_report_of_the_paper_and_of_what_it_wrote() {
    let scratch = tempfile::tempdir().unwrap();
    let (first, second) = (scratch.path().join("a"), scratch.path().join("b"));
    let (code, out, err) = run(&format!("report --paper --out {}", first.display()));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("DARTS GAEA") && out.contains("claim of the paper"), "{out}");
    let read = |folder: &std::path::Path, name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let panels = ["all", "point2d", "efficient", "expensive", "autodl", "amber"];
    for panel in panels {
        assert!(read(&first, &format!("profile_{panel}.csv")).starts_with("method,tau,fraction\n"));
    }
    let lines = read(&first, "table3.csv");
    let ranks: Vec<&str> = lines.lines().skip(1).map(|l| l.split(',').nth(1).unwrap()).collect();
    assert_eq!(ranks, ["4", "4", "4", "3.5", "1.5", "6", "1"]);
    for name in ["report.md", "table2.tex", "table3.tex", "costs.csv", "curves.csv", "claims.csv"] {
        assert!(!read(&first, name).is_empty(), "{name}");
    }
    let (code, ..) = run(&format!("report --from {}/table2.csv --out {}", first.display(), second.display()));
    assert_eq!((code, read(&second, "table3.csv")), (0, lines));
    // What cannot be read changes nothing.
    let bad = scratch.path().join("bad.csv");
    std::fs::write(&bad, "task,method,metric,mean,std\ndarcy,wrn,,x,\n").unwrap();
    let (code, out, err) =
        run(&format!("report --from {} --out {}", bad.display(), scratch.path().join("c").display()));
    assert_eq!((code, out.as_str(), err.lines().count()), (1, "", 1), "{err}");
    assert!(err.contains("line 2, column mean: 'x' is not a number") && !scratch.path().join("c").exists(), "{err}");
    for args in [
        "report",
        "report --paper --runs r --out x",
        "report --paper --from f --out x",
        "report --paper --profile smoke --out x",
    ] {
        assert_eq!(run(args).0, 2, "{args}");
    }
}
