//! `data fetch`: a task's originals from where they are published, resumable and checked.

pub mod table;
mod transfer;

use crate::{Ended, ui};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::{FOLDER, ORIGINALS, Original, Standing};
use transfer::{Client, Got, Wanted};

/// The pause before the first of the attempts that follow a failure; each next one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);

/// Fetches a task's files into `to`, each at its publisher's address or, with `mirror`, at the same path of another host.
///
/// # Errors
/// If the task's addresses are gone, or a file cannot be had.
pub fn run(task: &str, to: Option<&Path>, mirror: Option<&str>) -> anyhow::Result<Ended> {
    let to = to.map_or_else(|| PathBuf::from("originals").join(task), Path::to_path_buf);
    fetch(task, &to, mirror, &Client::new(PAUSE))
}

fn fetch(task: &str, to: &Path, mirror: Option<&str>, client: &Client) -> anyhow::Result<Ended> {
    let rows = wanted(task, mirror.is_some())?;
    std::fs::create_dir_all(to).with_context(|| format!("cannot create {} (--to chooses another)", to.display()))?;
    for row in &rows {
        let url = mirror.map_or_else(|| Ok(row.url.to_owned()), |m| moved(row.url, m))?;
        if row.standing == Standing::Unverified && mirror.is_none() {
            ui::note(&format!("note: {url} is the publisher's address as we know it; nobody here has tried it"));
        }
        let place = to.join(row.file);
        match client.fetch(&Wanted { url: &url, bytes: row.bytes, md5: row.md5 }, &place)? {
            Got::Fetched(bytes) => {
                let check = if row.md5.is_some() { "as its MD5 says" } else { "no checksum is published" };
                ui::line(&format!("{}: {} bytes, {check}", place.display(), ui::grouped(bytes as usize)));
            }
            Got::There => ui::line(&format!("{}: is there", place.display())),
        }
    }
    ui::line(&format!("\nnext: {}", next(task, &rows, to)));
    Ok(Ended::Well)
}

/// The files to fetch: those whose addresses stand. From a mirror, where none stands, those that are gone.
fn wanted(task: &str, mirrored: bool) -> anyhow::Result<Vec<&'static Original>> {
    let rows = || ORIGINALS.iter().filter(|o| o.task == task);
    let standing: Vec<_> = rows().filter(|o| o.standing != Standing::Gone).collect();
    if !standing.is_empty() {
        return Ok(standing);
    }
    if !mirrored {
        let files: Vec<_> = rows().map(|o| o.file).collect();
        bail!(
            "the addresses of {task} are gone (the benchmark's bucket answers 403 since 2022); get {} from {FOLDER} with a \
             browser, then cargo xtask data import {task} --from PATH, or give another host with --mirror URL",
            files.join(", ")
        );
    }
    Ok(rows().collect())
}

/// An address with scheme and host replaced by those of `mirror`, whose path, if any, goes before.
fn moved(url: &str, mirror: &str) -> anyhow::Result<String> {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    if !(mirror.starts_with("http://") || mirror.starts_with("https://")) {
        bail!(crate::Usage(format!("--mirror '{mirror}' is no address: it begins with http:// or https://")));
    }
    Ok(format!("{}/{path}", mirror.trim_end_matches('/')))
}

/// What is typed next: one file is imported as itself, several as their folder.
fn next(task: &str, rows: &[&Original], to: &Path) -> String {
    let from = if let [one] = rows { to.join(one.file) } else { to.to_path_buf() };
    let import = format!("cargo xtask data import {task} --from {}", from.display());
    match task {
        "fsd50k" => format!(
            "join and unpack the audio in {}: zip -s 0 FSD50K.dev_audio.zip --out dev.zip && unzip dev.zip, the same for eval, \
             unzip FSD50K.ground_truth.zip; then {import}",
            to.display()
        ),
        "deepsea" => format!(
            "the importer reads the benchmark's selection from this bundle, deepsea_filtered.npz: get it from {FOLDER} with a \
             browser, then cargo xtask data import deepsea --from PATH"
        ),
        _ => import,
    }
}

#[cfg(test)]
mod tests;
