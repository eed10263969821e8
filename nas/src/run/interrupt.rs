//! The flag that Ctrl-C raises. Training polls it between steps, writes its checkpoint and returns.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Asks every run of this process to stop at its next step. Returns whether that had been asked before: then the
/// caller, a signal handler, ends the process at once; the folder stays whole.
pub fn request() -> bool {
    REQUESTED.swap(true, SeqCst)
}

/// Whether to stop.
pub fn requested() -> bool {
    REQUESTED.load(SeqCst)
}

/// Takes the request back, for tests that go on in the same process.
pub fn clear() {
    REQUESTED.store(false, SeqCst);
}
