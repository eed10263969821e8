//! The benchmark's files: `tr.csv`, `val.csv`, `eval.csv` (chunk, labels, clip), `lbl_map.json`, the chunks as WAV files, and
//! noise; a folder or `audio.zip`.

use std::collections::BTreeMap;
use std::path::Path;

use super::chunks::{Spectrograms, chunk, write_clips};
use super::mel::RATE;
use super::{FACTS, official};
use crate::error::grouped;
use crate::formats::bundle::{Bundle, Index};
use crate::formats::wav::Wav;
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, Sizes, Summary};

const FIX: &str = "give the folder of data/chunks/{tr,val,eval}.csv and lbl_map.json, or audio.zip; of the official release \
                   the folder of FSD50K.ground_truth, FSD50K.dev_audio and FSD50K.eval_audio, unpacked";
/// No CSV of either release is larger than a tenth of this, no chunk than a tenth of that.
pub(super) const MOST_TEXT: u64 = 1 << 30;
pub(super) const MOST_WAV: u64 = 1 << 28;
/// Of the noise, which the benchmark keeps apart from the chunks.
const NOISE: &str = "noise_22050/";
/// Chunks between two reports.
const STRIDE: usize = 256;

/// A clip's chunks by the names of their files, its labels, its number.
#[derive(Debug)]
pub(super) struct Clip {
    pub(super) files: Vec<String>,
    pub(super) labels: Vec<u16>,
    pub(super) number: i64,
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    Bundle::open(from)?.index(|index| import_index(index, data_dir, progress))
}

fn import_index(index: &mut Index<'_>, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let mut sources = Vec::new();
    let mut text = |index: &mut Index<'_>, name: &str| -> Result<Vec<u8>, Error> {
        let bytes = index.read(name, MOST_TEXT).map_err(|e| Error { fix: FIX.to_owned(), ..e })?;
        sources.push(Source::of(name, &bytes));
        Ok(bytes)
    };
    let map = text(index, "lbl_map.json")?;
    let map = labels_of(&map).map_err(|e| e.at(&index.place("lbl_map.json")))?;
    let classes = map.values().max().map_or(0, |&l| usize::from(l) + 1);
    let mut notices = Vec::new();
    let mut splits = Vec::new();
    // The official tables, which may lie beside, have the same names.
    let beside = |name: &str| match index.find("lbl_map.json").and_then(|map| map.rsplit_once('/')) {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    };
    let names = ["tr.csv", "val.csv", "eval.csv"].map(beside);
    for name in &names {
        let bytes = text(index, name)?;
        let (clips, gone) =
            clips_of(&bytes, &map, |file| index.find(file).is_some()).map_err(|e| e.at(&index.place(name)))?;
        if gone > 0 {
            notices.push(format!("{} chunks of {} are not there", grouped(gone as u64), last(name)));
        }
        splits.push(clips);
    }
    let sizes = Sizes { train: splits[0].len(), val: splits[1].len(), test: splits[2].len() };
    official::gaps(&mut notices, sizes, classes);
    if [sizes.train, sizes.val, sizes.test].contains(&0) {
        let what = format!("has {} + {} + {} clips with chunks that are there", sizes.train, sizes.val, sizes.test);
        return Err(Error::invalid(what, FIX));
    }
    let mut noise: Vec<String> = index.names().filter(|n| n.contains(NOISE) && n.ends_with(".wav")).map(last).collect();
    noise.sort_unstable();
    if noise.is_empty() {
        notices.push("no noise to mix in".to_owned());
    }
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance: if notices.is_empty() { Provenance::Original } else { Provenance::Partial },
        seed: None,
        sources,
        task: FACTS.name.to_owned(),
        outputs: classes,
        notices,
    };
    let total: usize = splits.iter().flatten().map(|c| c.files.len()).sum();
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let mut done = 0;
    for (part, clips) in Part::ALL.into_iter().zip(&splits) {
        let mut split = store.split(part)?;
        let mut spectrograms = Spectrograms::begin(&mut split, "x", true)?;
        for file in clips.iter().flat_map(|c| &c.files) {
            if done % STRIDE == 0 {
                progress.report("importing fsd50k", done as u64, total as u64, Unit::Items);
            }
            done += 1;
            spectrograms.push(chunk(&samples(index, file)?, 0), &mut split)?;
        }
        spectrograms.flush(&mut split)?;
        let chunks: Vec<usize> = clips.iter().map(|c| c.files.len()).collect();
        let labels: Vec<Vec<u16>> = clips.iter().map(|c| c.labels.clone()).collect();
        let numbers: Vec<i64> = clips.iter().map(|c| c.number).collect();
        write_clips(&mut split, &chunks, &labels, &numbers, classes)?;
        if part == Part::Train && !noise.is_empty() {
            let mut spectrograms = Spectrograms::begin(&mut split, "noise", false)?;
            for file in &noise {
                let samples = samples(index, file)?;
                // Whole seconds; a shorter file is repeated.
                for start in (0..samples.len().max(RATE) + 1 - RATE).step_by(RATE) {
                    spectrograms.push(chunk(&samples, start), &mut split)?;
                }
            }
            spectrograms.flush(&mut split)?;
        }
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("importing fsd50k", total as u64, total as u64, Unit::Items);
    Summary::of(data_dir, &super::Fsd50k)
}

/// The last part of a name.
fn last(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
}

fn samples(index: &mut Index<'_>, file: &str) -> Result<Vec<f64>, Error> {
    let wav = Wav::parse(&index.read(file, MOST_WAV)?).map_err(|e| e.at(&index.place(file)))?;
    if wav.rate as usize != RATE {
        let what = format!("has {} samples a second, not {RATE}", wav.rate);
        return Err(Error::invalid(what, "give the benchmark's chunks, or the official release").at(&index.place(file)));
    }
    Ok(wav.samples)
}

/// Label names and their numbers.
fn labels_of(json: &[u8]) -> Result<BTreeMap<String, u16>, Error> {
    let map: BTreeMap<String, u16> = serde_json::from_slice(json)
        .map_err(|e| Error::invalid(format!("is no map from labels to numbers ({e})"), FIX))?;
    let mut numbers: Vec<u16> = map.values().copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() != map.len() || map.is_empty() || numbers.len() != usize::from(numbers[numbers.len() - 1]) + 1 {
        return Err(Error::invalid("its numbers are not 0, 1, 2 ..., each once", FIX));
    }
    Ok(map)
}

/// Clips in the order in which they are first met, and how many of their chunks are not there.
fn clips_of(
    csv: &[u8],
    map: &BTreeMap<String, u16>,
    is_there: impl Fn(&str) -> bool,
) -> Result<(Vec<Clip>, usize), Error> {
    let mut rows = official::Table::open(csv, ["files", "labels", "ext"])?;
    let (mut clips, mut places, mut gone) = (Vec::<Clip>::new(), BTreeMap::new(), 0);
    while let Some((line, [file, labels, ext])) = rows.next()? {
        // Paths are the author's machine's; a file's own name is what counts.
        let file = last(&file);
        if !is_there(&file) {
            gone += 1;
            continue;
        }
        let number = ext
            .trim()
            .parse()
            .map_err(|_| Error::invalid(format!("line {line}: the clip '{}' is no number", ext.escape_debug()), FIX))?;
        let labels = official::numbers(&labels, map, line)?;
        let at = *places.entry(number).or_insert_with(|| {
            clips.push(Clip { files: Vec::new(), labels: labels.clone(), number });
            clips.len() - 1
        });
        if clips[at].labels != labels {
            let what = format!("line {line}: clip {number} has other labels than before");
            return Err(Error::invalid(what, FIX));
        }
        clips[at].files.push(file);
    }
    Ok((clips, gone))
}
