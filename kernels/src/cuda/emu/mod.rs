//! The emulated card.

use std::path::Path;

/// Whether the emulated driver is the one that answers.
pub fn installed() -> bool {
    false
}

/// Builds and loads the emulated driver.
///
/// # Errors
/// Not there yet.
pub fn install() -> Result<(), String> {
    Err("the emulated card is not built yet".to_owned())
}

/// Builds and loads the emulated cuDNN.
///
/// # Errors
/// Not there yet.
pub fn install_cudnn() -> Result<(), String> {
    Err("the emulated card is not built yet".to_owned())
}

/// The host's C++ compiler, which the emulated card needs.
///
/// # Errors
/// Not there yet.
pub fn compiler() -> Result<String, String> {
    Err("the emulated card is not built yet".to_owned())
}

/// The image of a module.
///
/// # Errors
/// Not there yet.
pub fn image(_name: &str, _source: &str, _headers: &[(&str, &str)], _checked: bool) -> Result<Vec<u8>, String> {
    Err("the emulated card is not built yet".to_owned())
}

/// What the emulated driver says beyond its error code.
pub fn message() -> String {
    String::new()
}

/// Opens a library for the whole process, so that a later look by name finds it.
///
/// # Errors
/// What the loader says.
pub fn open_globally(path: &Path) -> Result<(), String> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the library's initialisers run; it is one of the CUDA libraries, or ours.
    let lib = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.map_err(|e| e.to_string())?;
    std::mem::forget(lib); // for the life of the process
    Ok(())
}

/// Order in which the emulated card runs a block's threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Thread 0 first.
    Forward,
    /// Thread 0 last: what a missing barrier leaves to luck comes out otherwise.
    Reverse,
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        })
    }
}

/// Sets the order of the launches that follow.
pub fn set_order(_order: Order) {}
