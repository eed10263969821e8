//! One split's file as items: rows of a fixed shape, or windows cut out of records of any length.

use std::path::Path;
use std::sync::Arc;

use safetensors::Dtype;

use crate::store::Stored;
use crate::{Error, Part, Task};

/// How items are cut out of records of any length: windows that begin at 0, stride, 2 stride ... while they end within the
/// record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Samples of an item.
    pub length: usize,
    /// The stride in what is fitted, class by class.
    pub fitted: &'static [usize],
    /// The stride in what is judged, which may not know its class.
    pub judged: usize,
}

/// What windows are for: the stride depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Fit,
    Judge,
}

/// The windows of a file's records, one after the other.
#[derive(Debug)]
struct Cuts {
    /// Where each window begins, in numbers of the tensor, and its record.
    windows: Vec<(usize, u32)>,
    /// Number of each record's first window; one more at the end.
    first: Vec<u32>,
}

/// One file of items. Of a fixed shape: `x` f32 `[N, ...]`, and `y` i32 `[N]` (class numbers) or f32 `[N, ...]` (targets). Ragged:
/// `signal` f32 [S, channels], all records one after the other; `offsets` i64 `[R + 1]`, where each begins; `label` i32 `[R]`.
#[derive(Debug)]
pub(crate) struct Items {
    pub(crate) stored: Arc<Stored>,
    len: usize,
    pub(crate) x_shape: Vec<usize>,
    pub(crate) y_shape: Vec<usize>,
    pub(crate) classes: bool,
    cuts: Option<Cuts>,
}

impl Items {
    pub(crate) fn open(folder: &Path, part: Part, task: &dyn Task) -> Result<Self, Error> {
        let stored = Arc::new(Stored::open(folder, part)?);
        match task.windows() {
            Some(windows) => Self::ragged(stored, windows, if part == Part::Train { Use::Fit } else { Use::Judge }),
            None => Self::fixed(stored),
        }
    }

    /// The same file for another use: where items are cut, they are cut anew.
    pub(crate) fn reused(self: &Arc<Self>, task: &dyn Task, to: Use) -> Result<Arc<Self>, Error> {
        match task.windows() {
            Some(windows) => Self::ragged(Arc::clone(&self.stored), windows, to).map(Arc::new),
            None => Ok(Arc::clone(self)),
        }
    }

    fn fixed(stored: Arc<Stored>) -> Result<Self, Error> {
        let shape = |name: &str| {
            let split = stored.tensor_type(name).and_then(|(dtype, shape)| Some((dtype, shape.split_first()?)));
            split.map(|(dtype, (&n, item))| (dtype, n, item.to_vec())).ok_or_else(|| {
                let what = format!("holds no tensor '{name}' of items");
                Error::invalid(what, "import the task again").at(stored.path())
            })
        };
        let ((_, len, x_shape), (y_type, y_len, y_shape)) = (shape("x")?, shape("y")?);
        let classes = y_type == Dtype::I32;
        // One look at each tensor's type and alignment: batches rely on them.
        stored.tensor::<f32>("x", Dtype::F32)?;
        if classes {
            stored.tensor::<i32>("y", Dtype::I32)?;
        } else {
            stored.tensor::<f32>("y", Dtype::F32)?;
        }
        let deep = x_shape.len().max(y_shape.len()) + 1 > kernels::shape::MAX_RANK;
        let hollow = x_shape.contains(&0) || y_shape.contains(&0);
        if len != y_len || deep || hollow || (classes && !y_shape.is_empty()) {
            let what = format!("{len} inputs of shape {x_shape:?} do not go with {y_len} targets of shape {y_shape:?}");
            return Err(Error::invalid(what, "import the task again").at(stored.path()));
        }
        Ok(Self { stored, len, x_shape, y_shape, classes, cuts: None })
    }

    fn ragged(stored: Arc<Stored>, windows: Windows, to: Use) -> Result<Self, Error> {
        let wrong = |what: String| Error::invalid(what, "import the task again").at(stored.path());
        stored.tensor::<f32>("signal", Dtype::F32)?;
        let offsets = stored.tensor::<i64>("offsets", Dtype::I64)?;
        let labels = stored.tensor::<i32>("label", Dtype::I32)?;
        let &[samples, channels] = stored.tensor_type("signal").map_or(&[][..], |(_, shape)| shape) else {
            return Err(wrong("'signal' is not samples by channels".into()));
        };
        let ends = (offsets.first().copied(), offsets.last().and_then(|&n| usize::try_from(n).ok()));
        let rising = offsets.windows(2).all(|w| w[0] <= w[1]);
        if channels == 0 || ends != (Some(0), Some(samples)) || !rising || offsets.len() != labels.len() + 1 {
            let (n, l) = (offsets.len(), labels.len());
            return Err(wrong(format!("{n} offsets do not go with {l} labels and {samples} samples")));
        }
        let mut cuts = Cuts { windows: Vec::new(), first: vec![0] };
        for (record, (span, &label)) in offsets.windows(2).zip(labels).enumerate() {
            let fitted = usize::try_from(label).ok().and_then(|l| windows.fitted.get(l).copied());
            let fitted = fitted.ok_or_else(|| wrong(format!("record {record} has the label {label}")))?;
            let stride = if to == Use::Fit { fitted } else { windows.judged };
            // Both lie in 0..=samples.
            let (mut start, end) = (span[0] as usize, span[1] as usize);
            while start + windows.length <= end {
                cuts.windows.push((start * channels, record as u32));
                start += stride;
            }
            let count = u32::try_from(cuts.windows.len());
            cuts.first.push(count.map_err(|_| wrong("more windows than 32 bits can number".into()))?);
        }
        let (len, x_shape) = (cuts.windows.len(), vec![windows.length, channels]);
        Ok(Self { stored, len, x_shape, y_shape: Vec::new(), classes: true, cuts: Some(cuts) })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Records, where items are cut out of them; else items.
    pub(crate) fn groups(&self) -> usize {
        self.cuts.as_ref().map_or(self.len, |c| c.first.len() - 1)
    }

    /// Number of an item's record.
    pub(crate) fn group(&self, at: usize) -> usize {
        self.cuts.as_ref().map_or(at, |c| c.windows[at].1 as usize)
    }

    /// The items of a record.
    pub(crate) fn of_group(&self, group: usize) -> std::ops::Range<usize> {
        match &self.cuts {
            None => group..group + 1,
            Some(c) => c.first[group] as usize..c.first[group + 1] as usize,
        }
    }

    /// Where the numbers of an item begin in [`Items::x`], `each` being their number.
    pub(crate) fn start(&self, at: usize, each: usize) -> usize {
        self.cuts.as_ref().map_or(at * each, |c| c.windows[at].0)
    }

    pub(crate) fn belongs_with(&self, other: &Self) -> bool {
        let same_shapes =
            (&self.x_shape, &self.y_shape, self.classes) == (&other.x_shape, &other.y_shape, other.classes);
        same_shapes && self.stored.meta().origin == other.stored.meta().origin
    }

    pub(crate) fn x(&self) -> &[f32] {
        let name = if self.cuts.is_some() { "signal" } else { "x" };
        self.stored.tensor(name, Dtype::F32).expect("checked by open")
    }

    pub(crate) fn targets(&self) -> &[f32] {
        self.stored.tensor("y", Dtype::F32).expect("checked by open")
    }

    /// Class numbers, one a record where items are cut out of records; else one an item: by [`Items::group`].
    pub(crate) fn labels(&self) -> &[i32] {
        let name = if self.cuts.is_some() { "label" } else { "y" };
        self.stored.tensor(name, Dtype::I32).expect("checked by open")
    }
}
