//! Parts of a run that several processes share: trials.
//!
//! The run belongs to one process, which may be helped by guests. A part (`trials/3`) is written by whoever holds its token,
//! `trials/3/owner.json`; the run's own files by the run's owner alone. `open-trials.json` names the parts that can be worked
//! on now: a courtesy to whoever sends guests, gone when the search is over.

use super::cost::{Clock, Cost};
use super::disk::{Disk, read_json};
use super::error::RunError;
use super::owner::{self, Token, Who};
use super::{ARCH, COST, Identity, MANIFEST, Open, RESULT, RunFolder, State, same_configuration};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The file that names open trials.
pub const OPEN_TRIALS: &str = "open-trials.json";

/// How this process takes tokens.
#[derive(Debug, Clone)]
pub(super) struct Hand {
    pub(super) who: Who,
    pub(super) beat: Duration,
}

/// A part that this process holds.
#[derive(Debug)]
pub(super) struct Held {
    part: String,
    token: Token,
    /// What guests' work on it cost before.
    before: Cost,
    clock: Clock,
}

impl Held {
    pub(super) fn covers(&self, name: &str) -> bool {
        name.strip_prefix(&self.part).is_some_and(|rest| rest.starts_with('/'))
    }

    pub(super) fn check(&self) -> Result<(), RunError> {
        self.token.check()
    }
}

impl RunFolder {
    /// Opens a run that another process owns, to work on its trials; `None` if there is nothing to be done in it: it has not
    /// begun, or its search is over.
    ///
    /// # Errors
    /// If the folder holds another configuration, or cannot be read.
    pub fn visit(path: &Path, identity: &Identity) -> Result<Option<Self>, RunError> {
        Self::visit_as(path, identity, Who::here(0), Disk::default(), owner::BEAT)
    }

    pub(super) fn visit_as(
        path: &Path,
        identity: &Identity,
        who: Who,
        disk: Disk,
        beat: Duration,
    ) -> Result<Option<Self>, RunError> {
        let Some(manifest) = read_json(&path.join(MANIFEST))? else { return Ok(None) };
        if [ARCH, RESULT].iter().any(|f| path.join(f).exists()) {
            return Ok(None);
        }
        let hash = identity.hash();
        let manifest = same_configuration(path, manifest, identity, &hash)?;
        Ok(Some(Self {
            path: path.to_owned(),
            cost: Cost::default(),
            disk,
            state: State::New,
            hash,
            manifest,
            metrics_len: 0,
            open: Some(Open {
                metrics: None,
                clock: Clock::start(),
                token: None,
                hand: Hand { who, beat },
                held: vec![],
            }),
        }))
    }

    /// Whether another process owns the run.
    pub fn is_guest(&self) -> bool {
        self.open.as_ref().is_some_and(|o| o.token.is_none())
    }

    /// Takes the first of these parts that nobody works on; `None` if others have them all.
    ///
    /// # Errors
    /// If the folder cannot be written, or is no longer ours.
    pub fn claim(&mut self, parts: &[String]) -> Result<Option<usize>, RunError> {
        let Some(open) = &self.open else { return Err(super::finished(&self.path)) };
        if let Some(token) = &open.token {
            token.check()?;
        }
        let hand = open.hand.clone();
        let token = |i: usize| self.path.join(&parts[i]).join(owner::FILE);
        let (free, mut taken): (Vec<usize>, Vec<usize>) = (0..parts.len()).partition(|i| !token(*i).exists());
        // A holder may be gone, which takes some seconds to find out on another machine: one at a time, the most silent first.
        let beat_of =
            |i: &usize| std::fs::metadata(token(*i)).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        taken.sort_by_cached_key(beat_of);
        for i in free.into_iter().chain(taken.into_iter().take(1)) {
            let folder = self.path.join(&parts[i]);
            self.disk.create_dir_all(&folder)?;
            match Token::take(&folder, hand.who.clone(), &self.disk, hand.beat) {
                Ok(token) => {
                    token.sweep(&folder)?;
                    let held =
                        Held { part: parts[i].clone(), token, before: Cost::own(&folder)?, clock: Clock::start() };
                    self.open.as_mut().expect("looked at above").held.push(held);
                    return Ok(Some(i));
                }
                Err(RunError::Owned { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    /// Gives a part back.
    ///
    /// # Errors
    /// If what it cost cannot be written.
    pub fn release(&mut self, part: &str) -> Result<(), RunError> {
        let written = self.write_parts_cost();
        if let Some(open) = &mut self.open {
            open.held.retain(|h| h.part != part);
        }
        written
    }

    /// What a guest's work costs is kept beside it.
    pub(super) fn write_parts_cost(&self) -> Result<(), RunError> {
        let Some(open) = self.open.as_ref().filter(|o| o.token.is_none()) else { return Ok(()) };
        open.held.iter().try_for_each(|h| {
            let path = self.path.join(&h.part).join(COST);
            self.disk.replace(&path, h.before.with(&h.clock).text().as_bytes(), || h.check())
        })
    }

    /// Says which trials are open, for guests; of none the file is removed. A guest says nothing.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn announce(&self, trials: &[usize]) -> Result<(), RunError> {
        if self.is_guest() {
            return Ok(());
        }
        let path = self.path.join(OPEN_TRIALS);
        match (trials, read_json(&path).ok().flatten()) {
            ([] | [_], None) => Ok(()),
            ([] | [_], Some(_)) => self.disk.remove(&path).map_err(RunError::io("remove", &path)),
            (_, before) => {
                let now: Value = json!({"open": trials});
                if before.as_ref() == Some(&now) {
                    return Ok(());
                }
                self.write_file(OPEN_TRIALS, format!("{now}\n").as_bytes())
            }
        }
    }
}

/// The trials of the run in this folder that can be worked on now, as its owner last said.
pub fn open_trials(path: &Path) -> Vec<usize> {
    let named = read_json(&path.join(OPEN_TRIALS)).ok().flatten().and_then(|v| v["open"].as_array().cloned());
    named.unwrap_or_default().iter().filter_map(|v| usize::try_from(v.as_u64()?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::identity::sample;
    use super::super::tests::{QUICK, ghost, open, scratch};
    use super::*;

    fn visit(path: &Path, who: Who) -> Option<RunFolder> {
        RunFolder::visit_as(path, &sample(0), who, Disk::default(), QUICK).unwrap()
    }

    fn parts(ids: &[usize]) -> Vec<String> {
        ids.iter().map(|i| format!("trials/{i}")).collect()
    }

    #[test]
    fn each_part_has_one_writer_and_the_run_its_owner() {
        let scratch = scratch();
        let path = scratch.path();
        assert!(visit(path, Who::here(0)).is_none(), "it has not begun");
        let mut owner = open(path, &sample(0), false).unwrap();
        owner.announce(&[0, 1, 2]).unwrap();
        assert_eq!(open_trials(path), [0, 1, 2]);
        let mut guest = visit(path, Who::here(0)).unwrap();
        assert!(guest.is_guest() && !owner.is_guest());
        assert_eq!(owner.claim(&parts(&[0, 1, 2])).unwrap(), Some(0));
        assert_eq!(guest.claim(&parts(&[0, 1])).unwrap(), Some(1));
        assert_eq!(guest.claim(&parts(&[0, 1])).unwrap(), None);
        guest.write_file("trials/1/trial.json", b"{}\n").unwrap();
        for name in ["trials/0/trial.json", "trials/10/trial.json", "trials/1", "arch.json"] {
            assert!(guest.write_file(name, b"{}\n").is_err(), "{name}");
        }
        owner.write_file("trials/0/trial.json", b"{}\n").unwrap();
        guest.release("trials/1").unwrap();
        assert!(guest.write_file("trials/1/trial.json", b"{}\n").is_err());
        assert_eq!(owner.claim(&parts(&[1])).unwrap(), Some(0));
        owner.announce(&[2]).unwrap();
        assert_eq!(open_trials(path), [0; 0]);
        drop(owner);
        assert!(!path.join("trials/0/owner.json").exists() && !path.join("owner.json").exists());
        assert!(Cost::read(path).unwrap().hours > Cost::own(path).unwrap().hours, "the guest's hours count");
        assert!(open(path, &sample(1), false).is_err());
        assert!(RunFolder::visit(path, &sample(1)).is_err(), "another configuration");
        std::fs::write(path.join(ARCH), "{}").unwrap();
        assert!(visit(path, Who::here(0)).is_none(), "the search is over");
    }

    #[test]
    fn a_part_of_a_guest_that_is_gone_is_taken_and_swept() {
        let scratch = scratch();
        let path = scratch.path();
        let mut owner = open(path, &sample(0), false).unwrap();
        let mut guest = visit(path, ghost()).unwrap();
        assert_eq!(guest.claim(&parts(&[4])).unwrap(), Some(0));
        std::fs::write(path.join("trials/4/.trial.json.1-1.tmp"), "half").unwrap();
        std::mem::forget(guest);
        assert_eq!(owner.claim(&parts(&[4])).unwrap(), Some(0));
        assert!(!path.join("trials/4/.trial.json.1-1.tmp").exists());
    }

    #[test]
    fn an_owner_that_begins_again_leaves_its_guests_files_alone() {
        let scratch = scratch();
        let path = scratch.path();
        drop(open(path, &sample(0), false).unwrap());
        let mut guest = visit(path, Who::here(0)).unwrap();
        assert_eq!(guest.claim(&parts(&[4])).unwrap(), Some(0));
        let temporary = path.join("trials/4/.trial.json.1-1.tmp");
        std::fs::write(&temporary, "in the making").unwrap();
        let mut owner = open(path, &sample(0), false).unwrap();
        assert!(temporary.exists());
        assert_eq!(owner.claim(&parts(&[4])).unwrap(), None);
        guest.write_file("trials/4/trial.json", b"{}\n").unwrap();
    }
}
