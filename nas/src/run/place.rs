//! Where a training saves: the run itself, or a part of it with a checkpoint of its own.

use serde_json::Value;
use std::path::PathBuf;

use super::disk::{read, read_json};
use super::{ARCH, CHECKPOINT, MANIFEST, RunError, RunFolder};

/// A place in a run's folder: its root, or a part (`trials/3`), which keeps no metrics.
#[derive(Debug)]
pub struct Place<'a> {
    folder: &'a mut RunFolder,
    part: Option<String>,
}

impl RunFolder {
    /// The run itself.
    pub fn root(&mut self) -> Place<'_> {
        Place { folder: self, part: None }
    }

    /// A part of it: a folder below it.
    pub fn part(&mut self, name: impl Into<String>) -> Place<'_> {
        Place { folder: self, part: Some(name.into()) }
    }

    /// A file of the run's own, if it is there.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read_file(&self, name: &str) -> Result<Option<Vec<u8>>, RunError> {
        read(&self.path.join(name))
    }

    /// `arch.json` of the run of another method with the same task, seed and configuration, if it is there: the values that
    /// both methods have are equal, and so is everything else but the quirks in `aside`.
    ///
    /// # Errors
    /// If one of its files is there and cannot be read.
    pub fn sibling_arch(&self, method: &str, aside: &[&str]) -> Result<Option<Vec<u8>>, RunError> {
        let (Some(seed), Some(task)) = (self.path.file_name(), self.path.parent().and_then(|p| p.parent())) else {
            return Ok(None);
        };
        let other = task.join(method).join(seed);
        let Some(theirs) = read_json(&other.join(MANIFEST))? else { return Ok(None) };
        if same(&self.manifest["identity"], &theirs["identity"], aside) {
            return read(&other.join(ARCH));
        }
        Ok(None)
    }
}

fn same(a: &Value, b: &Value, aside: &[&str]) -> bool {
    let equal = ["task", "seed", "mode", "profile", "data", "code"].iter().all(|k| a[k] == b[k]);
    let quirks = |v: &Value| -> Option<Vec<Value>> {
        Some(v["quirks"].as_array()?.iter().filter(|q| !aside.iter().any(|n| *q == n)).cloned().collect())
    };
    let (Some(x), Some(y)) = (a["values"].as_object(), b["values"].as_object()) else { return false };
    let shared = x.iter().all(|(k, v)| y.get(k).is_none_or(|w| v == w));
    equal && shared && quirks(a) == quirks(b) && b["arch"].is_null()
}

impl Place<'_> {
    fn name(&self) -> String {
        self.part.as_ref().map_or_else(|| CHECKPOINT.to_owned(), |part| format!("{part}/{CHECKPOINT}"))
    }

    /// Where its checkpoint is.
    pub fn path(&self) -> PathBuf {
        self.folder.path.join(self.name())
    }

    /// The checkpoint to go on from, if there is one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, RunError> {
        read(&self.path())
    }

    /// Puts a checkpoint in the place of the last.
    ///
    /// # Errors
    /// If it cannot be written; then the last one stands.
    pub fn save(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        match &self.part {
            None => self.folder.save_checkpoint(bytes),
            Some(_) => {
                self.folder.write_file(&self.name(), bytes)?;
                self.folder.write_cost()
            }
        }
    }

    /// Bytes of metrics so far: what a checkpoint records.
    pub fn metrics_len(&self) -> u64 {
        if self.part.is_some() { 0 } else { self.folder.metrics_len() }
    }

    /// As [`RunFolder::truncate_metrics`].
    ///
    /// # Errors
    /// Likewise.
    pub fn truncate_metrics(&mut self, len: u64) -> Result<(), RunError> {
        if self.part.is_some() { Ok(()) } else { self.folder.truncate_metrics(len) }
    }

    /// As [`RunFolder::append_metrics`].
    ///
    /// # Errors
    /// Likewise.
    pub fn append_metrics(&mut self, line: &Value) -> Result<(), RunError> {
        if self.part.is_some() { Ok(()) } else { self.folder.append_metrics(line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sibling_has_the_same_configuration_where_both_have_one() {
        let one = json!({"task": "t", "seed": 0, "mode": "exact", "profile": "quick", "data": "d", "code": "c",
            "arch": null, "quirks": ["a"], "values": {"lr": 1, "trials": 2}});
        let with = |key: &str, v: Value| {
            let mut other = one.clone();
            other[key] = v;
            other
        };
        assert!(same(&one, &with("values", json!({"lr": 1, "depth": 3})), &[]));
        assert!(same(&one, &with("quirks", json!(["a", "b"])), &["b"]));
        for (key, v) in [
            ("values", json!({"lr": 2})),
            ("quirks", json!([])),
            ("seed", json!(1)),
            ("data", json!("e")),
            ("arch", json!("x")),
        ] {
            assert!(!same(&one, &with(key, v), &["b"]), "{key}");
        }
    }
}
