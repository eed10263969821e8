//! Compiles the emulated driver and modules of kernels with the host's C++ compiler, each once: the results lie in the
//! cache, in a folder named by a digest of all they depend on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::cuda::cache;

/// A file to compile or include.
type Source<'a> = (&'a str, &'a str);

macro_rules! sources {
    ($($file:literal)*) => { &[$(($file, include_str!($file))),*] };
}

/// The driver: what is compiled, and what that includes.
const DRIVER: &[Source<'static>] = sources!("worker.cpp" "crew.cpp" "memory.cpp" "stream.cpp" "driver.cpp");
const DRIVER_HEADERS: &[Source<'static>] = sources!("abi.h" "stack.h" "worker.h" "driver.h");

/// What a kernel's text sees of the emulation.
const HEADERS: &[Source<'static>] = sources!("abi.h" "emu.h" "vector.h" "scalar.h");

/// The law's flags for this compiler: IEEE arithmetic, nothing contracted.
const FLAGS: [&str; 8] = [
    "-std=c++17",
    "-O2",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-strict-aliasing",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
];

/// Whether all is compiled with the sanitizers.
fn sanitized() -> bool {
    std::env::var_os("NP360_EMU_SANITIZE").is_some_and(|v| v == "1")
}

fn flags() -> Vec<&'static str> {
    let mut flags = FLAGS.to_vec();
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        flags.push("-march=x86-64-v3");
    }
    if sanitized() {
        flags.extend([
            "-O1",
            "-fsanitize=address,undefined",
            "-fno-sanitize-recover=all",
            "-fno-omit-frame-pointer",
            "-g",
        ]);
    } else {
        flags.push("-fwrapv"); // as on a card; the sanitizer wants to see overflow
    }
    flags
}

/// The compiler's command: `CXX`, else `c++`; and what it calls itself.
pub fn compiler() -> Result<&'static (String, String), String> {
    static COMPILER: OnceLock<Result<(String, String), String>> = OnceLock::new();
    COMPILER
        .get_or_init(|| {
            let name = std::env::var("CXX").ok().filter(|v| !v.is_empty()).unwrap_or_else(|| "c++".to_owned());
            let out = Command::new(&name).arg("--version").env_remove("LD_PRELOAD").output().map_err(|e| {
                format!("the emulated card needs a C++ compiler, and {name} does not start ({e}): install g++ (on Debian: apt-get install g++)")
            })?;
            let version = String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default().to_owned();
            Ok((name, version))
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// The emulated driver's library.
pub fn driver() -> Result<PathBuf, String> {
    // cudarc looks for `libcuda.so` first; under this name the loader then takes what is loaded already.
    let extra = ["-Wall", "-Wextra", "-Wl,-soname,libcuda.so", "-pthread", "-ldl"];
    library("libcuda.so.1", "driver", DRIVER, DRIVER_HEADERS, &extra)
}

/// The emulated cuDNN's library; undefined symbols are the driver's.
pub fn cudnn() -> Result<PathBuf, String> {
    const SOURCE: &[Source<'static>] = sources!("cudnn.cpp");
    let headers: Vec<Source<'_>> = DRIVER_HEADERS.iter().chain(HEADERS).copied().collect();
    library("libcudnn.so.9", "cudnn", SOURCE, &headers, &["-Wall", "-Wextra", "-Wl,-soname,libcudnn.so"])
}

/// The library of a module's kernels.
pub fn module(name: &str, source: &str, headers: &[Source<'_>], checked: bool) -> Result<PathBuf, String> {
    let stem = name.replace('/', "-");
    let file = format!("{stem}.cpp");
    // Messages name the text as people know it.
    let mut text = format!("#line 1 \"{name}.cu\"\n");
    for line in source.lines() {
        match line.trim_start().strip_prefix("#pragma unroll") {
            Some(count) => text.push_str(&unroll(count)),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    let headers: Vec<Source<'_>> = headers.iter().chain(HEADERS).copied().collect();
    // Undefined symbols are the driver's, which is loaded for all to see.
    library(&format!("{stem}.so"), &stem, &[(&file, &text)], &headers, &["-D__NP360_EMU__", "-w"])
        .map_err(|e| if checked { format!("NVRTC takes the text, the host's compiler does not:\n{e}") } else { e })
}

/// This compiler's word for `#pragma unroll <count>`. Without a count it unrolls register tiles (their sides are at most
/// 8) and no more than 8 turns of anything longer, which would only take it long.
fn unroll(count: &str) -> String {
    let count = count.trim();
    match count {
        _ if sanitized() => String::new(), // checks of every access would be unrolled too
        "" => "#pragma GCC unroll 8".to_owned(),
        _ if count.bytes().all(|b| b.is_ascii_digit()) => format!("#pragma GCC unroll {count}"),
        _ => String::new(), // a template's parameter: this compiler takes numbers alone
    }
}

/// Compiles `sources` into the cache's `emu/<label>-<digest>/<file>`, unless it is there.
fn library(
    file: &str,
    label: &str,
    sources: &[Source<'_>],
    headers: &[Source<'_>],
    extra: &[&str],
) -> Result<PathBuf, String> {
    let (compiler, version) = compiler()?;
    let flags = flags();
    let mut hash = blake3::Hasher::new();
    let texts = sources.iter().chain(headers).flat_map(|s| [s.0, s.1]);
    for part in [compiler.as_str(), version.as_str(), file].into_iter().chain(flags.iter().copied()).chain(texts) {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    for part in extra {
        hash.update(part.as_bytes());
    }
    let digest = &hash.finalize().to_hex()[..32];
    let emu = cache().join("emu");
    let folder = emu.join(format!("{label}-{digest}"));
    let made = folder.join(file);
    if made.is_file() {
        return absolute(&made);
    }

    // Built beside its place and renamed there as a whole: several processes may be at it at once.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let part = emu.join(format!(".{label}-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed)));
    let built = build(&part, file, sources, headers, compiler, flags.iter().chain(extra));
    let kept = built.and_then(|()| match fs::rename(&part, &folder) {
        Err(e) if !made.is_file() => Err(format!("{}: {e}", folder.display())),
        _ => Ok(()),
    });
    let _ = fs::remove_dir_all(&part); // gone already, unless another process was first
    kept?;
    absolute(&made)
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    fs::canonicalize(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn build<'a>(
    folder: &Path,
    file: &str,
    sources: &[Source<'_>],
    headers: &[Source<'_>],
    compiler: &str,
    flags: impl Iterator<Item = &'a &'a str>,
) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}; NP360_CACHE names another folder", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in sources.iter().chain(headers) {
        fs::write(folder.join(name), text).map_err(failed)?;
    }
    let out = Command::new(compiler)
        .current_dir(folder)
        .env_remove("LD_PRELOAD") // the sanitizer is for this process
        .args(sources.iter().map(|s| s.0))
        .args(["-o", file])
        .args(flags)
        .output()
        .map_err(failed)?;
    if out.status.success() {
        return Ok(());
    }
    Err(format!("{compiler} refuses it:\n{}", String::from_utf8_lossy(&out.stderr).trim_end()))
}

/// The address sanitizer's library.
pub fn sanitizer() -> Result<PathBuf, String> {
    let (compiler, _) = compiler()?;
    let out = Command::new(compiler).arg("-print-file-name=libasan.so").output().map_err(|e| e.to_string())?;
    let path = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim());
    if path.is_absolute() {
        return absolute(&path);
    }
    Err(format!("{compiler} has no address sanitizer (libasan.so)"))
}
