//! The page's tables.

use super::words;
use crate::analysis::{Analysis, Block, Cell, Figure};
use crate::model::{self, BLOCKS, Group, Method, Origin, Table};
use crate::plot::escaped;
use crate::published::Published;
use std::fmt::Write;

/// A table in a box of its own that scrolls: what is wider than a phone stays inside.
fn boxed(label: &str, class: &str, rows: &str) -> String {
    let label = escaped(label);
    format!(
        "<div class=\"scroll{class}\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">\n\
         <table class=\"sorts\">\n{rows}</table>\n</div>\n"
    )
}

/// A head: a name, lesser text under it, and what comes first when it is sorted: `asc` or `desc`.
fn head(name: &str, below: &str, first: &str) -> String {
    let small = if below.is_empty() { String::new() } else { format!("<small>{below}</small>") };
    format!("<th scope=\"col\" data-first=\"{first}\"><span class=\"name\">{}</span>{small}</th>", escaped(name))
}

/// The head of a column of words.
fn word_head(name: &str) -> String {
    format!("<th scope=\"col\" class=\"word\" data-first=\"asc\"><span class=\"name\">{}</span></th>", escaped(name))
}

/// A number cell, sorted by `value`.
fn cell(value: Option<f64>, text: &str) -> String {
    let v = value.map(|v| v.to_string()).unwrap_or_default();
    let class = if value.is_none() { " class=\"none\"" } else { "" };
    format!("<td{class} data-v=\"{v}\">{text}</td>")
}

fn row_head(method: &Method) -> String {
    format!("<th scope=\"row\">{}</th>", escaped(model::title(&method.name)))
}

/// `23.35 ± 0.05`, as HTML.
fn with_deviation(mean: f64, std: Option<f64>, decimals: usize) -> String {
    let mean = words::number(mean, decimals);
    match std {
        Some(std) => format!("{mean}&nbsp;<span class=\"pm\">±&nbsp;{}</span>", words::number(std, decimals)),
        None => mean,
    }
}

fn published(p: Published, decimals: usize) -> String {
    let std = p.std.map(|s| format!("&nbsp;±&nbsp;{}", words::number(s, decimals))).unwrap_or_default();
    format!("{}{std}", words::number(p.mean, decimals))
}

/// Marks behind a figure, which the legend explains.
fn marks(figure: &Figure) -> String {
    let mark = figure.mark();
    if mark.is_empty() { mark } else { format!("<span class=\"pm\">{}</span>", escaped(&mark)) }
}

fn figure_cell(f: &Figure, beside: bool) -> String {
    let mut text = with_deviation(f.mean, f.std, f.decimals);
    if f.best {
        text = format!("<b>{text}</b>");
    }
    text.push_str(&marks(f));
    if beside {
        if let Some(p) = f.published {
            let _ = write!(text, "<small>published {}</small>", published(p, f.decimals));
        }
        if let Some(delta) = f.delta {
            let _ = write!(text, "<small>Δ {}</small>", words::signed(delta, f.decimals));
        }
    }
    let class = if f.best { " class=\"best\"" } else { "" };
    format!("<td{class} data-v=\"{}\">{text}</td>", f.mean)
}

/// A block of Table 2.
pub fn block(table: &Table, block: &Block, number: usize) -> String {
    let beside = table.origin != Origin::Paper;
    let mut rows = format!("<thead><tr>{}", word_head("Row"));
    for h in &block.heads {
        let (first, better) = if h.mark == 'l' { ("asc", "lower") } else { ("desc", "higher") };
        let below = format!("{} <abbr title=\"{better} is better\">({})</abbr>", escaped(&h.metric), h.mark);
        rows.push_str(&head(h.title, &below, first));
    }
    rows.push_str("</tr></thead>\n");
    let mut group: Option<Group> = None;
    for row in &block.rows {
        if group != Some(row.method.group) {
            if group.is_some() {
                rows.push_str("</tbody>\n");
            }
            group = Some(row.method.group);
            let _ = writeln!(
                rows,
                "<tbody><tr class=\"group\"><th colspan=\"{}\" scope=\"rowgroup\"><span>{}</span></th></tr>",
                1 + block.heads.len(),
                words::group(row.method.group)
            );
        }
        let _ = write!(rows, "<tr>{}", row_head(&row.method));
        for c in &row.cells {
            match c {
                Cell::NotApplicable => rows.push_str(&cell(None, "n/a")),
                Cell::Absent { published: p, decimals } => {
                    let below = match p {
                        Some(p) if beside => format!("<small>published {}</small>", published(*p, *decimals)),
                        _ => String::new(),
                    };
                    rows.push_str(&cell(None, &format!("–{below}")));
                }
                Cell::Figure(f) => rows.push_str(&figure_cell(f, beside)),
            }
        }
        rows.push_str("</tr>\n");
    }
    if group.is_some() {
        rows.push_str("</tbody>\n");
    }
    boxed(&format!("Table 2, block {number}"), "", &rows)
}

/// How Table 2 is read.
pub fn legend(analysis: &Analysis) -> String {
    let mut parts = vec![
        "Mean ± sample standard deviation over seeds".to_owned(),
        "<b>bold</b>: best of the ranked rows".to_owned(),
        "(l) lower is better, (h) higher is better".to_owned(),
    ];
    let cells = || analysis.table2.iter().flat_map(|b| &b.rows).flat_map(|r| &r.cells);
    if cells().any(|c| *c == Cell::NotApplicable) {
        parts.push("n/a: the protocol has no such cell".to_owned());
    }
    if cells().any(|c| matches!(c, Cell::Absent { .. })) {
        parts.push("–: no figure".to_owned());
    }
    parts.extend(analysis.legend().into_iter().map(escaped));
    format!("<p class=\"note\">{}.</p>\n", parts.join("; "))
}

/// A published improvement in one decimal, or in two where the paper has them.
fn as_printed(value: f64) -> String {
    let text = words::signed(value, 2);
    text.strip_suffix('0').map_or(text.clone(), str::to_owned)
}

/// Table 3.
pub fn standings(table: &Table, analysis: &Analysis) -> String {
    let own = table.origin == Origin::Paper;
    let (ours, theirs) = if own { ("computed", "as printed") } else { ("", "published") };
    let mut rows = format!(
        "<thead><tr>{}{}{}{}{}{}</tr></thead>\n<tbody>\n",
        word_head("Row"),
        head("Median rank", ours, "asc"),
        head("Median rank", theirs, "asc"),
        head("Improvement over default WRN, %", ours, "desc"),
        head("Improvement, %", theirs, "desc"),
        head("Tasks", "", "desc"),
    );
    let best = analysis.table3.iter().map(|s| s.median_rank).fold(f64::INFINITY, f64::min);
    let gain = analysis.table3.iter().filter_map(|s| s.improvement).fold(f64::NEG_INFINITY, f64::max);
    let bold = |is: bool, text: String| if is { format!("<b>{text}</b>") } else { text };
    let or_none = |v: Option<f64>, text: fn(f64) -> String| cell(v, &v.map_or_else(|| "–".to_owned(), text));
    for s in &analysis.table3 {
        let improvement =
            s.improvement.map_or_else(|| cell(None, "–"), |v| cell(Some(v), &bold(v == gain, words::signed(v, 1))));
        let _ = writeln!(
            rows,
            "<tr>{}{}{}{improvement}{}{}</tr>",
            row_head(&s.method),
            cell(Some(s.median_rank), &bold(s.median_rank == best, words::rank(s.median_rank))),
            or_none(s.published_rank, words::rank),
            or_none(s.published_improvement, as_printed),
            cell(Some(s.ranks.len() as f64), &s.ranks.len().to_string()),
        );
    }
    rows.push_str("</tbody>\n");
    boxed("Table 3", " fit", &rows)
}

/// Ranks and improvements task by task.
pub fn by_task(analysis: &Analysis) -> String {
    let tasks = || {
        BLOCKS.iter().flatten().copied().filter(|t| analysis.table3.iter().any(|s| s.ranks.iter().any(|r| r.0 == *t)))
    };
    let mut rows = format!("<thead><tr>{}", word_head("Row"));
    for t in tasks() {
        rows.push_str(&head(model::facts(t).title, "", "asc"));
    }
    rows.push_str("</tr></thead>\n<tbody>\n");
    for s in &analysis.table3 {
        let _ = write!(rows, "<tr>{}", row_head(&s.method));
        for t in tasks() {
            let find = |list: &[(&str, f64)]| list.iter().find(|r| r.0 == t).map(|r| r.1);
            let below = find(&s.improvements).map(|v| format!("<small>{} %</small>", words::signed(v, 1)));
            match find(&s.ranks) {
                Some(rank) => {
                    rows.push_str(&cell(Some(rank), &format!("{}{}", words::rank(rank), below.unwrap_or_default())));
                }
                None => rows.push_str(&cell(None, "–")),
            }
        }
        rows.push_str("</tr>\n");
    }
    rows.push_str("</tbody>\n");
    boxed("Ranks and improvements by task", " dense", &rows)
}

/// Pairs of rows by median rank.
pub fn pairs(analysis: &Analysis) -> String {
    let mut rows = format!(
        "<thead><tr>{}{}{}{}</tr></thead>\n<tbody>\n",
        word_head("Ahead"),
        word_head("Behind"),
        head("Share of resamples", "", "desc"),
        word_head("Called"),
    );
    for p in &analysis.pairs {
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"word\">{}</td>{}<td class=\"word\">{}</td></tr>",
            escaped(model::title(&p.ahead)),
            escaped(model::title(&p.behind)),
            cell(Some(p.share), &format!("{}&nbsp;%", words::number(100.0 * p.share, 1))),
            if p.called { "yes" } else { "not decided" },
        );
    }
    rows.push_str("</tbody>\n");
    boxed("Pairs of rows by median rank", " fit long", &rows)
}

/// Hours by row and task.
pub fn hours(table: &Table) -> String {
    let of = |t: &'static str, m: &Method| table.entry(t, &m.name).and_then(|e| e.cost);
    let tasks = || BLOCKS.iter().flatten().copied().filter(|t| table.methods.iter().any(|m| of(t, m).is_some()));
    let mut rows = format!("<thead><tr>{}{}", word_head("Row"), head("All tasks", "", "asc"));
    for t in tasks() {
        rows.push_str(&head(model::facts(t).title, "", "asc"));
    }
    rows.push_str("</tr></thead>\n<tbody>\n");
    for m in table.methods.iter().filter(|m| tasks().any(|t| of(t, m).is_some())) {
        let all = tasks().filter_map(|t| of(t, m)).map(|c| c.hours).fold(0.0, |a, b| a + b);
        let _ = write!(rows, "<tr>{}{}", row_head(m), cell(Some(all), &words::hours(all)));
        for t in tasks() {
            let hours = of(t, m).map(|c| c.hours);
            rows.push_str(&cell(hours, &hours.map_or_else(|| "–".to_owned(), words::hours)));
        }
        rows.push_str("</tr>\n");
    }
    rows.push_str("</tbody>\n");
    boxed("Hours by row and task", " dense", &rows)
}

/// Every cell's time, memory, parameters and multiply-adds.
pub fn cells(table: &Table) -> String {
    let mut rows = format!(
        "<thead><tr>{}{}{}{}{}{}{}</tr></thead>\n<tbody>\n",
        word_head("Row"),
        word_head("Task"),
        head("Seeds", "", "desc"),
        head("Time", "", "asc"),
        head("Peak memory", "", "asc"),
        head("Parameters", "", "asc"),
        head("Multiply-adds", "", "asc"),
    );
    for m in &table.methods {
        for t in BLOCKS.iter().flatten() {
            let Some(e) = table.entry(t, &m.name) else { continue };
            let or_none = |v: Option<f64>, text: Option<String>| cell(v, &text.unwrap_or_else(|| "–".to_owned()));
            let _ = writeln!(
                rows,
                "<tr>{}<td class=\"word\">{}</td>{}{}{}{}{}</tr>",
                row_head(m),
                escaped(model::facts(t).title),
                if e.n == 0 { cell(None, "–") } else { cell(Some(e.n as f64), &e.n.to_string()) },
                or_none(e.cost.map(|c| c.hours), e.cost.map(|c| words::hours(c.hours))),
                or_none(e.cost.map(|c| c.peak_memory_bytes as f64), e.cost.map(|c| words::bytes(c.peak_memory_bytes))),
                or_none(e.counts.map(|c| c.0 as f64), e.counts.map(|c| words::count(c.0))),
                or_none(e.counts.map(|c| c.1 as f64), e.counts.map(|c| words::count(c.1))),
            );
        }
    }
    rows.push_str("</tbody>\n");
    boxed("Cost of every cell", " long", &rows)
}
