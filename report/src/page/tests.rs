use super::*;
use crate::model::{self, BLOCKS, Cost, Entry, Marks, Origin};
use crate::published;
use crate::source::paper;

const ROWS: [&str; 8] = ["wrn", "densenas-random", "densenas", "wrn-asha", "gaea", "autodl", "amber", NASTY];
const NASTY: &str = "mine<b>&\"'";

/// A table of runs: the paper's figures somewhat off, costs and curves made up.
fn runs() -> Table {
    let mut table = Table::new(Origin::Runs { dir: "runs & <more>".to_owned(), profile: "quick".to_owned() });
    for (i, name) in ROWS.iter().enumerate() {
        for (j, task) in BLOCKS.iter().flatten().enumerate() {
            let like = if *name == NASTY { "wrn" } else { name };
            let Some(p) = published::figure(task, like) else { continue };
            if (i * 7 + j) % 11 == 3 {
                continue;
            }
            let off = 1.0 + 0.01 * ((i * 5 + j * 3) % 7) as f64;
            let mean = if i == 2 && j == 8 { f64::NAN } else { p.mean * off };
            let entry = Entry {
                mean,
                std: p.std,
                n: 3,
                seeds: vec![],
                marks: Marks { stand_in: j % 2 == 0, partial: j == 6, picture: false },
                cost: Some(Cost {
                    hours: 0.02 * ((1 << i) * (1 + j)) as f64,
                    peak_memory_bytes: (300 + 77 * i as u64 * j as u64) << 20,
                }),
                counts: Some((36_500_000 >> i, 5_200_000_000 >> j)),
            };
            table.put(task, name, entry);
            if i != 5 && j < 7 {
                let loss = |e: usize| (4.6 - 0.3 * i as f64) / (1.0 + e as f64 * (0.3 + 0.05 * (i + j) as f64));
                let points = (1..=20).map(|e| (e as f64, loss(e) + if e % 4 == 0 { 0.05 } else { 0.0 })).collect();
                table.curves.push(model::Curve {
                    task,
                    method: (*name).to_owned(),
                    seed: 0,
                    stage: if i == 4 && j == 3 { "search" } else { "final" }.to_owned(),
                    quantity: "train_loss".to_owned(),
                    points,
                });
            }
        }
    }
    table.notices.push("2 runs are not finished: <darcy> gaea 0, darcy gaea 1".to_owned());
    table
}

/// The page as an XML document: what HTML writes otherwise is put right first.
fn parsed(html: &str) -> String {
    let mut text = html.replace("<!doctype html>\n", "").replace("&nbsp;", " ");
    for void in ["meta", "link"] {
        let parts: Vec<&str> = text.split(&format!("<{void} ")).collect();
        let closed = |p: &&str| p.replacen('>', "/>", 1);
        text = std::iter::once(parts[0].to_owned())
            .chain(parts[1..].iter().map(closed))
            .collect::<Vec<_>>()
            .join(&format!("<{void} "));
    }
    // Scripts hold `<` and `&`.
    let (before, script) = text.split_once("<script>").expect("a script");
    format!("{before}<script>{}", &script[script.find("</script>").expect("its end")..])
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    for table in [paper::table(), runs(), Table::new(Origin::File("<&>.csv".to_owned())), Table::new(Origin::Paper)] {
        let analysis = Analysis::of(&table);
        let html = html(&table, &analysis);
        let xml = parsed(&html);
        let document = roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{e}"));
        for outside in ["http:", "https:", "//", "@import", "url(", "src="] {
            let found = html.find(outside).map(|at| &html[at.saturating_sub(40)..html.len().min(at + 40)]);
            assert!(found.is_none() || outside == "//" && found.is_some_and(|f| f.contains("\n// ")), "{found:?}");
        }
        let mut ids = Vec::new();
        for node in document.descendants() {
            assert!(!["img", "iframe", "object", "embed", "base", "form"].contains(&node.tag_name().name()));
            ids.extend(node.attribute("id"));
        }
        for node in document.descendants() {
            if let Some(to) = node.attribute("href") {
                assert!(to == "data:," || to.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{to}");
            }
        }
        let n = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n, "an id stands twice");
        assert_eq!(html, super::html(&table, &analysis));
    }
}

#[test]
fn names_are_escaped_and_warnings_stand_first() {
    let table = runs();
    let html = html(&table, &Analysis::of(&table));
    assert!(!html.contains("<b>&\"") && html.contains("mine&lt;b&gt;&amp;&quot;&#39;"));
    assert!(html.contains("runs &amp; &lt;more&gt;") && html.contains("&lt;darcy&gt;"));
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("A plumbing check, not a result") < at("<table"));
    assert!(at("id=\"table2\"") < at("id=\"table3\"") && at("id=\"table3\"") < at("id=\"profiles\""));
}

#[test]
fn figures_stand_in_their_cells() {
    let table = paper::table();
    let html = html(&table, &Analysis::of(&table));
    let row = html.split("<tr>").find(|r| r.contains(">DARTS GAEA</th>")).expect("a row");
    assert!(row.contains("<td data-v=\"24.02\">24.02&nbsp;<span class=\"pm\">±&nbsp;1.92</span></td>"), "{row}");
    assert!(row.contains("<td class=\"best\" data-v=\"48.23\"><b>48.23"), "{row}");
    // AMBER's figures have no deviation and a mark; what is published is not said twice.
    assert!(html.contains("<td class=\"best\" data-v=\"0.67\"><b>0.670</b><span class=\"pm\">^</span></td>"));
    assert!(!html.contains("<small>published") && html.contains("^ read from a chart"));
    let runs = runs();
    let html = super::html(&runs, &Analysis::of(&runs));
    assert!(html.contains("<small>published 23.35&nbsp;±&nbsp;0.05</small><small>Δ "));
    assert!(html.contains(">n/a</td>") && html.contains("data-v=\"NaN\">NaN"));
}

#[test]
fn files_are_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let table = runs();
    let analysis = Analysis::of(&table);
    let page = write(&table, &analysis, dir.path()).expect("written");
    assert_eq!(page, dir.path().join("report.html"));
    let paths = write_pictures(&table, &analysis, dir.path()).expect("written");
    let names: Vec<String> = paths.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for name in ["profile_all", "profile_amber", "curves", "costs", "ranks"] {
        assert!(names.contains(&format!("{name}.svg")) && names.contains(&format!("{name}.png")), "{names:?}");
    }
    assert!(write(&table, &analysis, &dir.path().join("none")).is_err());
}
