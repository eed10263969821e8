//! The folder as a whole: refusals, resuming, and death between any two operations.

use super::identity::sample;
use super::*;
use std::io::ErrorKind;

pub(super) const QUICK: Duration = Duration::from_millis(20);

/// In memory where there is such a folder: these tests sync thousands of times.
pub(super) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn facts() -> Facts {
    Facts { commit: "c".into(), device: "cpu".into(), simd: "avx2".into(), threads: 2, cudnn: None }
}

pub(super) fn open(path: &Path, identity: &Identity, fresh: bool) -> Result<RunFolder, RunError> {
    open_on(path, identity, fresh, Disk::default(), Who::here(1))
}

fn open_on(path: &Path, id: &Identity, fresh: bool, disk: Disk, who: Who) -> Result<RunFolder, RunError> {
    RunFolder::open_as(path, id, &facts(), fresh, who, disk, QUICK)
}

/// A process that will turn out to be gone.
pub(super) fn ghost() -> Who {
    Who { pid: u32::MAX, ..Who::here(1) }
}

/// Six epochs, a checkpoint every second, as a trainer goes about it.
fn train(run: &mut RunFolder) -> Result<(), RunError> {
    if matches!(run.state(), State::Done(_)) {
        return Ok(());
    }
    let mut epoch = 0;
    if let Some(c) = run.resume()? {
        let c: Value = serde_json::from_slice(&c.bytes).unwrap();
        epoch = c["epoch"].as_u64().unwrap();
        run.truncate_metrics(c["metrics_len"].as_u64().unwrap())?;
    }
    while epoch < 6 {
        epoch += 1;
        run.append_metrics(&json!({"epoch": epoch, "loss": number(1.0 / epoch as f64)}))?;
        if epoch % 2 == 0 {
            run.save_checkpoint(json!({"epoch": epoch, "metrics_len": run.metrics_len()}).to_string().as_bytes())?;
        }
    }
    run.write_arch(&json!({"rule": "default"}))?;
    let trial = "trials/0".to_owned();
    assert_eq!(run.claim(std::slice::from_ref(&trial))?, Some(0));
    run.write_file("trials/0/trial.json", b"{}\n")?;
    run.release(&trial)?;
    run.write_result(&result())
}

fn result() -> Value {
    json!({"task": "satellite", "method": "wrn", "seed": 0, "metric": "error", "value": 26.5, "secondary": {},
           "data": {}, "parameters": 1, "multiply_adds": 2, "digest": "d"})
}

fn lasting(path: &Path) -> Vec<Vec<u8>> {
    [METRICS, ARCH, CHECKPOINT, RESULT].iter().map(|f| std::fs::read(path.join(f)).unwrap()).collect()
}

#[test]
fn a_run_begins_goes_on_and_is_done() {
    let scratch = scratch();
    let path = folder(scratch.path(), &sample(0));
    assert!(path.ends_with("quick/satellite/wrn/0"));
    let mut run = open(&path, &sample(0), false).unwrap();
    assert_eq!(run.state(), &State::New);
    run.append_metrics(&json!({"b": 1, "a": 2})).unwrap();
    assert_eq!(std::fs::read_to_string(path.join(METRICS)).unwrap(), "{\"a\":2,\"b\":1}\n");
    drop(run);
    // Without a checkpoint it begins again, and the metrics with it.
    let mut run = open(&path, &sample(0), false).unwrap();
    assert_eq!((run.state(), run.metrics_len()), (&State::New, 0));
    run.save_checkpoint(b"x").unwrap();
    drop(run);
    let mut run = open(&path, &sample(0), false).unwrap();
    assert_eq!(run.state(), &State::Resumable);
    assert_eq!(run.resume().unwrap().unwrap().bytes, b"x");
    assert!(run.write_result(&json!({"task": 1})).unwrap_err().to_string().contains("lacks 'method'"));
    run.write_result(&result()).unwrap();
    assert_eq!(run.state(), &State::Done(result()));
    drop(run);
    let mut run = open(&path, &sample(0), false).unwrap();
    assert_eq!(run.state(), &State::Done(result()));
    assert!(run.append_metrics(&json!({})).is_err());
    let manifest = read_json(&path.join(MANIFEST)).unwrap().unwrap();
    assert_eq!(manifest["attempts"].as_array().unwrap().len(), 3);
    assert!(manifest["attempts"][2]["ended"].is_string());
    assert!(run.cost().hours > 0.0);
}

#[test]
fn another_configuration_is_refused_with_its_differences_and_fresh_moves_it_aside() {
    let scratch = scratch();
    let path = scratch.path().join("0");
    train(&mut open(&path, &sample(0), false).unwrap()).unwrap();
    let before = lasting(&path);
    let mut other = sample(0);
    other.set.insert("epochs".into(), 30.into());
    other.values.insert("epochs".into(), 30.into());
    let text = open(&path, &other, false).unwrap_err().to_string();
    for part in ["values.epochs: 2 -> 30", "set.epochs: - -> 30", "--out", "--fresh"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(lasting(&path), before);
    for n in 1..3 {
        let run = open(&path, &other, true).unwrap();
        assert_eq!(run.state(), &State::New);
        drop(run);
        let aside = scratch.path().join(format!("0.old-{n}"));
        assert!(aside.join(MANIFEST).exists() && !aside.join(owner::FILE).exists());
    }
    assert_eq!(lasting(&scratch.path().join("0.old-1")), before);
    assert!(!path.join(RESULT).exists());
}

#[test]
fn damage_is_named() {
    let scratch = scratch();
    let path = scratch.path().join("0");
    let mut run = open(&path, &sample(0), false).unwrap();
    run.append_metrics(&json!({})).unwrap();
    let text = run.truncate_metrics(100).unwrap_err().to_string();
    assert!(text.contains("metrics.jsonl: 3 bytes, but the checkpoint was made after 100"), "{text}");
    assert!(matches!(open(&path, &sample(0), false), Err(RunError::Owned { .. })));
    drop(run);
    std::fs::write(path.join(".checkpoint.safetensors.1-2.tmp"), b"half").unwrap();
    drop(open(&path, &sample(0), false).unwrap());
    assert!(std::fs::read_dir(&path).unwrap().all(|e| !e.unwrap().file_name().to_string_lossy().ends_with("tmp")));
    std::fs::write(path.join(MANIFEST), b"{").unwrap();
    assert!(open(&path, &sample(0), false).unwrap_err().to_string().contains("manifest.json: not readable"));
    std::fs::remove_file(path.join(MANIFEST)).unwrap();
    assert!(open(&path, &sample(0), false).unwrap_err().to_string().contains("no manifest.json"));
    std::fs::write(scratch.path().join("file"), b"").unwrap();
    let text = open(&scratch.path().join("file/0"), &sample(0), false).unwrap_err().to_string();
    assert!(text.contains("cannot create") && text.contains("is a file, not a folder"), "{text}");
}

/// The heart of it: whatever operation is a process' last, the next one opens the folder and ends with the same bytes.
#[test]
fn death_between_any_two_operations_changes_no_byte() {
    let scratch = scratch();
    let path = scratch.path().join("whole");
    train(&mut open(&path, &sample(0), false).unwrap()).unwrap();
    let whole = lasting(&path);
    let mut n = 0;
    loop {
        let path = scratch.path().join(n.to_string());
        let (disk, fault) = Disk::failing(n, None);
        let died = open_on(&path, &sample(0), false, disk, ghost()).and_then(|mut run| train(&mut run));
        if !fault.happened() {
            died.unwrap();
            break;
        }
        // A finished run is only looked at, so what its process left (its token, at most) stays.
        let finished = path.join(RESULT).exists();
        let mut run = open(&path, &sample(0), false).unwrap_or_else(|e| panic!("after operation {n}: {e}"));
        train(&mut run).unwrap();
        drop(run);
        assert_eq!(lasting(&path), whole, "after operation {n}");
        let names = std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.retain(|n| !(finished && (n == owner::FILE || n.ends_with(".tmp"))));
        assert_eq!(names, [ARCH, CHECKPOINT, COST, MANIFEST, METRICS, RESULT, "trials"]);
        assert_eq!(std::fs::read_dir(path.join("trials/0")).unwrap().count(), 1);
        n += 1;
    }
    assert!(n > 50, "only {n} operations");
}

#[test]
fn a_full_or_read_only_disk_at_any_operation_loses_nothing() {
    let scratch = scratch();
    let path = scratch.path().join("whole");
    train(&mut open(&path, &sample(0), false).unwrap()).unwrap();
    let whole = lasting(&path);
    for (kind, words) in [(ErrorKind::StorageFull, "no space left"), (ErrorKind::ReadOnlyFilesystem, "read-only")] {
        for n in 0.. {
            let path = scratch.path().join(format!("{kind:?}-{n}"));
            let (disk, fault) = Disk::failing(n, Some(kind));
            let failed = open_on(&path, &sample(0), false, disk, Who::here(1)).and_then(|mut run| train(&mut run));
            if !fault.happened() {
                break;
            }
            if let Err(e) = failed {
                assert!(e.to_string().contains(words) && !e.to_string().contains('\n'), "{e}");
            }
            if let Err(e) = open(&path, &sample(0), false).and_then(|mut run| train(&mut run)) {
                // A token that could not be given back is our own, and we live.
                assert!(matches!(e, RunError::Owned { .. }), "after operation {n}: {e}");
                continue;
            }
            assert_eq!(lasting(&path), whole, "after operation {n}");
        }
    }
}

#[test]
fn death_while_moving_aside_keeps_the_old_run() {
    let scratch = scratch();
    for n in 0.. {
        let path = scratch.path().join(n.to_string()).join("0");
        train(&mut open(&path, &sample(0), false).unwrap()).unwrap();
        let before = lasting(&path);
        let (disk, fault) = Disk::failing(n, None);
        drop(open_on(&path, &sample(0), true, disk, ghost()));
        let aside = path.with_file_name("0.old-1");
        let old = if aside.exists() { &aside } else { &path };
        assert_eq!(lasting(old), before);
        if !fault.happened() {
            break;
        }
        let run = open(&path, &sample(0), false).unwrap();
        assert_eq!(matches!(run.state(), State::Done(_)), !aside.exists());
    }
}

/// The other side of the next test: trains for ever, in a process of its own.
#[test]
fn child_that_is_killed() {
    let Ok(path) = std::env::var("NP360_TEST_CHILD") else { return };
    let mut run = RunFolder::open(Path::new(&path), &sample(0), &facts(), false).unwrap();
    let mut epoch = 0u64;
    if let Some(c) = run.resume().unwrap() {
        let c: Value = serde_json::from_slice(&c.bytes).unwrap();
        epoch = c["epoch"].as_u64().unwrap();
        run.truncate_metrics(c["metrics_len"].as_u64().unwrap()).unwrap();
    }
    loop {
        epoch += 1;
        run.append_metrics(&json!({"epoch": epoch})).unwrap();
        let metrics_len = run.metrics_len();
        run.save_checkpoint(json!({"epoch": epoch, "metrics_len": metrics_len}).to_string().as_bytes()).unwrap();
    }
}

#[test]
fn a_process_killed_for_real_is_succeeded_at_once() {
    let scratch = scratch();
    let path = scratch.path().join("0");
    let mut last = 0;
    for pause in [60, 90, 120] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "run::tests::child_that_is_killed", "--quiet"])
            .env("NP360_TEST_CHILD", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while !path.join(CHECKPOINT).exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(pause));
        assert!(matches!(open(&path, &sample(0), false), Err(RunError::Owned { .. })), "the child lives");
        child.kill().unwrap();
        child.wait().unwrap();
        let begun = std::time::Instant::now();
        let mut run = open(&path, &sample(0), false).unwrap();
        assert!(begun.elapsed() < owner::BEAT);
        let c: Value = serde_json::from_slice(&run.resume().unwrap().unwrap().bytes).unwrap();
        run.truncate_metrics(c["metrics_len"].as_u64().unwrap()).unwrap();
        let epoch = c["epoch"].as_u64().unwrap();
        let lines = std::fs::read_to_string(path.join(METRICS)).unwrap();
        assert!(lines.lines().enumerate().all(|(i, l)| l == format!("{{\"epoch\":{}}}", i + 1)));
        assert_eq!(lines.lines().count() as u64, epoch);
        assert!(epoch >= last);
        last = epoch;
    }
}
