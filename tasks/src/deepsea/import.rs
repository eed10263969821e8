//! From the originals to a store: which file was given, and what is said about it.

use std::path::{Path, PathBuf};

use super::{FACTS, filtered};
use crate::error::grouped;
use crate::progress::Progress;
use crate::store::{Origin, Part, Provenance, Source};
use crate::{Error, ErrorKind, Summary};

const NPZ: &str = "deepsea_filtered.npz";

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    filtered::import(&find(from)?, data_dir, progress)
}

/// What `from` is or holds.
fn find(from: &Path) -> Result<PathBuf, Error> {
    if !from.is_dir() {
        return Ok(from.to_owned());
    }
    let npz = from.join(NPZ);
    if npz.is_file() {
        return Ok(npz);
    }
    let what = format!("there is no {NPZ} in it");
    Err(Error::new(ErrorKind::Missing, what, "give that file, or the folder that holds it").at(from))
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
