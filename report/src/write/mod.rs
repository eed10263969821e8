//! A report as files: CSV, Markdown, LaTeX.

pub mod csv;
pub mod latex;
pub mod markdown;

use crate::analysis::Analysis;
use crate::model::Table;
use std::io;
use std::path::Path;

/// Writes every text file of a report into a folder that is there. Pictures that lie in it already are shown in `report.md`.
///
/// # Errors
/// If the folder cannot be written.
pub fn all(table: &Table, analysis: &Analysis, folder: &Path) -> io::Result<()> {
    let put = |name: &str, text: String| std::fs::write(folder.join(name), text);
    put("table2.csv", csv::table2(table))?;
    put("table3.csv", csv::table3(analysis))?;
    for panel in &analysis.panels {
        put(&format!("profile_{}.csv", panel.name), csv::profile(panel))?;
    }
    put("costs.csv", csv::costs(table))?;
    put("curves.csv", csv::curves(table))?;
    put("claims.csv", csv::claims(analysis))?;
    put("table2.tex", latex::table2(table, analysis))?;
    put("table3.tex", latex::table3(analysis))?;
    let there = |name: &str| folder.join(name).is_file();
    put("report.md", markdown::report(table, analysis, &there))
}

/// Whether a report writes files of this name: what an earlier report left of them is not this one's.
pub fn is_ours(name: &str) -> bool {
    let Some((stem, ending)) = name.split_once('.') else { return false };
    match ending {
        "csv" => ["table2", "table3", "costs", "curves", "claims"].contains(&stem) || stem.starts_with("profile_"),
        "svg" | "png" => stem.starts_with("profile_") || ["curves", "costs", "ranks"].contains(&stem),
        "tex" => ["table2", "table3"].contains(&stem),
        "md" | "html" => stem == "report",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_these_files() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("profile_all.svg"), "<svg/>").unwrap();
        let paper = crate::source::paper::table();
        all(&paper, &Analysis::of(&paper), scratch.path()).unwrap();
        let mut names: Vec<String> =
            std::fs::read_dir(scratch.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let profiles =
            ["all.csv", "all.svg", "amber.csv", "autodl.csv", "efficient.csv", "expensive.csv", "point2d.csv"];
        let mut expected: Vec<String> = profiles.map(|p| format!("profile_{p}")).into();
        expected.extend(
            [
                "claims.csv",
                "costs.csv",
                "curves.csv",
                "report.md",
                "table2.csv",
                "table2.tex",
                "table3.csv",
                "table3.tex",
            ]
            .map(str::to_owned),
        );
        expected.sort();
        assert_eq!(names, expected);
        assert!(
            names.iter().all(|n| is_ours(n)) && !is_ours("notes.md") && !is_ours("table2.csv.bak") && !is_ours("x")
        );
        assert!(std::fs::read_to_string(scratch.path().join("report.md")).unwrap().contains("(profile_all.svg)"));
        assert!(all(&paper, &Analysis::of(&paper), &scratch.path().join("none")).is_err());
    }
}
