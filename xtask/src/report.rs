//! `report`: tables, profiles and claims of runs, of a file, or of the paper's own figures, as files.

use crate::cli::ReportArgs;
use crate::{Ended, ui};
use ::report::analysis::{Analysis, signed};
use ::report::model::{Table, title};
use ::report::page;
use ::report::source::{file, paper, runs};
use ::report::write;
use anyhow::{Context, bail};
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// If the source is damaged, or the folder cannot be written; the folder is then as it was.
pub fn run(args: &ReportArgs) -> anyhow::Result<Ended> {
    let table = match (&args.from, args.paper) {
        (Some(path), _) => file::read(path)?,
        (None, true) => paper::table(),
        (None, false) => runs::read(&args.runs, args.profile)?,
    };
    let analysis = Analysis::of(&table);
    let files = put(&args.out, &|folder| everything(&table, &analysis, folder))?;
    ui::line(&screen(&table, &analysis));
    ui::line(&format!("{files} files in {}: begin with report.md", args.out.display()));
    Ok(Ended::Well)
}

/// Every file of a report. Pictures come before the Markdown, which shows those that are there.
fn everything(table: &Table, analysis: &Analysis, folder: &Path) -> anyhow::Result<()> {
    page::write_pictures(table, analysis, folder)?;
    page::write(table, analysis, folder)?;
    Ok(write::all(table, analysis, folder)?)
}

/// Has a folder's files written beside it and moves them in when they are whole; says how many they are. What an earlier report
/// left and this one has not goes; other files stay.
fn put(out: &Path, files: &dyn Fn(&Path) -> anyhow::Result<()>) -> anyhow::Result<usize> {
    if out.exists() && !out.is_dir() {
        bail!("{} is a file, not a folder; choose another with --out", out.display());
    }
    let parent = match out.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let cannot = || format!("cannot write {}; choose another folder with --out", out.display());
    std::fs::create_dir_all(parent).with_context(cannot)?;
    let half = tempfile::Builder::new().prefix(".report-").tempdir_in(parent).with_context(cannot)?;
    files(half.path()).with_context(cannot)?;
    let names = |folder: &Path| -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for item in std::fs::read_dir(folder)? {
            names.extend(item?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    };
    let new = names(half.path()).with_context(cannot)?;
    std::fs::create_dir_all(out).with_context(cannot)?;
    for name in &new {
        std::fs::rename(half.path().join(name), out.join(name)).with_context(cannot)?;
    }
    for name in names(out).with_context(cannot)?.iter().filter(|n| write::is_ours(n) && !new.contains(n)) {
        std::fs::remove_file(out.join(name)).with_context(cannot)?;
    }
    Ok(new.len())
}

/// Table 3 and the claims, for the screen.
fn screen(table: &Table, analysis: &Analysis) -> String {
    let mut text = String::new();
    for warning in &analysis.warnings {
        text += &format!("{warning}\n");
    }
    text += if analysis.warnings.is_empty() { "" } else { "\n" };
    let optional = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| x.to_string());
    let lines: Vec<Vec<String>> = analysis
        .table3
        .iter()
        .map(|l| {
            vec![
                title(&l.method.name).to_owned(),
                l.median_rank.to_string(),
                l.improvement.map_or_else(|| "-".to_owned(), |g| signed(g, 2)),
                l.ranks.len().to_string(),
                optional(l.published_rank),
                optional(l.published_improvement),
            ]
        })
        .collect();
    let header = ["method", "median rank", "improvement %", "tasks", "published rank", "published %"];
    text += &ui::table(&header, &[false, true, true, true, true, true], &lines);
    text += "\n\n";
    let claims: Vec<Vec<String>> = analysis
        .claims
        .iter()
        .map(|c| {
            let share = c.share.map_or_else(|| "-".to_owned(), write::markdown::percent);
            vec![c.verdict.words().to_owned(), share, c.claim.to_owned()]
        })
        .collect();
    text += &ui::table(&["verdict", "true in", "claim of the paper"], &[false, true, false], &claims);
    text += "\n\n";
    for notice in &table.notices {
        text += &format!("note: {notice}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_whole_or_not_at_all() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("deep/report");
        let write = |name: &'static str| {
            move |folder: &Path| -> anyhow::Result<()> { Ok(std::fs::write(folder.join(name), name)?) }
        };
        assert_eq!(put(&out, &write("profile_amber.csv")).unwrap(), 1);
        std::fs::write(out.join("notes.txt"), "mine").unwrap();
        let fails = |folder: &Path| {
            std::fs::write(folder.join("report.md"), "half")?;
            bail!("no space")
        };
        let said = format!("{:#}", put(&out, &fails).unwrap_err());
        assert!(said.contains("choose another folder") && said.contains("no space"), "{said}");
        assert!(out.join("profile_amber.csv").exists() && !out.join("report.md").exists());
        assert_eq!(put(&out, &write("report.md")).unwrap(), 1);
        let mut left: Vec<_> =
            std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["notes.txt", "report.md"]);
        assert_eq!(std::fs::read_dir(scratch.path().join("deep")).unwrap().count(), 1);
        let said = put(&out.join("notes.txt"), &write("report.md")).unwrap_err().to_string();
        assert!(said.contains("is a file, not a folder"), "{said}");
    }

    #[test]
    fn the_screen_shows_table_3_and_the_claims() {
        let table = paper::table();
        let text = screen(&table, &Analysis::of(&table));
        assert!(
            text.lines().any(|l| l.split_whitespace().eq(["DARTS", "GAEA", "1.5", "+20.08", "10", "1.5", "20.1"])),
            "{text}"
        );
        assert!(text.contains("claim of the paper") && text.contains("note: AMBER's figures"));
    }
}
