//! CUDA, as far as it is there: probed once, by one function that never panics.

use std::sync::OnceLock;

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// The driver answers and has this many cards.
    Ready {
        /// Number of cards.
        cards: usize,
    },
    /// CUDA cannot be used, and why.
    Absent(String),
}

/// Looks for the CUDA driver, once a process.
pub fn probe() -> &'static Probe {
    static PROBE: OnceLock<Probe> = OnceLock::new();
    PROBE.get_or_init(|| {
        // SAFETY: only looks whether the library can be opened; cudarc panics on any other call when it is absent.
        if !unsafe { cudarc::driver::sys::is_culib_present() } {
            return Probe::Absent("the CUDA driver library (libcuda.so.1) was not found".to_owned());
        }
        if let Err(e) = cudarc::driver::result::init() {
            return Probe::Absent(format!("the CUDA driver does not start: {e}"));
        }
        match cudarc::driver::result::device::get_count() {
            Ok(n) if n > 0 => Probe::Ready { cards: n as usize },
            Ok(_) => Probe::Absent("the CUDA driver reports no card".to_owned()),
            Err(e) => Probe::Absent(format!("the CUDA driver does not count its cards: {e}")),
        }
    })
}
