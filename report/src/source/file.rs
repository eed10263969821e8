//! A table of figures as CSV: `task,method,seed,metric,value`, or `task,method,metric,mean,std` with an optional `n`.
//!
//! The header says which; columns stand in any order, and others than these are passed over, so our own `table2.csv` is
//! read back. Figures are in the paper's units.

use super::{Error, metric, names};
use crate::model::{Entry, Group, Origin, Table, facts};
use std::collections::BTreeMap;
use std::path::Path;
use tasks::Direction;

const SEEDS: &str = "task,method,seed,metric,value";
const MEANS: &str = "task,method,metric,mean,std";

/// Which of the two forms a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Seeds,
    Means,
}

/// Reads a file.
///
/// # Errors
/// If it cannot be read, or is no such table: file, line, column, what to do.
pub fn read(path: &Path) -> Result<Table, Error> {
    let bytes = std::fs::read(path).map_err(|e| {
        let what =
            if e.kind() == std::io::ErrorKind::NotFound { "there is no such file".to_owned() } else { e.to_string() };
        Error::new(path, format!("cannot be read: {what}"), "check the path given with --from")
    })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        Error { line: Some(line), ..Error::new(path, "is not UTF-8 text", "save it as CSV in UTF-8") }
    })?;
    parse(path, &text)
}

/// Reads a file's text.
///
/// # Errors
/// Likewise.
pub fn parse(path: &Path, text: &str) -> Result<Table, Error> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let fields = fields(path, i + 1, line)?;
        if fields.iter().any(|f| !f.is_empty()) {
            lines.push((i + 1, fields));
        }
    }
    let Some(((at, head), rows)) = lines.split_first() else {
        return Err(Error::new(
            path,
            "is empty",
            format!("it needs a header, {SEEDS} or {MEANS}, and a line a figure"),
        ));
    };
    let head = Header::of(path, *at, head)?;
    if rows.is_empty() {
        return Err(Error::new(path, "has a header and no figures", "it needs a line a figure"));
    }
    let mut reader =
        Reader { path, head, table: Table::new(Origin::File(path.display().to_string())), ..Reader::new(path) };
    for (line, fields) in rows {
        reader.line(*line, fields)?;
    }
    Ok(reader.done())
}

/// The fields of one line.
fn fields(path: &Path, line: usize, text: &str) -> Result<Vec<String>, Error> {
    let broken = |what: &str| Error {
        line: Some(line),
        ..Error::new(path, what, "a field with a comma stands in double quotes, on one line")
    };
    if !text.matches('"').count().is_multiple_of(2) {
        return Err(broken("a double quote is not closed"));
    }
    let mut csv =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    match csv.records().next() {
        None => Ok(Vec::new()),
        Some(Ok(record)) => Ok(record.iter().map(str::to_owned).collect()),
        Some(Err(e)) => Err(broken(&e.to_string())),
    }
}

/// Where the columns are.
#[derive(Debug, Default)]
struct Header {
    form: Option<Form>,
    columns: Vec<String>,
}

impl Header {
    fn of(path: &Path, line: usize, fields: &[String]) -> Result<Self, Error> {
        let columns: Vec<String> = fields.iter().map(|f| f.to_lowercase()).collect();
        let fail = |what: String, fix: String| Error { line: Some(line), ..Error::new(path, what, fix) };
        let has = |name: &str| columns.iter().any(|c| c == name);
        if columns.len() == 1 && (columns[0].contains(';') || columns[0].contains('\t')) {
            return Err(fail(
                "the header has no commas".to_owned(),
                "save it with commas between the columns".to_owned(),
            ));
        }
        for (i, name) in columns.iter().enumerate() {
            if !name.is_empty() && columns[..i].contains(name) {
                return Err(fail(
                    format!("column '{}' stands twice", name.escape_debug()),
                    "leave one of them".to_owned(),
                ));
            }
        }
        let form = match (has("value") || has("seed"), has("mean") || has("std")) {
            (true, true) => {
                let what = "the header mixes seed or value with mean or std".to_owned();
                return Err(fail(what, format!("choose one form: {SEEDS} or {MEANS}")));
            }
            (false, true) => Form::Means,
            _ => Form::Seeds,
        };
        let wanted = if form == Form::Means { MEANS } else { SEEDS };
        let missing: Vec<&str> = wanted.split(',').filter(|name| !has(name)).collect();
        if missing.len() == 5 {
            return Err(fail("there is no header".to_owned(), format!("the first line is {SEEDS} or {MEANS}")));
        }
        if !missing.is_empty() {
            let what = format!("the header lacks {}", missing.join(", "));
            return Err(fail(what, format!("a file is {SEEDS} or {MEANS}, in any order")));
        }
        Ok(Self { form: Some(form), columns })
    }

    fn at(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == column)
    }
}

struct Reader<'a> {
    path: &'a Path,
    head: Header,
    table: Table,
    /// Seeds' figures by cell, and the line that each stands in.
    seeds: BTreeMap<(&'static str, String), Vec<(u64, f64)>>,
    lines: BTreeMap<(&'static str, String, Option<u64>), usize>,
    /// Tasks and what was said of them.
    said: BTreeMap<(&'static str, &'static str), ()>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path) -> Self {
        Self {
            path,
            head: Header::default(),
            table: Table::new(Origin::Paper),
            seeds: BTreeMap::new(),
            lines: BTreeMap::new(),
            said: BTreeMap::new(),
        }
    }

    fn line(&mut self, line: usize, fields: &[String]) -> Result<(), Error> {
        let path = self.path;
        if fields.len() != self.head.columns.len() {
            let what = format!("{} fields where the header has {}", fields.len(), self.head.columns.len());
            return Err(Error {
                line: Some(line),
                ..Error::new(path, what, "give every column its field, if an empty one")
            });
        }
        let get = |column: &str| self.head.at(column).map_or("", |c| fields[c].as_str());
        let fail = |column: &str, what: String, fix: &str| Error {
            path: path.to_owned(),
            line: Some(line),
            column: Some(column.to_owned()),
            what,
            fix: fix.to_owned(),
        };
        let task = names::task(get("task"))
            .map_err(|near| fail("task", format!("there is no task '{}'", get("task").escape_debug()), &near))?;
        if get("method").is_empty() {
            return Err(fail("method", "it is empty".to_owned(), "name the row"));
        }
        let method = names::method(get("method"));
        let number = |column: &str| {
            let what = || format!("'{}' is not a number", get(column).escape_debug());
            let fix = "write figures like 23.35, NaN for a run that diverged; leave lines without a figure out";
            get(column).parse::<f64>().map_err(|_| fail(column, what(), fix))
        };
        let given = get("metric");
        let reading = metric::reading(facts(task), given);
        let seed = match self.head.form {
            Some(Form::Seeds) => Some(get("seed").parse::<u64>().map_err(|_| {
                let what = format!("'{}' is not a seed", get("seed").escape_debug());
                fail("seed", what, "seeds are whole numbers from 0")
            })?),
            _ => None,
        };
        let key = (task, method.clone(), seed);
        if let Some(before) = self.lines.get(&key) {
            let of = seed.map_or(String::new(), |s| format!(", seed {s}"));
            let what = format!("{task}, {method}{of} stands in line {before} already");
            return Err(Error { line: Some(line), ..Error::new(path, what, "leave one of the two") });
        }
        let value = if seed.is_some() {
            let value = reading.of(number("value")?);
            self.seeds.entry((task, method.clone())).or_default().push((seed.unwrap_or(0), value));
            value
        } else {
            let mean = reading.of(number("mean")?);
            let std = if get("std").is_empty() { None } else { Some(reading.of_std(number("std")?)) };
            if std.is_some_and(|s| s < 0.0) {
                return Err(fail("std", format!("{} is below 0", get("std")), "a deviation is 0 or more, or empty"));
            }
            let n = match get("n") {
                "" => 0,
                n => n.parse().map_err(|_| {
                    fail(
                        "n",
                        format!("'{}' is not a number of seeds", n.escape_debug()),
                        "write a whole number, or nothing",
                    )
                })?,
            };
            let entry = Entry { mean, std: std.filter(|s| s.is_finite()), n, ..Entry::default() };
            self.table.put(task, &method, entry);
            mean
        };
        self.lines.insert(key, line);
        if let Some(words) = reading.words(facts(task), given) {
            self.say(task, "reading", words);
        }
        let metric = facts(task).metric;
        let (low, high, range) = match metric.direction {
            Direction::Higher => (0.0, 1.0, "0 to 1"),
            Direction::Lower if metric.unit == "%" => (0.0, 100.0, "0 to 100"),
            Direction::Lower => (0.0, f64::INFINITY, "0 and more"),
        };
        if value.is_finite() && !(low..=high).contains(&value) {
            let words =
                format!("{task}: line {line} has {value}, and {} is {range}: is its unit the paper's?", metric.name);
            self.say(task, "range", words);
        }
        // The order of rows is the file's; figures of seeds follow at the end.
        if !self.table.methods.iter().any(|m| m.name == method) {
            let place = self.table.methods.len();
            self.table.methods.push(crate::model::Method::named(&method, place));
        }
        Ok(())
    }

    /// Once a task and kind.
    fn say(&mut self, task: &'static str, kind: &'static str, words: String) {
        if self.said.insert((task, kind), ()).is_none() {
            self.table.notices.push(words);
        }
    }

    fn done(mut self) -> Table {
        for ((task, method), seeds) in self.seeds {
            self.table.put(task, &method, Entry::of_seeds(seeds));
        }
        self.table.methods.sort();
        let given: Vec<&str> =
            self.table.methods.iter().filter(|m| m.group == Group::Given).map(|m| m.name.as_str()).collect();
        if !given.is_empty() {
            let words = format!("Rows that the benchmark has not, ranked with the others: {}", given.join(", "));
            self.table.notices.push(words);
        }
        for (task, method) in self.table.entries.keys() {
            if nas::protocol::method_named(method).is_some_and(|m| !m.covers(task)) {
                self.table.notices.push(format!("{method} on {task} is no cell of the protocol; it is shown as given"));
            }
        }
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Table {
        parse(Path::new("t.csv"), text).unwrap_or_else(|e| panic!("{e}"))
    }

    fn refused(text: &str) -> String {
        parse(Path::new("t.csv"), text).unwrap_err().to_string()
    }

    #[test]
    fn seeds_in_any_order_of_lines_and_columns() {
        let t = parsed(
            "\u{feff}value, Metric ,seed,method,task\r\n0.2,relative L2,1,mine,darcy\r\n\r\n , , , , \r\n0.1,,0,mine,Darcy\r\nNaN,,0,gaea,darcy\r\n\"3\",,2,mine,darcy",
        );
        let e = t.entry("darcy", "mine").unwrap();
        assert_eq!(e.seeds, [(0, 0.1), (1, 0.2), (2, 3.0)]);
        assert!((e.mean - 1.1).abs() < 1e-12 && e.n == 3);
        assert!(t.entry("darcy", "gaea").unwrap().mean.is_nan());
        assert_eq!(t.methods.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["gaea", "mine"]);
        assert_eq!(t.notices, ["Rows that the benchmark has not, ranked with the others: mine"]);
    }

    #[test]
    fn means_with_and_without_deviation_and_number() {
        let t = parsed("task,method,metric,mean,std\ncifar100,WRN default,accuracy %,75,1.5\necg,amber,F1,.67,\n");
        let wrn = t.entry("cifar100", "wrn").unwrap();
        assert_eq!((wrn.mean, wrn.std, wrn.n), (25.0, Some(1.5), 0));
        assert_eq!(t.entry("ecg", "amber").unwrap().std, None);
        assert_eq!(t.notices, ["cifar100: 'accuracy %' was turned into 0-1 error %: 100 - figure"]);
        let t = parsed("n,task,method,metric,mean,std,published_mean\n3,ecg,wrn,F1,inf,NaN,0.57\n");
        let wrn = t.entry("ecg", "wrn").unwrap();
        assert_eq!((wrn.mean, wrn.std, wrn.n), (f64::INFINITY, None, 3));
    }

    #[test]
    fn what_is_odd_is_said_once_a_task() {
        let t =
            parsed("task,method,metric,mean,std\nfsd50k,wrn,score,8,\nfsd50k,gaea,score,6,\nfsd50k,autodl,mAP,0.1,\n");
        assert_eq!(
            t.notices,
            [
                "fsd50k: 'score' is not known there, its figures were taken as mAP",
                "fsd50k: line 2 has 8, and mAP is 0 to 1: is its unit the paper's?",
                "autodl on fsd50k is no cell of the protocol; it is shown as given",
            ]
        );
    }

    #[test]
    fn damage_is_named_with_line_column_and_way_out() {
        let head = "task,method,seed,metric,value\n";
        for (text, part) in [
            (String::new(), "t.csv: is empty; it needs a header"),
            ("\n \n".to_owned(), "is empty"),
            (head.to_owned(), "has a header and no figures"),
            (
                format!("{head}ninpro,wrn,0,,1\n"),
                "line 2, column task: there is no task 'ninpro'; did you mean 'ninapro'?",
            ),
            (format!("{head}\ndarcy,wrn,0,,0,1\n"), "line 3: 6 fields where the header has 5"),
            (format!("{head}darcy,wrn,0,,abc\n"), "line 2, column value: 'abc' is not a number"),
            (format!("{head}darcy,wrn,0,,\n"), "column value: '' is not a number"),
            (format!("{head}darcy,wrn,x,,1\n"), "column seed: 'x' is not a seed"),
            (format!("{head}darcy,,0,,1\n"), "column method: it is empty"),
            (format!("{head}darcy,wrn,0,,1\ndarcy,WRN,0,,2\n"), "line 3: darcy, wrn, seed 0 stands in line 2 already"),
            (format!("{head}darcy,\"wrn,0,,1\n"), "line 2: a double quote is not closed"),
            ("task,method,metric,mean,std\ndarcy,wrn,,1,-1\n".to_owned(), "column std: -1 is below 0"),
            ("task,method,metric,mean,std,n\ndarcy,wrn,,1,,x\n".to_owned(), "column n: 'x' is not a number of seeds"),
            ("task,method,metric,mean,std\ndarcy,wrn,,1,\ndarcy,wrn,,1,\n".to_owned(), "stands in line 2 already"),
            ("task,method,metric,value\ndarcy,wrn,,1\n".to_owned(), "line 1: the header lacks seed"),
            ("task,method,metric,mean\ndarcy,wrn,,1\n".to_owned(), "the header lacks std"),
            ("task,method,seed,metric,mean,std\n".to_owned(), "mixes seed or value with mean or std"),
            ("task,task,seed,metric,value\n".to_owned(), "column 'task' stands twice"),
            ("darcy,wrn,0,relative L2,0.1\n".to_owned(), "there is no header"),
            ("task;method;seed;metric;value\n".to_owned(), "no commas"),
        ] {
            let said = refused(&text);
            assert!(said.starts_with("t.csv") && said.contains(part), "{text:?}: {said}");
        }
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("latin.csv");
        assert!(read(&path).unwrap_err().to_string().contains("there is no such file"));
        std::fs::write(&path, b"task,method\n\xe9").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 2: is not UTF-8"));
    }
}
