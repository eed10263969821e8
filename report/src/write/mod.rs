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
