//! What searches by trials share: a trial's folder, its sealed record, its name on the screen.
//!
//! `trials/<id>/trial.json` says how a trial did, `trials/<id>/checkpoint.safetensors` is what its training goes on from. Both are
//! functions of the configuration and the trial's number alone.

use nn::Checkpoint;
use nn::checkpoint::canonical;
use serde_json::{Value, json};

use crate::Error;
use crate::method::SearchStage;
use crate::run::{Progress, RunError, RunFolder, interrupt};
use std::time::Duration;

/// The version of a record's layout.
pub const FORMAT: u32 = 1;

/// The folder of a trial, within the run's.
pub fn folder(id: usize) -> String {
    format!("trials/{id}")
}

/// The name of a trial's record, within the run's folder.
pub fn file(id: usize) -> String {
    format!("{}/trial.json", folder(id))
}

/// A record's bytes: one line of canonical JSON, `blake3` being the hash of the line without it.
pub fn sealed(mut json: Value) -> Vec<u8> {
    json["blake3"] = blake3::hash(canonical(&json).as_bytes()).to_hex().as_str().into();
    (canonical(&json) + "\n").into_bytes()
}

/// The content of a record.
///
/// # Errors
/// If it is not as [`sealed`] made it, or of another format, in words.
pub fn unsealed(bytes: &[u8]) -> Result<Value, String> {
    let mut json: Value = serde_json::from_slice(bytes).map_err(|e| format!("it is no JSON ({e})"))?;
    match json["format"].as_u64() {
        Some(f) if f == u64::from(FORMAT) => {}
        Some(f) => return Err(format!("it has format {f}, this program reads {FORMAT}")),
        None => return Err("it is no trial: it has no number 'format'".to_owned()),
    }
    json.as_object_mut().and_then(|o| o.remove("blake3"));
    if sealed(json.clone()) == bytes { Ok(json) } else { Err("it was changed since it was written".to_owned()) }
}

/// A file of a trial that cannot be taken.
pub fn damaged(folder: &RunFolder, name: &str, what: String) -> Error {
    let fix = "remove the trial's folder: it is then trained anew";
    RunError::Damaged { path: folder.path().join(name), what, fix }.into()
}

/// How long to wait before looking again at trials that others have in hand.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs a search's trials until none is open, beside whoever else does: the run's owner and its guests each take one that
/// nobody has in hand. `open` says which can be run now, by what their files say; `run` runs one to where the search looks at
/// it next. A guest that finds all of them in others' hands is done.
///
/// # Errors
/// What `open` and `run` say; if the folder cannot be written, or a stop was requested.
pub fn share(
    stage: &mut SearchStage<'_>,
    open: &mut dyn FnMut(&RunFolder) -> Result<Vec<usize>, Error>,
    run: &mut dyn FnMut(&mut SearchStage<'_>, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    loop {
        let ids = open(stage.folder)?;
        stage.folder.announce(&ids)?;
        if ids.is_empty() {
            return Ok(());
        }
        let parts: Vec<String> = ids.iter().map(|id| folder(*id)).collect();
        let Some(i) = stage.folder.claim(&parts)? else {
            if stage.folder.is_guest() {
                return Ok(());
            }
            pause()?;
            continue;
        };
        // Somebody may have run it just before it was taken.
        let done = match open(stage.folder)?.contains(&ids[i]) {
            true => run(stage, ids[i]),
            false => Ok(()),
        };
        stage.folder.release(&parts[i])?;
        done?;
    }
}

/// Empties the checkpoint of a part of the run that is over: nobody goes on from its numbers.
///
/// # Errors
/// If the folder cannot be written.
pub fn forget(run: &mut RunFolder, part: &str, epochs: usize) -> Result<(), Error> {
    let over = Checkpoint::new(json!({"stage": "over", "epoch": epochs}));
    Ok(run.part(part).save(&over.to_bytes())?)
}

/// The same of a trial, once nobody has it in hand.
///
/// # Errors
/// If the folder cannot be written, or a stop was requested.
pub fn forget_trial(run: &mut RunFolder, id: usize, epochs: usize) -> Result<(), Error> {
    let part = folder(id);
    while run.claim(std::slice::from_ref(&part))?.is_none() {
        pause()?;
    }
    forget(run, &part, epochs)?;
    Ok(run.release(&part)?)
}

/// Waits for others a little.
fn pause() -> Result<(), Error> {
    if interrupt::requested() {
        return Err(Error::Interrupted { epoch: 1, steps: 0 });
    }
    std::thread::sleep(PAUSE);
    Ok(())
}

/// Names every stage by its trial.
pub struct Named<'a> {
    /// Who watches.
    pub inner: &'a mut dyn Progress,
    /// The trial, in words.
    pub name: String,
}

impl Progress for Named<'_> {
    fn stage(&mut self, name: &str, done: usize, total: usize) {
        self.inner.stage(&format!("{}: {name}", self.name), done, total);
    }

    fn step(&mut self, done: usize, total: usize) {
        self.inner.step(done, total);
    }

    fn epoch(&mut self, done: usize, metric: Option<(&str, f64)>) {
        self.inner.epoch(done, metric);
    }

    fn note(&mut self, text: &str) {
        self.inner.note(text);
    }
}
