//! A finished run, as its folder records it.

use super::again::command;
use anyhow::{Context, bail};
use nas::run::{Facts, Identity, MANIFEST, RESULT};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub identity: Identity,
    /// What its attempts were run with.
    pub attempts: Vec<Value>,
    /// Its result.
    pub result: Value,
}

impl Recorded {
    /// Reads it.
    ///
    /// # Errors
    /// If there is no run, it is damaged, or not finished; the message says what to do.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(MANIFEST);
        if !path.exists() {
            let name = folder.display();
            bail!(
                "{name} holds no run (no {MANIFEST}); name a run's folder like runs/quick/satellite/wrn/0, or a lock file"
            );
        }
        let manifest = json(&path)?;
        let identity: Identity = serde_json::from_value(manifest["identity"].clone()).with_context(|| {
            let theirs = manifest["identity"]["code"].as_str().unwrap_or("an unknown version");
            format!("{}: a configuration of {theirs}, this is {}", path.display(), nas::code_version())
        })?;
        if manifest["hash"] != identity.hash() {
            bail!("{}: its hash is not that of its configuration; it was changed since it was written", path.display());
        }
        if !folder.join(RESULT).exists() {
            let out = folder.ancestors().nth(4).unwrap_or(Path::new("runs"));
            bail!("{} is not finished; first end it: {}", folder.display(), command(&identity, out));
        }
        let result = json(&folder.join(RESULT))?;
        let attempts = manifest["attempts"].as_array().cloned().unwrap_or_default();
        Ok(Self { folder: folder.to_owned(), identity, attempts, result })
    }

    /// Where its data came from.
    pub fn provenance(&self) -> &str {
        self.result["data"]["provenance"].as_str().unwrap_or("unknown")
    }

    /// What its attempts had in one field, each value once.
    pub fn then(&self, field: &str) -> String {
        let text =
            |v: &Value| v.as_str().map_or_else(|| if v.is_null() { "-".into() } else { v.to_string() }, str::to_owned);
        let all: BTreeSet<String> = self.attempts.iter().map(|a| text(&a[field])).collect();
        if all.is_empty() { "unknown".to_owned() } else { all.into_iter().collect::<Vec<_>>().join(", ") }
    }

    /// What it was run with, beside what this process runs with: for people.
    pub fn beside(&self, now: &Facts) -> Vec<Vec<String>> {
        let row = |what: &str, then: String, now: &str| vec![what.to_owned(), then, now.to_owned()];
        let mut rows = vec![
            row("code", self.identity.code.clone(), &nas::code_version()),
            row("commit", self.then("commit"), &now.commit),
            row("device", self.then("device"), &now.device),
            row("threads", self.then("threads"), &now.threads.to_string()),
            row("SIMD", self.then("simd"), &now.simd),
        ];
        let cudnn = (self.then("cudnn"), now.cudnn.as_deref().unwrap_or("-"));
        if cudnn != ("-".to_owned(), "-") {
            rows.push(row("cuDNN", cudnn.0, cudnn.1));
        }
        rows
    }
}

fn json(path: &Path) -> anyhow::Result<Value> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{}: not readable as JSON", path.display()))
}
