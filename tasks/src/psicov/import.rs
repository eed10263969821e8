//! The benchmark's files: lists of proteins, a pickle of features and an array of distances for each; a folder or
//! `protein.zip`.

use std::path::Path;

use super::FACTS;
use super::store::{PAIR, Protein, RESIDUE, write_split};
use crate::error::grouped;
use crate::formats::array::{Array, Class};
use crate::formats::bundle::{Bundle, Index};
use crate::formats::npy::Npy;
use crate::formats::pickle::{Object, Pickle};
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Sizes, Summary};

const FIX: &str = "give the folder of deepcov.lst, psicov.lst, deepcov/ and psicov/, or protein.zip";
/// No protein's files are larger than a tenth of this, no list than a hundredth.
const MOST: u64 = 1 << 28;
/// The longest protein that is taken: its map has as many numbers squared.
const LONGEST: usize = 4_096;
/// Values of features lie within.
const BOUND: f64 = 100.0;
/// Proteins between two reports.
const STRIDE: usize = 8;

/// A protein that is there.
#[derive(Debug, Clone)]
struct Entry {
    id: String,
    features: String,
    distance: String,
    length: usize,
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    Bundle::open(from)?.index(|index| import_index(index, from, data_dir, progress))
}

fn import_index(
    index: &mut Index<'_>,
    from: &Path,
    data_dir: &Path,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    let (mut notices, mut sources, mut narrow) = (Vec::new(), Vec::new(), true);
    let mut lists = Vec::new();
    for set in ["deepcov", "psicov"] {
        let name = format!("{set}.lst");
        let bytes = index.read(&name, MOST).map_err(|e| Error { fix: FIX.to_owned(), ..e })?;
        sources.push(Source::of(&name, &bytes));
        let ids = ids_of(&bytes).map_err(|e| e.at(&index.place(&name)))?;
        let (mut there, mut hasher, mut size) = (Vec::new(), blake3::Hasher::new(), 0);
        for (i, id) in ids.iter().enumerate() {
            if i % STRIDE == 0 {
                let message = format!("looking through {set}");
                progress.report(&message, i as u64, ids.len() as u64, Unit::Items);
            }
            let features = format!("{set}/features/{id}.pkl");
            let distance = format!("{set}/distance/{id}-cb.npy");
            if index.find(&features).is_none() || index.find(&distance).is_none() {
                continue;
            }
            let mut entry = Entry { id: id.clone(), features, distance, length: 0 };
            let (protein, half, bytes) = read(index, &entry)?;
            for b in &bytes {
                hasher.update(b);
                size += b.len() as u64;
            }
            entry.length = protein.residue.len() / RESIDUE;
            narrow &= half;
            there.push(entry);
        }
        if there.len() < ids.len() {
            let (have, want) = (grouped(there.len() as u64), grouped(ids.len() as u64));
            notices.push(format!("{have} of the {want} proteins of {name} are there"));
        }
        sources.push(Source { blake3: hasher.finalize().to_hex().to_string(), bytes: size, name: format!("{set}/") });
        lists.push(there);
    }
    let splits = match published(lists) {
        Ok(splits) => splits,
        Err(listed) => {
            let mut all: Vec<Entry> = listed.into_iter().flatten().collect();
            let before = all.len();
            for mut entry in unlisted(index, &all) {
                let (protein, half, _) = read(index, &entry)?;
                entry.length = protein.residue.len() / RESIDUE;
                narrow &= half;
                all.push(entry);
            }
            if all.len() > before {
                notices.push(format!(
                    "{} proteins that no list names are taken too",
                    grouped((all.len() - before) as u64)
                ));
            }
            notices.push(
                "a list without proteins: all that are there are cut 8 : 1 : 1 by the hash of their names".into(),
            );
            cut(all).map_err(|e| e.at(from))?
        }
    };
    let sizes = Sizes { train: splits[0].len(), val: splits[1].len(), test: splits[2].len() };
    let want = FACTS.sizes;
    for (have, want, what) in [
        (sizes.train, want.train, "training proteins"),
        (sizes.val, want.val, "validation proteins"),
        (sizes.test, want.test, "test proteins"),
    ] {
        if have != want {
            notices.push(format!("{} of {} {what}", grouped(have as u64), grouped(want as u64)));
        }
    }
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance: if notices.is_empty() { Provenance::Original } else { Provenance::Partial },
        seed: None,
        sources,
        task: FACTS.name.to_owned(),
        outputs: FACTS.outputs,
        notices,
    };
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut done, total) = (0, 3 * (sizes.train + sizes.val + sizes.test) as u64);
    for (part, entries) in Part::ALL.into_iter().zip(&splits) {
        let lengths: Vec<i64> = entries.iter().map(|e| e.length as i64).collect();
        let mut split = store.split(part)?;
        write_split(&mut split, &lengths, narrow, |_, i| {
            if i % STRIDE == 0 {
                progress.report("importing psicov", done, total, Unit::Items);
            }
            done += 1;
            let protein = read(index, &entries[i])?.0;
            if protein.residue.len() != entries[i].length * RESIDUE {
                let what = "changed while it was being imported";
                return Err(Error::invalid(what, "import again").at(&index.place(&entries[i].features)));
            }
            Ok(protein)
        })?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("importing psicov", total, total, Unit::Items);
    Summary::of(data_dir, &super::Psicov)
}

/// Training, validation, test: of the first list its first share validates; the second is for test. Gives the lists back if a
/// split would be empty.
fn published(lists: Vec<Vec<Entry>>) -> Result<[Vec<Entry>; 3], Vec<Vec<Entry>>> {
    let sizes = FACTS.sizes;
    let val = lists[0].len() * sizes.val / (sizes.train + sizes.val);
    if val == 0 || lists[1].is_empty() {
        return Err(lists);
    }
    let mut lists = lists.into_iter();
    let (mut fit, test) = (lists.next().unwrap_or_default(), lists.next().unwrap_or_default());
    let train = fit.split_off(val);
    Ok([train, fit, test])
}

/// Proteins with both files that are not among `listed`.
fn unlisted(index: &Index<'_>, listed: &[Entry]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for name in index.names() {
        let Some((folder, file)) = name.split_once("/features/") else { continue };
        let (set, Some(id)) = (folder.rsplit('/').next().unwrap_or(folder), file.strip_suffix(".pkl")) else {
            continue;
        };
        let (features, distance) = (format!("{set}/features/{id}.pkl"), format!("{set}/distance/{id}-cb.npy"));
        if index.find(&distance).is_some() && !listed.iter().any(|e| e.features == features) {
            entries.push(Entry { id: id.to_owned(), features, distance, length: 0 });
        }
    }
    entries
}

/// All cut 8 : 1 : 1, in the order of the BLAKE3 of their names.
fn cut(mut all: Vec<Entry>) -> Result<[Vec<Entry>; 3], Error> {
    if all.len() < 3 {
        let what = format!("holds {} proteins, too few for three splits", all.len());
        return Err(Error::new(ErrorKind::Missing, what, FIX));
    }
    all.sort_by_key(|e| *blake3::hash(e.id.as_bytes()).as_bytes());
    let tenth = (all.len() / 10).max(1);
    let test = all.split_off(all.len() - tenth);
    let val = all.split_off(all.len() - tenth);
    Ok([all, val, test])
}

/// The first word of each line, each once.
fn ids_of(list: &[u8]) -> Result<Vec<String>, Error> {
    let text = std::str::from_utf8(list).map_err(|_| Error::invalid("is not text", FIX))?;
    let mut ids: Vec<String> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let Some(id) = line.split_whitespace().next() else { continue };
        if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) || id.starts_with('.') {
            let what = format!("line {}: '{}' is no protein's name", n + 1, id.escape_debug());
            return Err(Error::invalid(what, FIX));
        }
        ids.push(id.to_owned());
    }
    let mut sorted: Vec<&String> = ids.iter().collect();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
        return Err(Error::invalid(format!("names {} twice", twice[0]), FIX));
    }
    Ok(ids)
}

/// A protein, whether all of it is in 16 bits, and the two files' bytes.
fn read(index: &mut Index<'_>, entry: &Entry) -> Result<(Protein, bool, [Vec<u8>; 2]), Error> {
    let bytes = [index.read(&entry.features, MOST)?, index.read(&entry.distance, MOST)?];
    let features = read_features(&bytes[0]).map_err(|e| e.at(&index.place(&entry.features)))?;
    let (length, distance, half) = read_distance(&bytes[1]).map_err(|e| e.at(&index.place(&entry.distance)))?;
    if length != features.0 {
        let what = format!("has {length} residues where its features have {}", features.0);
        return Err(Error::invalid(what, FIX).at(&index.place(&entry.distance)));
    }
    let protein = Protein { residue: features.1, pair: features.2, distance };
    Ok((protein, features.3 && half, bytes))
}

/// Numbers of an array of this shape, within bounds, and whether they are in 16 bits.
fn numbers(object: Object<'_>, name: &str, shape: &[usize], bounds: [f64; 2]) -> Result<(Vec<f64>, bool), Error> {
    let wrong = |what: String| Error::invalid(what, FIX);
    let array: Array<'_> =
        object.array().ok_or_else(|| wrong(format!("'{name}' is {}, not an array of numbers", object.what())))?;
    if array.shape() != shape {
        return Err(wrong(format!("'{name}' has the shape {:?}, not {shape:?}", array.shape())));
    }
    let mut numbers = vec![0.0; array.len()];
    if !array.numbers(0, &mut numbers) {
        return Err(wrong(format!("'{name}' is an array of {}, not of numbers", array.element().name())));
    }
    let inside = |v: &f64| v.is_nan() && bounds[0] == 0.0 || (bounds[0]..=bounds[1]).contains(v);
    if let Some(at) = numbers.iter().position(|v| !inside(v)) {
        return Err(wrong(format!("'{name}' has {} at number {at}, out of {:?}", numbers[at], bounds)));
    }
    Ok((numbers, array.element().class == Class::Float && array.element().size == 2))
}

/// Length, `[L, 27]`, `[L, L, 3]`, and whether all of it is in 16 bits.
fn read_features(bytes: &[u8]) -> Result<(usize, Vec<f32>, Vec<f32>, bool), Error> {
    let pickle = Pickle::parse(bytes)?;
    let wrong = |what: String| Error::invalid(what, FIX);
    let field = |name: &str| pickle.root().get(name).ok_or_else(|| wrong(format!("holds no dict with '{name}'")));
    let sequence = field("seq")?.text().ok_or_else(|| wrong("'seq' is no text".into()))?;
    let n = sequence.chars().count();
    if n == 0 || n > LONGEST {
        return Err(wrong(format!("'seq' has {n} residues; 1 to {LONGEST} are taken")));
    }
    let mut narrow = true;
    let mut get = |name: &str, shape: &[usize]| -> Result<Vec<f64>, Error> {
        let (numbers, half) = numbers(field(name)?, name, shape, [-BOUND, BOUND])?;
        narrow &= half;
        Ok(numbers)
    };
    let (ss, pssm) = (get("ss", &[3, n])?, get("pssm", &[n, 22])?);
    let (sa, entropy) = (get("sa", &[n])?, get("entropy", &[n])?);
    let maps = [get("ccmpred", &[n, n])?, get("freecon", &[n, n])?, get("potential", &[n, n])?];
    let mut residue = Vec::with_capacity(n * RESIDUE);
    for i in 0..n {
        residue.extend([0, 1, 2].map(|k| ss[k * n + i] as f32));
        residue.extend(pssm[i * 22..(i + 1) * 22].iter().map(|&v| v as f32));
        residue.extend([sa[i] as f32, entropy[i] as f32]);
    }
    let mut pair = Vec::with_capacity(n * n * PAIR);
    (0..n * n).for_each(|i| pair.extend(maps.each_ref().map(|m| m[i] as f32)));
    Ok((n, residue, pair, narrow))
}

/// Length, `[L, L]`, and whether it is in 16 bits: an array of three objects, length, sequence, map.
fn read_distance(bytes: &[u8]) -> Result<(usize, Vec<f32>, bool), Error> {
    let wrong = |what: String| Error::invalid(what, FIX);
    let Npy::Objects(pickle) = Npy::parse(bytes)? else {
        return Err(wrong("holds an array, not a length, a sequence and a map".into()));
    };
    let items: Vec<Object<'_>> = pickle.root().items().map(Iterator::collect).unwrap_or_default();
    let &[length, _, map] = &items[..] else {
        return Err(wrong(format!("holds {} objects, not a length, a sequence and a map", items.len())));
    };
    let n = length.integer().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=LONGEST).contains(n));
    let n = n.ok_or_else(|| wrong(format!("its length is no number from 1 to {LONGEST}")))?;
    // NaN is a distance that is not known; nothing is further than a long chain.
    let (map, half) = numbers(map, "map", &[n, n], [0.0, 4.0 * LONGEST as f64])?;
    Ok((n, map.iter().map(|&v| v as f32).collect(), half))
}
