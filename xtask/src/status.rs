//! `status`: where the runs of a folder stand, from the files in it alone.

use crate::cli::StatusArgs;
use crate::live::board::{Canvas, Line, Look, State, View, draw};
use crate::live::{self, Place, Run};
use crate::{Ended, ui};
use anyhow::{Context, bail};
use nas::profile::Profile;
use nas::protocol::METHODS;
use nas::run::{CHECKPOINT, MANIFEST, RESULT, as_number, holder, number};
use serde_json::{Value, json};
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use terminal_size::{Width, terminal_size_of};

/// Between two looks.
const AGAIN: Duration = Duration::from_secs(2);
/// Columns where no terminal says them.
const COLUMNS: usize = 100;

/// Runs the command.
///
/// # Errors
/// If there are no runs.
pub fn run(args: &StatusArgs) -> anyhow::Result<Ended> {
    let mut canvas = Canvas::default();
    loop {
        let found = look(&args.runs, args.profile)?;
        if args.json {
            found.iter().flat_map(|f| f.runs.iter().map(|r| json(f.profile, r))).for_each(|j| ui::line(&j.to_string()));
            return Ok(Ended::Well);
        }
        let done = found.iter().flat_map(|f| &f.runs).all(|r| matches!(r.state, State::Done(_)));
        if args.watch && ui::watched() {
            canvas.paint(&|width, height| lines(&args.runs, &found, width, height));
        } else {
            let columns = terminal_size_of(stdout()).map_or(COLUMNS, |(Width(w), _)| w.into());
            let colours = stdout().is_terminal() && ui::colours();
            for line in lines(&args.runs, &found, columns, usize::MAX) {
                ui::line(&line.text(columns, colours));
            }
        }
        if !args.watch || done {
            return Ok(Ended::Well);
        }
        std::thread::sleep(AGAIN);
    }
}

/// The runs of a profile.
struct Found {
    profile: Profile,
    runs: Vec<Seen>,
}

/// A run, and what one look at its folder says.
struct Seen {
    run: Run,
    state: State,
    /// Host and process of its owner, where one lives.
    owner: Option<(String, u32)>,
}

/// Reads the folders below `out`.
fn look(out: &Path, only: Option<Profile>) -> anyhow::Result<Vec<Found>> {
    let mut all = Vec::new();
    for profile in Profile::ALL.into_iter().filter(|p| only.is_none_or(|o| o == *p)) {
        let mut runs = Vec::new();
        for task in tasks::all().iter().map(|t| t.facts().name) {
            for method in METHODS.iter().map(|m| m.name) {
                let folder = out.join(profile.name()).join(task).join(method);
                for seed in seeds(&folder) {
                    let path = folder.join(seed.to_string());
                    if path.join(MANIFEST).exists() {
                        let (state, owner) = state(&path).with_context(|| format!("cannot read {}", path.display()))?;
                        runs.push(Seen { run: Run::new(task, method, seed), state, owner });
                    }
                }
            }
        }
        if !runs.is_empty() {
            all.push(Found { profile, runs });
        }
    }
    if all.is_empty() {
        let of = only.map_or(String::new(), |p| format!(" of profile {p}"));
        let what = if out.exists() { "there are no runs" } else { "there is no such folder, so no runs" };
        bail!("{}: {what}{of} yet; cargo xtask bench begins some, --runs chooses another folder", out.display());
    }
    Ok(all)
}

/// The seeds that have a folder. What was moved aside (`0.old-1`) is no seed.
fn seeds(folder: &Path) -> Vec<u64> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut seeds: Vec<u64> = names.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    seeds.sort_unstable();
    seeds
}

fn state(folder: &Path) -> anyhow::Result<(State, Option<(String, u32)>)> {
    let result = folder.join(RESULT);
    if result.exists() {
        let result: Value = serde_json::from_slice(&std::fs::read(result)?).context(RESULT)?;
        return Ok((State::Done(as_number(&result["value"]).context("its result has no value")?), None));
    }
    let mut place = place(folder);
    if let Some(owner) = holder(folder).filter(|h| h.lives) {
        let mut running = place.unwrap_or_default();
        running.who = Some(format!("{}, pid {}", owner.host, owner.pid));
        return Ok((State::Running(running), Some((owner.host, owner.pid))));
    }
    // Searches by trials leave theirs in folders of their own.
    let resumable = [CHECKPOINT, "trials", "searched"].iter().any(|f| folder.join(f).exists());
    if let Some(place) = &mut place {
        place.eta = None;
    }
    Ok((if resumable { State::Interrupted(place.unwrap_or_default()) } else { State::Waiting }, None))
}

/// Where the run last said it was.
fn place(folder: &Path) -> Option<Place> {
    let said = live::read(folder)?;
    let age = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64() - said.updated);
    let eta = said.place.eta.map(|eta| if eta > age { eta - age } else { 0.0 });
    Some(Place { eta, ..said.place })
}

fn lines(out: &Path, found: &[Found], width: usize, height: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (i, f) in found.iter().enumerate() {
        let runs = f.runs.iter().map(|r| (r.run.clone(), r.state.clone())).collect();
        if i > 0 {
            lines.push(Line::default());
        }
        lines.push(Line::new(Look::Dim, out.join(f.profile.name()).display().to_string()));
        let room = height.saturating_sub(lines.len()) / (found.len() - i);
        lines.extend(draw(&View { runs, ..View::default() }, width, room));
    }
    lines.truncate(height);
    lines
}

/// A run as one line for programs.
fn json(profile: Profile, seen: &Seen) -> Value {
    let mut json = json!({"profile": profile.name(), "task": seen.run.task, "method": seen.run.method,
        "seed": seen.run.seed});
    let place = match &seen.state {
        State::Done(value) => {
            json["value"] = number(*value);
            None
        }
        State::Running(place) | State::Interrupted(place) => Some(place),
        State::Waiting | State::Failed => None,
    };
    json["state"] = match &seen.state {
        State::Waiting | State::Failed => "waiting",
        State::Running(_) => "running",
        State::Interrupted(_) => "interrupted",
        State::Done(_) => "done",
    }
    .into();
    if let Some((host, pid)) = &seen.owner {
        (json["host"], json["pid"]) = (host.as_str().into(), (*pid).into());
    }
    if let Some(place) = place.filter(|p| !p.stage.is_empty()) {
        json["stage"] = place.stage.as_str().into();
        (json["done"], json["total"]) = (place.done.into(), place.total.into());
        json["step"] = number(place.step);
        if let Some(metric) = &place.metric {
            json["metric"] = json!({"name": metric.name, "value": number(metric.value)});
        }
        if let Some(eta) = place.eta {
            json["eta"] = number(eta);
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    #[test]
    fn folders_say_where_runs_stand() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path();
        for (folder, words) in [(out.join("none"), "no such folder"), (out.to_owned(), "there are no runs yet")] {
            let text = look(&folder, None).err().unwrap().to_string();
            assert!(text.contains(words) && text.contains("--runs"), "{text}");
        }
        let begin = |method: &str, seed: &str| -> PathBuf {
            let folder = out.join("smoke/satellite").join(method).join(seed);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(MANIFEST), "{}").unwrap();
            folder
        };
        let live = r#"{"stage":"train","done":2,"total":4,"step":0.5,"metric":null,"eta":1e9,"updated":1.0}"#;
        begin("wrn", "10");
        begin("wrn", "2.old-1");
        fs::write(begin("wrn", "2").join(RESULT), r#"{"value":26.5}"#).unwrap();
        let halted = begin("gaea", "0");
        fs::write(halted.join(live::LIVE), live).unwrap();
        fs::write(halted.join(CHECKPOINT), "").unwrap();
        fs::create_dir(begin("wrn-asha", "0").join("trials")).unwrap();
        let found = look(out, None).unwrap();
        let all: Vec<String> = found[0].runs.iter().map(|s| json(found[0].profile, s).to_string()).collect();
        let head = r#""profile":"smoke","seed""#;
        let expected = [
            format!(r#"{{"method":"wrn",{head}:2,"state":"done","task":"satellite","value":26.5}}"#),
            format!(r#"{{"method":"wrn",{head}:10,"state":"waiting","task":"satellite"}}"#),
            format!(r#"{{"method":"wrn-asha",{head}:0,"state":"interrupted","task":"satellite"}}"#),
            format!(
                r#"{{"done":2,"method":"gaea",{head}:0,"stage":"train","state":"interrupted","step":0.5,"task":"satellite","total":4}}"#
            ),
        ];
        assert_eq!(all, expected);
        let text: Vec<String> = lines(out, &found, 100, 24).iter().map(|l| l.text(100, false)).collect();
        assert!(text[0].ends_with("smoke") && text[2].contains("1/2 26.50"), "{text:#?}");
        assert!(text[2].contains("stopped 3/4") && text.last().unwrap().starts_with("1 of 4 done"), "{text:#?}");
        assert!(look(out, Some(Profile::Paper)).err().unwrap().to_string().contains("of profile paper"));
    }
}
