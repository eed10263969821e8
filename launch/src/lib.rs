//! Picks the program that answers `cargo xtask`, so that no more is built than it needs.
//!
//! `kernels` is answered by a program that is linked with the kernels alone: between an edited kernel and the answer stands
//! one crate, compiled in a profile of its own (`edit`, incremental) except for what takes long. Everything else is np360-xtask.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// The cargo command that answers these words.
pub fn program(words: &[OsString]) -> Command {
    kernels(words).unwrap_or_else(|| run("release", "np360-xtask", words))
}

/// The same, if the words are for the kernels' own program; calls for help are not.
pub fn kernels(words: &[OsString]) -> Option<Command> {
    let [first, second, ..] = words else { return None };
    let help = |w: &OsString| w == "--help" || w == "-h";
    if first != "kernels" || words.iter().any(help) {
        return None;
    }
    let profile = match second.to_str()? {
        "check" | "compile" | "new" => "edit",
        "bench" | "ulp" => "release",
        _ => return None,
    };
    Some(run(profile, "np360-kernels", &words[1..]))
}

fn run(profile: &str, package: &str, words: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    command.args(["run", "--quiet", "--profile", profile, "--package", package, "--bin", package]);
    command.arg("--manifest-path").arg(workspace).arg("--").args(words);
    forget_package(&mut command);
    command
}

/// What cargo tells a program about its own package is not for the packages that this program has built.
pub fn forget_package(command: &mut Command) {
    for (key, _) in std::env::vars_os().filter(|(k, _)| k.to_string_lossy().starts_with("CARGO_PKG_")) {
        command.env_remove(key);
    }
    for key in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"] {
        command.env_remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_program_answers_for_kernels() {
        let words = |s: &str| s.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        let said = |s: &str| {
            let command = program(&words(s));
            let args: Vec<String> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
            (args[3].clone(), args[5].clone(), args[args.iter().position(|a| a == "--").unwrap() + 1..].join(" "))
        };
        let own = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(said("kernels check conv"), own("edit", "np360-kernels", "check conv"));
        assert_eq!(said("kernels bench conv --reps 3"), own("release", "np360-kernels", "bench conv --reps 3"));
        assert_eq!(said("kernels compile --install"), own("edit", "np360-kernels", "compile --install"));
        assert_eq!(said("kernels ulp exp"), own("release", "np360-kernels", "ulp exp"));
        assert_eq!(said("kernels check --help"), own("release", "np360-xtask", "kernels check --help"));
        assert_eq!(said("kernels"), own("release", "np360-xtask", "kernels"));
        assert_eq!(said("bench all"), own("release", "np360-xtask", "bench all"));
        assert_eq!(said(""), own("release", "np360-xtask", ""));
    }
}
