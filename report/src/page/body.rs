//! The page's body, section by section.

use super::pictures::Picture;
use super::{tables, words};
use crate::analysis::{Analysis, Claim, Verdict};
use crate::model::{self, Origin, Table};
use crate::plot::escaped;
use std::fmt::Write;

/// A section's anchor, its heading and what stands under it.
struct Section {
    anchor: &'static str,
    heading: &'static str,
    /// What a page break does not part from the heading.
    first: String,
    html: String,
}

impl Section {
    fn new(anchor: &'static str, heading: &'static str, first: String, html: String) -> Self {
        Self { anchor, heading, first, html }
    }
}

/// Everything between `<body>` and the script.
pub fn body(table: &Table, analysis: &Analysis, pictures: &[Picture]) -> String {
    let (profiles_first, profiles) = profiles(pictures);
    let (costs_first, costs) = costs(table, pictures);
    let (claims_first, claims) = claims(analysis);
    let [block1, block2] = table2(table, analysis);
    let (standings, standings_more) = table3(table, analysis, pictures);
    let sections: Vec<Section> = [
        Section::new("table2", "Table 2: results by task", block1, block2),
        Section::new("table3", "Table 3: ranks and improvement", standings, standings_more),
        Section::new("profiles", "Performance profiles", profiles_first, profiles),
        Section::new("costs", "Costs", costs_first, costs),
        Section::new("curves", "Learning curves", curves(pictures), String::new()),
        Section::new("claims", "The paper's claims", claims_first, claims),
        Section::new("notices", "Notices", String::new(), notices(table)),
        Section::new("made", "How this was made", made(table, analysis), String::new()),
    ]
    .into_iter()
    .filter(|s| !s.first.is_empty() || !s.html.is_empty())
    .collect();
    let mut out = String::new();
    out.push_str("<a class=\"skip\" href=\"#main\">To the tables</a>\n");
    let _ = writeln!(
        out,
        "<header>\n<h1>{}</h1>\n<p class=\"origin\">{}</p>",
        escaped(&words::title(table)),
        escaped(&words::origin(table))
    );
    if !analysis.warnings.is_empty() {
        out.push_str("<div class=\"banner\" role=\"note\" aria-label=\"Warning\">\n");
        for warning in &analysis.warnings {
            let _ = writeln!(out, "<p>{}</p>", escaped(&sentence(warning)));
        }
        out.push_str("</div>\n");
    }
    out.push_str(&summary(table, analysis));
    out.push_str("</header>\n<nav aria-label=\"Sections\"><ul>");
    for s in &sections {
        let _ = write!(out, "<li><a href=\"#{}\">{}</a></li>", s.anchor, short(s.heading));
    }
    out.push_str("</ul></nav>\n<main id=\"main\">\n");
    for s in &sections {
        // Browsers part a heading from a picture all the same unless the two are one box.
        let picture = if s.first.contains("<figure>") { " picture" } else { "" };
        let _ = writeln!(
            out,
            "<section aria-labelledby=\"{0}\">\n<div class=\"keep{picture}\">\n<h2 id=\"{0}\">{1}</h2>\n{2}</div>\n{3}</section>",
            s.anchor, s.heading, s.first, s.html
        );
    }
    let _ = writeln!(out, "</main>\n<footer>np360 {}</footer>", env!("CARGO_PKG_VERSION"));
    out
}

/// A heading without what follows its colon.
fn short(heading: &str) -> &str {
    heading.split(':').next().unwrap_or(heading)
}

/// A text with a capital and a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.is_empty() || text.ends_with(['.', '!', '?', ':']) { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// What a reader wants to know first.
fn summary(table: &Table, analysis: &Analysis) -> String {
    let mut out = String::from("<dl class=\"facts\">\n");
    let mut fact = |name: &str, value: &str, small: &str| {
        let _ =
            writeln!(out, "<div><dt>{name}</dt><dd>{} <small>{}</small></dd></div>", escaped(value), escaped(small));
    };
    let tasks = model::BLOCKS.iter().flatten().filter(|t| table.entries.keys().any(|k| k.0 == **t)).count();
    let size =
        format!("{}, {}", words::counted(table.methods.len(), "row", "rows"), words::counted(tasks, "task", "tasks"));
    fact("Figures", &table.entries.len().to_string(), &size);
    let all = analysis.table3.iter().map(|s| s.ranks.len()).max().unwrap_or(0);
    // Rows over a few tasks alone are ranked, and not set beside those over all.
    let whole = || analysis.table3.iter().filter(|s| s.ranks.len() == all && !s.median_rank.is_nan());
    if let Some(best) = whole().map(|s| s.median_rank).reduce(f64::min) {
        let names: Vec<&str> =
            whole().filter(|s| s.median_rank == best).map(|s| model::title(&s.method.name)).collect();
        let over = format!("median rank {} over {}", words::rank(best), words::counted(all, "task", "tasks"));
        fact("First by median rank", &names.join(", "), &over);
    }
    let called = analysis.pairs.iter().filter(|p| p.called).count();
    if !analysis.pairs.is_empty() {
        let of = format!("of {} by median rank", words::counted(analysis.pairs.len(), "pair", "pairs"));
        fact("Differences called", &called.to_string(), &of);
    }
    if !analysis.claims.is_empty() {
        let n = |v: Verdict| analysis.claims.iter().filter(|c| c.verdict == v).count();
        let not = n(Verdict::DoesNot);
        let do_not = if not == 1 { "does not" } else { "do not" };
        let rest = format!("{not} {do_not}, {} not decided", n(Verdict::NotDecided));
        let hold = n(Verdict::Holds);
        let value = format!("{hold} of {} {}", analysis.claims.len(), if hold == 1 { "holds" } else { "hold" });
        fact("The paper's claims", &value, &rest);
    }
    out.push_str("</dl>\n");
    out
}

fn table2(table: &Table, analysis: &Analysis) -> [String; 2] {
    let block = |i: usize| tables::block(table, &analysis.table2[i], i + 1);
    [block(0), format!("{}{}", block(1), tables::legend(analysis))]
}

fn figure(picture: &Picture, wide: bool) -> String {
    let mut out = String::from("<figure>\n");
    if wide {
        out.push_str(&picture.wide.inline("wide"));
    }
    out.push_str(&picture.narrow.inline("narrow"));
    let _ = writeln!(out, "<figcaption>{}</figcaption>\n</figure>", escaped(&picture.caption));
    out
}

fn table3(table: &Table, analysis: &Analysis, pictures: &[Picture]) -> (String, String) {
    let mut first = tables::standings(table, analysis);
    if !analysis.footnotes.is_empty() {
        first.push_str("<ol class=\"note\">\n");
        for note in &analysis.footnotes {
            let _ = writeln!(first, "<li>{}</li>", escaped(&sentence(note)));
        }
        first.push_str("</ol>\n");
    }
    let mut out = String::new();
    if let Some(p) = pictures.iter().find(|p| p.name == "ranks").filter(|_| !analysis.table3.is_empty()) {
        out.push_str(&figure(p, true));
    }
    if !analysis.table3.is_empty() {
        let _ = write!(
            out,
            "<details><summary>Rank on every task, and below it the improvement over default WRN</summary>\n{}</details>\n",
            tables::by_task(analysis)
        );
    }
    if !analysis.pairs.is_empty() {
        let called = analysis.pairs.iter().filter(|p| p.called).count();
        let _ = write!(
            out,
            "<details><summary>Which differences are called: {called} of {}</summary>\n{}</details>\n",
            words::counted(analysis.pairs.len(), "pair", "pairs"),
            tables::pairs(analysis)
        );
    }
    (first, out)
}

fn profiles(pictures: &[Picture]) -> (String, String) {
    let mut panels = pictures.iter().filter(|p| p.name.starts_with("profile_"));
    let Some(all) = panels.next() else { return (String::new(), String::new()) };
    let mut out = String::from(
        "<p class=\"note\">For every row the share of tasks on which its error is at most τ times the lowest of the rows \
         drawn. Higher and further left is better. Errors are 1 − metric where higher is better.</p>\n",
    );
    out.push_str(&figure(all, true));
    let first = std::mem::take(&mut out);
    let rest: Vec<&Picture> = panels.collect();
    if !rest.is_empty() {
        out.push_str("<div class=\"small\">\n");
        for p in rest {
            out.push_str(&figure(p, false));
        }
        out.push_str("</div>\n");
    }
    (first, out)
}

fn costs(table: &Table, pictures: &[Picture]) -> (String, String) {
    let known = table.entries.values().any(|e| e.cost.is_some() || e.counts.is_some());
    if !known {
        let runs = matches!(table.origin, Origin::Runs { .. });
        let none = if runs { "<p class=\"note\">No run has written what it cost.</p>\n" } else { "" };
        return (none.to_owned(), String::new());
    }
    let first = pictures.iter().find(|p| p.name == "costs").map(|p| figure(p, true)).unwrap_or_default();
    let mut out = String::new();
    if table.entries.values().any(|e| e.cost.is_some()) {
        out.push_str("<h3>Time by row and task</h3>\n");
        out.push_str(&tables::hours(table));
    }
    let _ = write!(
        out,
        "<details><summary>Every cell: time, memory, parameters, multiply-adds</summary>\n{}</details>\n",
        tables::cells(table)
    );
    (first, out)
}

fn curves(pictures: &[Picture]) -> String {
    pictures.iter().find(|p| p.name == "curves").map(|p| figure(p, true)).unwrap_or_default()
}

fn claim(c: &Claim) -> String {
    let (class, sign) = match c.verdict {
        Verdict::Holds => ("holds", "✓"),
        Verdict::DoesNot => ("not", "✗"),
        Verdict::NotDecided => ("open", "?"),
    };
    let share =
        c.share.map_or_else(String::new, |s| format!(" True in {} % of resamples.", words::number(100.0 * s, 1)));
    format!(
        "<li><div><span class=\"verdict {class}\"><span aria-hidden=\"true\">{sign}</span> {}</span></div>\
         <div><p class=\"claim\">{}</p><p>{}{}</p><p class=\"note\">Rule: {}</p></div></li>\n",
        c.verdict.words(),
        escaped(&sentence(c.claim)),
        escaped(&sentence(&c.figures)),
        share,
        escaped(&sentence(c.rule)),
    )
}

fn claims(analysis: &Analysis) -> (String, String) {
    if analysis.claims.is_empty() {
        return (String::new(), String::new());
    }
    let first = String::from(
        "<p class=\"note\">A claim holds, or does not, where these figures say so in at least 95 % of resamples; else it is \
         not decided.</p>\n",
    );
    let mut out = String::from("<ol class=\"claims\">\n");
    for c in &analysis.claims {
        out.push_str(&claim(c));
    }
    out.push_str("</ol>\n");
    (first, out)
}

fn notices(table: &Table) -> String {
    if table.notices.is_empty() {
        return String::new();
    }
    let mut out = String::from("<ul>\n");
    for notice in &table.notices {
        let _ = writeln!(out, "<li>{}</li>", escaped(notice));
    }
    out.push_str("</ul>\n");
    out
}

fn made(table: &Table, analysis: &Analysis) -> String {
    let command = match &table.origin {
        Origin::Paper => "cargo xtask report --paper --out DIR".to_owned(),
        Origin::Runs { dir, profile } => format!("cargo xtask report --runs {dir} --profile {profile} --out DIR"),
        Origin::File(path) => format!("cargo xtask report --from {path} --out DIR"),
    };
    let mut out = format!("<p><code>{}</code></p>\n", escaped(&command));
    out.push_str(
        "<p>Ranks are over the ranked rows present on a task, ties averaged; improvement is the median over a row's tasks of \
         100 (e<sub>WRN</sub> − e) / e<sub>WRN</sub>, e the error, which is 1 − metric where higher is better. Nothing here \
         depends on the machine or the hour: the same figures give the same bytes.</p>\n",
    );
    if !analysis.resampling.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escaped(&sentence(&analysis.resampling)));
    }
    out
}
