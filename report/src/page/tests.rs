use super::*;
use crate::analysis::{Block, Cell, Claim, Curve, Figure, Head, Pair, Panel, Row, Standing, Verdict};
use crate::model::{self, BLOCKS, Cost, Entry, Group, Marks, Method, Origin};
use crate::published;
use std::collections::BTreeMap;
use tasks::Direction;

const ROWS: [&str; 8] = ["wrn", "densenas-random", "densenas", "wrn-asha", "gaea", "autodl", "amber", NASTY];
const NASTY: &str = "mine<b>&\"'";

/// A table of runs: the paper's figures somewhat off, costs and curves made up.
fn table(origin: Origin) -> Table {
    let paper = origin == Origin::Paper;
    let names = &ROWS[..if paper { 7 } else { 8 }];
    let mut entries = BTreeMap::new();
    let mut curves = Vec::new();
    for (i, name) in names.iter().enumerate() {
        for (j, task) in BLOCKS.iter().flatten().enumerate() {
            let like = if *name == NASTY { "wrn" } else { name };
            let Some(p) = published::figure(task, like) else { continue };
            if !paper && (i * 7 + j) % 11 == 3 {
                continue;
            }
            let off = if paper { 1.0 } else { 1.0 + 0.01 * ((i * 5 + j * 3) % 7) as f64 };
            let mean = if !paper && i == 2 && j == 8 { f64::NAN } else { p.mean * off };
            let picture = paper && *name == "amber";
            let entry = Entry {
                mean,
                std: p.std,
                n: 3,
                seeds: vec![],
                marks: Marks { stand_in: !paper && j % 2 == 0, partial: !paper && j == 6, picture },
                cost: (!paper).then_some(Cost {
                    hours: 0.02 * ((1 << i) * (1 + j)) as f64,
                    peak_memory_bytes: (300 + 77 * i as u64 * j as u64) << 20,
                }),
                counts: (!paper).then_some((36_500_000 >> i, 5_200_000_000 >> j)),
            };
            entries.insert((*task, (*name).to_owned()), entry);
            if !paper && i != 5 && j < 7 {
                let loss = |e: usize| (4.6 - 0.3 * i as f64) / (1.0 + e as f64 * (0.3 + 0.05 * (i + j) as f64));
                let points = (1..=20).map(|e| (e as f64, loss(e) + if e % 4 == 0 { 0.05 } else { 0.0 })).collect();
                curves.push(model::Curve {
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
    let notices = if paper { vec![] } else { vec!["2 runs are not finished: <darcy> gaea 0, darcy gaea 1".to_owned()] };
    let methods = names.iter().enumerate().map(|(i, n)| Method::named(n, i)).collect();
    Table { origin, methods, entries, curves, notices }
}

/// What is said of it; enough of it for a page, not the crate's statistics.
fn analysis(table: &Table) -> Analysis {
    let error =
        |task: &'static str, m: &str| table.entry(task, m).map(|e| model::error(task, e.mean)).filter(|e| !e.is_nan());
    let errors =
        |task: &'static str| table.methods.iter().filter_map(move |m| Some((m.name.clone(), error(task, &m.name)?)));
    let block = |tasks: &[&'static str; 5]| Block {
        heads: tasks
            .iter()
            .map(|task| {
                let f = model::facts(task);
                Head {
                    task,
                    title: f.title,
                    metric: format!("{} {}", f.metric.name, f.metric.unit).trim_end().to_owned(),
                    mark: if f.metric.direction == Direction::Lower { 'l' } else { 'h' },
                }
            })
            .collect(),
        rows: table
            .methods
            .iter()
            .map(|m| Row {
                method: m.clone(),
                cells: tasks
                    .iter()
                    .map(|task| {
                        let p = published::figure(task, &m.name);
                        let decimals = published::decimals(task, &m.name);
                        match table.entry(task, &m.name) {
                            None if p.is_none() && m.group == Group::Specialised => Cell::NotApplicable,
                            None => Cell::Absent { published: p, decimals },
                            Some(e) => Cell::Figure(Figure {
                                mean: e.mean,
                                std: e.std,
                                n: e.n,
                                best: error(task, &m.name).is_some_and(|v| errors(task).all(|o| o.1 >= v)),
                                published: p,
                                delta: p.map(|p| e.mean - p.mean),
                                decimals,
                                marks: e.marks,
                            }),
                        }
                    })
                    .collect(),
            })
            .collect(),
    };
    let median = |mut v: Vec<f64>| {
        v.sort_by(f64::total_cmp);
        0.5 * (v[(v.len() - 1) / 2] + v[v.len() / 2])
    };
    let standing = |m: &Method| {
        let tasks = || BLOCKS.iter().flatten().copied().filter_map(|t| Some((t, error(t, &m.name)?)));
        let ranks: Vec<_> = tasks()
            .map(|(t, e)| {
                let (less, same) =
                    errors(t).fold((0, 0), |(l, s), o| (l + i32::from(o.1 < e), s + i32::from(o.1 == e)));
                (t, f64::from(less) + f64::from(1 + same) / 2.0)
            })
            .collect();
        let improvements: Vec<_> =
            tasks().filter_map(|(t, e)| error(t, "wrn").map(|w| (t, 100.0 * (w - e) / w))).collect();
        Standing {
            method: m.clone(),
            median_rank: median(ranks.iter().map(|r| r.1).collect()),
            improvement: Some(median(improvements.iter().map(|r| r.1).collect())),
            ranks,
            improvements,
            published_rank: Some(4.0).filter(|_| m.group != Group::Given),
            published_improvement: Some(2.53).filter(|_| m.group != Group::Given),
        }
    };
    let panel = |name, title: &str, tasks: &[&'static str], rows: &[&str]| {
        let ratio = |task, m: &str| {
            let best = rows.iter().filter_map(|r| error(task, r)).fold(f64::INFINITY, f64::min);
            error(task, m).map(|e| e / best)
        };
        let mut taus: Vec<f64> = tasks.iter().flat_map(|t| rows.iter().filter_map(|r| ratio(t, r))).collect();
        taus.sort_by(f64::total_cmp);
        taus.dedup();
        let curve = |m: &&str| Curve {
            method: (*m).to_owned(),
            points: taus
                .iter()
                .map(|tau| {
                    let within = tasks.iter().filter(|t| ratio(t, m).is_some_and(|r| r <= *tau)).count();
                    (*tau, within as f64 / tasks.len() as f64)
                })
                .collect(),
        };
        let curves = rows.iter().map(curve).collect();
        Panel { name, title: title.to_owned(), tasks: tasks.to_vec(), curves }
    };
    let general: Vec<&str> = ROWS[..5].to_vec();
    let all: Vec<&str> = BLOCKS.concat();
    let with = |m| [general.as_slice(), &[m]].concat();
    let claim = |verdict, share| Claim {
        name: "gaea-best-rank",
        claim: "DARTS GAEA has the best median rank of the rows that are over all tasks",
        rule: "Its median rank is below that of every other row over all tasks.",
        verdict,
        share,
        figures: "median rank 1.5, the next 3.5 (WRN ASHA)".to_owned(),
    };
    Analysis {
        table2: [block(&BLOCKS[0]), block(&BLOCKS[1])],
        table3: table.methods.iter().map(standing).collect(),
        footnotes: vec![
            "Auto-DL's row is over the three dense prediction tasks alone".to_owned(),
            "AMBER's row is over the three 1-D tasks alone".to_owned(),
        ],
        panels: vec![
            panel("all", "all tasks", &all, &general),
            panel("point2d", "2-D point tasks", &["cifar100", "spherical", "ninapro", "fsd50k"], &general),
            panel("efficient", "efficient rows", &all, &general[..3]),
            panel("expensive", "expensive rows", &all, &general[3..]),
            panel("autodl", "Auto-DL's three tasks", &BLOCKS[0][2..], &with("autodl")),
            panel("amber", "AMBER's three tasks", &BLOCKS[1][2..], &with("amber")),
        ],
        pairs: vec![Pair { ahead: "gaea".to_owned(), behind: NASTY.to_owned(), share: 0.97, called: true }],
        claims: vec![
            claim(Verdict::Holds, Some(0.991)),
            claim(Verdict::DoesNot, Some(0.01)),
            claim(Verdict::NotDecided, None),
        ],
        resampling: "Seeds are drawn with replacement".to_owned(),
        warnings: match &table.origin {
            Origin::Runs { .. } => vec!["plumbing check, not a result: profile quick".to_owned()],
            _ => vec![],
        },
    }
}

fn runs() -> Table {
    table(Origin::Runs { dir: "runs & <more>".to_owned(), profile: "quick".to_owned() })
}

fn empty(origin: Origin) -> Table {
    Table { origin, methods: vec![], entries: BTreeMap::new(), curves: vec![], notices: vec![] }
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
    for table in [table(Origin::Paper), runs(), empty(Origin::File("<&>.csv".to_owned())), empty(Origin::Paper)] {
        let analysis = analysis(&table);
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
    let html = html(&table, &analysis(&table));
    assert!(!html.contains("<b>&\"") && html.contains("mine&lt;b&gt;&amp;&quot;&#39;"));
    assert!(html.contains("runs &amp; &lt;more&gt;") && html.contains("&lt;darcy&gt;"));
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("Plumbing check, not a result") < at("<table"));
    assert!(at("id=\"table2\"") < at("id=\"table3\"") && at("id=\"table3\"") < at("id=\"profiles\""));
}

#[test]
fn figures_stand_in_their_cells() {
    let paper = table(Origin::Paper);
    let html = html(&paper, &analysis(&paper));
    let row = html.split("<tr>").find(|r| r.contains(">DARTS GAEA</th>")).expect("a row");
    assert!(row.contains("<td data-v=\"24.02\">24.02&nbsp;<span class=\"pm\">±&nbsp;1.92</span></td>"), "{row}");
    assert!(row.contains("<td class=\"best\" data-v=\"48.23\"><b>48.23"), "{row}");
    // AMBER's figures have no deviation and a mark; what is published is not said twice.
    assert!(html.contains("<td class=\"best\" data-v=\"0.67\"><b>0.670</b><sup>f</sup></td>"));
    assert!(!html.contains("<small>published") && html.contains("read from a picture"));
    let runs = runs();
    let html = super::html(&runs, &analysis(&runs));
    assert!(html.contains("<small>published 23.35&nbsp;±&nbsp;0.05</small><small>Δ "));
    assert!(html.contains(">n/a</td>") && html.contains("data-v=\"NaN\">NaN"));
}

#[test]
fn files_are_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let table = runs();
    let analysis = analysis(&table);
    let page = write(&table, &analysis, dir.path()).expect("written");
    assert_eq!(page, dir.path().join("report.html"));
    let paths = write_pictures(&table, &analysis, dir.path()).expect("written");
    let names: Vec<String> = paths.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for name in ["profile_all", "profile_amber", "curves", "costs", "ranks"] {
        assert!(names.contains(&format!("{name}.svg")) && names.contains(&format!("{name}.png")), "{names:?}");
    }
    assert!(write(&table, &analysis, &dir.path().join("none")).is_err());
}
#[test]
fn demo_only() {
    let Ok(dir) = std::env::var("R2_DEMO") else { return };
    for (name, table) in [("paper", table(Origin::Paper)), ("runs", runs()), ("empty", empty(Origin::Paper))] {
        let dir = Path::new(&dir).join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let a = analysis(&table);
        write(&table, &a, &dir).unwrap();
        write_pictures(&table, &a, &dir).unwrap();
        for p in pictures(&table, &a) {
            std::fs::write(dir.join(format!("n_{}.png", p.name)), p.narrow.png()).unwrap();
        }
    }
}
