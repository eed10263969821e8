//! Learning curves for TensorBoard: the run's metrics as an event file in the run's folder.
//!
//! A file is a row of records, each a length, its check, the bytes, their check; the checks are CRC-32C, turned and shifted. The
//! bytes are messages of TensorFlow's `event.proto` and `summary.proto` in Protocol Buffers' wire format, of which half a dozen
//! fields are needed. Each attempt at a run writes a file of its own that holds all its curves from the beginning, after a
//! message that a session starts at step 0: whatever earlier files say is dropped by the reader, later steps above all.

use nas::run::{MANIFEST, METRICS, as_number};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes what the metrics say, as they grow. It is a courtesy: where it fails, it ends.
#[derive(Debug)]
pub(super) struct Curves {
    folder: PathBuf,
    attempt: usize,
    file: Option<File>,
    /// Bytes of the metrics that are told.
    told: u64,
    failed: bool,
}

impl Curves {
    /// Of the run in `folder`.
    pub(super) fn of(folder: &Path) -> Self {
        let manifest = std::fs::read(folder.join(MANIFEST)).unwrap_or_default();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        let attempt = manifest["attempts"].as_array().map_or(1, Vec::len);
        Self { folder: folder.to_owned(), attempt, file: None, told: 0, failed: false }
    }

    /// Tells the metrics' new lines.
    pub(super) fn update(&mut self) {
        self.failed = self.failed || self.tell().is_err();
    }

    fn tell(&mut self) -> io::Result<()> {
        let mut metrics = match File::open(self.folder.join(METRICS)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            metrics => metrics?,
        };
        let mut out = Vec::new();
        if metrics.metadata()?.len() < self.told {
            // The run went back to its checkpoint: its curves begin anew.
            self.told = 0;
            out.extend(record(&start(now())));
        }
        metrics.seek(SeekFrom::Start(self.told))?;
        let mut text = String::new();
        metrics.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |i| i + 1);
        for line in text[..whole].lines() {
            let scalars = scalars(&serde_json::from_str(line)?);
            if let Some((step, values)) = scalars.filter(|(_, values)| !values.is_empty()) {
                out.extend(record(&summary(now(), step, &values)));
            }
        }
        self.told += whole as u64;
        if out.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            let name = format!("events.out.tfevents.{:010}.np360.{}", now() as u64, self.attempt);
            self.file = Some(OpenOptions::new().create(true).append(true).open(self.folder.join(name))?);
            out = [record(&version(now())), record(&start(now())), out].concat();
        }
        self.file.as_mut().expect("opened above").write_all(&out)
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// The step of a line of metrics, and its numbers by their tags (`final/train_loss`); nothing of what is no epoch. What has
/// no name of its own, an entry of a list, is left out.
fn scalars(line: &Value) -> Option<(u64, Vec<(String, f64)>)> {
    let (step, mut values) = (line["epoch"].as_u64()?, Vec::new());
    let stage = line["stage"].as_str().unwrap_or("run");
    for (key, value) in line.as_object()?.iter().filter(|(k, _)| *k != "epoch") {
        collect(format!("{stage}/{key}"), value, &mut values);
    }
    Some((step, values))
}

fn collect(tag: String, value: &Value, values: &mut Vec<(String, f64)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| collect(format!("{tag}/{k}"), v, values)),
        value => values.extend(as_number(value).map(|v| (tag, v))),
    }
}

/// `Event { wall_time, file_version: "brain.Event:2" }`
fn version(time: f64) -> Vec<u8> {
    let mut event = event(time, 0);
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// `Event { wall_time, step: 0, session_log: SessionLog { status: START } }`
fn start(time: f64) -> Vec<u8> {
    let (mut event, mut log) = (event(time, 0), Vec::new());
    varint(&mut log, 1 << 3);
    varint(&mut log, 1);
    bytes(&mut event, 7, &log);
    event
}

/// `Event { wall_time, step, summary: Summary { value: [{ tag, simple_value }] } }`
fn summary(time: f64, step: u64, values: &[(String, f64)]) -> Vec<u8> {
    let (mut event, mut summary) = (event(time, step), Vec::new());
    for (tag, value) in values {
        let mut one = Vec::new();
        bytes(&mut one, 1, tag.as_bytes());
        varint(&mut one, 2 << 3 | 5);
        one.extend((*value as f32).to_le_bytes());
        bytes(&mut summary, 1, &one);
    }
    bytes(&mut event, 5, &summary);
    event
}

/// `Event { wall_time, step }`
fn event(time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    varint(&mut event, 1 << 3 | 1);
    event.extend(time.to_le_bytes());
    varint(&mut event, 2 << 3);
    varint(&mut event, step);
    event
}

/// A field of bytes: text, or a message.
fn bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// A whole number, seven bits a byte, the lowest first.
fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// A record of a file.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), data, &masked(data).to_le_bytes()].concat()
}

fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), bit by bit: these are a few bytes an epoch.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui;
    use serde_json::json;
    use std::process::Command;

    #[test]
    fn checks_are_the_known_ones() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn messages_are_the_wire_format() {
        let mut out = Vec::new();
        varint(&mut out, 300);
        assert_eq!(out, [0xac, 2]);
        let head = [&[9u8][..], &1.5f64.to_le_bytes(), &[16]].concat();
        assert_eq!(version(1.5), [&head[..], &[0, 26, 13], b"brain.Event:2"].concat());
        assert_eq!(start(1.5), [&head[..], &[0, 58, 2, 8, 1]].concat());
        let value = [&[10u8, 1, b'a', 21][..], &0.5f32.to_le_bytes()].concat();
        let expected = [&head[..], &[0xac, 2, 42, 10, 10, 8], &value].concat();
        assert_eq!(summary(1.5, 300, &[("a".to_owned(), 0.5)]), expected);
        assert_eq!((record(b"abc").len(), &record(b"abc")[..8]), (19, &3u64.to_le_bytes()[..]));
    }

    #[test]
    fn a_line_becomes_scalars() {
        let line =
            json!({"stage": "search", "epoch": 4, "loss": "NaN", "name": "x", "list": [1], "reward": {"of": {"b": 2}}});
        let (step, values) = scalars(&line).unwrap();
        assert_eq!((step, values.len(), values[1].clone()), (4, 2, ("search/reward/of/b".to_owned(), 2.0)));
        assert!(values[0].0 == "search/loss" && values[0].1.is_nan());
        assert_eq!(scalars(&json!({"stage": "search"})), None);
    }

    /// Prints every curve that TensorBoard's own reader finds: tag, steps, values.
    const READER: &str = r#"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
found = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
found.Reload()
print(json.dumps({tag: [[s.step, s.value] for s in found.Scalars(tag)] for tag in found.Tags()["scalars"]}))
"#;

    /// A Python with TensorBoard: `NP360_PYTHON`, else `python3`.
    fn read(folder: &Path) -> Option<Value> {
        let python = std::env::var_os("NP360_PYTHON").unwrap_or_else(|| "python3".into());
        let with = |code: &str| Command::new(&python).args(["-c", code]).arg(folder).output();
        if !with("import tensorboard").is_ok_and(|o| o.status.success()) {
            let python = python.display();
            ui::note(&format!("skipped: {python} has no tensorboard; NP360_PYTHON may name a Python that has"));
            return None;
        }
        let output = with(READER).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn tensorboard_reads_the_curves_of_a_run_that_was_killed_and_went_on() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        let line = |stage: &str, epoch: u32, loss: f64| json!({"stage": stage, "epoch": epoch, "train_loss": loss});
        let write = |lines: &[Value], attempts: usize| {
            let text: String = lines.iter().map(|l| l.to_string() + "\n").collect();
            std::fs::write(folder.join(METRICS), text).unwrap();
            std::fs::write(folder.join(MANIFEST), json!({"attempts": vec![0; attempts]}).to_string()).unwrap();
        };
        let mut lines: Vec<Value> = (1..=4).map(|e| line("search", e, 4.0)).collect();
        write(&lines, 1);
        let mut curves = Curves::of(folder);
        curves.update();
        lines.extend((1..=3).map(|e| line("final", e, 2.0)));
        write(&lines, 1);
        curves.update();
        curves.update();
        drop(curves);
        // Killed in the middle of a record; the run goes on from a checkpoint after its first epoch.
        let events = || {
            let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
            let mut events: Vec<PathBuf> = names.filter(|p| p.to_string_lossy().contains("tfevents")).collect();
            events.sort();
            events
        };
        let first = std::fs::read(&events()[0]).unwrap();
        std::fs::write(&events()[0], &first[..first.len() - 5]).unwrap();
        lines.truncate(5);
        lines.push(line("final", 2, 1.0));
        write(&lines, 2);
        let mut curves = Curves::of(folder);
        curves.update();
        assert_eq!(events().len(), 2, "{:?}", events());
        assert!(events()[1].to_string_lossy().ends_with(".np360.2"));
        let search: Vec<Value> = (1..=4).map(|e| json!([e, 4.0])).collect();
        if let Some(found) = read(folder) {
            let expected = json!({"search/train_loss": search, "final/train_loss": [[1, 2.0], [2, 1.0]]});
            assert_eq!(found, expected);
        }
        // The metrics shrink under its hands.
        lines.pop();
        write(&lines, 2);
        curves.update();
        lines.extend([line("final", 2, 0.5), line("final", 3, 0.25)]);
        write(&lines, 2);
        curves.update();
        assert!(!curves.failed);
        if let Some(found) = read(folder) {
            assert_eq!(found["final/train_loss"], json!([[1, 2.0], [2, 0.5], [3, 0.25]]));
            assert_eq!(found["search/train_loss"], json!(search));
        }
        let mut none = Curves::of(&folder.join("none"));
        none.update();
        assert!(!none.failed && none.file.is_none());
    }
}
