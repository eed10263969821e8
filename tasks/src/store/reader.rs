//! Reading a store: mapped, its header checked against its hash and the file, its data trusted until [`Stored::verify`].

use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::{LAYOUT, Meta, Part, header_hash, place_of};
use crate::formats::Mapped;
use crate::progress::{Progress, Unit};
use crate::{Error, ErrorKind};

/// Bytes hashed between two reports.
const STRIDE: usize = 16 << 20;

/// A split's file, mapped.
#[derive(Debug)]
pub struct Stored {
    path: PathBuf,
    map: Mapped,
    data: usize,
    header: Metadata,
    meta: Meta,
}

impl Stored {
    /// Maps the file of `part` in a task's folder and checks its header; the data are not read.
    pub fn open(folder: &Path, part: Part) -> Result<Self, Error> {
        let path = part.file(folder);
        Self::parse(&path, part).map_err(|e| e.at(&path))
    }

    fn parse(path: &Path, part: Part) -> Result<Self, Error> {
        let damaged = |what: String| Error::invalid(what, "import the task again");
        let map = Mapped::open(path)?;
        let short = || damaged(format!("the file is cut short: its {} bytes do not hold the header", map.len()));
        let (length, rest) = map.split_first_chunk::<8>().ok_or_else(short)?;
        let length =
            usize::try_from(u64::from_le_bytes(*length)).ok().filter(|&n| n <= rest.len()).ok_or_else(short)?;
        let header: Metadata = serde_json::from_slice(&rest[..length])
            .map_err(|e| damaged(format!("is not a safetensors file, or its header is damaged ({e})")))?;
        let (want, have) = (header.data_len(), rest.len() - length);
        if have < want {
            return Err(damaged(format!("the file is cut short: {have} of {want} bytes of data are there")));
        }
        if have > want {
            return Err(damaged(format!("has {} bytes after the data's end", have - want)));
        }
        let text = header.metadata().as_ref().and_then(|m| m.get("np360"));
        let text = text.ok_or_else(|| damaged("is not a store of this program (no 'np360' in its metadata)".into()))?;
        let layout = serde_json::from_str::<serde_json::Value>(text).ok().and_then(|v| v["layout"].as_u64());
        if layout.is_some_and(|n| n != u64::from(LAYOUT)) {
            let what = format!("is a store of layout {}, this program reads {LAYOUT}", layout.unwrap_or(0));
            return Err(damaged(what));
        }
        let room = &map[..8 + length];
        let hash = header.metadata().as_ref().and_then(|m| m.get("header"));
        let sound = hash.is_some_and(|h| place_of(room, h).is_some_and(|at| header_hash(room, at) == *h));
        if !sound {
            return Err(damaged("its header is damaged: its hash is not the one that it states".into()));
        }
        let meta: Meta = serde_json::from_str(text).map_err(|e| damaged(format!("its metadata are damaged ({e})")))?;
        if meta.split != part {
            return Err(damaged(format!("holds the split '{}'", meta.split.name())));
        }
        Ok(Self { path: path.to_owned(), data: 8 + length, map, header, meta })
    }

    /// Brings back a store whose import was killed at the one instant when it has no name.
    pub(crate) fn recover(data_dir: &Path, task: &str) -> Result<(), Error> {
        super::writer::recover(data_dir, task)
    }

    /// What the file says about itself.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the tensors, in the file's order.
    pub fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    /// Type and shape of a tensor.
    pub fn tensor_type(&self, name: &str) -> Option<(Dtype, &[usize])> {
        self.header.info(name).map(|t| (t.dtype, &t.shape[..]))
    }

    /// The numbers of a tensor, row-major, as they lie in the file.
    pub fn tensor<T: bytemuck::AnyBitPattern>(&self, name: &str, dtype: Dtype) -> Result<&[T], Error> {
        let wrong = |what: String| Error::invalid(what, "import the task again").at(&self.path);
        let info = self.header.info(name).ok_or_else(|| wrong(format!("holds no tensor '{name}'")))?;
        if info.dtype != dtype || dtype.bitsize() != 8 * size_of::<T>() {
            return Err(wrong(format!("tensor '{name}' is {:?}, not {dtype:?}", info.dtype)));
        }
        let (start, end) = info.data_offsets;
        let bytes = &self.map[self.data + start..self.data + end];
        bytemuck::try_cast_slice(bytes)
            .map_err(|_| wrong(format!("tensor '{name}' does not lie at a multiple of its size")))
    }

    /// The bytes of a tensor, little endian, as they lie in the file.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        let (start, end) = self.header.info(name)?.data_offsets;
        Some(&self.map[self.data + start..self.data + end])
    }

    /// The whole file as it is mapped.
    pub(crate) fn whole(&self) -> &[u8] {
        &self.map
    }

    /// Reads all data and compares their hash with the header's.
    pub fn verify(&self, progress: &dyn Progress) -> Result<(), Error> {
        let data = &self.map[self.data..];
        let mut hasher = blake3::Hasher::new();
        let message = format!("verifying {} {}", self.meta.origin.task, self.meta.split.name());
        let mut done = 0;
        for piece in data.chunks(STRIDE) {
            hasher.update(piece);
            done += piece.len();
            progress.report(&message, done as u64, data.len() as u64, Unit::Bytes);
        }
        if hasher.finalize().to_hex().as_str() != self.meta.blake3 {
            let what = "the data are damaged: their hash is not the one in the header";
            return Err(Error::new(ErrorKind::Invalid, what, "import the task again").at(&self.path));
        }
        Ok(())
    }
}
