//! Fields made here, as the published ones were made: real data, any number of them, at any seed.
//!
//! Field i of a split is a function of (seed, split, i). Each is solved on 421 x 421 nodes by one thread and kept, at every
//! fifth node, in a file of its own in `<data>/darcy.generating`, under a hash of its numbers and of what they are. When all
//! are there the store is written from them and the folder removed; an interrupted generation goes on with the files that
//! prove to be right.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kernels::pool;
use safetensors::Dtype;

use super::equation::{Solver, Space};
use super::{FACTS, field};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, ErrorKind, Sizes, Summary, generated};

/// What is solved on, and what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mesh {
    /// Intervals a side.
    pub n: usize,
    /// Every so many nodes one is kept, from the first to the last.
    pub step: usize,
}

impl Mesh {
    /// That of the published data.
    pub const PUBLISHED: Self = Self { n: 420, step: 5 };

    /// Nodes a side that are kept.
    pub fn side(self) -> usize {
        self.n / self.step + 1
    }
}

/// One field, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub x: Vec<f32>,
    pub y: Vec<f32>,
    pub iterations: usize,
}

/// What a thread solves in.
struct Desk {
    space: Space,
    a: Vec<f64>,
}

/// Makes fields of one seed on one mesh.
pub(super) struct Maker {
    mesh: Mesh,
    seed: u64,
    solver: Solver,
    desks: Mutex<Vec<Desk>>,
}

impl Maker {
    pub fn new(mesh: Mesh, seed: u64) -> Self {
        assert!(mesh.n.is_multiple_of(mesh.step), "every {}th of {} intervals", mesh.step, mesh.n);
        Self { mesh, seed, solver: Solver::new(mesh.n), desks: Mutex::new(Vec::new()) }
    }

    /// Field `index` of a part. The parts' streams differ in their keys, so none of them can share a field.
    pub fn field(&self, part: Part, index: usize) -> Field {
        let desk = self.desks.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut desk = desk.unwrap_or_else(|| Desk { space: self.solver.space(), a: self.solver.grid.zeros() });
        let Desk { space, a } = &mut desk;
        let key = generated::key(&FACTS, self.seed, part);
        field::coefficient(&self.solver, &mut key.stream(index as u64), space, a);
        let (n, right) = (self.mesh.n, 2.0 / (self.mesh.n * self.mesh.n) as f64);
        let border = |i: usize| i == 0 || i == n;
        self.solver.grid.fill(&mut space.r, |i, j| if border(i) || border(j) { 0.0 } else { right });
        let iterations = self.solver.solve(a, space).expect("coefficients of 3 and 12");
        let kept = |field: &[f64]| -> Vec<f32> {
            let rows = field.chunks_exact(self.solver.grid.stride).step_by(self.mesh.step);
            rows.flat_map(|row| row[..=n].iter().step_by(self.mesh.step).map(|&v| v as f32)).collect()
        };
        let made = Field { x: kept(a), y: kept(&space.u), iterations };
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).push(desk);
        made
    }

    /// Where a field waits for the others.
    fn path(&self, folder: &Path, part: Part, index: usize) -> PathBuf {
        folder.join(format!("{}-{index}.field", part.name()))
    }

    /// The hash of a field's numbers and of what they are.
    fn hash(&self, part: Part, index: usize, numbers: &[u8]) -> [u8; 32] {
        let (Mesh { n, step }, seed, version) = (self.mesh, self.seed, FACTS.preprocessing);
        let what = format!("darcy {version}: every {step} of {n}, seed {seed}, {} {index}\n", part.name());
        let mut hasher = blake3::Hasher::new();
        hasher.update(what.as_bytes()).update(numbers);
        *hasher.finalize().as_bytes()
    }

    /// The numbers of a field that waits, x before y; `None` if its file is not there or not right.
    fn waiting(&self, folder: &Path, part: Part, index: usize) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.path(folder, part, index)).ok()?;
        let numbers = 2 * 4 * self.mesh.side() * self.mesh.side();
        if bytes.len() != numbers + 32 || self.hash(part, index, &bytes[..numbers]) != bytes[numbers..] {
            return None;
        }
        bytes.truncate(numbers);
        Some(bytes)
    }

    /// Makes a field and lets it wait.
    fn make(&self, folder: &Path, part: Part, index: usize) -> Result<(), Error> {
        let made = self.field(part, index);
        let mut bytes: Vec<u8> = bytemuck::cast_slice(&made.x).to_vec();
        bytes.extend_from_slice(bytemuck::cast_slice(&made.y));
        bytes.extend(self.hash(part, index, &bytes));
        let path = self.path(folder, part, index);
        let half = path.with_extension("half");
        fs::write(&half, &bytes).map_err(|e| Error::io(&half, "write", &e))?;
        fs::rename(&half, &path).map_err(|e| Error::io(&path, "put in place", &e))
    }

    /// Makes every field that does not wait yet; gives the number of those made.
    pub fn fill(&self, folder: &Path, sizes: Sizes, progress: &dyn Progress) -> Result<usize, Error> {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", &e))?;
        let all = parts(sizes).into_iter().flat_map(|(part, n)| (0..n).map(move |i| (part, i)));
        let missing: Vec<(Part, usize)> = all.filter(|&(part, i)| self.waiting(folder, part, i).is_none()).collect();
        let total = (sizes.train + sizes.val + sizes.test) as u64;
        let report = |done: u64| progress.report("generating darcy", done, total, Unit::Items);
        let before = total - missing.len() as u64;
        report(before);
        let state: Mutex<(u64, Option<Error>)> = Mutex::new((before, None));
        pool::run(missing.len(), |i| {
            let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
            if lock().1.is_some() {
                return;
            }
            let made = self.make(folder, missing[i].0, missing[i].1);
            let mut state = lock();
            match made {
                Ok(()) => {
                    state.0 += 1;
                    report(state.0);
                }
                Err(e) => state.1 = Some(e),
            }
        });
        match state.into_inner().unwrap_or_else(PoisonError::into_inner).1 {
            Some(e) => Err(e),
            None => Ok(missing.len()),
        }
    }
}

fn parts(sizes: Sizes) -> [(Part, usize); 3] {
    [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)]
}

/// Where fields wait.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{}.generating", FACTS.name))
}

pub(super) fn generate(
    mesh: Mesh,
    sizes: Sizes,
    seed: u64,
    data_dir: &Path,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::Generated);
    // Begun first: one at a time works on the waiting fields, too.
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let folder = folder(data_dir);
    let maker = Maker::new(mesh, seed);
    maker.fill(&folder, sizes, progress)?;
    let side = mesh.side();
    for (part, n) in parts(sizes) {
        let mut split = store.split(part)?;
        for (name, half) in [("x", 0), ("y", 1)] {
            split.tensor(name, Dtype::F32, &[side, side, 1])?;
            for i in 0..n {
                let bytes = maker.waiting(&folder, part, i).ok_or_else(|| {
                    let what = "was changed while the store was written";
                    Error::new(ErrorKind::Io, what, "generate again: what is right stays")
                        .at(&maker.path(&folder, part, i))
                })?;
                split.push(&bytes[half * bytes.len() / 2..][..bytes.len() / 2])?;
            }
        }
        store.finish(split, &origin)?;
    }
    store.publish()?;
    fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, "remove", &e))?;
    Summary::of(data_dir, &super::Darcy)
}
