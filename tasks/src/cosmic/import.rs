//! The original files: stamps of 256 x 256 pixels, `npy_{train,test}/<filter>/<program>/<visit>/<exposure>_<tile>.npy`, and
//! `sky.npy` beside them, the sky levels of the visit's exposures; in `deepCR.ACS-WFC.{train,test}.tar`, or unpacked. Archives
//! are read twice from end to end, first for the names alone.
//!
//! The task uses one filter and the fields of galaxies; where there is none of those, all. Tiles are sorted by name, bytewise;
//! the first nine tenths of `npy_train` are for training, the others for validation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::original::{self, Field, HALVES, MOST_BYTES};
use super::slots::Slots;
use super::{FACTS, SIDE};
use crate::error::grouped;
use crate::formats::bundle::read_all;
use crate::progress::Progress;
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Sizes, Summary};

mod files;
use files::{ARCHIVES, Files};

/// The tiles that are taken, split by split, in the store's order; a tile is its half and its id.
struct Plan {
    tiles: Vec<(usize, String)>,
    sizes: Sizes,
    notices: Vec<String>,
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let files = Files::open(from)?;
    let mut plan = plan(&files, progress).map_err(|e| e.at(from))?;
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let mut read = Content::read(&files, &plan, data_dir, progress)?;
    plan.notices.append(&mut read.notices);
    let sky = read.skies(&plan)?;
    if read.without_sky > 0 {
        plan.notices.push(format!("{} tiles without sky level: no noise is added to them", grouped(read.without_sky)));
    }
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance: if plan.notices.is_empty() { Provenance::Original } else { Provenance::Partial },
        seed: None,
        sources: vec![read.source()],
        task: FACTS.name.to_owned(),
        outputs: FACTS.outputs,
        notices: plan.notices,
    };
    let mut slots = read.slots.ok_or_else(|| Error::invalid("holds no tile", "report this").at(from))?;
    let mut start = 0;
    for (part, n) in [(Part::Train, plan.sizes.train), (Part::Val, plan.sizes.val), (Part::Test, plan.sizes.test)] {
        let mut split = store.split(part)?;
        slots.write(&mut split, start..start + n, &sky[start..start + n])?;
        store.finish(split, &origin)?;
        start += n;
    }
    store.publish()?;
    Summary::of(data_dir, &super::Cosmic)
}

/// Which tiles are taken.
fn plan(files: &Files, progress: &dyn Progress) -> Result<Plan, Error> {
    let mut notices = Vec::new();
    let mut halves = [BTreeSet::new(), BTreeSet::new()];
    let mut used = [BTreeSet::new(), BTreeSet::new()];
    let mut unknown = BTreeSet::new();
    files.each("looking for cosmic's tiles", progress, &mut |place, _| {
        if place.is_sky() {
            return Ok(());
        }
        halves[place.half].insert(place.id());
        match place.field() {
            Some(Field::Galaxy) => _ = used[place.half].insert(place.id()),
            Some(Field::Unknown) => _ = unknown.insert(place.visit.to_owned()),
            Some(Field::Other) | None => {}
        }
        Ok(())
    })?;
    if !unknown.is_empty() && used.iter().any(|ids| !ids.is_empty()) {
        let n = grouped(unknown.len() as u64);
        notices.push(format!("{n} f435w visits whose field is not known to be a galaxy's or another: left out"));
    }
    for ((all, used), folder) in halves.iter_mut().zip(used).zip(HALVES) {
        if !used.is_empty() {
            *all = used;
        } else if !all.is_empty() {
            let n = grouped(all.len() as u64);
            notices.push(format!("{folder} has no f435w tile of a galaxy's field: all its {n} tiles are taken"));
        }
    }
    let [fit, test] = halves.map(|ids| ids.into_iter().collect::<Vec<String>>());
    let of = |half: usize, ids: Vec<String>| ids.into_iter().map(move |id| (half, id));
    let published = FACTS.sizes;
    if fit.is_empty() || test.is_empty() {
        let half = usize::from(fit.is_empty());
        let mut ids = if half == 0 { fit } else { test };
        let (n, want) = (ids.len(), HALVES[1 - half]);
        let what = || format!("holds {n} tiles under {} and none under {want}", HALVES[half]);
        if n > 0 && files.are_packed() {
            let fix = format!("put {} beside it and give their folder", ARCHIVES[1 - half]);
            return Err(Error::new(ErrorKind::Missing, what(), fix));
        }
        if n < 3 {
            let fix = "give the folder of npy_train and npy_test, or the archives deepCR.ACS-WFC.{train,test}.tar";
            return Err(Error::new(ErrorKind::Missing, what(), fix));
        }
        notices.push(format!(
            "no tiles under {want}: {} tiles are cut 8:1:1 by the hash of their names",
            grouped(n as u64)
        ));
        ids.sort_by_cached_key(|id| *blake3::hash(id.as_bytes()).as_bytes());
        let tenth = (n / 10).max(1);
        let sizes = Sizes { train: n - 2 * tenth, val: tenth, test: tenth };
        return Ok(Plan { tiles: of(half, ids).collect(), sizes, notices });
    }
    let train = fit.len() * 9 / 10;
    let sizes = Sizes { train, val: fit.len() - train, test: test.len() };
    if train == 0 {
        let what = "holds one tile under npy_train, too few to keep a tenth for validation";
        return Err(Error::invalid(what, "give at least 2"));
    }
    for (have, want, what) in
        [(fit.len(), published.train + published.val, "training"), (test.len(), published.test, "test")]
    {
        if have != want {
            notices.push(format!("{} of {} {what} tiles", grouped(have as u64), grouped(want as u64)));
        }
    }
    Ok(Plan { tiles: of(0, fit).chain(of(1, test)).collect(), sizes, notices })
}

/// What the files hold.
struct Content {
    slots: Option<Slots>,
    /// By half and visit.
    skies: BTreeMap<(usize, String), Vec<f32>>,
    /// Hash and bytes of each file that was read.
    hashes: BTreeMap<String, ([u8; 32], u64)>,
    notices: Vec<String>,
    without_sky: u64,
}

impl Content {
    /// Reads every tile of the plan into its slot.
    fn read(files: &Files, plan: &Plan, data_dir: &Path, progress: &dyn Progress) -> Result<Self, Error> {
        let places: BTreeMap<(usize, &str), usize> =
            plan.tiles.iter().enumerate().map(|(slot, (half, id))| ((*half, &**id), slot)).collect();
        let mut visits: BTreeSet<(usize, &str)> = BTreeSet::new();
        for (half, id) in &plan.tiles {
            visits.insert((*half, id.rsplit_once('/').map_or("", |(visit, _)| visit)));
        }
        let mut content =
            Self { slots: None, skies: BTreeMap::new(), hashes: BTreeMap::new(), notices: Vec::new(), without_sky: 0 };
        files.each("importing cosmic", progress, &mut |place, file| {
            let id = place.id();
            let slot = places.get(&(place.half, &*id)).copied();
            if slot.is_none() && !(place.is_sky() && visits.contains(&(place.half, place.visit))) {
                return Ok(());
            }
            let bytes = read_all(place.file, file, MOST_BYTES)?;
            let hash = *blake3::hash(&bytes).as_bytes();
            let name = format!("{}/{id}", HALVES[place.half]);
            if content.hashes.insert(name, (hash, bytes.len() as u64)).is_some() {
                return Err(Error::invalid("is there twice", "remove one of the two"));
            }
            match slot {
                Some(slot) => content.tile(slot, &bytes, data_dir),
                None => {
                    content.skies.insert((place.half, place.visit.to_owned()), original::skies(&bytes)?);
                    Ok(())
                }
            }
        })?;
        Ok(content)
    }

    /// Puts a stamp's centre into a slot.
    fn tile(&mut self, slot: usize, bytes: &[u8], data_dir: &Path) -> Result<(), Error> {
        let (tile, size) = original::tile(bytes)?;
        let slots = match &mut self.slots {
            Some(slots) => slots,
            None => {
                if size != [SIDE; 2] {
                    let [h, w] = size;
                    self.notices.push(format!("tiles of {h} x {w} pixels instead of {SIDE} x {SIDE}"));
                }
                self.slots.insert(Slots::begin(data_dir, size)?)
            }
        };
        if size != slots.size() {
            let ([h, w], [i, j]) = (size, slots.size());
            let what = format!("gives a tile of {h} x {w} pixels where others give {i} x {j}");
            return Err(Error::invalid(what, "give stamps of one size, or none smaller than 128 x 128"));
        }
        slots.put(slot, &tile)
    }

    /// The sky of each tile of the plan; 0 where its visit has none.
    fn skies(&mut self, plan: &Plan) -> Result<Vec<f32>, Error> {
        let mut out = Vec::with_capacity(plan.tiles.len());
        for (half, id) in &plan.tiles {
            let (visit, file) = id.rsplit_once('/').unwrap_or(("", id));
            let path = Path::new(HALVES[*half]).join(id);
            let exposure = original::exposure(file).map_err(|e| e.at(&path))?;
            let Some(levels) = self.skies.get(&(*half, visit.to_owned())) else {
                self.without_sky += 1;
                out.push(0.0);
                continue;
            };
            let level = levels.get(exposure - 1).ok_or_else(|| {
                let what = format!("is of exposure {exposure}, and its sky.npy has {} levels", levels.len());
                Error::invalid(what, "give the sky.npy of the same visit").at(&path)
            })?;
            out.push(*level);
        }
        Ok(out)
    }

    /// All files that were read, as one: the hash of their sorted names and hashes, wherever they lay.
    fn source(&self) -> Source {
        let mut hasher = blake3::Hasher::new();
        let mut bytes = 0;
        for (name, (hash, size)) in &self.hashes {
            hasher.update(name.as_bytes()).update(b"\n").update(hash);
            bytes += size;
        }
        let name = format!("{} files of {} and {}", self.hashes.len(), HALVES[0], HALVES[1]);
        Source { blake3: hasher.finalize().to_hex().to_string(), bytes, name }
    }
}
