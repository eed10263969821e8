//! Proteins in a store.

use std::sync::Arc;

use half::f16;
use safetensors::Dtype;

use crate::Error;
use crate::reader::Column;
use crate::store::{SplitWriter, Stored};

/// Features of a residue, and of a pair.
pub(super) const RESIDUE: usize = 27;
pub(super) const PAIR: usize = 3;

/// Numbers of either width.
pub(super) enum Numbers {
    F16(Column<f16>),
    F32(Column<f32>),
}

impl Numbers {
    fn open(stored: &Arc<Stored>, name: &str, item: &[usize]) -> Result<Self, Error> {
        let numbers = match stored.tensor_type(name) {
            Some((Dtype::F16, _)) => Self::F16(Column::open(stored, name)?),
            _ => Self::F32(Column::open(stored, name)?),
        };
        let shape = numbers.shape();
        if shape != item {
            let what = format!("tensor '{name}' has items of shape {shape:?}, not {item:?}");
            return Err(Error::invalid(what, "import the task again").at(stored.path()));
        }
        Ok(numbers)
    }

    fn shape(&self) -> &[usize] {
        match self {
            Self::F16(c) => c.shape(),
            Self::F32(c) => c.shape(),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::F16(c) => c.rows(),
            Self::F32(c) => c.rows(),
        }
    }

    /// Numbers from number `start` on, as many as fit.
    pub(super) fn read(&self, start: usize, to: &mut [f32]) {
        match self {
            Self::F16(c) => {
                let from = c.numbers(start, to.len());
                to.iter_mut().zip(from).for_each(|(t, v)| *t = v.to_f32());
            }
            Self::F32(c) => to.copy_from_slice(c.numbers(start, to.len())),
        }
    }
}

/// A file's proteins.
pub(super) struct Proteins {
    lengths: Vec<u32>,
    /// First residue and first pair of each.
    first: Vec<[usize; 2]>,
    pub(super) residue: Numbers,
    pub(super) pair: Numbers,
    pub(super) distance: Numbers,
}

impl Proteins {
    pub(super) fn open(stored: &Arc<Stored>) -> Result<Self, Error> {
        let wrong = |what: String| Error::invalid(what, "import the task again").at(stored.path());
        let (mut lengths, mut first, mut next) = (Vec::new(), Vec::new(), [0usize; 2]);
        for &l in Column::<i64>::open(stored, "length")?.all() {
            let length = u32::try_from(l).ok().filter(|&l| l > 0 && l < 1 << 16);
            let length = length.ok_or_else(|| wrong(format!("a protein of {l} residues")))?;
            lengths.push(length);
            first.push(next);
            let l = length as usize;
            next = [next[0] + l, next[1] + l * l];
        }
        let numbers = |name, item: &[usize]| Numbers::open(stored, name, item);
        let (residue, pair) = (numbers("residue", &[RESIDUE])?, numbers("pair", &[PAIR])?);
        let distance = numbers("distance", &[])?;
        if [residue.rows(), pair.rows(), distance.rows()] != [next[0], next[1], next[1]] {
            return Err(wrong(format!("lengths of {} residues do not go with its features", next[0])));
        }
        Ok(Self { lengths, first, residue, pair, distance })
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Residues of a protein.
    pub(super) fn length(&self, protein: usize) -> usize {
        self.lengths[protein] as usize
    }

    /// Number of a residue in its file.
    pub(super) fn residue_at(&self, protein: usize, residue: usize) -> usize {
        self.first[protein][0] + residue
    }

    /// Number of a pair in its file.
    pub(super) fn pair_at(&self, protein: usize, row: usize, column: usize) -> usize {
        self.first[protein][1] + row * self.length(protein) + column
    }
}

/// One protein's numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Protein {
    /// `[L, 27]`.
    pub(super) residue: Vec<f32>,
    /// `[L, L, 3]`.
    pub(super) pair: Vec<f32>,
    /// `[L, L]`.
    pub(super) distance: Vec<f32>,
}

/// Writes a split of proteins of these lengths; `read` gives the i-th, once a tensor.
pub(super) fn write_split(
    split: &mut SplitWriter,
    lengths: &[i64],
    narrow: bool,
    mut read: impl FnMut(usize, usize) -> Result<Protein, Error>,
) -> Result<(), Error> {
    split.tensor("length", Dtype::I64, &[])?;
    split.push(lengths)?;
    let dtype = if narrow { Dtype::F16 } else { Dtype::F32 };
    for (pass, (name, item)) in
        [("residue", &[RESIDUE][..]), ("pair", &[PAIR]), ("distance", &[])].into_iter().enumerate()
    {
        split.tensor(name, dtype, item)?;
        for i in 0..lengths.len() {
            let protein = read(pass, i)?;
            let numbers = [&protein.residue, &protein.pair, &protein.distance][pass];
            if narrow {
                let half: Vec<f16> = numbers.iter().map(|&v| f16::from_f32(v)).collect();
                split.push(&half)?;
            } else {
                split.push(numbers)?;
            }
        }
    }
    Ok(())
}
