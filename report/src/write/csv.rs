//! CSV: the shortest text that reads back as the same number, `NaN` and `inf` spelt out, nothing where there is nothing.

use crate::analysis::{Analysis, Panel};
use crate::model::{BLOCKS, Table, facts};
use crate::published::figure;
use std::borrow::Cow;

/// A field, in quotes where it has to be.
fn field(text: &str) -> Cow<'_, str> {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

fn optional(x: Option<f64>) -> String {
    x.map_or_else(String::new, |x| x.to_string())
}

/// Task, method and entry of every figure, in the order of the tables.
fn cells(table: &Table) -> impl Iterator<Item = (&'static str, &str, &crate::model::Entry)> {
    BLOCKS.into_iter().flatten().flat_map(move |task| {
        table.methods.iter().filter_map(move |m| Some((task, m.name.as_str(), table.entry(task, &m.name)?)))
    })
}

/// `table2.csv`: every figure, in the paper's unit. It can be read back.
pub fn table2(table: &Table) -> String {
    let mut text = "task,method,metric,mean,std,n,published_mean,published_std\n".to_owned();
    for (task, method, entry) in cells(table) {
        let published = figure(task, method);
        text += &format!(
            "{task},{},{},{},{},{},{},{}\n",
            field(method),
            facts(task).metric.name,
            entry.mean,
            optional(entry.std),
            entry.n,
            optional(published.map(|p| p.mean)),
            optional(published.and_then(|p| p.std)),
        );
    }
    text
}

/// `table3.csv`.
pub fn table3(analysis: &Analysis) -> String {
    let mut text = "method,median_rank,improvement_percent,tasks,published_rank,published_improvement\n".to_owned();
    for line in &analysis.table3 {
        text += &format!(
            "{},{},{},{},{},{}\n",
            field(&line.method.name),
            line.median_rank,
            optional(line.improvement),
            line.ranks.len(),
            optional(line.published_rank),
            optional(line.published_improvement),
        );
    }
    text
}

/// `profile_<panel>.csv`.
pub fn profile(panel: &Panel) -> String {
    let mut text = "method,tau,fraction\n".to_owned();
    for curve in &panel.curves {
        for (tau, fraction) in &curve.points {
            text += &format!("{},{tau},{fraction}\n", field(&curve.method));
        }
    }
    text
}

/// `costs.csv`: hours of all seeds of a cell together, and its network's size.
pub fn costs(table: &Table) -> String {
    let mut text = "task,method,n,hours,peak_memory_bytes,parameters,multiply_adds\n".to_owned();
    for (task, method, entry) in cells(table) {
        let whole = |x: Option<u64>| x.map_or_else(String::new, |x| x.to_string());
        let (cost, counts) = (entry.cost, entry.counts);
        if cost.is_none() && counts.is_none() {
            continue;
        }
        text += &format!(
            "{task},{},{},{},{},{},{}\n",
            field(method),
            entry.n,
            optional(cost.map(|c| c.hours)),
            whole(cost.map(|c| c.peak_memory_bytes)),
            whole(counts.map(|c| c.0)),
            whole(counts.map(|c| c.1)),
        );
    }
    text
}

/// `curves.csv`.
pub fn curves(table: &Table) -> String {
    let mut text = "task,method,seed,stage,quantity,epoch,value\n".to_owned();
    for c in &table.curves {
        for (epoch, value) in &c.points {
            text += &format!(
                "{},{},{},{},{},{epoch},{value}\n",
                c.task,
                field(&c.method),
                c.seed,
                field(&c.stage),
                c.quantity
            );
        }
    }
    text
}

/// `claims.csv`.
pub fn claims(analysis: &Analysis) -> String {
    let mut text = "name,claim,verdict,share,rule,figures\n".to_owned();
    for c in &analysis.claims {
        let words = c.verdict.words();
        text += &format!(
            "{},{},{words},{},{},{}\n",
            c.name,
            field(c.claim),
            optional(c.share),
            field(c.rule),
            field(&c.figures)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::table;
    use crate::source::{file, paper};
    use std::path::Path;

    #[test]
    fn the_papers_tables() {
        let paper = paper::table();
        let text = table2(&paper);
        assert_eq!(text.lines().count(), 57);
        assert!(
            text.contains("\nfsd50k,gaea,mAP,0.06,0.02,3,0.06,0.02\n")
                && text.contains("\necg,amber,F1,0.67,,0,0.67,\n")
        );
        let analysis = Analysis::of(&paper);
        let three = table3(&analysis);
        assert!(three.contains("\ngaea,1.5,20.08") && three.contains(",10,1.5,20.1\nautodl,6,-75.26"), "{three}");
        assert!(three.contains("\nwrn,4,0,10,4,0\ndensenas-random,4,2.53"), "{three}");
        assert!(profile(&analysis.panels[0]).starts_with("method,tau,fraction\nwrn,1,0.2\nwrn,1.0"));
        // Read back, it gives the same Table 3.
        let back = file::parse(Path::new("table2.csv"), &text).unwrap();
        assert_eq!(table3(&Analysis::of(&back)), three);
        assert!(back.notices.is_empty(), "{:?}", back.notices);
        assert_eq!(table2(&back), text);
    }

    #[test]
    fn odd_names_and_figures_come_back() {
        let odd = table(&[("darcy", "a \"b\", c", 0.1), ("darcy", "wrn", f64::NAN), ("ecg", "d", f64::INFINITY)]);
        let text = table2(&odd);
        assert_eq!(
            text.lines().skip(1).collect::<Vec<_>>(),
            [
                "darcy,wrn,relative L2,NaN,,1,0.073,0.001",
                "darcy,\"a \"\"b\"\", c\",relative L2,0.1,,1,,",
                "ecg,d,F1,inf,,1,,"
            ]
        );
        let back = file::parse(Path::new("t.csv"), &text).unwrap();
        assert_eq!(table2(&back), text);
        assert_eq!(table3(&Analysis::of(&back)), table3(&Analysis::of(&odd)));
        assert_eq!(costs(&odd).lines().count(), 1);
    }
}
