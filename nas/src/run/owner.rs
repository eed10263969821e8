//! The owner token: at most one process works on a folder, and a process that is gone never blocks it.
//!
//! `owner.json` names its holder and carries a beat that the holder counts up every [`BEAT`]. Whoever finds a token
//! judges it: on the same machine the process is there or it is not; elsewhere the beat moves within three beats or it
//! does not (the watcher's clock alone counts). A stale token is renamed away, looked at once more, and only then
//! replaced, so of several that try exactly one wins.

use super::disk::{Disk, read, unique};
use super::error::RunError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// How often the holder counts up.
pub(crate) const BEAT: Duration = Duration::from_secs(2);
/// How old the last beat of a holder elsewhere may be for whoever only looks.
const FRESH: Duration = Duration::from_secs(15);
/// The token's file.
pub(crate) const FILE: &str = "owner.json";
/// The folder of trials.
const TRIALS: &str = "trials";
/// The beginning of a stale token's name while it is looked at.
const ASIDE: &str = "owner.json.aside";

/// A process, by everything needed to tell whether it still is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    /// Host name.
    pub(crate) host: String,
    /// Boot and process-number namespace: equal for two processes that see each other's numbers.
    pub(crate) seat: String,
    /// Process number.
    pub(crate) pid: u32,
    /// When it started, in ticks since boot: numbers are used again.
    pub(crate) start: u64,
    /// Distinguishes the tokens of one process.
    pub(crate) serial: u64,
    /// The batch system's job, if any.
    pub(crate) job: Option<String>,
    /// Which attempt at the run this is, from 1.
    pub(crate) attempt: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Written {
    #[serde(flatten)]
    who: Who,
    /// Counts up; always ten digits, so that it can be overwritten in place.
    beat: String,
}

impl Who {
    /// This process.
    pub(crate) fn here(attempt: usize) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let line = |path| std::fs::read_to_string(path).map(|s: String| s.trim().to_owned()).unwrap_or_default();
        let space = std::fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
        let pid = std::process::id();
        Self {
            host: line("/proc/sys/kernel/hostname"),
            seat: format!("{} {space}", line("/proc/sys/kernel/random/boot_id")),
            pid,
            start: started(pid).unwrap_or(0),
            serial: SERIAL.fetch_add(1, Relaxed),
            job: std::env::var("SLURM_JOB_ID").ok(),
            attempt,
        }
    }

    fn bytes(&self, beat: u64) -> Vec<u8> {
        let written = Written { who: self.clone(), beat: format!("{beat:010}") };
        serde_json::to_vec(&written).expect("plain data")
    }
}

/// When a process started, unless it is gone (a zombie is).
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the state is the first field after it, the start the twentieth.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    (fields.next()? != "Z").then_some(())?;
    fields.nth(18)?.parse().ok()
}

fn parse(bytes: &[u8]) -> Option<Who> {
    serde_json::from_slice::<Written>(bytes).ok().map(|w| w.who)
}

/// The right to write into a folder; given back when dropped.
#[derive(Debug)]
pub(crate) struct Token {
    folder: PathBuf,
    who: Who,
    disk: Disk,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Token {
    /// Takes the folder's token, or says who has it.
    pub(crate) fn take(folder: &Path, who: Who, disk: &Disk, beat: Duration) -> Result<Self, RunError> {
        let path = folder.join(FILE);
        loop {
            match disk.create_new(&path) {
                Ok(mut file) => {
                    let bytes = who.bytes(0);
                    if let Err(e) = disk.write(&mut file, &bytes).and_then(|()| disk.sync(&file)) {
                        let _ = disk.remove(&path);
                        return Err(RunError::io("write", &path)(e));
                    }
                    let mut token = Self { folder: folder.to_owned(), who, disk: disk.clone(), heart: None };
                    token.check()?;
                    token.heart = Some(start_heart(file, token.who.clone(), beat));
                    return Ok(token);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    let Some(found) = read(&path)? else { continue };
                    if let Some(owner) = judge(&path, &found, &who, beat)? {
                        return Err(RunError::Owned { path: folder.to_owned(), host: owner.host, pid: owner.pid });
                    }
                    displace(folder, &found, disk)?;
                }
                Err(e) => return Err(RunError::io("write", &path)(e)),
            }
        }
    }

    /// Whether the folder is still ours. While a token is looked at it is away for an instant: hence the second look.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        for wait in [0, 20, 100, 500] {
            sleep(Duration::from_millis(wait));
            match read(&self.folder.join(FILE))? {
                Some(bytes) if parse(&bytes).as_ref() == Some(&self.who) => return Ok(()),
                Some(_) => break,
                None => {}
            }
        }
        Err(RunError::Lost { path: self.folder.clone() })
    }

    /// The folder was renamed, the token with it.
    pub(crate) fn moved(&mut self, folder: &Path) {
        folder.clone_into(&mut self.folder);
    }

    /// Removes what interrupted processes left: temporary files, tokens that were being looked at (not our own, which
    /// whoever looks at it is about to put back).
    pub(crate) fn sweep(&self, folder: &Path) -> Result<(), RunError> {
        let entries = std::fs::read_dir(folder).map_err(RunError::io("read", folder))?;
        for entry in entries {
            let path = entry.map_err(RunError::io("read", folder))?.path();
            if path.is_dir() {
                // Trials may have holders of their own; each is swept when its token is taken.
                if path.file_name().is_some_and(|n| n != TRIALS) {
                    self.sweep(&path)?;
                }
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let temporary = name.starts_with('.') && name.ends_with(super::disk::TEMPORARY);
            let aside = name.starts_with(ASIDE) && read(&path)?.is_some_and(|b| parse(&b).as_ref() != Some(&self.who));
            if temporary || aside {
                match self.disk.remove(&path) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(RunError::io("remove", &path)(e)),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.heart.take() {
            drop(stop);
            let _ = thread.join();
        }
        let path = self.folder.join(FILE);
        if matches!(read(&path), Ok(Some(bytes)) if parse(&bytes).as_ref() == Some(&self.who)) {
            let _ = self.disk.remove(&path);
        }
    }
}

/// Counts up in place, through the open file: if the token was renamed away, nobody is deceived.
fn start_heart(mut file: File, who: Who, beat: Duration) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = channel();
    let thread = std::thread::spawn(move || {
        let mut count = 0;
        while stopped.recv_timeout(beat) == Err(RecvTimeoutError::Timeout) {
            count += 1;
            let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&who.bytes(count)));
            // On a shared file system only what is synced is seen.
            let _ = file.sync_data();
        }
    });
    (stop, thread)
}

/// Whether a process is there, if that can be seen from where `me` is.
fn there(owner: &Who, me: &Who) -> Option<bool> {
    let near = owner.start != 0 && (&owner.host, &owner.seat) == (&me.host, &me.seat);
    near.then(|| started(owner.pid) == Some(owner.start))
}

/// Who holds a run's folder, as far as one look tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its host.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// Whether it lives: on this machine its process is there; elsewhere its beat came in the last seconds.
    pub lives: bool,
}

/// The holder of a run's folder, without waiting for its beat as one does who wants the folder.
pub fn holder(folder: &Path) -> Option<Holder> {
    let path = folder.join(FILE);
    let owner = parse(&read(&path).ok()??)?;
    let lives = there(&owner, &Who::here(0)).unwrap_or_else(|| {
        let written = std::fs::metadata(&path).and_then(|m| m.modified());
        // A beat from the future is that of a clock that goes before ours.
        written.is_ok_and(|t| t.elapsed().is_ok_and(|age| age < FRESH) || t.elapsed().is_err())
    });
    Some(Holder { host: owner.host, pid: owner.pid, lives })
}

/// The token's live holder, or nothing if it is stale.
fn judge(path: &Path, found: &[u8], me: &Who, beat: Duration) -> Result<Option<Who>, RunError> {
    let owner = parse(found);
    if let Some((owner, there)) = owner.as_ref().and_then(|o| Some((o, there(o, me)?))) {
        return Ok(there.then(|| owner.clone()));
    }
    let begun = Instant::now();
    while begun.elapsed() < beat * 3 + beat / 2 {
        sleep(beat / 4);
        match read(path)? {
            Some(now) if now == found => {}
            // Moved, replaced or released: a live owner if it names one; else look at the new state from the start.
            Some(now) => match parse(&now) {
                Some(owner) => return Ok(Some(owner)),
                None => return judge(path, &now, me, beat),
            },
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Takes away the token that was judged stale; if another came in between, puts that one back.
fn displace(folder: &Path, judged: &[u8], disk: &Disk) -> Result<(), RunError> {
    let (path, aside) = (folder.join(FILE), unique(folder, ASIDE, ""));
    match disk.rename(&path, &aside) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(RunError::io("replace", &path)(e)),
    }
    let same = |now: &[u8]| match (parse(judged), parse(now)) {
        (Some(a), Some(b)) => a == b,
        _ => judged == now,
    };
    if read(&aside)?.is_some_and(|now| !same(&now)) {
        let _ = disk.link(&aside, &path);
    }
    match disk.remove(&aside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(RunError::io("remove", &aside)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(20);

    fn take(folder: &Path, who: Who) -> Result<Token, RunError> {
        Token::take(folder, who, &Disk::default(), QUICK)
    }

    fn leave(folder: &Path, who: &Who) {
        std::fs::write(folder.join(FILE), who.bytes(7)).unwrap();
    }

    #[test]
    fn a_live_owner_is_refused_by_name_and_a_dropped_token_is_free() {
        let scratch = tempfile::tempdir().unwrap();
        let token = take(scratch.path(), Who::here(1)).unwrap();
        let text = take(scratch.path(), Who::here(1)).unwrap_err().to_string();
        assert!(text.contains(&format!("pid {}", std::process::id())) && text.contains(&Who::here(1).host), "{text}");
        token.check().unwrap();
        drop(token);
        assert!(!scratch.path().join(FILE).exists());
        take(scratch.path(), Who::here(2)).unwrap();
    }

    #[test]
    fn a_dead_process_and_a_reused_number_are_taken_over_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        let mut dead = Who::here(1);
        dead.pid = u32::MAX;
        let mut reused = Who::here(1);
        reused.start += 1;
        for who in [dead, reused] {
            leave(scratch.path(), &who);
            let begun = Instant::now();
            let token = Token::take(scratch.path(), Who::here(2), &Disk::default(), BEAT).unwrap();
            assert!(begun.elapsed() < BEAT);
            token.sweep(scratch.path()).unwrap();
            assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn whoever_looks_sees_who_holds_the_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let look = || holder(scratch.path()).map(|h| (h.host, h.pid, h.lives));
        assert_eq!(look(), None);
        let (me, gone) = (Who::here(1), Who { pid: u32::MAX, ..Who::here(1) });
        for (who, lives) in [(&me, true), (&gone, false)] {
            leave(scratch.path(), who);
            assert_eq!(look(), Some((me.host.clone(), who.pid, lives)));
        }
        let far = Who { host: "elsewhere".into(), seat: "other".into(), ..gone };
        leave(scratch.path(), &far);
        assert_eq!(look(), Some(("elsewhere".to_owned(), far.pid, true)));
        let file = File::options().append(true).open(scratch.path().join(FILE)).unwrap();
        file.set_modified(std::time::SystemTime::now() - FRESH).unwrap();
        assert_eq!(look(), Some(("elsewhere".to_owned(), far.pid, false)));
        std::fs::write(scratch.path().join(FILE), "{").unwrap();
        assert_eq!(look(), None);
    }

    #[test]
    fn a_zombie_counts_as_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        while started(child.id()).is_some() {
            sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
        assert!(started(std::process::id()).is_some());
    }

    #[test]
    fn a_foreign_host_keeps_its_folder_while_its_beat_moves() {
        let scratch = tempfile::tempdir().unwrap();
        let far = Who { host: "elsewhere".into(), seat: "other".into(), ..Who::here(1) };
        let token = take(scratch.path(), far).unwrap();
        let text = take(scratch.path(), Who::here(1)).unwrap_err().to_string();
        assert!(text.contains("host elsewhere"), "{text}");
        // Its heart stops without releasing: three beats later the folder is ours, and it notices.
        let mut token = token;
        let (stop, thread) = token.heart.take().unwrap();
        drop(stop);
        thread.join().unwrap();
        let mine = take(scratch.path(), Who::here(2)).unwrap();
        assert!(matches!(token.check(), Err(RunError::Lost { .. })));
        drop(token);
        mine.check().unwrap();
    }

    #[test]
    fn an_unreadable_token_is_watched_then_replaced() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join(FILE), b"{\"ho").unwrap();
        take(scratch.path(), Who::here(1)).unwrap();
    }

    #[test]
    fn of_many_that_take_over_one_wins() {
        let scratch = tempfile::tempdir().unwrap();
        for _ in 0..30 {
            leave(scratch.path(), &Who { pid: u32::MAX, ..Who::here(1) });
            let taken: Vec<_> = std::thread::scope(|s| {
                let all: Vec<_> = (0..4).map(|_| s.spawn(|| take(scratch.path(), Who::here(1)))).collect();
                all.into_iter().map(|t| t.join().unwrap()).collect()
            });
            let tokens: Vec<&Token> = taken.iter().flatten().collect();
            // A winner whose token was put back too late stops; two that both write there must not be.
            assert!(tokens.iter().filter(|t| t.check().is_ok()).count() <= 1);
            assert!(taken.iter().all(|t| matches!(t, Ok(_) | Err(RunError::Owned { .. } | RunError::Lost { .. }))));
            drop(taken);
            assert!(take(scratch.path(), Who::here(1)).is_ok());
        }
    }
}
