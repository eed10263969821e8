//! What the original files are: their names, which of them the task uses, and how one becomes a tile.

use crate::Error;
use crate::formats::array::{Array, Class};
use crate::formats::npy::Npy;

use super::SIDE;
use super::slots::Tile;

const FIX: &str = "give the task's own files, npy_{train,test}/<filter>/<program>/<visit>/<exposure>_<tile>.npy";
/// The filter that the task uses.
const FILTER: &str = "f435w";
/// The visits (program, visit) whose field is a galaxy, which the task uses.
const GALAXIES: [(&str, &str); 27] = [
    ("9490", "a2"),
    ("9490", "a3"),
    ("10182", "pb"),
    ("10182", "pd"),
    ("10190", "13"),
    ("10190", "28"),
    ("10260", "5"),
    ("10260", "7"),
    ("10342", "3"),
    ("10407", "3"),
    ("10584", "13"),
    ("10760", "2"),
    ("10760", "4"),
    ("12058", "1"),
    ("12058", "6"),
    ("12058", "12"),
    ("12058", "16"),
    ("12513", "2"),
    ("12513", "3"),
    ("13057", "1"),
    ("13364", "95"),
    ("13691", "11"),
    ("13737", "2"),
    ("13737", "3"),
    ("13804", "6"),
    ("14343", "1"),
    ("14704", "1"),
];
/// Those that show a globular cluster or are extragalactic.
const OTHERS: [(&str, &str); 45] = [
    ("9405", "4b"),
    ("9405", "6d"),
    ("9425", "2"),
    ("9425", "4"),
    ("9442", "1"),
    ("9442", "3"),
    ("9442", "5"),
    ("9450", "14"),
    ("9450", "16"),
    ("9583", "99"),
    ("9694", "6"),
    ("9978", "5e"),
    ("10005", "10"),
    ("10092", "1"),
    ("10120", "3"),
    ("10146", "3"),
    ("10146", "4"),
    ("10349", "30"),
    ("10524", "7"),
    ("10536", "13"),
    ("10595", "2"),
    ("10595", "7"),
    ("10631", "1"),
    ("10631", "3"),
    ("10631", "4"),
    ("10775", "29"),
    ("10775", "52"),
    ("10775", "ab"),
    ("10775", "ad"),
    ("11340", "11"),
    ("11586", "5"),
    ("12103", "a3"),
    ("12438", "1"),
    ("12602", "1"),
    ("12602", "2"),
    ("13375", "4"),
    ("13375", "7"),
    ("13389", "10"),
    ("13498", "b1"),
    ("13671", "35"),
    ("13718", "6"),
    ("14164", "1"),
    ("14164", "9"),
    ("15100", "2"),
    ("15647", "13"),
];
/// Bytes of a file beyond which it is none of the task's.
pub(super) const MOST_BYTES: u64 = 1 << 28;

/// The two halves of the original.
pub(super) const HALVES: [&str; 2] = ["npy_train", "npy_test"];

/// What a visit shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The task uses these.
    Galaxy,
    Other,
    /// The benchmark's list does not have it.
    Unknown,
}

/// A file's place in the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// Number of its half in [`HALVES`].
    pub half: usize,
    /// `<filter>/<program>/<visit>`
    pub visit: &'a str,
    /// Its own name.
    pub file: &'a str,
}

impl<'a> Place<'a> {
    /// Of a file of this name, with whatever folders stand before the half's.
    pub(super) fn of(name: &'a str) -> Option<Self> {
        let (half, rest) = HALVES.iter().enumerate().find_map(|(half, folder)| {
            let at = name.find(&format!("{folder}/"))?;
            (at == 0 || name.as_bytes()[at - 1] == b'/').then(|| (half, &name[at + folder.len() + 1..]))
        })?;
        let (visit, file) = rest.rsplit_once('/')?;
        let sound = visit.split('/').count() == 3 && file.ends_with(".npy") && !file.starts_with('.');
        sound.then_some(Self { half, visit, file })
    }

    /// Whether it holds the visit's sky levels, not a tile.
    pub(super) fn is_sky(&self) -> bool {
        self.file == "sky.npy"
    }

    /// What the visit shows, if it is of the task's filter.
    pub(super) fn field(&self) -> Option<Field> {
        let visit = self.visit.strip_prefix(FILTER)?.strip_prefix('/')?.split_once('/')?;
        let tables = [(&GALAXIES[..], Field::Galaxy), (&OTHERS, Field::Other)];
        let known = tables.into_iter().find(|(visits, _)| visits.contains(&visit));
        Some(known.map_or(Field::Unknown, |(_, field)| field))
    }

    /// What tiles are sorted by.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.visit, self.file)
    }
}

/// The exposure of a tile, which its name begins with, counted from 1.
pub(super) fn exposure(file: &str) -> Result<usize, Error> {
    let number = file.split('_').next().and_then(|n| n.parse().ok()).filter(|&n| n > 0 && file.contains('_'));
    number.ok_or_else(|| Error::invalid("is not named <exposure>_<tile>.npy, exposures counted from 1", FIX))
}

fn array(bytes: &[u8]) -> Result<Array<'_>, Error> {
    match Npy::parse(bytes)? {
        Npy::Array(a) if matches!(a.element().class, Class::Float | Class::UInt | Class::Int | Class::Bool) => Ok(a),
        Npy::Array(a) => Err(Error::invalid(format!("is an array of {}, not of numbers", a.element().name()), FIX)),
        Npy::Objects(_) => Err(Error::invalid("holds Python objects, not an array of numbers", FIX)),
    }
}

/// The sky levels of a visit's exposures.
pub(super) fn skies(bytes: &[u8]) -> Result<Vec<f32>, Error> {
    let a = array(bytes)?;
    if a.shape().len() != 1 {
        return Err(Error::invalid(format!("has shape {:?}, not one sky level an exposure", a.shape()), FIX));
    }
    let levels: Vec<f32> = (0..a.len()).filter_map(|i| a.number(i)).map(|v| v as f32).collect();
    match levels.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::invalid(format!("the sky of exposure {} is no finite number", i + 1), "repair it")),
        None => Ok(levels),
    }
}

/// The centre of a stamp (image, mask and, if there is one, what to ignore), and its height and width.
pub(super) fn tile(bytes: &[u8]) -> Result<(Tile, [usize; 2]), Error> {
    let a = array(bytes)?;
    let &[planes @ (2 | 3), height, width] = a.shape() else {
        let what = format!("has shape {:?}, not (2 or 3, height, width): image, mask, ignored", a.shape());
        return Err(Error::invalid(what, FIX));
    };
    let size = [height.min(SIDE), width.min(SIDE)];
    if size.contains(&0) {
        return Err(Error::invalid(format!("has shape {:?}: there is nothing in it", a.shape()), FIX));
    }
    let (top, left) = ((height - size[0]) / 2, (width - size[1]) / 2);
    let pixels = size[0] * size[1];
    let mut tile = Tile { x: Vec::with_capacity(pixels), y: Vec::with_capacity(2 * pixels) };
    for row in top..top + size[0] {
        for column in left..left + size[1] {
            let number = |plane: usize| a.number((plane * height + row) * width + column).unwrap_or(f64::NAN);
            let odd = |plane: &str, v: f64, want: &str| {
                let what = format!("the {plane} is {v} at row {row}, column {column}, not {want}");
                Error::invalid(what, "repair or remove that file")
            };
            let flag = |plane: usize, name: &str| match number(plane) {
                0.0 => Ok(0u8),
                1.0 => Ok(1),
                v => Err(odd(name, v, "0 or 1")),
            };
            let count = number(0) as f32;
            if !count.is_finite() {
                return Err(odd("image", number(0), "a finite number"));
            }
            tile.x.push(count);
            tile.y.push(flag(1, "mask")?);
            tile.y.push(if planes == 3 { 1 - flag(2, "plane of what to ignore")? } else { 1 });
        }
    }
    Ok((tile, size))
}
