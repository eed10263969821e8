//! What several tests need.

use std::path::{Path, PathBuf};

/// Something of the folder of shared data, or `None` with the reason why the test has nothing to look at.
pub(crate) fn shared(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NP360_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = root.join(what);
    if path.exists() {
        return Some(path);
    }
    #[allow(clippy::print_stderr)] // a test says why it tested nothing
    {
        eprintln!("skipped: {} is not there (set NP360_SHARED to the folder of shared data)", path.display());
    }
    None
}
