//! The emulated card: a driver library of our own behind cudarc, whose kernels are the very `.cu` texts, compiled by the
//! host's C++ compiler.
//!
//! [`install`] builds `libcuda.so.1` (C++, in this folder) and loads it before cudarc looks for a driver; from then on the
//! unmodified host path runs here: modules, launches, copies, graphs. Every CUDA thread is a fiber, so barriers and
//! shuffles work; memory is poisoned and guarded, copies are checked, a barrier that only some threads reach is an error
//! with its line. Two orders of threads ([`Order`]) give different numbers where a barrier is missing. Not seen here: races
//! between blocks, time, and what the compiler for a real card makes of a text.
//!
//! Environment, read by the driver when it is loaded: `NP360_EMU_ORDER=forward|reverse`; `NP360_EMU_THREADS` (threads of
//! the system that run blocks; default all cores); `NP360_EMU_MEMORY` (bytes, default 16 GiB); `NP360_EMU_DEFER=1` (work
//! is done only when somebody waits, as a busy card might). `NP360_EMU_SANITIZE=1` compiles all with the address and
//! undefined-behaviour sanitizers; the process must then be started with `LD_PRELOAD` of [`sanitizer`] and
//! `ASAN_OPTIONS=detect_leaks=0`.

mod build;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// Order in which the emulated card runs blocks, and a block's threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Thread 0 first.
    Forward,
    /// Thread 0 last: what a missing barrier leaves to luck comes out otherwise.
    Reverse,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        })
    }
}

/// What the emulated driver exports beyond CUDA's entry points.
#[derive(Debug, Clone, Copy)]
struct Driver {
    set_order: unsafe extern "C" fn(c_int),
    message: unsafe extern "C" fn(*mut c_char, usize) -> usize,
}

static DRIVER: OnceLock<Result<Driver, String>> = OnceLock::new();

fn driver() -> Option<&'static Driver> {
    DRIVER.get()?.as_ref().ok()
}

/// Builds the emulated driver, unless the cache has it, and loads it. Before any other CUDA call of the process.
///
/// # Errors
/// No C++ compiler, or what it or the loader says.
pub fn install() -> Result<(), String> {
    DRIVER
        .get_or_init(|| {
            let library = load(&build::driver()?)?;
            let text = |e: libloading::Error| e.to_string();
            // SAFETY: the library is ours, these are the types of its functions, and it stays loaded.
            let driver = unsafe {
                Driver {
                    set_order: *library.get(b"np360_emu_set_order\0").map_err(text)?,
                    message: *library.get(b"np360_emu_message\0").map_err(text)?,
                }
            };
            std::mem::forget(library);
            Ok(driver)
        })
        .as_ref()
        .map(|_| ())
        .map_err(Clone::clone)
}

/// Builds the emulated cuDNN, unless the cache has it, and loads it. The emulated driver must be there.
///
/// # Errors
/// What the compiler or the loader says.
pub fn install_cudnn() -> Result<(), String> {
    static CUDNN: OnceLock<Result<(), String>> = OnceLock::new();
    install()?;
    CUDNN.get_or_init(|| open_globally(&build::cudnn()?)).clone()
}

/// The host's C++ compiler, as it calls itself.
///
/// # Errors
/// If there is none.
pub fn compiler() -> Result<String, String> {
    build::compiler().map(|(_, version)| version.clone())
}

/// Whether the emulated driver is the one that answers.
pub fn installed() -> bool {
    driver().is_some()
}

/// The image of a module, for the emulated driver: `source` compiled by the host's compiler, or taken from the cache.
///
/// `checked` says whether NVRTC has agreed with the text; without it this compiler's word is all there is.
///
/// # Errors
/// The compiler's messages.
pub fn image(name: &str, source: &str, headers: &[(&str, &str)], checked: bool) -> Result<Vec<u8>, String> {
    let library = build::module(name, source, headers, checked)?;
    let mut image = b"NP360EMU\0".to_vec();
    image.extend_from_slice(library.as_os_str().as_encoded_bytes());
    image.push(0);
    Ok(image)
}

/// How this thread's last failed driver call failed, beyond its error code; asked once, it is forgotten.
pub fn message() -> String {
    let Some(driver) = driver() else { return String::new() };
    let mut text = [0u8; 1024];
    // SAFETY: the function writes at most so many bytes, the last a zero.
    unsafe { (driver.message)(text.as_mut_ptr().cast(), text.len()) };
    CStr::from_bytes_until_nul(&text).map_or_else(|_| String::new(), |s| s.to_string_lossy().into_owned())
}

/// Sets the order of the launches that follow.
pub fn set_order(order: Order) {
    if let Some(driver) = driver() {
        // SAFETY: the function takes any number.
        unsafe { (driver.set_order)(c_int::from(order == Order::Reverse)) };
    }
}

/// The address sanitizer's library, for `LD_PRELOAD` of a process that runs with `NP360_EMU_SANITIZE=1`.
///
/// # Errors
/// If the compiler has none.
pub fn sanitizer() -> Result<PathBuf, String> {
    build::sanitizer()
}

fn load(path: &Path) -> Result<Library, String> {
    // SAFETY: the library's initialisers run; it is one of the CUDA libraries, or ours.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.map_err(|e| e.to_string())
}

/// Opens a library for the whole process, so that a later look by name finds it.
///
/// # Errors
/// What the loader says.
pub fn open_globally(path: &Path) -> Result<(), String> {
    std::mem::forget(load(path)?); // for the life of the process
    Ok(())
}
