//! `report.md`: everything a reader needs, in the order in which a paper has it.

use crate::analysis::{Analysis, Block, Cell, signed};
use crate::model::{Group, Origin, Table, title};

/// What stands for itself in Markdown's tables and text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '~' => out += "\\~",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn cell(cell: &Cell, ours: bool) -> String {
    match cell {
        Cell::NotApplicable => "n/a".to_owned(),
        Cell::Absent { published, decimals } => {
            let beside = published.filter(|_| ours).map(|p| format!("<br>published {}", p.value(*decimals, "±")));
            "-".to_owned() + &beside.unwrap_or_default()
        }
        Cell::Figure(f) => {
            let value = if f.best { format!("**{}**", f.value("±")) } else { f.value("±") };
            let beside = f.published.filter(|_| ours).map(|p| {
                format!("<br>published {} ({})", p.value(f.decimals, "±"), f.delta_text().unwrap_or_default())
            });
            value + &escaped(&f.mark()) + &beside.unwrap_or_default()
        }
    }
}

fn block(block: &Block, ours: bool) -> String {
    let heads = block.heads.iter().map(|h| format!("{}<br>{} ({})", h.title, h.metric, h.mark));
    let mut text = line(&std::iter::once(String::new()).chain(heads).collect::<Vec<String>>());
    text += &format!("|---|{}\n", "---:|".repeat(block.heads.len()));
    let mut group: Option<Group> = None;
    for row in &block.rows {
        if group != Some(row.method.group) {
            group = Some(row.method.group);
            text += &format!("| *{}* |{}\n", row.method.group.title(), " |".repeat(block.heads.len()));
        }
        let cells = row.cells.iter().map(|c| cell(c, ours));
        text += &line(&std::iter::once(escaped(title(&row.method.name))).chain(cells).collect::<Vec<String>>());
    }
    text
}

/// Where figures come from, in a sentence.
pub fn origin(table: &Table) -> String {
    match &table.origin {
        Origin::Paper => "The figures of the paper's own Table 2.".to_owned(),
        Origin::File(name) => format!("The figures of the file {name}."),
        Origin::Runs { dir, profile } => format!("The finished runs of profile {profile} in {dir}."),
    }
}

/// The report; `there` says which pictures lie beside it.
pub fn report(table: &Table, analysis: &Analysis, there: &dyn Fn(&str) -> bool) -> String {
    let ours = table.origin != Origin::Paper;
    let mut text = "# NAS-Bench-360: report\n\n".to_owned();
    for warning in &analysis.warnings {
        text += &format!("> **{}**\n>\n", escaped(warning));
    }
    text += if analysis.warnings.is_empty() { "" } else { "\n" };
    text += &format!("{}\n\n## Table 2\n\n", escaped(&origin(table)));
    text += "Mean ± sample standard deviation over seeds; h: higher is better, l: lower is better; the best are bold";
    text += if ours { "; below it the published figure and, in brackets, ours minus it" } else { "" };
    text += ".\n\n";
    for b in &analysis.table2 {
        text += &block(b, ours);
        text.push('\n');
    }
    for words in analysis.legend() {
        text += &format!("{}  \n", escaped(words));
    }
    text += "\n## Table 3\n\nMedian rank over a row's tasks (ties averaged, among the rows that have the task) and median improvement of \
             the error over default WRN; where higher is better the error is 1 - metric.\n\n";
    text += "| Method | Median rank | Improvement % | Tasks | Published rank | Published improvement % |\n|---|---:|---:|---:|---:|---:|\n";
    for l in &analysis.table3 {
        let published = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| x.to_string());
        text += &line(&[
            escaped(title(&l.method.name)),
            l.median_rank.to_string(),
            l.improvement.map_or_else(|| "-".to_owned(), |g| signed(g, 2)),
            l.ranks.len().to_string(),
            published(l.published_rank),
            published(l.published_improvement),
        ]);
    }
    text.push('\n');
    for note in &analysis.footnotes {
        text += &format!("- {}\n", escaped(note));
    }
    text += "\n## Performance profiles\n\nThe fraction of tasks on which a row's error is at most tau times the best of the rows drawn.\n\n";
    for panel in &analysis.panels {
        let name = panel.name;
        text +=
            &format!("- {} ({} tasks): [`profile_{name}.csv`](profile_{name}.csv)\n", panel.title, panel.tasks.len());
        if there(&format!("profile_{name}.svg")) {
            text += &format!("\n  ![{}](profile_{name}.svg)\n", panel.title);
        }
    }
    text += &costs(table, there);
    if !table.curves.is_empty() {
        text += "\n## Learning curves\n\nTraining losses by epoch: [`curves.csv`](curves.csv).\n";
        text += if there("curves.svg") { "\n![Learning curves](curves.svg)\n" } else { "" };
    }
    text += "\n## Differences between rows\n\nBy median rank over the tasks that both have; what is not sure is not called.\n\n";
    text += "| Pair | Ahead in | Said |\n|---|---:|---|\n";
    for p in &analysis.pairs {
        let (a, b) = (escaped(title(&p.ahead)), escaped(title(&p.behind)));
        let said = if p.called { format!("{a} is ahead") } else { "not decided".to_owned() };
        text += &line(&[format!("{a} before {b}"), percent(p.share), said]);
    }
    text += "\n## The paper's claims\n\n| Claim | Verdict here | True in | Rule and figures |\n|---|---|---:|---|\n";
    for c in &analysis.claims {
        let share = c.share.map_or_else(|| "-".to_owned(), percent);
        text += &line(&[
            c.claim.to_owned(),
            format!("**{}**", c.verdict.words()),
            share,
            escaped(&format!("{} {}", c.rule, c.figures)),
        ]);
    }
    text += &format!("\n{}\n", escaped(&analysis.resampling));
    if !table.notices.is_empty() {
        text += "\n## Notices\n\n";
        for notice in &table.notices {
            text += &format!("- {}\n", escaped(notice));
        }
    }
    text
}

/// A share of resamples.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn costs(table: &Table, there: &dyn Fn(&str) -> bool) -> String {
    let mut rows = String::new();
    for method in &table.methods {
        let mine = || table.entries.iter().filter(|((_, m), _)| *m == method.name).map(|(_, e)| e);
        let (mut hours, mut cells, mut runs, mut memory) = (0.0, 0, 0, 0);
        for (entry, cost) in mine().filter_map(|e| Some((e, e.cost?))) {
            hours += cost.hours;
            cells += 1;
            runs += entry.n;
            memory = memory.max(cost.peak_memory_bytes);
        }
        if cells > 0 {
            let each = [
                escaped(title(&method.name)),
                cells.to_string(),
                runs.to_string(),
                format!("{hours:.3}"),
                format!("{:.3}", hours / runs as f64),
                format!("{:.2}", memory as f64 / f64::from(1 << 30)),
            ];
            rows += &line(&each);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let picture = if there("costs.svg") { "\n![Costs](costs.svg)\n" } else { "" };
    format!(
        "\n## Costs\n\nWall-clock hours, searches included; cell by cell in [`costs.csv`](costs.csv).\n\n\
         | Method | Tasks | Runs | Hours | Hours a run | Peak memory, GiB |\n|---|---:|---:|---:|---:|---:|\n{rows}{picture}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::table;
    use crate::model::{Cost, Entry, Marks};

    #[test]
    fn the_papers_report() {
        let paper = crate::source::paper::table();
        let text = report(&paper, &Analysis::of(&paper), &|_| false);
        assert!(text.contains("| DARTS GAEA | 1.5 | +20.08 | 10 | 1.5 | 20.1 |\n"), "{text}");
        assert!(text.contains("| WRN default | **23.35 ± 0.05** | 85.77 ± 0.71 |") && text.contains("| n/a |"));
        assert!(text.contains("*Specialised methods*") && text.contains("profile_autodl.csv"));
        assert!(!text.contains("plumbing") && !text.contains("## Costs") && !text.contains(".svg"));
    }

    #[test]
    fn runs_that_are_no_result_say_so_first() {
        let mut t = table(&[("darcy", "wrn", 0.1), ("darcy", "a|b*", 0.2)]);
        t.origin = Origin::Runs { dir: "runs".to_owned(), profile: "quick".to_owned() };
        let marks = Marks { stand_in: true, ..Marks::default() };
        let cost = Some(Cost { hours: 1.0, peak_memory_bytes: 1 << 30 });
        t.put("ecg", "gaea", Entry { marks, cost, ..Entry::of_seeds(vec![(0, 0.5), (1, 0.7)]) });
        let text = report(&t, &Analysis::of(&t), &|name| name == "profile_all.svg");
        assert!(
            text.starts_with("# NAS-Bench-360: report\n\n> **A plumbing check, not a result: profile quick"),
            "{text}"
        );
        assert!(
            text.contains("1 of 3 cells (marked \\*)")
                && text.contains("**0.600 ± 0.141**\\*<br>published 0.660 ± 0.010 (-0.060)")
        );
        assert!(text.contains("a\\|b\\*") && text.contains("![All tasks](profile_all.svg)"));
        assert!(text.contains("| DARTS GAEA | 1 | 2 | 1.000 | 0.500 | 1.00 |"));
    }
}
