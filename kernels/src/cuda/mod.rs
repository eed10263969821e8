//! CUDA, as far as it is there: one probe that never panics, one card, modules of kernels, graphs.
//!
//! Every kernel's text is compiled three ways: by NVRTC when a card runs it, by NVRTC in `kernels compile`, and by the
//! host's C++ compiler for the emulated card ([`emu`]), which drives this very code without a GPU.

pub mod basic;
pub mod cudnn;
pub mod driver;
pub mod emu;
pub mod graph;
pub mod module;
pub mod nvrtc;
pub mod step;
pub mod survey;
pub mod wheels;

use std::path::PathBuf;
use std::sync::OnceLock;

pub use cudnn::{Mode, mode, set_mode};
pub use driver::DeviceError;
pub use module::Module;

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

/// Where compiled kernels are kept: `NP360_CACHE`, else the user's cache folder.
pub fn cache() -> PathBuf {
    let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    env("NP360_CACHE")
        .or_else(|| env("XDG_CACHE_HOME").map(|d| d.join("np360")))
        .or_else(|| env("HOME").map(|d| d.join(".cache/np360")))
        .unwrap_or_else(|| std::env::temp_dir().join("np360"))
}
