//! A recording of NinaPro: one `.mat` file (version 5) of one subject and exercise, with the signal of each electrode, the
//! gesture at each sample and which repetition of it.

use super::FACTS;
use super::filter::prepare;
use crate::Error;
use crate::error::grouped;
use crate::formats::mat5::Mat5;
use crate::formats::matlab::{Matlab, Numbers};

const FIX: &str = "give the publisher's own S<subject>_E<exercise>_A1.mat";
/// Most samples (five hours), electrodes, and numbers of a gesture or a repetition.
const MOST_SAMPLES: usize = 3_600_000;
const MOST_ELECTRODES: usize = 64;
const MOST_NUMBER: f64 = 1_000.0;
/// Samples between the beginnings of two windows.
const STEP: usize = 5;
/// Samples of a window.
pub(super) const WINDOW: usize = FACTS.input[1];

/// Which subject, exercise and session, as the file is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) subject: u32,
    pub(super) exercise: u32,
    session: u32,
}

impl Name {
    /// From `S1_E2_A1.mat`.
    pub(super) fn parse(file: &str) -> Option<Self> {
        let stem = file.strip_suffix(".mat")?;
        let mut fields = stem.split('_');
        let mut number = |letter| -> Option<u32> {
            let digits = fields.next()?.strip_prefix(letter)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let name = Self { subject: number('S')?, exercise: number('E')?, session: number('A')? };
        fields.next().is_none().then_some(name)
    }

    pub(super) fn file(self) -> String {
        format!("S{}_E{}_A{}.mat", self.subject, self.exercise, self.session)
    }
}

/// A run of samples of one gesture (0: rest) and one repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) gesture: u32,
    /// Rest has that of the gesture before it; before the first, the first's.
    pub(super) repetition: u32,
    start: usize,
    end: usize,
}

impl Segment {
    /// Where windows begin, those that end in it. Between gestures there is as much rest as there is of all gestures, so
    /// windows of rest begin `gestures` times as far apart: rest weighs about as much as a gesture.
    pub(super) fn windows(&self, gestures: usize) -> impl ExactSizeIterator<Item = usize> + use<> {
        let step = if self.gesture == 0 { STEP * gestures } else { STEP };
        let count = (self.end - self.start).checked_sub(WINDOW).map_or(0, |room| room / step + 1);
        let start = self.start;
        (0..count).map(move |i| start + i * step)
    }
}

/// What a recording holds, its signal not read yet.
pub(super) struct Outline {
    pub(super) samples: usize,
    pub(super) electrodes: usize,
    pub(super) segments: Vec<Segment>,
}

/// A variable of a matrix with one row a sample.
fn variable<'a>(bytes: &'a [u8], name: &str) -> Result<(Box<dyn Numbers + 'a>, [usize; 2]), Error> {
    let numbers = Matlab::V5(Mat5::parse(bytes)?).numbers(name)?;
    match *numbers.dims() {
        [rows @ 1..=MOST_SAMPLES, columns @ 1..=MOST_ELECTRODES] => Ok((numbers, [rows, columns])),
        ref dims => {
            let most = grouped(MOST_SAMPLES as u64);
            let what = format!("'{name}' has dimensions {dims:?}, not samples (at most {most}) by columns");
            Err(Error::invalid(what, FIX))
        }
    }
}

/// A column of whole numbers from 0.
fn column(bytes: &[u8], name: &str, samples: usize) -> Result<Vec<u32>, Error> {
    let (mut numbers, dims) = variable(bytes, name)?;
    if dims != [samples, 1] {
        let what = format!("'{name}' has dimensions {dims:?} where 'emg' has {} samples", grouped(samples as u64));
        return Err(Error::invalid(what, FIX));
    }
    let mut values = vec![0.0; samples];
    numbers.read(&mut values)?;
    numbers.finish()?;
    let whole = |(i, &v): (usize, &f64)| {
        let sound = (0.0..=MOST_NUMBER).contains(&v) && v == v.trunc();
        let what = || format!("'{name}' is {v} at sample {}, no whole number from 0", grouped(i as u64));
        if sound { Ok(v as u32) } else { Err(Error::invalid(what(), FIX)) }
    };
    values.iter().enumerate().map(whole).collect()
}

/// Reads what happens when: the stimulus and the repetition as they were corrected afterwards, to what the muscles say.
pub(super) fn outline(bytes: &[u8]) -> Result<Outline, Error> {
    let (_, [samples, electrodes]) = variable(bytes, "emg")?;
    let gestures = column(bytes, "restimulus", samples)?;
    let repetitions = column(bytes, "rerepetition", samples)?;
    let mut segments: Vec<Segment> = Vec::new();
    let first = gestures.iter().position(|&g| g > 0);
    let mut last = first.map_or(0, |i| repetitions[i]);
    for (i, (&gesture, &repetition)) in gestures.iter().zip(&repetitions).enumerate() {
        if gesture > 0 {
            last = repetition;
        }
        match segments.last_mut() {
            Some(s) if (s.gesture, s.repetition) == (gesture, last) => s.end = i + 1,
            _ => segments.push(Segment { gesture, repetition: last, start: i, end: i + 1 }),
        }
    }
    Ok(Outline { samples, electrodes, segments })
}

/// The prepared signal `[electrodes, samples]` of the recording that `outline` was read from.
pub(super) fn signal(bytes: &[u8], outline: &Outline) -> Result<Vec<f32>, Error> {
    let (mut numbers, [samples, electrodes]) = variable(bytes, "emg")?;
    if (samples, electrodes) != (outline.samples, outline.electrodes) {
        return Err(Error::invalid("has changed while it was read", "import it when it is at rest"));
    }
    let (mut raw, mut out) = (vec![0.0; samples], Vec::with_capacity(samples * electrodes));
    for e in 0..electrodes {
        numbers.read(&mut raw)?;
        if let Some(i) = raw.iter().position(|v| !v.is_finite() || v.abs() > 1e9) {
            let what = format!("'emg' is {} at sample {} of electrode {}", raw[i], grouped(i as u64), e + 1);
            return Err(Error::invalid(what, "repair the file"));
        }
        prepare(&mut raw, &mut out);
    }
    numbers.finish()?;
    Ok(out)
}
