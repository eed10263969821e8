//! Where tiles wait in any order until all are there: a file of equal records beside the store.
//!
//! An archive gives tiles as they lie in it, and a store wants them sorted, all images before all masks.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::Dtype;

use super::FACTS;
use crate::Error;
use crate::store::SplitWriter;

/// A tile: counts, and (hit, counts at all) of each pixel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tile {
    pub x: Vec<f32>,
    pub y: Vec<u8>,
}

/// The file; gone when dropped.
pub(super) struct Slots {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    /// Height and width of a tile.
    size: [usize; 2],
}

impl Slots {
    /// Empty slots for tiles of this size. The caller holds a [`StoreWriter`](crate::store::StoreWriter), whose next one
    /// clears a folder of this name if we die.
    pub(super) fn begin(data_dir: &Path, size: [usize; 2]) -> Result<Self, Error> {
        let folder = data_dir.join(format!("{}.importing-tiles-{}", FACTS.name, std::process::id()));
        fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, "create", &e))?;
        let path = folder.join("tiles");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|e| Error::io(&path, "create", &e))?;
        Ok(Self { folder, path, file, size })
    }

    /// Height and width of a tile.
    pub(super) fn size(&self) -> [usize; 2] {
        self.size
    }

    fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Puts a tile of this size into a slot.
    pub(super) fn put(&mut self, slot: usize, tile: &Tile) -> Result<(), Error> {
        let n = self.pixels();
        assert_eq!([tile.x.len(), tile.y.len()], [n, 2 * n], "a tile of {:?}", self.size);
        let write = |file: &mut File| {
            file.seek(SeekFrom::Start((slot * 6 * n) as u64))?;
            file.write_all(bytemuck::cast_slice(&tile.x))?;
            file.write_all(&tile.y)
        };
        write(&mut self.file).map_err(|e| Error::io(&self.path, "write", &e))
    }

    fn read(&mut self, at: usize, to: &mut [u8]) -> Result<(), Error> {
        let seek = self.file.seek(SeekFrom::Start(at as u64));
        seek.and_then(|_| self.file.read_exact(to)).map_err(|e| Error::io(&self.path, "read", &e))
    }

    /// Writes one split: the tiles of these slots, and their skies.
    pub(super) fn write(&mut self, split: &mut SplitWriter, slots: Range<usize>, sky: &[f32]) -> Result<(), Error> {
        assert_eq!(sky.len(), slots.len(), "a sky a tile");
        let (n, [h, w]) = (self.pixels(), self.size);
        let mut x = vec![0.0f32; n];
        split.tensor("x", Dtype::F32, &[h, w, 1])?;
        for slot in slots.clone() {
            self.read(slot * 6 * n, bytemuck::cast_slice_mut(&mut x))?;
            split.push(&x)?;
        }
        let mut y = vec![0u8; 2 * n];
        split.tensor("y", Dtype::U8, &[h, w, 2])?;
        for slot in slots {
            self.read(slot * 6 * n + 4 * n, &mut y)?;
            split.push(&y)?;
        }
        split.tensor("sky", Dtype::F32, &[])?;
        split.push(sky)
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // Nothing can be done about a failure; the next import tries again.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
