//! The official release: `FSD50K.ground_truth/{dev,eval,vocabulary}.csv` and the clips at 44,100 samples a second in
//! `FSD50K.dev_audio/` and `FSD50K.eval_audio/`, unpacked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::FACTS;
use super::chunks::{Spectrograms, chunk, starts, write_clips};
use super::import::{MOST_TEXT, MOST_WAV};
use super::mel::RATE;
use super::resample::halve;
use crate::error::grouped;
use crate::formats::bundle::{Bundle, read_all};
use crate::formats::wav::Wav;
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Sizes, Summary};

const FIX: &str = "give the folder of FSD50K.ground_truth, FSD50K.dev_audio and FSD50K.eval_audio";
const TRUTH: &str = "FSD50K.ground_truth";
/// Clips between two reports.
const STRIDE: usize = 16;

/// Whether `from` holds clips of this release (ground truth alone, as beside the benchmark's chunks, does not count).
pub(super) fn is_there(from: &Path) -> bool {
    from.join(TRUTH).is_dir() && from.join("FSD50K.dev_audio").is_dir()
}

/// A clip that is there.
struct Clip {
    path: PathBuf,
    labels: Vec<u16>,
    number: i64,
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let truth = Bundle::open(&from.join(TRUTH))?;
    let mut sources = Vec::new();
    let mut text = |name: &str| -> Result<Vec<u8>, Error> {
        let bytes = truth.read(name, MOST_TEXT)?;
        sources.push(Source::of(name, &bytes));
        Ok(bytes)
    };
    let [vocabulary, dev, eval] = ["vocabulary.csv", "dev.csv", "eval.csv"];
    let [v, d, e] = [text(vocabulary)?, text(dev)?, text(eval)?];
    let at = |name: &str, e: Error| e.at(&from.join(TRUTH).join(name));
    let map = vocabulary_of(&v).map_err(|e| at(vocabulary, e))?;
    let (mut splits, mut gone) = ([Vec::new(), Vec::new(), Vec::new()], 0);
    let mut take = |split: usize, folder: &str, number: String, labels: Vec<u16>, line: u64| -> Result<(), Error> {
        let number: i64 = number.trim().parse().map_err(|_| {
            Error::invalid(format!("line {line}: the clip '{}' is no number", number.escape_debug()), FIX)
        })?;
        let path = from.join(folder).join(format!("{number}.wav"));
        if path.is_file() {
            splits[split].push(Clip { path, labels, number });
        } else {
            gone += 1;
        }
        Ok(())
    };
    let mut read_dev = || -> Result<(), Error> {
        let mut rows = Table::open(&d, ["fname", "labels", "split"])?;
        while let Some((line, [number, labels, split])) = rows.next()? {
            let split = match split.as_str() {
                "train" => 0,
                "val" => 1,
                other => {
                    let what = format!("line {line}: the split '{}' is neither train nor val", other.escape_debug());
                    return Err(Error::invalid(what, FIX));
                }
            };
            take(split, "FSD50K.dev_audio", number, numbers(&labels, &map, line)?, line)?;
        }
        Ok(())
    };
    read_dev().map_err(|e| at(dev, e))?;
    let mut read_eval = || -> Result<(), Error> {
        let mut rows = Table::open(&e, ["fname", "labels"])?;
        while let Some((line, [number, labels])) = rows.next()? {
            take(2, "FSD50K.eval_audio", number, numbers(&labels, &map, line)?, line)?;
        }
        Ok(())
    };
    read_eval().map_err(|e| at(eval, e))?;
    let sizes = Sizes { train: splits[0].len(), val: splits[1].len(), test: splits[2].len() };
    if [sizes.train, sizes.val, sizes.test].contains(&0) {
        let what = format!("has {} + {} + {} listed clips that are there", sizes.train, sizes.val, sizes.test);
        return Err(Error::new(ErrorKind::Missing, what, FIX).at(from));
    }
    let mut notices = Vec::new();
    if gone > 0 {
        notices.push(format!("{} listed clips are not there", grouped(gone as u64)));
    }
    gaps(&mut notices, sizes, map.len());
    notices.push("no noise to mix in".to_owned());
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        // Complete or not: without the benchmark's noise and with our resampling these are not the benchmark's chunks.
        provenance: Provenance::Partial,
        seed: None,
        sources,
        task: FACTS.name.to_owned(),
        outputs: map.len(),
        notices,
    };
    let (total, mut done) = (sizes.train + sizes.val + sizes.test, 0);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    for (part, clips) in Part::ALL.into_iter().zip(&splits) {
        let mut split = store.split(part)?;
        let mut spectrograms = Spectrograms::begin(&mut split, "x", true)?;
        let mut chunks = Vec::with_capacity(clips.len());
        for clip in clips {
            if done % STRIDE == 0 {
                progress.report("importing fsd50k", done as u64, total as u64, Unit::Items);
            }
            done += 1;
            let samples = samples(&clip.path)?;
            chunks.push(starts(samples.len()).count());
            for start in starts(samples.len()) {
                spectrograms.push(chunk(&samples, start), &mut split)?;
            }
        }
        spectrograms.flush(&mut split)?;
        let labels: Vec<Vec<u16>> = clips.iter().map(|c| c.labels.clone()).collect();
        let numbers: Vec<i64> = clips.iter().map(|c| c.number).collect();
        write_clips(&mut split, &chunks, &labels, &numbers, map.len())?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("importing fsd50k", total as u64, total as u64, Unit::Items);
    Summary::of(data_dir, &super::Fsd50k)
}

/// A clip at half its rate.
fn samples(path: &Path) -> Result<Vec<f64>, Error> {
    let mut file = std::fs::File::open(path).map_err(|e| Error::io(path, "open", &e))?;
    let wav = read_all("clip", &mut file, MOST_WAV).and_then(|b| Wav::parse(&b)).map_err(|e| e.at(path))?;
    match wav.rate as usize {
        RATE => Ok(wav.samples),
        rate if rate == 2 * RATE => Ok(halve(&wav.samples)),
        rate => {
            let what = format!("has {rate} samples a second, not {} or {RATE}", 2 * RATE);
            Err(Error::invalid(what, "give the official release").at(path))
        }
    }
}

/// Lines of a number, a label and its code.
fn vocabulary_of(csv: &[u8]) -> Result<BTreeMap<String, u16>, Error> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    let mut map = BTreeMap::new();
    for (i, row) in reader.records().enumerate() {
        let row = row.map_err(|e| Error::invalid(format!("is no table ({e})"), FIX))?;
        let (Some(Ok(number)), Some(label)) = (row.get(0).map(str::parse::<u16>), row.get(1)) else {
            return Err(Error::invalid(format!("line {}: not a number and a label", i + 1), FIX));
        };
        if usize::from(number) != i || map.insert(label.to_owned(), number).is_some() {
            return Err(Error::invalid(format!("line {}: label {number} is out of turn or there twice", i + 1), FIX));
        }
    }
    if map.is_empty() {
        return Err(Error::invalid("names no label", FIX));
    }
    Ok(map)
}

/// Numbers of a list of labels, sorted.
pub(super) fn numbers(list: &str, map: &BTreeMap<String, u16>, line: u64) -> Result<Vec<u16>, Error> {
    let number = |label: &str| {
        map.get(label.trim()).copied().ok_or_else(|| {
            let what = format!("line {line}: there is no label '{}'", label.escape_debug());
            Error::invalid(what, "take all files from the same release")
        })
    };
    let mut numbers: Vec<u16> = list.split(',').map(number).collect::<Result<_, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Notices where sizes or labels are not the published ones.
pub(super) fn gaps(notices: &mut Vec<String>, sizes: Sizes, classes: usize) {
    let published = FACTS.sizes;
    for (have, want, what) in [
        (sizes.train, published.train, "training clips"),
        (sizes.val, published.val, "validation clips"),
        (sizes.test, published.test, "test clips"),
    ] {
        if have != want {
            notices.push(format!("{} of {} {what}", grouped(have as u64), grouped(want as u64)));
        }
    }
    if classes != FACTS.outputs {
        notices.push(format!("{classes} labels instead of {}", FACTS.outputs));
    }
}

/// Some columns of a CSV with a header.
pub(super) struct Table<'a, const N: usize> {
    rows: csv::StringRecordsIntoIter<&'a [u8]>,
    columns: [usize; N],
}

impl<'a, const N: usize> Table<'a, N> {
    pub(super) fn open(csv: &'a [u8], names: [&str; N]) -> Result<Self, Error> {
        let bad = |e: csv::Error| Error::invalid(format!("is no table ({e})"), "copy or download it again");
        let mut reader = csv::Reader::from_reader(csv);
        let header = reader.headers().map_err(bad)?.clone();
        let mut columns = [0; N];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = header.iter().position(|h| h.trim() == name).ok_or_else(|| {
                let have: Vec<&str> = header.iter().take(8).collect();
                let what = format!("has no column '{name}' (it has {})", have.join(", ").escape_debug());
                Error::invalid(what, "give the release's own file")
            })?;
        }
        Ok(Self { rows: reader.into_records(), columns })
    }

    /// The next row's line and fields.
    pub(super) fn next(&mut self) -> Result<Option<(u64, [String; N])>, Error> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        let row = row.map_err(|e| Error::invalid(format!("is no table ({e})"), "copy or download it again"))?;
        let line = row.position().map_or(0, csv::Position::line);
        Ok(Some((line, self.columns.map(|c| row.get(c).unwrap_or_default().to_owned()))))
    }
}
