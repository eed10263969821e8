//! From the originals to a store: which file was given, and what is said about it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::{FACTS, filtered, originals};
use crate::error::grouped;
use crate::progress::Progress;
use crate::store::{Origin, Part, Provenance, Source};
use crate::{Error, ErrorKind, Summary};

const NPZ: &str = "deepsea_filtered.npz";
const TAR: &str = "deepsea_train.tar.gz";

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    if !from.is_dir() {
        return if is_zip(from)? {
            filtered::import(from, data_dir, progress)
        } else {
            originals::import(from, data_dir, progress)
        };
    }
    let npz = from.join(NPZ);
    if npz.is_file() {
        return filtered::import(&npz, data_dir, progress);
    }
    if from.join(TAR).is_file() {
        return originals::import(&from.join(TAR), data_dir, progress);
    }
    if originals::FILES.iter().any(|f| from.join(f.name).is_file()) {
        return originals::import(from, data_dir, progress);
    }
    let what = format!("there is no {NPZ} in it, no {TAR}, and none of train.mat, valid.mat and test.mat");
    Err(Error::new(ErrorKind::Missing, what, "give that file, or the folder that holds it").at(from))
}

/// Whether the file is the benchmark's own (or nothing that can be told apart) and not the originals' archive.
fn is_zip(path: &Path) -> Result<bool, Error> {
    let mut first = Vec::with_capacity(2);
    let file = File::open(path).map_err(|e| Error::io(path, "open", &e))?;
    file.take(2).read_to_end(&mut first).map_err(|e| Error::io(path, "read", &e))?;
    let tar = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tar"));
    Ok(first != [0x1f, 0x8b] && !tar)
}

/// Sequences of one part, as its file describes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub items: usize,
    pub length: usize,
    pub labels: usize,
}

/// What differs from the published data, a line each; `labels` are those of each part `[N, labels]`.
pub(super) fn gaps(sizes: &[Size; 3], labels: [&[u8]; 3]) -> (Vec<String>, Provenance) {
    let published = [FACTS.sizes.train, FACTS.sizes.val, FACTS.sizes.test];
    let mut notices = Vec::new();
    for ((part, size), want) in Part::ALL.into_iter().zip(sizes).zip(published) {
        if size.items != want {
            let (have, want) = (grouped(size.items as u64), grouped(want as u64));
            notices.push(format!("{have} of {want} {} sequences", long_name(part)));
        }
    }
    let Size { length, labels: count, .. } = sizes[0];
    if length != FACTS.input[0] {
        notices.push(format!("sequences of {} bases instead of {}", grouped(length as u64), grouped(FACTS.input[0])));
    }
    if count != FACTS.outputs {
        notices.push(format!("{count} labels instead of {}", FACTS.outputs));
    }
    let provenance = if notices.is_empty() { Provenance::Original } else { Provenance::Partial };
    for (part, labels) in Part::ALL.into_iter().zip(labels) {
        let both = |k: &usize| {
            let mut column = labels.iter().skip(*k).step_by(count);
            let first = column.next();
            column.any(|l| Some(l) != first)
        };
        let one_kind = count - (0..count).filter(both).count();
        if one_kind > 0 {
            let effect = if part == Part::Train { "" } else { "; the others leave the mean" };
            let split = long_name(part);
            notices.push(format!("{split} data have both kinds of {} of {count} labels{effect}", count - one_kind));
        }
    }
    (notices, provenance)
}

pub(super) fn long_name(part: Part) -> &'static str {
    ["training", "validation", "test"][part as usize]
}

/// What the store says of itself.
pub(super) fn origin(labels: usize, sources: Vec<Source>, notices: Vec<String>, provenance: Provenance) -> Origin {
    Origin {
        preprocessing: FACTS.preprocessing,
        provenance,
        seed: None,
        sources,
        task: FACTS.name.to_owned(),
        outputs: labels,
        notices,
    }
}
