//! `doctor`: what this machine offers, what each missing part costs, and which data are there.

use crate::{Ended, ui};
use kernels::cuda::{cache, cudnn, emu, nvrtc, survey, wheels};
use kernels::simd::{Level, level};
use std::path::Path;
use tasks::Dataset;

/// Runs the command.
///
/// # Errors
/// Never; what is missing is part of the answer.
pub fn run(data: &Path) -> anyhow::Result<Ended> {
    let can: Vec<&str> = Level::ALL.into_iter().filter(|l| l.available()).map(Level::name).collect();
    say("version", &nas::code_version());
    say("simd", &format!("{} (NP360_SIMD can force: {})", level(), can.join(", ")));
    say("threads", &format!("{} (--threads; results do not depend on it)", kernels::pool::threads()));
    driver();
    let found = |(major, minor)| format!("{major}.{minor}");
    let place = || nvrtc::place().map(|p| format!(", {}", p.display())).unwrap_or_default();
    part(
        "nvrtc",
        nvrtc::version().map(|v| found(v) + &place()),
        &format!("no --device cuda; --device emu runs, syntax unchecked ({} installs it)", wheels::COMMAND),
    );
    part("cudnn", cudnn::version().map(|v| v.to_string()), "--mode speed goes on with our own kernels");
    part("c++", emu::compiler(), "no --device emu");
    let folder = cache();
    let writable = std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()));
    part("cache", writable.map(|()| folder.display().to_string()), "CUDA kernels are compiled anew in every process");
    let there: Vec<String> = tasks::all()
        .iter()
        .filter_map(|t| Dataset::open(data, *t).ok())
        .map(|set| format!("{} ({})", set.facts().name, set.provenance().name()))
        .collect();
    let there =
        if there.is_empty() { "nothing imported: stand-ins are generated".to_owned() } else { there.join(", ") };
    say("data", &format!("{}: {there}", data.display()));
    Ok(Ended::Well)
}

/// The driver and its cards.
fn driver() {
    let cards = survey::cards();
    let speaks = wheels::driver_version().map_or_else(|| "found".to_owned(), |(a, b)| format!("CUDA {a}.{b}"));
    part("driver", cards.as_ref().map(|_| speaks).map_err(Clone::clone), "no --device cuda; cpu and emu give its bits");
    for (i, card) in cards.unwrap_or_default().iter().enumerate() {
        let gib = card.memory as f64 / f64::from(1 << 30);
        say(&format!("cuda:{i}"), &format!("{}, sm_{}, {gib:.1} GiB", card.name, card.capability));
    }
}

/// A part that may be missing, and what that costs.
fn part(name: &str, found: Result<String, String>, cost: &str) {
    match found {
        Ok(what) => say(name, &what),
        Err(why) => {
            say(name, &format!("none: {}", why.lines().next().unwrap_or_default()));
            say("", &format!("without it: {cost}"));
        }
    }
}

fn say(name: &str, what: &str) {
    ui::line(&format!("{name:7}  {what}"));
}
