//! Everything that is computed from a table, in one plain struct: writers of text, pictures and pages read it.

use crate::claims;
use crate::model::{BLOCKS, Group, Marks, Method, Origin, Table, facts, title};
use crate::published::{Published, decimals, figure};
use crate::stats::{profile, rank, resample};
use nas::profile::Profile;
use std::cmp::Ordering;
use tasks::Direction;

/// What a report says of a [`crate::model::Table`].
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Table 2, its two blocks of five tasks; every block has the same rows.
    pub table2: [Block; 2],
    /// Table 3, a line for every ranked row that has any figure, in the table's order.
    pub table3: Vec<Standing>,
    /// What is to be said under Table 3, a sentence each.
    pub footnotes: Vec<String>,
    /// Performance profiles; panels without any figure are left out.
    pub panels: Vec<Panel>,
    /// Pairs of rows over all tasks: which of them is called ahead of which by median rank.
    pub pairs: Vec<Pair>,
    /// The paper's claims, in the order of its text, with what these figures say of them.
    pub claims: Vec<Claim>,
    /// How resamples were made, in sentences for the reader.
    pub resampling: String,
    /// Sentences that must stand at the top: why these figures are no result, if they are not.
    pub warnings: Vec<String>,
}

/// Five tasks of Table 2.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its columns.
    pub heads: Vec<Head>,
    /// Its rows, ordered; a new row group begins where `method.group` changes.
    pub rows: Vec<Row>,
}

/// The head of a column of Table 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The task's name.
    pub task: &'static str,
    /// The task as printed.
    pub title: &'static str,
    /// Its metric with unit: `0-1 error %`.
    pub metric: String,
    /// `l` where lower is better, `h` where higher is.
    pub mark: char,
}

/// A row of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Whose it is.
    pub method: Method,
    /// Its cells, one a head.
    pub cells: Vec<Cell>,
}

/// A cell of Table 2.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// The protocol has no such cell: `n/a`.
    NotApplicable,
    /// There is none, though there could be: `-`. The published figure stands all the same.
    Absent {
        /// The published figure.
        published: Option<Published>,
        /// Decimals that are printed.
        decimals: usize,
    },
    /// A figure.
    Figure(Figure),
}

/// A figure and what stands beside it. [`Figure::value`] and its neighbours give the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Mean over seeds, in the task's unit; may be NaN or infinite.
    pub mean: f64,
    /// Sample standard deviation, where known.
    pub std: Option<f64>,
    /// How many seeds; 0: unknown.
    pub n: usize,
    /// Whether no ranked row has a better one (several are best where figures are equal); false of rows that are not ranked.
    pub best: bool,
    /// The published figure.
    pub published: Option<Published>,
    /// Ours minus the published one, in the task's unit.
    pub delta: Option<f64>,
    /// Decimals that are printed.
    pub decimals: usize,
    /// What is odd about it.
    pub marks: Marks,
}

/// A line of Table 3.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Whose it is.
    pub method: Method,
    /// Median of `ranks`.
    pub median_rank: f64,
    /// Median of `improvements`, percent; none where there is nothing to compare with.
    pub improvement: Option<f64>,
    /// Task and rank among the rows that are ranked on it, ties averaged, in the order of the tables.
    pub ranks: Vec<(&'static str, f64)>,
    /// Task and improvement over default WRN, percent; tasks on which it cannot be said are left out.
    pub improvements: Vec<(&'static str, f64)>,
    /// What the paper's Table 3 prints as median rank.
    pub published_rank: Option<f64>,
    /// What the paper's Table 3 prints as improvement.
    pub published_improvement: Option<f64>,
}

/// A performance profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// As in file names: `all`, `point2d`, `efficient`, `expensive`, `autodl`, `amber`.
    pub name: &'static str,
    /// As printed above it.
    pub title: String,
    /// The tasks it is over.
    pub tasks: Vec<&'static str>,
    /// Its curves, in the table's order.
    pub curves: Vec<Curve>,
}

/// A row's curve in a performance profile: a right-continuous step function.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The row's name.
    pub method: String,
    /// (tau, fraction of tasks whose ratio is at most tau), at every tau of the panel, ascending from 1.
    pub points: Vec<(f64, f64)>,
}

/// Two rows by median rank, over the tasks that both have.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The row that is ahead in more resamples.
    pub ahead: String,
    /// The other.
    pub behind: String,
    /// The share of resamples in which it is ahead; ties are not.
    pub share: f64,
    /// Whether the difference is called: `share` is at least 95 %.
    pub called: bool,
}

/// What figures say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// True in at least 95 % of resamples.
    Holds,
    /// False in at least 95 % of resamples.
    DoesNot,
    /// Neither; or the figures that it needs are not there.
    NotDecided,
}

/// A claim of the paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// A short name for tables: `gaea-best-rank`.
    pub name: &'static str,
    /// The claim, one sentence.
    pub claim: &'static str,
    /// The rule that decides it, one sentence.
    pub rule: &'static str,
    /// What these figures say.
    pub verdict: Verdict,
    /// The share of resamples in which it is true, 0 to 1; none where there was nothing to resample.
    pub share: Option<f64>,
    /// The figures behind it, or what is missing, one sentence.
    pub figures: String,
}

impl Verdict {
    /// In words: `holds`, `does not`, `not decided`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNot => "does not",
            Self::NotDecided => "not decided",
        }
    }
}

impl Analysis {
    /// Everything that is computed from a table.
    pub fn of(table: &Table) -> Self {
        let replicates = resample::replicates(table);
        let table3 = rank::standings(table);
        Self {
            table2: BLOCKS.map(|tasks| Block::of(table, &tasks)),
            footnotes: footnotes(table, &table3),
            table3,
            panels: profile::panels(table),
            pairs: resample::pairs(table, &replicates),
            claims: claims::decide(table, &replicates),
            resampling: resampling(table),
            warnings: warnings(table),
        }
    }
}

fn footnotes(table: &Table, table3: &[Standing]) -> Vec<String> {
    let mut notes = Vec::new();
    for line in table3.iter().filter(|l| l.method.group == Group::Specialised) {
        let tasks: Vec<&str> = line.ranks.iter().map(|(t, _)| facts(t).title).collect();
        let kind = if line.method.name == "autodl" { "dense prediction" } else { "1-D" };
        notes.push(format!(
            "{} is for {kind} tasks, so its line is over {} alone; do not read it against lines over all tasks.",
            title(&line.method.name),
            tasks.join(", ")
        ));
    }
    if table3.iter().any(|l| l.method.name.starts_with("densenas")) {
        notes.push(
            "Published improvements stand as the paper prints them. Those of the two DenseNAS rows are exchanged in print: by \
             the paper's own Table 2, 2.53 % is random search's and 0.0 % DenseNAS's."
                .to_owned(),
        );
    }
    if table.ranked().any(|m| m.group == Group::Given) {
        notes.push("Rows that the paper has not are ranked with the others and change the others' ranks.".to_owned());
    }
    notes
}

fn resampling(table: &Table) -> String {
    let k = resample::repetitions(table);
    let seeds = match k {
        1 => "Seeds are not resampled over tasks: there is one, or they are not known one by one.".to_owned(),
        2..=resample::MOST_SEEDS => {
            format!("The {k} seeds are resampled with replacement along with them, as repetitions of the whole table.")
        }
        _ => format!("Of the {k} seeds, as repetitions of the whole table, one at a time is left out along with them."),
    };
    let points = if table.entries.values().any(|e| e.seeds.is_empty()) {
        " Where only mean and deviation s are known, a statement about one task takes mean - s, mean, mean + s for the seeds."
    } else {
        ""
    };
    format!(
        "All draws of the tasks with replacement are counted, none is sampled. {seeds} Statements about one task take all draws \
         of each row's seeds with replacement, rows independent.{points} A difference is called where it is there in at least \
         {} % of these resamples.",
        resample::ENOUGH
    )
}

fn warnings(table: &Table) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Origin::Runs { profile, .. } = &table.origin
        && !profile.parse::<Profile>().is_ok_and(Profile::is_result)
    {
        warnings.push(format!(
            "A plumbing check, not a result: profile {profile} scales every size down (--profile paper is the protocol)."
        ));
    }
    let cells = |what: fn(&Marks) -> bool| table.entries.values().filter(|e| what(&e.marks)).count();
    let of = table.entries.len();
    match cells(|m| m.stand_in) {
        0 => {}
        n => warnings.push(format!(
            "A plumbing check, not a result: {n} of {of} cells (marked *) are of generated stand-in data, not comparable with what is published."
        )),
    }
    match cells(|m| m.partial) {
        0 => {}
        n => warnings.push(format!(
            "{n} of {of} cells (marked ~) are of a partial copy of the task's data, not comparable with what is published."
        )),
    }
    warnings
}

impl Head {
    fn of(task: &'static str) -> Self {
        let facts = facts(task);
        Self {
            task,
            title: facts.title,
            metric: format!("{} {}", facts.metric.name, facts.metric.unit).trim_end().to_owned(),
            mark: if facts.metric.direction == Direction::Lower { 'l' } else { 'h' },
        }
    }
}

impl Block {
    fn of(table: &Table, tasks: &[&'static str]) -> Self {
        let row = |method: &Method| {
            let cells = tasks.iter().map(|task| Cell::of(table, task, method)).collect();
            Row { method: method.clone(), cells }
        };
        Self { heads: tasks.iter().map(|t| Head::of(t)).collect(), rows: table.methods.iter().map(row).collect() }
    }
}

impl Cell {
    fn of(table: &Table, task: &'static str, method: &Method) -> Self {
        let published = figure(task, &method.name);
        let decimals = decimals(task, &method.name);
        let Some(entry) = table.entry(task, &method.name) else {
            let known = nas::protocol::method_named(&method.name);
            return match known.is_some_and(|m| !m.covers(task)) {
                true => Self::NotApplicable,
                false => Self::Absent { published, decimals },
            };
        };
        let better = |m: &Method| {
            table.entry(task, &m.name).is_some_and(|e| rank::compare(task, e.mean, entry.mean) == Ordering::Less)
        };
        Self::Figure(Figure {
            mean: entry.mean,
            std: entry.std,
            n: entry.n,
            best: method.group != Group::Beyond && entry.mean.is_finite() && !table.ranked().any(better),
            published,
            delta: published.map(|p| entry.mean - p.mean),
            decimals: enough(entry.mean, decimals),
            marks: entry.marks,
        })
    }
}

/// Decimals with which a figure that is not 0 does not look like it.
fn enough(x: f64, decimals: usize) -> usize {
    let zero =
        |d: usize| x != 0.0 && x.is_finite() && format!("{:.d$}", x.abs()).bytes().all(|b| b == b'0' || b == b'.');
    (decimals..9).find(|d| !zero(*d)).unwrap_or(decimals)
}

/// A number with so many decimals; a zero has no sign.
pub fn number(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    match text.strip_prefix('-') {
        Some(bare) if bare.bytes().all(|b| b == b'0' || b == b'.') => bare.to_owned(),
        _ => text,
    }
}

/// The same with its sign, of what is not 0.
pub fn signed(x: f64, decimals: usize) -> String {
    let text = number(x, decimals);
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if x > 0.0 && !zero { format!("+{text}") } else { text }
}

/// Mean and deviation with so many decimals and this sign between.
fn with_std(mean: f64, std: Option<f64>, decimals: usize, sign: &str) -> String {
    match std {
        Some(std) => format!("{} {sign} {}", number(mean, decimals), number(std, decimals)),
        None => number(mean, decimals),
    }
}

impl Published {
    /// As text, with this sign before the deviation.
    pub fn value(&self, decimals: usize, sign: &str) -> String {
        with_std(self.mean, self.std, decimals, sign)
    }
}

impl Figure {
    /// `23.35 ± 0.05` with this sign between; without marks.
    pub fn value(&self, sign: &str) -> String {
        with_std(self.mean, self.std, self.decimals, sign)
    }

    /// `*` of stand-in data, `~` of partial ones, `^` from a picture; empty of what is not odd.
    pub fn mark(&self) -> String {
        let of = |on: bool, mark: &'static str| if on { mark } else { "" };
        of(self.marks.stand_in, "*").to_owned() + of(self.marks.partial, "~") + of(self.marks.picture, "^")
    }

    /// Ours minus the published, signed.
    pub fn delta_text(&self) -> Option<String> {
        self.delta.map(|d| signed(d, self.decimals))
    }
}

impl Analysis {
    /// What the marks of Table 2's figures mean, those that are used.
    pub fn legend(&self) -> Vec<&'static str> {
        let used = |what: fn(&Marks) -> bool| {
            let cells = self.table2.iter().flat_map(|b| &b.rows).flat_map(|r| &r.cells);
            cells.into_iter().any(|c| matches!(c, Cell::Figure(f) if what(&f.marks)))
        };
        [
            (used(|m| m.stand_in), "* stand-in data, generated: not comparable with what is published"),
            (used(|m| m.partial), "~ a partial copy of the task's data: not comparable with what is published"),
            (used(|m| m.picture), "^ read from a chart, without deviation"),
        ]
        .into_iter()
        .filter(|(used, _)| *used)
        .map(|(_, words)| words)
        .collect()
    }
}

impl Group {
    /// The group as tables head it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Efficient => "Efficient methods",
            Self::Expensive => "Expensive methods",
            Self::Specialised => "Specialised methods",
            Self::Given => "Given methods",
            Self::Beyond => "Beyond the paper (not ranked)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::table;

    #[test]
    fn the_paper_gives_its_own_table_3() {
        let analysis = Analysis::of(&crate::source::paper::table());
        let lines: Vec<(&str, f64, f64, usize)> = analysis
            .table3
            .iter()
            .map(|l| (l.method.name.as_str(), l.median_rank, l.improvement.unwrap(), l.ranks.len()))
            .collect();
        let expected = [
            ("wrn", 4.0, 0.0, 10),
            ("densenas-random", 4.0, 2.5327, 10),
            ("densenas", 4.0, 0.0, 10),
            ("wrn-asha", 3.5, 0.0, 10),
            ("gaea", 1.5, 20.0842, 10),
            ("autodl", 6.0, -75.2604, 3),
            ("amber", 1.0, 20.0, 3),
        ];
        assert_eq!(lines.len(), 7);
        for (line, e) in lines.iter().zip(expected) {
            assert!(line.0 == e.0 && line.1 == e.1 && (line.2 - e.2).abs() < 1e-4 && line.3 == e.3, "{line:?}");
        }
        // Rounded as the paper rounds, they are what it prints, the two that stand exchanged put right.
        for (line, printed) in analysis.table3.iter().zip([0.0, 2.53, 0.0, 0.0, 20.1, -75.3, 20.0]) {
            assert!((line.improvement.unwrap() - printed).abs() < 0.05);
            assert_eq!(line.published_rank, Some(line.median_rank));
        }
        assert_eq!(analysis.table3[2].published_improvement, Some(2.53));
        assert_eq!(analysis.footnotes.len(), 3);
        assert!(analysis.footnotes[0].contains("Darcy Flow, PSICOV, Cosmic alone"));
        assert!(analysis.footnotes[1].contains("ECG, Satellite, DeepSEA alone"));
        assert!(analysis.warnings.is_empty());
        assert_eq!(analysis.panels.len(), 6);
        assert_eq!(analysis.panels[1].tasks, ["cifar100", "spherical", "ninapro", "fsd50k"]);
    }

    #[test]
    fn table_2_has_its_blocks_and_every_kind_of_cell() {
        let [first, second] = Analysis::of(&crate::source::paper::table()).table2;
        assert_eq!((first.heads[0].metric.as_str(), first.heads[3].metric.as_str()), ("0-1 error %", "MAE8 Å"));
        assert_eq!(second.heads.iter().map(|h| h.mark).collect::<String>(), "lhhlh");
        assert_eq!(first.rows.len(), 7);
        assert_eq!(first.rows[5].cells[0], Cell::NotApplicable);
        let figure = |block: &Block, row: usize, cell: usize| match &block.rows[row].cells[cell] {
            Cell::Figure(f) => f.clone(),
            other => panic!("{other:?}"),
        };
        let wrn = figure(&first, 0, 0);
        assert_eq!(
            (wrn.value("+-"), wrn.best, wrn.delta_text().unwrap()),
            ("23.35 +- 0.05".into(), true, "0.00".into())
        );
        let amber = figure(&second, 6, 2);
        assert_eq!((amber.value("+-"), amber.mark(), amber.best), ("0.670".into(), "^".into(), true));
        assert_eq!(figure(&second, 1, 1).value("±"), "0.400 ± 0.001");
        let t = table(&[
            ("darcy", "wrn", 0.0002),
            ("ecg", "mine", f64::NAN),
            ("darcy", "gaea", 0.0002),
            ("darcy", "fno", 0.0001),
        ]);
        let [first, second] = Analysis::of(&t).table2;
        let (wrn, fno) = (figure(&first, 0, 2), figure(&first, 3, 2));
        assert_eq!((wrn.value(""), wrn.delta_text().unwrap(), wrn.best), ("0.0002".into(), "-0.0728".into(), true));
        assert!(figure(&first, 1, 2).best && !fno.best && !figure(&second, 2, 2).best);
        assert!(matches!(first.rows[0].cells[0], Cell::Absent { published: Some(_), .. }));
        assert!(matches!(first.rows[2].cells[0], Cell::Absent { published: None, .. }));
        assert_eq!(first.rows[3].cells[0], Cell::NotApplicable);
    }

    #[test]
    fn another_table_by_hand() {
        // darcy: wrn 0.4, gaea 0.2, mine 0.4. ecg (errors): wrn 0.5, gaea 0.75, mine diverged. fno is not ranked.
        let t = table(&[
            ("darcy", "wrn", 0.4),
            ("darcy", "gaea", 0.2),
            ("darcy", "mine", 0.4),
            ("darcy", "fno", 0.1),
            ("ecg", "wrn", 0.5),
            ("ecg", "gaea", 0.25),
            ("ecg", "mine", f64::NAN),
            ("psicov", "gaea", 3.0),
        ]);
        let a = Analysis::of(&t);
        let lines: Vec<(&str, f64, Option<f64>, usize)> =
            a.table3.iter().map(|l| (l.method.name.as_str(), l.median_rank, l.improvement, l.ranks.len())).collect();
        // gaea: ranks 1, 1, 2; improvement 50 and -50. mine: ranks 2.5, 3; improvement 0 and minus infinity.
        let low = f64::NEG_INFINITY;
        assert_eq!(lines, [("wrn", 1.75, Some(0.0), 2), ("gaea", 1.0, Some(0.0), 3), ("mine", 2.75, Some(low), 2)]);
        let none = Analysis::of(&table(&[("darcy", "gaea", 0.2)]));
        assert_eq!((none.table3[0].improvement, none.table3[0].median_rank), (None, 1.0));
        assert!(none.pairs.is_empty());
    }

    #[test]
    fn differences_between_rows_are_called_where_they_are_sure() {
        let tasks = ["cifar100", "spherical", "darcy", "psicov", "cosmic", "ninapro"];
        let mut figures = Vec::new();
        for (i, task) in tasks.into_iter().enumerate() {
            figures.push((task, "wrn", 2.0));
            figures.push((task, "gaea", 1.0));
            figures.push((task, "mine", if i < 3 { 1.5 } else { 2.5 }));
        }
        let pairs = Analysis::of(&table(&figures)).pairs;
        let said: Vec<(&str, &str, bool)> =
            pairs.iter().map(|p| (p.ahead.as_str(), p.behind.as_str(), p.called)).collect();
        assert_eq!(said, [("gaea", "wrn", true), ("wrn", "mine", false), ("gaea", "mine", true)]);
        assert_eq!((pairs[0].share, pairs[2].share), (1.0, 1.0));
        assert!(pairs[1].share < 0.5);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (number(-0.001, 2), signed(-0.001, 2), signed(0.126, 2), signed(-1.0, 1)),
            ("0.00".into(), "0.00".into(), "+0.13".into(), "-1.0".into())
        );
        assert_eq!((number(f64::NAN, 2), signed(f64::INFINITY, 1)), ("NaN".into(), "+inf".into()));
        assert_eq!((enough(0.0004, 3), enough(0.0, 3), enough(0.5, 3), enough(1e-30, 3)), (4, 3, 3, 3));
    }
}
