//! The published process on whatever pictures there are: imported CIFAR-100 in the same folder, else its stand-in.

use std::path::Path;
use std::sync::Arc;

use kernels::pool;
use kernels::rng::Key;

use super::FACTS;
use super::project::{SIDE, places, project, rotation};
use crate::cifar100::{self, Cifar100, Scene};
use crate::error::grouped;
use crate::images::write_split;
use crate::progress::{Progress, Unit};
use crate::reader::Column;
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Dataset, Error, Sizes, Stored, Summary, generated};

/// Pictures that share one rotation, and are made at once.
const BLOCK: usize = 500;
/// Streams from here on are rotations.
const ROTATIONS: u64 = 1 << 40;
/// Of a picture on the plane, and on the sphere.
const FLAT: [usize; 3] = [32, 32, 3];
const ROUND: usize = 3 * SIDE * SIDE;

/// Where a part's flat pictures come from.
enum Pictures {
    Imported(Column<u8>, Column<i32>),
    Drawn(Key),
}

impl Pictures {
    fn class(&self, i: usize) -> i32 {
        match self {
            Self::Imported(_, y) => y.row(i)[0],
            Self::Drawn(key) => Scene::draw(&mut key.stream(i as u64)).class,
        }
    }

    fn see(&self, i: usize, places: &[[f64; 2]], to: &mut [u8]) {
        match self {
            Self::Imported(x, _) => project(x.row(i), FLAT, places, to),
            Self::Drawn(key) => {
                let (mut chance, mut flat) = (key.stream(i as u64), [0; FLAT[0] * FLAT[1] * FLAT[2]]);
                Scene::draw(&mut chance).paint(&mut chance, &mut flat);
                project(&flat, FLAT, places, to);
            }
        }
    }
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let mut origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let imported = match Dataset::open(data_dir, &Cifar100) {
        Ok(d) if matches!(d.provenance(), Provenance::Original | Provenance::Partial) => Some(d),
        _ => None,
    };
    if let Some(d) = &imported {
        let (want, have) = (sizes, d.sizes());
        if want.train > have.train || want.val > have.val || want.test > have.test {
            let of = |s: Sizes| [s.train, s.val, s.test].map(|n| grouped(n as u64)).join(" + ");
            let what = format!("cannot project {} pictures: {} are there", of(want), of(have));
            return Err(Error::invalid(what, "ask for no more").at(&data_dir.join(cifar100::FACTS.name)));
        }
        origin.notices.push(format!("pictures of the cifar100 that is there, {}", &d.hash()[..12]));
        origin.notices.extend(d.notices().iter().map(|n| format!("its pictures: {n}")));
        origin.outputs = d.outputs();
    }
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut before, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let pictures = if imported.is_some() {
            let stored = Arc::new(Stored::open(&data_dir.join(cifar100::FACTS.name), part)?);
            Pictures::Imported(Column::open(&stored, "x")?, Column::open(&stored, "y")?)
        } else {
            Pictures::Drawn(generated::key(&cifar100::FACTS, seed, part))
        };
        let key = generated::key(&FACTS, seed, part);
        let labels: Vec<i32> = (0..n).map(|i| pictures.class(i)).collect();
        let (mut split, mut block) = (store.split(part)?, vec![0u8; BLOCK.min(n) * ROUND]);
        write_split(&mut split, &[SIDE, SIDE, 3], &labels, |i, to| {
            if i % BLOCK == 0 {
                progress.report("generating spherical", before + i as u64, total, Unit::Items);
                let places = places(&rotation(&mut key.stream(ROTATIONS + (i / BLOCK) as u64)));
                let here = BLOCK.min(n - i);
                pool::chunks_mut(&mut block[..here * ROUND], ROUND, |j, to| pictures.see(i + j, &places, to));
            }
            to.copy_from_slice(&block[i % BLOCK * ROUND..][..ROUND]);
            Ok(())
        })?;
        store.finish(split, &origin)?;
        before += n as u64;
    }
    store.publish()?;
    progress.report("generating spherical", total, total, Unit::Items);
    Summary::of(data_dir, &super::Spherical)
}
