//! NVRTC from its wheels: virtual environments under `target/`, installed by one command and found afterwards.
//!
//! Two versions, because version 13 dropped the cards before `sm_75`. Our kernels include no header of CUDA's, so the
//! wheel of headers is not needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cudarc::driver::sys;

use super::{Probe, driver, probe};

/// What installs them.
pub const COMMAND: &str = "cargo xtask kernels compile --install";

/// A pinned wheel and the folder of its virtual environment.
#[derive(Debug)]
pub struct Wheel {
    /// Folder under `target/`.
    pub folder: &'static str,
    /// Its name in the package index.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The version for cards since `sm_75`.
pub const NVRTC_13: Wheel = Wheel { folder: "nvrtc13", package: "nvidia-cuda-nvrtc", version: "13.0.88" };

/// The last version for older ones, and for drivers of CUDA 12.
pub const NVRTC_12: Wheel = Wheel { folder: "nvrtc12", package: "nvidia-cuda-nvrtc-cu12", version: "12.9.86" };

/// `target/` of the workspace this was built from, or of the current folder where that one is gone.
fn target() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize();
    workspace.unwrap_or_default().join("target")
}

impl Wheel {
    /// The folder of its libraries, if this version is installed.
    pub fn libraries(&self) -> Option<PathBuf> {
        self.libraries_in(&target().join(self.folder))
    }

    fn libraries_in(&self, venv: &Path) -> Option<PathBuf> {
        let info = format!("{}-{}.dist-info", self.package.replace('-', "_"), self.version);
        let installed =
            listed(&venv.join("lib")).iter().any(|python| python.join("site-packages").join(&info).is_dir());
        let library = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("libnvrtc.so"));
        inside(venv).into_iter().find(|folder| installed && listed(folder).iter().any(library))
    }

    /// Installs it, unless it is there. Another process may do the same: a whole environment is renamed into place.
    fn install(&self) -> Result<PathBuf, String> {
        if let Some(there) = self.libraries() {
            return Ok(there);
        }
        let venv = target().join(self.folder);
        let part = target().join(format!("{}.{}", self.folder, std::process::id()));
        let made = self.install_in(&part).and_then(|()| {
            let _ = fs::remove_dir_all(&venv); // another version, or half of one
            match fs::rename(&part, &venv) {
                Err(e) if self.libraries().is_none() => Err(format!("{}: {e}", venv.display())),
                _ => Ok(()),
            }
        });
        let _ = fs::remove_dir_all(&part);
        made?;
        self.libraries().ok_or_else(|| format!("{} {} holds no libnvrtc.so", self.package, self.version))
    }

    fn install_in(&self, venv: &Path) -> Result<(), String> {
        run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
        let pip = || {
            let mut pip = Command::new(venv.join("bin/python"));
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
                "--no-deps",
                "--retries=1",
            ]);
            run(pip.arg(format!("{}=={}", self.package, self.version)))
        };
        pip().or_else(|_| pip()) // a network may fail once
    }
}

/// Runs a command to its end; what it says is its error.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let last = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("no message");
    Err(format!("{name} ended with {}: {last}", output.status))
}

/// Installs both versions where they are missing, and gives the folders of their libraries.
///
/// # Errors
/// What Python or pip says: no network, no `python3`, no `venv`.
pub fn install() -> Result<Vec<PathBuf>, String> {
    [NVRTC_13, NVRTC_12].iter().map(|w| w.install().map_err(|e| format!("{}: {e}", w.package))).collect()
}

/// The folders of what is installed, the one that suits the opened card and its driver first.
pub fn folders() -> Vec<PathBuf> {
    let mut all = [NVRTC_13, NVRTC_12];
    // A driver refuses code of a later major version.
    if driver::opened().is_some_and(|card| card.capability < 75 || driver_version().is_some_and(|v| v.0 < 13)) {
        all.reverse();
    }
    all.iter().filter_map(Wheel::libraries).collect()
}

/// The CUDA version that the driver speaks, if there is one.
pub fn driver_version() -> Option<(i32, i32)> {
    if matches!(probe(), Probe::Absent(_)) {
        return None;
    }
    let mut version = 0;
    // SAFETY: the driver is there, and the pointer takes one int.
    let asked = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    (asked == sys::CUresult::CUDA_SUCCESS).then_some((version / 1000, version % 1000 / 10))
}

/// What lies in a folder, sorted; nothing where there is none.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.sort();
    all
}

/// The library folders of the CUDA wheels in a virtual environment.
pub fn inside(venv: &Path) -> Vec<PathBuf> {
    let pythons = listed(&venv.join("lib"));
    let nvidia = pythons.iter().flat_map(|p| listed(&p.join("site-packages/nvidia")));
    nvidia.map(|p| p.join("lib")).filter(|p| p.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_is_found_whole_and_in_its_version_only() {
        let venv = std::env::temp_dir().join(format!("np360-wheels-{}", std::process::id()));
        let site = venv.join("lib/python3.11/site-packages");
        let lib = site.join("nvidia/cu13/lib");
        fs::create_dir_all(&lib).unwrap();
        assert_eq!(NVRTC_13.libraries_in(&venv), None, "neither library nor record");
        fs::write(lib.join("libnvrtc.so.13"), "").unwrap();
        fs::create_dir(site.join("nvidia_cuda_nvrtc-13.0.87.dist-info")).unwrap();
        assert_eq!(NVRTC_13.libraries_in(&venv), None, "another version");
        fs::create_dir(site.join("nvidia_cuda_nvrtc-13.0.88.dist-info")).unwrap();
        assert_eq!(NVRTC_13.libraries_in(&venv), Some(lib.clone()));
        assert_eq!((NVRTC_12.libraries_in(&venv), inside(&venv)), (None, vec![lib]));
        fs::remove_dir_all(venv).unwrap();
    }

    #[test]
    fn a_command_that_fails_says_why_in_one_line() {
        let why = run(Command::new("sh").args(["-c", "echo first >&2; echo 'no network' >&2; exit 3"])).unwrap_err();
        assert_eq!(why, "sh ended with exit status: 3: no network");
        assert!(run(&mut Command::new("no-such-python")).unwrap_err().starts_with("no-such-python: "));
    }
}
