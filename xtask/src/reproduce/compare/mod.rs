//! Two runs of one configuration, compared in the order in which their bits arise: the search's metrics, trials, the
//! architecture, the final training's metrics, the checkpoint, the result. What comes later differs for what came before.

mod json;
mod tensors;

use anyhow::Context;
use nas::run::{ARCH, CHECKPOINT, METRICS, RESULT};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Where two runs first differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// File and place within it.
    pub place: String,
    /// What stood there.
    pub then: String,
    /// What stands there.
    pub now: String,
}

impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} then, {} now", self.place, self.then, self.now)
    }
}

/// What was compared, in words.
pub type Same = Vec<String>;

/// What a comparison ends with, if it can be made.
type Compared<T> = anyhow::Result<Result<T, First>>;

/// Compares two folders of finished runs.
///
/// # Errors
/// If a file is there and cannot be read.
pub fn compare(then: &Path, now: &Path) -> Compared<Same> {
    let mut same = Vec::new();
    /// Goes on while nothing differs.
    macro_rules! same {
        ($e:expr) => {
            match $e {
                Ok(x) => x,
                Err(first) => return Ok(Err(first)),
            }
        };
    }
    let (old, new) = (lines(then)?, lines(now)?);
    let searched = old.iter().take_while(|l| stage(l) == Some("search")).count();
    same!(metrics(&old, &new, 0..searched.min(new.len())));
    if let trials @ 1.. = same!(trials(then, now)?) {
        same.push(format!("{trials} trials"));
    }
    same!(whole(ARCH, then, now)?);
    same.push(ARCH.to_owned());
    same!(metrics(&old, &new, 0..old.len().max(new.len())));
    same.push(format!("{METRICS} ({} lines)", old.len()));
    match (read(&then.join(CHECKPOINT))?, read(&now.join(CHECKPOINT))?) {
        (Some(a), Some(b)) => {
            let count = same!(tensors::first(&a, &b).map_err(|(place, then, now)| First {
                place: if place.is_empty() { format!("{CHECKPOINT}:") } else { format!("{CHECKPOINT}: {place}:") },
                then,
                now
            }));
            same.push(format!("{CHECKPOINT} ({count} tensors)"));
        }
        // It may have been removed for its size; the result has a digest of the parameters.
        (None, _) => same.push(format!("of {CHECKPOINT}, which was not kept, the parameters' digest")),
        (Some(_), None) => {
            return Ok(Err(First { place: format!("{CHECKPOINT}:"), then: "there".into(), now: "not there".into() }));
        }
    }
    same!(whole(RESULT, then, now)?);
    same.push(RESULT.to_owned());
    Ok(Ok(same))
}

/// A file's bytes, or nothing if it is not there.
fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Two JSON files of the same name.
fn whole(name: &str, then: &Path, now: &Path) -> Compared<()> {
    let (a, b) = (read(&then.join(name))?, read(&now.join(name))?);
    Ok(if a == b { Ok(()) } else { Err(texts(name, a.as_deref(), b.as_deref())) })
}

/// Where two JSON texts, whose bytes differ, differ.
fn texts(name: &str, then: Option<&[u8]>, now: Option<&[u8]>) -> First {
    let json = |bytes: Option<&[u8]>| bytes.and_then(|b| serde_json::from_slice::<Value>(b).ok());
    if let (Some(mut a), Some(mut b)) = (json(then), json(now)) {
        // A seal differs with anything it seals.
        for sealed in [&mut a, &mut b] {
            sealed.as_object_mut().and_then(|o| o.remove("blake3"));
        }
        if let Some((path, then, now)) = json::first(&a, &b) {
            return First { place: format!("{name}: {path}").trim_end().to_owned(), then, now };
        }
    }
    let say = |bytes: Option<&[u8]>| bytes.map_or("not there".to_owned(), |b| format!("{} bytes", b.len()));
    let at = then.zip(now).map(|(a, b)| a.iter().zip(b).take_while(|(x, y)| x == y).count());
    let place = at.map_or_else(|| format!("{name}:"), |at| format!("{name}: from byte {at} on:"));
    First { place, then: say(then), now: say(now) }
}

/// The lines of a run's metrics.
fn lines(folder: &Path) -> anyhow::Result<Vec<String>> {
    let bytes = read(&folder.join(METRICS))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

fn stage(line: &str) -> Option<&'static str> {
    let json: Value = serde_json::from_str(line).ok()?;
    ["search", "final"].into_iter().find(|s| json["stage"] == *s)
}

/// These lines of two runs' metrics.
fn metrics(then: &[String], now: &[String], which: std::ops::Range<usize>) -> Result<(), First> {
    let Some(i) = which.clone().find(|&i| then.get(i) != now.get(i)) else { return Ok(()) };
    let json = |l: Option<&String>| l.and_then(|l| serde_json::from_str::<Value>(l).ok()).unwrap_or_default();
    let (a, b) = (then.get(i), now.get(i));
    let line = json(a.or(b));
    let what = match (line["stage"].as_str(), line["epoch"].as_u64()) {
        (Some(stage), Some(epoch)) => format!(" ({stage}, epoch {epoch})"),
        _ => String::new(),
    };
    let name = format!("{METRICS} line {}{what}", i + 1);
    match (a, b) {
        (Some(a), Some(b)) => Err(texts(&name, Some(a.as_bytes()), Some(b.as_bytes()))),
        _ => {
            let say = |n: usize| format!("{n} lines");
            Err(First { place: format!("{name}:"), then: say(then.len()), now: say(now.len()) })
        }
    }
}

/// The records of two runs' trials, by number; how many there are.
fn trials(then: &Path, now: &Path) -> Compared<usize> {
    let numbers = |folder: &Path| -> BTreeSet<usize> {
        let entries = fs::read_dir(folder.join("trials")).into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
    };
    let all: BTreeSet<usize> = numbers(then).union(&numbers(now)).copied().collect();
    for &id in &all {
        if let Err(first) = whole(&nas::trials::file(id), then, now)? {
            return Ok(Err(first));
        }
    }
    Ok(Ok(all.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::Checkpoint;
    use serde_json::json;
    use std::path::PathBuf;

    /// A small finished run, of a search with a trial, and its like with one file changed.
    fn run(at: &Path, name: &str, edit: &dyn Fn(&Path)) -> PathBuf {
        let folder = at.join(name);
        fs::create_dir_all(folder.join("trials/0")).unwrap();
        let put = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        put(
            METRICS,
            "{\"epoch\":1,\"stage\":\"search\",\"x\":1}\n{\"epoch\":1,\"stage\":\"final\",\"train_loss\":0.51}\n",
        );
        put(ARCH, "{\"network\":{\"layers\":[1,2]}}\n");
        put("trials/0/trial.json", "{\"blake3\":\"a\",\"metric\":0.5}\n");
        put(RESULT, "{\"value\":1}\n");
        fs::write(folder.join(CHECKPOINT), Checkpoint::new(json!({"epoch": 1})).to_bytes()).unwrap();
        edit(&folder);
        folder
    }

    #[test]
    fn the_first_difference_is_the_one_that_arises_first() {
        let scratch = tempfile::tempdir().unwrap();
        let then = run(scratch.path(), "then", &|_| {});
        let again = run(scratch.path(), "again", &|_| {});
        let same = compare(&then, &again).unwrap().unwrap();
        let all =
            ["1 trials", "arch.json", "metrics.jsonl (2 lines)", "checkpoint.safetensors (0 tensors)", "result.json"];
        assert_eq!(same, all);
        // Each edit comes on top of those before it, and arises before them.
        type Edit<'a> = (&'a str, &'a [u8], &'a str);
        let later = Checkpoint::new(json!({"epoch": 2})).to_bytes();
        let edits: [Edit<'_>; 6] = [
            (RESULT, b"{\"value\":2}\n", "result.json: value 1 then, 2 now"),
            (CHECKPOINT, &later, "checkpoint.safetensors: metadata epoch: 1 then, 2 now"),
            (
                METRICS,
                b"{\"epoch\":1,\"stage\":\"search\",\"x\":1}\n{\"epoch\":1,\"stage\":\"final\",\"train_loss\":0.52}\n",
                "metrics.jsonl line 2 (final, epoch 1): train_loss 0.51 then, 0.52 now",
            ),
            (ARCH, b"{\"network\":{\"layers\":[1,3]}}\n", "arch.json: network.layers[1] 2 then, 3 now"),
            (
                "trials/0/trial.json",
                b"{\"blake3\":\"b\",\"metric\":2}\n",
                "trials/0/trial.json: metric 0.5 then, 2 now",
            ),
            (
                METRICS,
                b"{\"epoch\":1,\"stage\":\"search\"}\n",
                "metrics.jsonl line 1 (search, epoch 1): x 1 then, nothing now",
            ),
        ];
        for n in 1..=edits.len() {
            let now = run(scratch.path(), &n.to_string(), &|f| {
                edits[..n].iter().for_each(|(name, bytes, _)| fs::write(f.join(name), bytes).unwrap());
            });
            assert_eq!(compare(&then, &now).unwrap().unwrap_err().to_string(), edits[n - 1].2);
        }
    }

    #[test]
    fn what_is_missing_or_spelt_otherwise_differs() {
        let scratch = tempfile::tempdir().unwrap();
        let then = run(scratch.path(), "then", &|_| {});
        let first = |name: &str, edit: &dyn Fn(&Path)| {
            compare(&then, &run(scratch.path(), name, edit)).unwrap().map_err(|f| f.to_string())
        };
        let longer = |f: &Path| {
            let text = fs::read_to_string(f.join(METRICS)).unwrap();
            fs::write(f.join(METRICS), text + "{\"epoch\":2,\"stage\":\"final\"}\n").unwrap();
        };
        assert_eq!(
            first("a", &longer).unwrap_err(),
            "metrics.jsonl line 3 (final, epoch 2): 2 lines then, 3 lines now"
        );
        let spelt = |f: &Path| fs::write(f.join(RESULT), "{\"value\": 1}\n").unwrap();
        assert_eq!(first("b", &spelt).unwrap_err(), "result.json: from byte 9 on: 12 bytes then, 13 bytes now");
        let gone = |f: &Path| fs::remove_file(f.join(CHECKPOINT)).unwrap();
        assert_eq!(first("c", &gone).unwrap_err(), "checkpoint.safetensors: there then, not there now");
        let trial = |f: &Path| fs::remove_dir_all(f.join("trials")).unwrap();
        assert_eq!(first("d", &trial).unwrap_err(), "trials/0/trial.json: 28 bytes then, not there now");
        // What was removed to save room then is not asked for.
        let light = run(scratch.path(), "light", &gone);
        let again = run(scratch.path(), "again", &|_| {});
        let same = compare(&light, &again).unwrap().unwrap();
        assert!(same.contains(&"of checkpoint.safetensors, which was not kept, the parameters' digest".to_owned()));
    }
}
