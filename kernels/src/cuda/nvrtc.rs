//! NVRTC, thinly: text to cubin with the compiler's report, by the law's flags, kept on disk.
//!
//! cudarc's own layer gives PTX alone and no report, so this one speaks to `nvrtc::sys`. The library is taken from where the
//! loader finds it, from a folder that a person names, or from its wheels ([`wheels`]).

use std::ffi::{CStr, CString, c_char};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cudarc::nvrtc::sys::{self, nvrtcResult};

use super::{Module, cache, emu, wheels};

/// What every module may include.
pub const HEADERS: [(&str, &str); 5] = [
    ("math.cuh", include_str!("text/math.cuh")),
    ("prelude.cuh", include_str!("text/prelude.cuh")),
    ("rng.cuh", include_str!("text/rng.cuh")),
    ("sum.cuh", include_str!("text/sum.cuh")),
    ("tree.cuh", include_str!("text/tree.cuh")),
];

/// The law's flags (`docs/determinism.md`): nothing is contracted, flushed or approximated.
pub const FLAGS: [&str; 7] = [
    "--fmad=false",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "-default-device",
    "--std=c++17",
    "--ptxas-options=-v",
];

/// What the compiler made of a text.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The machine code.
    pub cubin: Vec<u8>,
    /// The intermediate text that the code was made from.
    pub ptx: String,
    /// The compiler's report: registers, shared memory and spills of each kernel, and warnings.
    pub log: String,
}

/// The library's version, or why there is none.
///
/// # Errors
/// Says where it was looked for.
pub fn version() -> Result<(i32, i32), String> {
    static VERSION: OnceLock<Result<(i32, i32), String>> = OnceLock::new();
    VERSION
        .get_or_init(|| {
            // SAFETY: only looks whether the library can be opened; other calls would panic without it.
            let system = || unsafe { sys::is_culib_present() };
            let found = candidates().iter().any(|lib| preload(lib, "libnvrtc")) || system();
            if !found && !wheels::folders().iter().any(|lib| preload(lib, "libnvrtc")) {
                return Err(format!(
                    "NVRTC (libnvrtc.so) was not found; to install it under target/: {}; or install the CUDA toolkit, \
                     or point NP360_NVRTC at a folder of libraries",
                    wheels::COMMAND
                ));
            }
            let (mut major, mut minor) = (0, 0);
            // SAFETY: both pointers are valid for one int.
            match unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) } {
                nvrtcResult::NVRTC_SUCCESS => Ok((major, minor)),
                e => Err(format!("NVRTC does not give its version: {e:?}")),
            }
        })
        .clone()
}

/// Where the library was found: the file that this process has opened.
pub fn place() -> Option<PathBuf> {
    version().ok()?;
    // /proc lists the mapped files of a process, one path at the end of a line.
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = |line: &str| line.find('/').map(|i| PathBuf::from(&line[i..]));
    let named = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("libnvrtc.so"));
    maps.lines().filter_map(path).find(named)
}

/// Whether this NVRTC makes code for an architecture (`sm_90`).
///
/// # Errors
/// If there is no NVRTC.
pub fn supports(arch: &str) -> Result<bool, String> {
    version()?;
    let mut n = 0;
    // SAFETY: the pointer takes one int.
    result(unsafe { sys::nvrtcGetNumSupportedArchs(&raw mut n) }, "counting architectures")?;
    let mut all = vec![0; n as usize];
    // SAFETY: `all` has the length that was given.
    result(unsafe { sys::nvrtcGetSupportedArchs(all.as_mut_ptr()) }, "listing architectures")?;
    // `sm_90a` is 90 with instructions that no later card has.
    let number = arch.strip_prefix("sm_").map(|a| a.trim_end_matches(['a', 'f'])).and_then(|a| a.parse().ok());
    Ok(number.is_some_and(|n: i32| all.contains(&n)))
}

/// Folders that a person may have named: `NP360_NVRTC`, `CUDA_HOME`, and a virtual environment's wheels.
fn candidates() -> Vec<PathBuf> {
    let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let mut folders: Vec<PathBuf> = env("NP360_NVRTC").into_iter().collect();
    for home in ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env) {
        folders.extend([home.join("lib64"), home.join("lib")]);
    }
    if let Some(venv) = env("VIRTUAL_ENV") {
        folders.extend(wheels::inside(&venv));
    }
    folders
}

/// Opens a library of a folder, and what belongs to it, for the whole process, so that cudarc's later look by name finds
/// it; whether there was one.
pub(super) fn preload(folder: &Path, library: &str) -> bool {
    let mut libs: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    let named = |p: &PathBuf, start: &str| {
        let name = p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(start) && name.contains(".so") && !name.contains(".alt.")
    };
    libs.retain(|p| named(p, library));
    libs.sort_by_key(|p| (!named(p, "libnvrtc-builtins"), p.clone())); // what the other one looks for comes first
    let opened = libs.iter().filter(|p| emu::open_globally(p).is_ok()).count();
    opened > 0
}

fn result(r: nvrtcResult, doing: &str) -> Result<(), String> {
    if r == nvrtcResult::NVRTC_SUCCESS { Ok(()) } else { Err(format!("NVRTC: {doing}: {r:?}")) }
}

/// A program, destroyed at the end.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once.
        unsafe { sys::nvrtcDestroyProgram(&raw mut self.0) };
    }
}

impl Program {
    /// Bytes of one of its results, by the pair of calls that give size and contents.
    fn bytes(
        &self,
        size: unsafe fn(sys::nvrtcProgram, *mut usize) -> nvrtcResult,
        get: unsafe fn(sys::nvrtcProgram, *mut c_char) -> nvrtcResult,
        what: &str,
    ) -> Result<Vec<u8>, String> {
        let mut n = 0usize;
        // SAFETY: the program lives, and `n` takes one size.
        result(unsafe { size(self.0, &raw mut n) }, what)?;
        let mut bytes = vec![0u8; n];
        if n > 0 {
            // SAFETY: `bytes` has the size that was asked for.
            result(unsafe { get(self.0, bytes.as_mut_ptr().cast()) }, what)?;
        }
        Ok(bytes)
    }
}

/// Compiles `text` for an architecture (`sm_90`). Threads may compile at the same time: programs share nothing.
///
/// # Errors
/// What the compiler says, or that there is none.
pub fn compile(name: &str, text: &str, arch: &str) -> Result<Compiled, String> {
    version()?;
    let c = |s: &str| CString::new(s).map_err(|_| format!("{name}: the text holds a zero byte"));
    let (source, file) = (c(text)?, c(&format!("{name}.cu"))?);
    let headers: Vec<(CString, CString)> =
        HEADERS.iter().map(|(n, t)| Ok((c(n)?, c(t)?))).collect::<Result<_, String>>()?;
    let names: Vec<*const c_char> = headers.iter().map(|h| h.0.as_ptr()).collect();
    let texts: Vec<*const c_char> = headers.iter().map(|h| h.1.as_ptr()).collect();
    let mut program = Program(std::ptr::null_mut());
    // SAFETY: every string is zero-terminated and outlives the call; both arrays have the length given.
    let r = unsafe {
        sys::nvrtcCreateProgram(
            &raw mut program.0,
            source.as_ptr(),
            file.as_ptr(),
            headers.len() as i32,
            texts.as_ptr(),
            names.as_ptr(),
        )
    };
    result(r, "making a program")?;
    let mut options = vec![c(&format!("--gpu-architecture={arch}"))?];
    for flag in FLAGS {
        options.push(c(flag)?);
    }
    let pointers: Vec<*const c_char> = options.iter().map(|o| o.as_ptr()).collect();
    // SAFETY: the program lives; the options are zero-terminated and outlive the call.
    let compiled = unsafe { sys::nvrtcCompileProgram(program.0, pointers.len() as i32, pointers.as_ptr()) };
    let log = program.bytes(sys::nvrtcGetProgramLogSize, sys::nvrtcGetProgramLog, "the report")?;
    let log = CStr::from_bytes_until_nul(&log).map_or_else(|_| String::new(), |s| s.to_string_lossy().into_owned());
    if compiled != nvrtcResult::NVRTC_SUCCESS {
        return Err(format!("NVRTC for {arch}: {compiled:?}\n{}", log.trim_end()));
    }
    let cubin = program.bytes(sys::nvrtcGetCUBINSize, sys::nvrtcGetCUBIN, "the code")?;
    let ptx = program.bytes(sys::nvrtcGetPTXSize, sys::nvrtcGetPTX, "the intermediate text")?;
    let ptx = String::from_utf8_lossy(&ptx).trim_end_matches('\0').to_owned();
    Ok(Compiled { cubin, ptx, log })
}

/// Digest of everything that compiled code depends on: text, headers, flags, and `parts` (architecture, version).
pub fn digest(text: &str, parts: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts.iter().copied().chain(FLAGS).chain(HEADERS.iter().flat_map(|h| [h.0, h.1])).chain([text]) {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hash.finalize().to_hex()[..32].to_owned()
}

/// What the driver loads: the cubin for `sm_<capability>`, from the cache if it was compiled before; under the emulated
/// driver its own image, after NVRTC, where there is one, has agreed with the text.
///
/// # Errors
/// What a compiler says.
pub fn image(module: &Module, capability: usize) -> Result<Vec<u8>, String> {
    let text = module.text();
    if emu::installed() {
        let checked = version().is_ok();
        if checked {
            cubin(module.name, &text, capability)?;
        }
        return emu::image(module.name, &text, &HEADERS, checked);
    }
    cubin(module.name, &text, capability)
}

fn cubin(name: &str, text: &str, capability: usize) -> Result<Vec<u8>, String> {
    let (major, minor) = version()?;
    let arch = format!("sm_{capability}");
    let digest = digest(text, &[&arch, &format!("nvrtc {major}.{minor}")]);
    let file = cache().join("cubin").join(format!("{}-{digest}.cubin", name.replace('/', "-")));
    // What a killed process left half is never seen: files are renamed into place.
    if let Ok(bytes) = fs::read(&file)
        && bytes.starts_with(b"\x7fELF")
    {
        return Ok(bytes);
    }
    let compiled = compile(name, text, &arch)?;
    keep(&file, &compiled.cubin);
    Ok(compiled.cubin)
}

/// Writes a file of the cache; a cache that cannot be written is no error.
pub fn keep(file: &Path, bytes: &[u8]) {
    let Some(folder) = file.parent() else { return };
    let part =
        folder.join(format!(".{}-{}", std::process::id(), file.file_name().unwrap_or_default().to_string_lossy()));
    let written =
        fs::create_dir_all(folder).and_then(|()| fs::write(&part, bytes)).and_then(|()| fs::rename(&part, file));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
}
