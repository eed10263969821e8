//! The benchmark's `challenge2017.pkl`: a dict of `data`, an array a record, and `label`, in the file's order.
//!
//! The split is drawn from that order, as the benchmark's code does. A file whose order is that of the names draws the split
//! that the challenge's archive draws; nothing in the file says whether it is, since it holds no names.

use super::class;
use super::import::{MOST_SAMPLES, Records};
use crate::Error;
use crate::error::grouped;
use crate::formats::array::{Array, Class};
use crate::formats::pickle::{Object, Pickle};

const FIX: &str = "give the task's own challenge2017.pkl";

/// The records of a pickle.
pub(super) struct Pickled<'a> {
    records: Vec<Object<'a>>,
    labels: Vec<i32>,
}

impl<'a> Pickled<'a> {
    pub(super) fn open(pickle: &'a Pickle<'a>) -> Result<Self, Error> {
        let wrong = |what: String| Error::invalid(what, FIX);
        let dict = pickle.root();
        let Some(keys) = dict.keys() else {
            return Err(wrong(format!("holds {}, not the dict of 'data' and 'label'", dict.what())));
        };
        let keys: Vec<String> = keys.take(8).map(|k| format!("'{}'", k.escape_debug())).collect();
        let field = |name: &str| {
            let found = dict.get(name);
            found.ok_or_else(|| wrong(format!("its dict has no '{name}' (it has {})", keys.join(", "))))
        };
        let (data, label) = (field("data")?, field("label")?);
        let odd = |name: &str, o: Object<'_>| wrong(format!("'{name}' is {}, not a list of records", o.what()));
        let records: Vec<_> = data.items().ok_or_else(|| odd("data", data))?.collect();
        let texts: Vec<Option<String>> = match (label.items(), label.array()) {
            (Some(items), _) => items.map(|o| o.text().map(str::to_owned)).collect(),
            (None, Some(array)) => (0..array.len()).map(|i| array.text(i)).collect(),
            (None, None) => return Err(odd("label", label)),
        };
        if records.len() != texts.len() {
            let (n, l) = (grouped(records.len() as u64), grouped(texts.len() as u64));
            return Err(wrong(format!("'data' has {n} records and 'label' has {l}")));
        }
        let mut labels = Vec::with_capacity(texts.len());
        for (i, text) in texts.into_iter().enumerate() {
            let label = text.as_deref().and_then(class);
            labels.push(label.ok_or_else(|| {
                let shown = text.map_or("no text".into(), |t| format!("'{}'", t.escape_debug()));
                let shown: String = shown.chars().take(40).collect();
                wrong(format!("'label' is {shown} in record {}; it may be N, A, O and ~", grouped(i as u64)))
            })?);
        }
        Ok(Self { records, labels })
    }
}

impl Records for Pickled<'_> {
    fn labels(&self) -> &[i32] {
        &self.labels
    }

    fn notices(&self) -> &[String] {
        &[]
    }

    fn read(&mut self, i: usize, out: &mut Vec<f64>) -> Result<(), Error> {
        let array = self.records[i].array().filter(|a: &Array<'_>| {
            let numbers = matches!(a.element().class, Class::Int | Class::UInt | Class::Float);
            numbers && a.len() <= MOST_SAMPLES && matches!(a.shape(), [_] | [_, 1] | [1, _])
        });
        let wrong = |what: &str| Error::invalid(format!("record {} {what}", grouped(i as u64)), FIX);
        let array = array.ok_or_else(|| wrong("is no series of numbers"))?;
        out.resize(array.len(), 0.0);
        if !array.numbers(0, out) || out.iter().any(|v| !v.is_finite()) {
            return Err(wrong("has a value that is no finite number"));
        }
        Ok(())
    }
}
