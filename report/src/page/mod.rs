//! `report.html`: one page that needs nothing else, no network, no other file, no script to be read; and the pictures.

mod body;
mod pictures;
mod tables;
#[cfg(test)]
mod tests;
mod words;

pub use pictures::{Picture, pictures};

use crate::analysis::Analysis;
use crate::model::Table;
use crate::plot::style;
use std::io;
use std::path::{Path, PathBuf};

/// The page.
pub fn html(table: &Table, analysis: &Analysis) -> String {
    let pictures = pictures(table, analysis);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>\n{}{}\n</style>\n</head>\n<body>\n{}\
         <script>\n{}</script>\n</body>\n</html>\n",
        crate::plot::escaped(&words::title(table)),
        include_str!("style.css"),
        style::sheet(),
        body::body(table, analysis, &pictures),
        include_str!("script.js"),
    )
}

/// Writes `report.html` into a folder; gives its path.
///
/// # Errors
/// If it cannot be written.
pub fn write(table: &Table, analysis: &Analysis, dir: &Path) -> io::Result<PathBuf> {
    let path = dir.join("report.html");
    std::fs::write(&path, html(table, analysis))?;
    Ok(path)
}

/// Writes every picture into a folder, as SVG and as PNG; gives the paths.
///
/// # Errors
/// If one cannot be written.
pub fn write_pictures(table: &Table, analysis: &Analysis, dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for picture in pictures(table, analysis) {
        for (end, bytes) in [("svg", picture.wide.svg().into_bytes()), ("png", picture.wide.png())] {
            let path = dir.join(format!("{}.{end}", picture.name));
            std::fs::write(&path, bytes)?;
            paths.push(path);
        }
    }
    Ok(paths)
}
