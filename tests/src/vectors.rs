//! Finds the reference vectors, where they are.

use std::path::PathBuf;

/// Their folder; `None`, with a line that says so, if they are not on this machine.
#[allow(clippy::print_stderr)] // a skipped test says why
pub fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("NP360_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let at = shared.join("vectors");
    let there = at.is_dir();
    if !there {
        eprintln!(
            "skipped: no reference vectors at {}; set NP360_SHARED to the folder that holds vectors/",
            at.display()
        );
    }
    there.then_some(at)
}
