//! The publisher's recordings: NinaPro DB5, `s1/S1_E2_A1.mat` and so on, as folders or as the archives they come in.
//!
//! Exercise 2 (17 gestures of hand and wrist) with rest are the task's 18 classes. A window is 52 samples of one gesture and
//! one repetition; the second repetition validates, the fifth tests, as is the custom with this dataset, so no window of a
//! part overlaps one of another. How the benchmark's own windows were made is not known, and the notices say so.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::recording::{Name, Outline, Segment, WINDOW, outline, signal};
use super::{FACTS, Ninapro, Writing, missing_classes, origin, part_by_hash};
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::zip::Zip;
use crate::progress::{Progress, Unit};
use crate::store::Source;
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, ErrorKind, Summary};

const FIX: &str = "give the folder that holds s1/S1_E2_A1.mat and so on, or s1.zip and so on";
/// Most bytes of a recording in an archive.
const MOST: u64 = 512 << 20;
/// The exercise that has the task's classes, and the subjects of DB5.
const EXERCISE: u32 = 2;
const SUBJECTS: usize = 10;

/// Where a recording lies.
enum Place {
    File(PathBuf),
    /// An archive by number, and a file of it.
    Zip(usize, usize),
}

/// The recordings at hand by name; a file goes before one in an archive.
struct Recordings {
    zips: Vec<(PathBuf, Mapped)>,
    places: BTreeMap<Name, Place>,
}

/// A recording's bytes.
enum Bytes {
    Mapped(Mapped),
    Unpacked(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Unpacked(bytes) => bytes,
        }
    }
}

/// Entries of a folder, sorted.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |e| Error::io(folder, "list", &e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        paths.push(entry.map_err(io)?.path());
    }
    paths.sort();
    Ok(paths)
}

impl Recordings {
    /// Looks at a file, or at a folder and the folders in it.
    fn find(from: &Path) -> Result<Self, Error> {
        let mut all = Self { zips: Vec::new(), places: BTreeMap::new() };
        let mut paths = if from.is_dir() { list(from)? } else { vec![from.to_owned()] };
        for folder in paths.extract_if(.., |p| p.is_dir()).collect::<Vec<_>>() {
            paths.extend(list(&folder)?.into_iter().filter(|p| p.is_file()));
        }
        let name = |p: &Path| p.file_name().and_then(|n| Name::parse(n.to_str()?));
        for (name, path) in paths.iter().filter_map(|p| Some((name(p)?, p))) {
            let place = Place::File(path.clone());
            if let Some(Place::File(other)) = all.places.insert(name, place) {
                let what = format!("{} is there twice, also as {}", name.file(), other.display());
                return Err(Error::invalid(what, "leave one of them").at(path));
            }
        }
        for path in paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "zip")) {
            let map = Mapped::open(&path)?;
            let zip = Zip::parse(&map).map_err(|e| e.at(&path))?;
            for (i, entry) in zip.entries().iter().enumerate() {
                let file = entry.name.rsplit('/').next().unwrap_or_default();
                if let Some(name) = Name::parse(file) {
                    all.places.entry(name).or_insert(Place::Zip(all.zips.len(), i));
                }
            }
            all.zips.push((path, map));
        }
        if all.places.is_empty() {
            let what = "there is no ninapro_train.npy in it and no recording such as S1_E2_A1.mat";
            let fix = "give the folder of the benchmark's files, or of NinaPro DB5";
            return Err(Error::new(ErrorKind::Missing, what, fix).at(from));
        }
        Ok(all)
    }

    /// Keeps one exercise, the task's if it is there; gives its number and those of all.
    fn keep_one_exercise(&mut self) -> (u32, Vec<u32>) {
        let mut exercises: Vec<u32> = self.places.keys().map(|n| n.exercise).collect();
        exercises.sort_unstable();
        exercises.dedup();
        let kept = if exercises.contains(&EXERCISE) { EXERCISE } else { exercises[0] };
        self.places.retain(|n, _| n.exercise == kept);
        (kept, exercises)
    }

    /// Hands over each recording's bytes, in the order of names.
    fn each(&self, mut f: impl FnMut(usize, Name, &[u8]) -> Result<(), Error>) -> Result<(), Error> {
        for (i, (&name, place)) in self.places.iter().enumerate() {
            let (path, bytes) = match place {
                Place::File(path) => (path, Bytes::Mapped(Mapped::open(path)?)),
                &Place::Zip(zip, entry) => {
                    let (path, map) = &self.zips[zip];
                    let mut bytes = Vec::new();
                    let read = Zip::parse(map).and_then(|mut zip| zip.read(entry, MOST, &mut bytes));
                    read.map_err(|e| e.at(path))?;
                    (path, Bytes::Unpacked(bytes))
                }
            };
            f(i, name, &bytes).map_err(|e| match place {
                Place::File(path) => e.at(path),
                Place::Zip(..) => Error { what: format!("{}: {}", name.file(), e.what), ..e }.at(path),
            })?;
        }
        Ok(())
    }
}

/// Gestures of all recordings, ascending, and where each segment's windows go.
struct Plan {
    gestures: Vec<u32>,
    anew: bool,
    counts: [Vec<usize>; 3],
}

impl Plan {
    fn new(recordings: &[(Name, Outline)]) -> Self {
        let segments = || recordings.iter().flat_map(|(name, o)| o.segments.iter().map(|s| (*name, s)));
        let mut gestures: Vec<u32> = segments().map(|(_, s)| s.gesture).filter(|&g| g > 0).collect();
        gestures.sort_unstable();
        gestures.dedup();
        let mut plan = Self { gestures, anew: false, counts: Default::default() };
        for anew in [false, true] {
            plan.anew = anew;
            plan.counts = std::array::from_fn(|_| vec![0; plan.gestures.len() + 1]);
            for (name, s) in segments() {
                let (part, class) = (plan.part(name, s), plan.class(s));
                plan.counts[part as usize][class] += s.windows(plan.gestures.len()).len();
            }
            if plan.counts.iter().all(|c| c.iter().any(|&n| n > 0)) {
                break;
            }
        }
        plan
    }

    /// By the repetition or, cut anew, by the hash of subject, session, gesture and repetition: windows of a segment
    /// overlap, so they stay together.
    fn part(&self, name: Name, s: &Segment) -> Part {
        match s.repetition {
            _ if self.anew => part_by_hash(&format!("{} {} {}", name.file(), s.gesture, s.repetition)),
            2 => Part::Val,
            5 => Part::Test,
            _ => Part::Train,
        }
    }

    fn class(&self, s: &Segment) -> usize {
        if s.gesture == 0 { 0 } else { 1 + self.gestures.partition_point(|&g| g < s.gesture) }
    }

    /// Windows by part.
    fn sizes(&self) -> [usize; 3] {
        self.counts.each_ref().map(|c| c.iter().sum())
    }
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let mut recordings = Recordings::find(from)?;
    let (exercise, exercises) = recordings.keep_one_exercise();
    let (mut outlines, mut sources) = (Vec::new(), Vec::new());
    let total = recordings.places.len() as u64;
    recordings.each(|i, name, bytes| {
        progress.report("reading ninapro's gestures", i as u64, total, Unit::Items);
        sources.push(Source::of(&name.file(), bytes));
        outlines.push((name, outline(bytes)?));
        Ok(())
    })?;

    let electrodes = outlines[0].1.electrodes;
    if let Some((name, odd)) = outlines.iter().find(|(_, o)| o.electrodes != electrodes) {
        let (odd, first) = (odd.electrodes, outlines[0].0.file());
        let what = format!("{} has {odd} electrodes where {first} has {electrodes}", name.file());
        return Err(Error::invalid(what, "give recordings of one dataset").at(from));
    }
    let plan = Plan::new(&outlines);
    let (sizes, classes) = (plan.sizes(), 1 + plan.gestures.len());
    if sizes.contains(&0) {
        let what = format!("its {} windows are too few to cut them into three parts", sizes.iter().sum::<usize>());
        return Err(Error::invalid(what, FIX).at(from));
    }
    let notices = notices(&plan, &outlines, exercise, &exercises);
    let origin = origin(Provenance::Partial, sources, classes, notices);

    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let mut writing = Writing::begin(&store, [electrodes, WINDOW])?;
    recordings.each(|i, name, bytes| {
        progress.report("importing ninapro", i as u64, total, Unit::Items);
        let outline = &outlines[i].1;
        let signal = signal(bytes, outline)?;
        for s in &outline.segments {
            for start in s.windows(plan.gestures.len()) {
                let mut class = Some(plan.class(s) as i32);
                for electrode in signal.chunks_exact(outline.samples) {
                    writing.push(plan.part(name, s), class.take(), &electrode[start..start + WINDOW])?;
                }
            }
        }
        Ok(())
    })?;
    writing.finish(&mut store, &origin)?;
    store.publish()?;
    progress.report("importing ninapro", total, total, Unit::Items);
    Summary::of(data_dir, &Ninapro)
}

fn notices(plan: &Plan, outlines: &[(Name, Outline)], exercise: u32, exercises: &[u32]) -> Vec<String> {
    let [train, val, test] = plan.sizes().map(|n| grouped(n as u64));
    let published = FACTS.sizes;
    let mut notices = vec![
        "windows cut here out of recordings: it is not known how the benchmark's were made".to_owned(),
        format!(
            "{train} + {val} + {test} windows instead of {} + {} + {}",
            grouped(published.train as u64),
            published.val,
            published.test
        ),
    ];
    let listed = exercises.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    notices.push(match exercise {
        EXERCISE => format!("exercise {EXERCISE} of {listed}"),
        other => format!("exercise {other} of {listed}: exercise {EXERCISE}, the task's, is not there"),
    });
    let mut subjects: Vec<u32> = outlines.iter().map(|(n, _)| n.subject).collect();
    subjects.dedup();
    let mut gap = |have: usize, want: usize, what: &str, instead: &str| {
        if have != want {
            notices.push(format!("{have} {instead} {want} {what}"));
        }
    };
    gap(subjects.len(), SUBJECTS, "subjects", "of");
    gap(outlines[0].1.electrodes, FACTS.input[0], "electrodes", "instead of");
    gap(1 + plan.gestures.len(), FACTS.outputs, "classes", "instead of");
    if plan.anew {
        notices.push(
            "a part is empty by repetition: repetitions are cut anew, 8:1:1 by the hash of their name".to_owned(),
        );
    }
    notices.extend(missing_classes(&plan.counts));
    notices
}
