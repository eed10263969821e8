//! How far a sweep is: a small text file a function, written to the side and renamed, so that it is whole at any instant.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::Refusal;
use super::sweep::{Sweep, Tally};

/// The file of a sweep, and the lines it must begin with.
pub struct State {
    file: PathBuf,
    identity: String,
}

impl State {
    /// The state of a sweep in a folder.
    pub fn new(folder: &Path, sweep: &Sweep<'_>) -> Self {
        let levels: Vec<&str> = sweep.levels.iter().map(|l| l.name()).collect();
        let identity = format!(
            "np360 ulp 1\nfunction {}\ndigest {:016x}\nlevels {}\nstride {}\n",
            sweep.row.name,
            sweep.digest(),
            levels.join(" "),
            sweep.stride
        );
        let file = match sweep.stride {
            1 => format!("{}.txt", sweep.row.name),
            n => format!("{}-stride-{n}.txt", sweep.row.name),
        };
        Self { file: folder.join(file), identity }
    }

    /// What was found before; nothing, if the sweep was not begun.
    pub fn load(&self) -> Result<Tally, Refusal> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Tally::default()),
            Err(e) => return Err(self.fault(&e)),
        };
        let name = self.file.display();
        let Some(rest) = text.strip_prefix(&self.identity) else {
            let theirs = text.lines().zip(self.identity.lines()).find(|(a, b)| a != b);
            let (there, here) = theirs.unwrap_or(("a torn file", "a whole one"));
            return Err(Refusal(
                2,
                format!("{name} belongs to another sweep ('{there}', now '{here}'); --fresh starts over"),
            ));
        };
        read(rest).ok_or_else(|| Refusal(2, format!("{name} is not readable; --fresh starts over")))
    }

    /// Keeps what was found.
    pub fn save(&self, t: &Tally) -> Result<(), Refusal> {
        let mut text = self.identity.clone();
        let ulp = t.ulp.to_bits();
        for (key, value) in KEYS.iter().zip([t.done, ulp, t.at, t.misrounded, t.ties, t.differing, t.differs_at]) {
            let _ = writeln!(text, "{key} {value}");
        }
        let aside = self.file.with_extension(format!("{}.tmp", std::process::id()));
        let folder = self.file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&aside, text))
            .and_then(|()| fs::rename(&aside, &self.file))
            .map_err(|e| self.fault(&e))
    }

    /// Forgets what was found.
    pub fn forget(&self) -> Result<(), Refusal> {
        match fs::remove_file(&self.file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(self.fault(&e)),
            _ => Ok(()),
        }
    }

    fn fault(&self, e: &std::io::Error) -> Refusal {
        Refusal(1, format!("{}: {e}", self.file.display()))
    }
}

/// The lines of a tally; the error as its bits.
const KEYS: [&str; 7] = ["done", "ulp", "at", "misrounded", "ties", "differing", "differs_at"];

fn read(text: &str) -> Option<Tally> {
    let mut values = [0; 7];
    let mut lines = text.lines();
    for (value, key) in values.iter_mut().zip(KEYS) {
        *value = lines.next()?.strip_prefix(key)?.trim().parse().ok()?;
    }
    let [done, ulp, at, misrounded, ties, differing, differs_at] = values;
    Some(Tally { done, ulp: f64::from_bits(ulp), at, misrounded, ties, differing, differs_at })
}
