//! The original files: `piececonst_r*_smooth1.mat` (training, validation) and `piececonst_r*_smooth2.mat` (test).
//!
//! Each holds `coeff` and `sol`, MATLAB arrays of (fields, s, s), or of (s, s, fields) where the first two are equal and the
//! last two are not; the first of the two equal ones counts rows. (Dimensions are MATLAB's; HDF5 writes them last first.)
//!
//! The first 900 fields of smooth1 are for training, the next 100 for validation, the first 100 of smooth2 for testing; a
//! smaller smooth1 is divided in the same proportion. Fields of 421 nodes a side are kept at every fifth node, others at
//! every node.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype;

use super::FACTS;
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::matlab::{Matlab, Numbers};
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Summary};

const FIX: &str = "give the task's own files, piececonst_r421_N1024_smooth1.mat and ..._smooth2.mat";
/// Nodes a side of the published files, of which every fifth is kept.
const PUBLISHED: (usize, usize) = (421, 5);

/// The fields of one variable that are kept, one after the other.
pub(super) struct Fields {
    /// Nodes a side, as kept.
    side: usize,
    /// Fields in the file.
    all: usize,
    kept: usize,
    numbers: Vec<f32>,
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let paths = find(from)?;
    let maps = [Mapped::open(&paths[0])?, Mapped::open(&paths[1])?];
    let published = FACTS.sizes;
    let most = [published.train + published.val, published.test];
    let read = |i: usize| read_file(&paths[i], &maps[i], most[i], progress).map_err(|e| e.at(&paths[i]));
    let [fit, test] = [read(0)?, read(1)?];
    let (side, test_side) = (fit[0].side, test[0].side);
    if side != test_side {
        let what = format!("has fields of {test_side} x {test_side} nodes where smooth1 has {side} x {side}");
        return Err(Error::invalid(what, "take both files from the same dataset").at(&paths[1]));
    }
    let n = fit[0].kept;
    let val = n * published.val / most[0];
    if val == 0 {
        let what = format!("has {n} fields, too few to keep a tenth for validation");
        return Err(Error::invalid(what, "give at least 10").at(&paths[0]));
    }
    let mut notices = Vec::new();
    let mut gap = |have: usize, want: usize, what: &str| {
        if have < want {
            notices.push(format!("{} of {} {what}", grouped(have as u64), grouped(want as u64)));
        }
    };
    gap(n, most[0], "training fields");
    gap(test[0].kept, most[1], "test fields");
    if side != FACTS.input[0] {
        notices.push(format!("{side} x {side} nodes instead of {} x {}", FACTS.input[0], FACTS.input[1]));
    }
    let provenance = if notices.is_empty() { Provenance::Original } else { Provenance::Partial };
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance,
        seed: None,
        sources: paths.iter().zip(&maps).map(|(path, map)| source(path, map)).collect(),
        task: FACTS.name.to_owned(),
        outputs: FACTS.outputs,
        notices,
    };
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    for (part, fields, range) in
        [(Part::Train, &fit, 0..n - val), (Part::Val, &fit, n - val..n), (Part::Test, &test, 0..test[0].kept)]
    {
        let mut split = store.split(part)?;
        for (name, fields) in ["x", "y"].iter().zip(fields) {
            split.tensor(name, Dtype::F32, &[side, side, 1])?;
            split.push(&fields.numbers[range.start * side * side..range.end * side * side])?;
        }
        store.finish(split, &origin)?;
    }
    store.publish()?;
    Summary::of(data_dir, &super::Darcy)
}

/// The two files, of one resolution.
fn find(from: &Path) -> Result<[PathBuf; 2], Error> {
    let entries = fs::read_dir(from).map_err(|e| Error::io(from, "list", &e))?;
    let mut names: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let one = |ending: &str| {
        let mut fit = names.iter().filter(|n| n.starts_with("piececonst_r") && n.ends_with(ending));
        match (fit.next(), fit.next()) {
            (Some(name), None) => Ok(from.join(name)),
            (Some(a), Some(b)) => {
                let what = format!("holds both {a} and {b}");
                Err(Error::invalid(what, "give a folder with the files of one resolution").at(from))
            }
            _ => {
                let what = format!("holds no piececonst_r*{ending}");
                let fix = "give the folder of piececonst_r421_N1024_smooth1.mat and ..._smooth2.mat";
                Err(Error::new(ErrorKind::Missing, what, fix).at(from))
            }
        }
    };
    Ok([one("_smooth1.mat")?, one("_smooth2.mat")?])
}

fn source(path: &Path, bytes: &[u8]) -> Source {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Source { blake3: blake3::hash(bytes).to_hex().to_string(), bytes: bytes.len() as u64, name }
}

/// Coefficients and solutions of one file, at most `most` of each.
pub(super) fn read_file(path: &Path, bytes: &[u8], most: usize, progress: &dyn Progress) -> Result<[Fields; 2], Error> {
    let file = Matlab::open(path, bytes)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let read = |variable: &str| {
        let mut numbers = file.numbers(variable)?;
        read_fields(&mut *numbers, variable, most, &format!("importing darcy: {variable} of {name}"), progress)
    };
    let (x, y) = (read("coeff")?, read("sol")?);
    if (x.side, x.all) != (y.side, y.all) {
        let what = format!(
            "'coeff' has {} fields of {1} x {1} nodes, 'sol' has {2} of {3} x {3}",
            x.all, x.side, y.all, y.side
        );
        return Err(Error::invalid(what, FIX));
    }
    Ok([x, y])
}

/// Reads a variable from end to end and keeps what the task uses.
fn read_fields(
    numbers: &mut dyn Numbers,
    variable: &str,
    most: usize,
    message: &str,
    progress: &dyn Progress,
) -> Result<Fields, Error> {
    let wrong = |what: String| Error::invalid(what, FIX);
    let &[d0, d1, d2] = numbers.dims() else {
        return Err(wrong(format!("'{variable}' has dimensions {:?}, not (fields, s, s)", numbers.dims())));
    };
    let (all, nodes, fields_last) = match (d0, d1, d2) {
        (all, s, t) if s == t => (all, s, false),
        (s, t, all) if s == t => (all, s, true),
        _ => return Err(wrong(format!("'{variable}' has dimensions {:?}, not (fields, s, s)", [d0, d1, d2]))),
    };
    if all == 0 || nodes < 2 {
        return Err(wrong(format!("'{variable}' has dimensions {:?}: there is nothing in it", [d0, d1, d2])));
    }
    let step = if nodes == PUBLISHED.0 { PUBLISHED.1 } else { 1 };
    let (side, kept) = ((nodes - 1) / step + 1, all.min(most));
    let mut fields = Fields { side, all, kept, numbers: vec![0.0; kept * side * side] };
    // In the file's order: a run of the first index at a time.
    let mut run = vec![0.0; d0];
    for c2 in 0..d2 {
        progress.report(message, c2 as u64, d2 as u64, Unit::Items);
        for c1 in 0..d1 {
            numbers.read(&mut run)?;
            for (c0, &v) in run.iter().enumerate() {
                let (field, row, column) = if fields_last { (c2, c0, c1) } else { (c0, c1, c2) };
                if field >= kept || row % step != 0 || column % step != 0 {
                    continue;
                }
                let single = v as f32;
                if !single.is_finite() {
                    let what = format!("'{variable}' has a value that is no finite number in field {field}");
                    return Err(Error::invalid(what, "repair or remove that field"));
                }
                fields.numbers[(field * side + row / step) * side + column / step] = single;
            }
        }
    }
    numbers.finish()?;
    progress.report(message, d2 as u64, d2 as u64, Unit::Items);
    Ok(fields)
}
