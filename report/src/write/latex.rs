//! LaTeX: tables for `\input`; the document loads `booktabs`.

use crate::analysis::{Analysis, Cell, signed};
use crate::model::{Group, Origin, Table, title};

/// What stands for itself in LaTeX's text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '<' => out += "\\textless{}",
            '>' => out += "\\textgreater{}",
            '"' => out += "''",
            'Å' => out += "\\AA{}",
            '±' => out += "$\\pm$",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A number in text: its minus is a minus.
fn minus(text: &str) -> String {
    text.replace("+-", "$\\pm$").replace('-', "$-$")
}

fn cell(cell: &Cell, ours: bool) -> [String; 2] {
    match cell {
        Cell::NotApplicable => ["n/a".to_owned(), String::new()],
        Cell::Absent { published, decimals } => {
            let figure = published.filter(|_| ours).map_or_else(String::new, |p| minus(&p.value(*decimals, "+-")));
            ["--".to_owned(), figure]
        }
        Cell::Figure(f) => {
            let value = minus(&f.value("+-"));
            let value = if f.best { format!("\\textbf{{{value}}}") } else { value };
            let mark = match f.mark() {
                m if m.is_empty() => m,
                m => format!("\\textsuperscript{{{}}}", escaped(&m)),
            };
            let beside = f.published.filter(|_| ours).map_or_else(String::new, |p| {
                let delta = f.delta_text().unwrap_or_default();
                format!("{} ({})", minus(&p.value(f.decimals, "+-")), minus(&delta))
            });
            [value + &mark, beside]
        }
    }
}

fn notes(analysis: &Analysis, more: &[String]) -> String {
    let lines: Vec<String> = analysis.warnings.iter().chain(more).map(|l| escaped(l)).collect();
    if lines.is_empty() { String::new() } else { format!("\n\\par\\smallskip\\footnotesize {}\n", lines.join("\\\\ ")) }
}

/// `table2.tex`.
pub fn table2(table: &Table, analysis: &Analysis) -> String {
    let ours = table.origin != Origin::Paper;
    let mut text =
        "% Needs \\usepackage{booktabs}.\n\\begin{table}\n\\centering\\scriptsize\\setlength{\\tabcolsep}{4pt}\n"
            .to_owned();
    text += "\\caption{Mean $\\pm$ sample standard deviation over seeds";
    text += if ours { "; below it, small, the published figure and ours minus it" } else { "" };
    text += ". h: higher is better, l: lower is better; the best are bold.}\n";
    for (i, block) in analysis.table2.iter().enumerate() {
        text += if i > 0 { "\n\\medskip\n" } else { "" };
        text += &format!("\\begin{{tabular}}{{l{}}}\n\\toprule\n", "c".repeat(block.heads.len()));
        let heads: Vec<String> = block.heads.iter().map(|h| escaped(h.title)).collect();
        let metrics: Vec<String> = block.heads.iter().map(|h| format!("{} ({})", escaped(&h.metric), h.mark)).collect();
        text += &format!(" & {} \\\\\n & {} \\\\\n", heads.join(" & "), metrics.join(" & "));
        let mut group: Option<Group> = None;
        for row in &block.rows {
            if group != Some(row.method.group) {
                group = Some(row.method.group);
                let name = escaped(row.method.group.title());
                text +=
                    &format!("\\midrule\n\\multicolumn{{{}}}{{l}}{{\\emph{{{name}}}}} \\\\\n", block.heads.len() + 1);
            }
            let cells: Vec<[String; 2]> = row.cells.iter().map(|c| cell(c, ours)).collect();
            let line = |i: usize| cells.iter().map(|c| c[i].clone()).collect::<Vec<String>>();
            text += &format!("{} & {} \\\\\n", escaped(title(&row.method.name)), line(0).join(" & "));
            if cells.iter().any(|c| !c[1].is_empty()) {
                let beside: Vec<String> =
                    line(1).iter().map(|s| if s.is_empty() { s.clone() } else { format!("{{\\tiny {s}}}") }).collect();
                text += &format!(" & {} \\\\\n", beside.join(" & "));
            }
        }
        text += "\\bottomrule\n\\end{tabular}\n";
    }
    let legend: Vec<String> = analysis.legend().into_iter().map(str::to_owned).collect();
    text + &notes(analysis, &legend) + "\\end{table}\n"
}

/// `table3.tex`.
pub fn table3(analysis: &Analysis) -> String {
    let mut text = "% Needs \\usepackage{booktabs}.\n\\begin{table}\n\\centering\n".to_owned();
    text += "\\caption{Median rank (ties averaged) and median improvement of the error over default WRN.}\n";
    text += "\\begin{tabular}{lrrrrr}\n\\toprule\n & & & & \\multicolumn{2}{c}{published} \\\\\n";
    text += "Method & Median rank & Improvement \\% & Tasks & rank & improvement \\% \\\\\n\\midrule\n";
    // Rows over three tasks do not compete with those over all.
    let general = analysis.table3.iter().filter(|l| l.method.group != Group::Specialised);
    let least = general.map(|l| l.median_rank).fold(f64::INFINITY, f64::min);
    for line in &analysis.table3 {
        let special = line.method.group == Group::Specialised;
        let rank = line.median_rank.to_string();
        let rank = if !special && line.median_rank == least { format!("\\textbf{{{rank}}}") } else { rank };
        let gain = line.improvement.map_or_else(|| "--".to_owned(), |g| minus(&signed(g, 2)));
        let printed = |x: Option<f64>| x.map_or_else(|| "--".to_owned(), |x| minus(&x.to_string()));
        let name = escaped(title(&line.method.name));
        let (rank_then, gain_then) = (printed(line.published_rank), printed(line.published_improvement));
        text += &format!("{name} & {rank} & {gain} & {} & {rank_then} & {gain_then} \\\\\n", line.ranks.len());
    }
    text += "\\bottomrule\n\\end{tabular}\n";
    text + &notes(analysis, &analysis.footnotes) + "\\end{table}\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::table;

    #[test]
    fn tables_balance_and_escape() {
        let t = table(&[("darcy", "my_method & 50% {x}", 0.1), ("psicov", "wrn", -1.0), ("darcy", "wrn", 0.1)]);
        let a = Analysis::of(&t);
        for text in [table2(&t, &a), table3(&a)] {
            assert!(text.contains("my\\_method \\& 50\\% \\{x\\}"), "{text}");
            for (begin, end) in [
                ("\\begin{tabular}", "\\end{tabular}"),
                ("\\begin{table}", "\\end{table}"),
                ("\\toprule", "\\bottomrule"),
            ] {
                assert_eq!(text.matches(begin).count(), text.matches(end).count());
            }
            assert_eq!(text.replace("\\{", "").matches('{').count(), text.replace("\\}", "").matches('}').count());
            let rows = text.lines().filter(|l| l.ends_with("\\\\") && !l.contains("multicolumn"));
            assert!(rows.map(|l| l.replace("\\&", "").matches('&').count()).all(|n| n == 5), "{text}");
        }
        let text = table2(&t, &a);
        assert!(text.contains("\\textbf{0.100}") && text.contains("{\\tiny 0.073 $\\pm$ 0.001 (+0.027)}"), "{text}");
        assert!(text.contains("MAE8 \\AA{} (l)") && text.contains("$-$1.00"), "{text}");
    }
}
