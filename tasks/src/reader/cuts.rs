//! Windows cut out of records of any length.

use std::ops::Range;
use std::sync::Arc;

use kernels::rng::Stream;

use super::{Column, Reader, Use};
use crate::Error;
use crate::store::Stored;

/// How windows begin: at 0, stride, 2 stride ... while they end within the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Samples of an item.
    pub length: usize,
    /// The stride in what is fitted, class by class.
    pub fitted: &'static [usize],
    /// The stride in what is judged, which may not know its class.
    pub judged: usize,
}

/// `signal` f32 `[S, channels]`, all records one after the other; `offsets` i64 `[R + 1]`, where each begins; `label` i32
/// `[R]`.
pub struct Cuts {
    signal: Column<f32>,
    label: Column<i32>,
    shape: [usize; 2],
    /// Where each window begins, in numbers of the signal, and its record.
    windows: Vec<(usize, u32)>,
    /// Number of each record's first window; one more at the end.
    first: Vec<u32>,
}

impl Cuts {
    /// Cuts the records of a file.
    ///
    /// # Errors
    /// If it does not hold such tensors, or labels that `windows` has no stride for.
    pub fn open(stored: &Arc<Stored>, windows: Windows, to: Use) -> Result<Self, Error> {
        let wrong = |what: String| Error::invalid(what, "import the task again").at(stored.path());
        let signal = Column::<f32>::open(stored, "signal")?;
        let (offsets, label) = (Column::<i64>::open(stored, "offsets")?, Column::<i32>::open(stored, "label")?);
        let (samples, &[channels]) = (signal.rows(), signal.shape()) else {
            return Err(wrong("'signal' is not samples by channels".into()));
        };
        let (all, labels) = (offsets.all(), label.all());
        let ends = (all.first().copied(), all.last().and_then(|&n| usize::try_from(n).ok()));
        let rising = all.windows(2).all(|w| w[0] <= w[1]);
        if ends != (Some(0), Some(samples)) || !rising || all.len() != labels.len() + 1 {
            let (n, l) = (all.len(), labels.len());
            return Err(wrong(format!("{n} offsets do not go with {l} labels and {samples} samples")));
        }
        let (mut cuts, mut first) = (Vec::new(), vec![0]);
        for (record, (span, &label)) in all.windows(2).zip(labels).enumerate() {
            let fitted = usize::try_from(label).ok().and_then(|l| windows.fitted.get(l).copied());
            let fitted = fitted.ok_or_else(|| wrong(format!("record {record} has the label {label}")))?;
            let stride = if to == Use::Fit { fitted } else { windows.judged };
            // Both lie in 0..=samples.
            let (mut start, end) = (span[0] as usize, span[1] as usize);
            while start + windows.length <= end {
                cuts.push((start * channels, record as u32));
                start += stride;
            }
            let count = u32::try_from(cuts.len());
            first.push(count.map_err(|_| wrong("more windows than 32 bits can number".into()))?);
        }
        Ok(Self { signal, label, shape: [windows.length, channels], windows: cuts, first })
    }
}

impl Reader for Cuts {
    fn items(&self) -> usize {
        self.windows.len()
    }

    fn records(&self) -> usize {
        self.first.len() - 1
    }

    fn record(&self, item: usize) -> usize {
        self.windows[item].1 as usize
    }

    fn items_of(&self, record: usize) -> Range<usize> {
        self.first[record] as usize..self.first[record + 1] as usize
    }

    fn input(&self) -> &[usize] {
        &self.shape
    }

    fn target(&self) -> Option<&[usize]> {
        None
    }

    fn class(&self, item: usize) -> i32 {
        self.label.row(self.record(item))[0]
    }

    fn read(&self, item: usize, _: Option<&mut Stream>, x: &mut [f32], _: &mut [f32]) {
        x.copy_from_slice(self.signal.numbers(self.windows[item].0, x.len()));
    }
}
