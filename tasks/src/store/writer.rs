//! Writing a store: streamed, hashed as it passes, visible only when whole.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::json;

use super::{HEADER_ROOM, LAYOUT, Meta, Origin, Part, UNHASHED, canonical_json, header_hash, place_of};
use crate::{Error, ErrorKind};

/// Bytes gathered before they are hashed and written.
const BUFFER: usize = 1 << 20;

/// A store in the making. It grows in a folder beside the store's and takes its place in [`StoreWriter::publish`]; dropped
/// before that, it leaves nothing. One at a time works on a task.
#[derive(Debug)]
pub struct StoreWriter {
    data_dir: PathBuf,
    task: String,
    staging: PathBuf,
    /// Held while we live; the system lets go of it however we die.
    _lock: Option<File>,
    done: Vec<Part>,
}

impl StoreWriter {
    /// Begins a store of `task` under `data_dir`, and clears what dead imports left.
    pub fn begin(data_dir: &Path, task: &str) -> Result<Self, Error> {
        fs::create_dir_all(data_dir).map_err(|e| Error::io(data_dir, "create", &e))?;
        let lock = lock(data_dir, task)?;
        repair(data_dir, task)?;
        let staging = data_dir.join(format!("{task}.importing-{}", std::process::id()));
        fs::create_dir(&staging).map_err(|e| Error::io(&staging, "create", &e))?;
        Ok(Self { data_dir: data_dir.to_owned(), task: task.to_owned(), staging, _lock: lock, done: Vec::new() })
    }

    /// Begins one split.
    pub fn split(&self, part: Part) -> Result<SplitWriter, Error> {
        SplitWriter::create(&part.file(&self.staging), part)
    }

    /// Finishes one split: nothing may be added to it.
    pub fn finish(&mut self, split: SplitWriter, origin: &Origin) -> Result<(), Error> {
        let part = split.part;
        split.finish(origin)?;
        self.done.push(part);
        Ok(())
    }

    /// Makes the three splits visible, all at once, and removes the store they replace. Gives the store's folder.
    ///
    /// # Panics
    /// If a split is not finished.
    pub fn publish(self) -> Result<PathBuf, Error> {
        assert!(Part::ALL.iter().all(|p| self.done.contains(p)), "publish() before every split is finished");
        let place = self.data_dir.join(&self.task);
        let old = self.data_dir.join(format!("{}.old-{}", self.task, std::process::id()));
        sync_folder(&self.staging);
        if place.exists() {
            fs::rename(&place, &old).map_err(|e| Error::io(&place, "move aside", &e))?;
        }
        // Killed between the two renames, we leave the old store under its second name; repair() brings it back.
        if let Err(e) = fs::rename(&self.staging, &place) {
            let _ = fs::rename(&old, &place);
            return Err(Error::io(&place, "put in place", &e));
        }
        sync_folder(&self.data_dir);
        if old.exists() {
            fs::remove_dir_all(&old).map_err(|e| Error::io(&old, "remove", &e))?;
        }
        Ok(place)
    }
}

impl Drop for StoreWriter {
    fn drop(&mut self) {
        // Gone already if it was published. Nothing can be done about a failure; the next import tries again.
        let _ = fs::remove_dir_all(&self.staging);
    }
}

/// Folders are synced so that a rename outlives a power cut; where the system cannot, it is as safe as it can be.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|f| f.sync_all());
}

/// The right to change a task's store, or `None` where the file system knows no locks.
fn lock(data_dir: &Path, task: &str) -> Result<Option<File>, Error> {
    let path = data_dir.join(format!(".{task}.lock"));
    let file = File::create(&path).map_err(|e| Error::io(&path, "create", &e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Busy,
            format!("{task} is being imported by another process"),
            "wait until it has finished",
        )
        .at(&data_dir.join(task))),
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

/// Clears what dead imports left; the lock is held, so all leftovers are of dead ones.
fn repair(data_dir: &Path, task: &str) -> Result<(), Error> {
    let place = data_dir.join(task);
    let entries = fs::read_dir(data_dir).map_err(|e| Error::io(data_dir, "list", &e))?;
    let mut names: Vec<_> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let Some(rest) = name.strip_prefix(task) else { continue };
        let path = data_dir.join(&name);
        if rest.starts_with(".old-") && !place.exists() {
            fs::rename(&path, &place).map_err(|e| Error::io(&path, "bring back", &e))?;
        } else if rest.starts_with(".old-") || rest.starts_with(".importing-") {
            fs::remove_dir_all(&path).map_err(|e| Error::io(&path, "remove", &e))?;
        }
    }
    Ok(())
}

/// Brings back a store that an import, killed between two renames, left under its second name.
pub(super) fn recover(data_dir: &Path, task: &str) -> Result<(), Error> {
    let old = format!("{task}.old-");
    let listed = fs::read_dir(data_dir).into_iter().flatten().filter_map(Result::ok);
    if listed.into_iter().any(|e| e.file_name().to_string_lossy().starts_with(&old)) {
        let _lock = lock(data_dir, task)?;
        repair(data_dir, task)?;
    }
    Ok(())
}

struct TensorHead {
    name: String,
    dtype: Dtype,
    item: Vec<usize>,
    start: u64,
    end: u64,
}

/// One split in the making: tensors one after the other, each as many items as come.
pub struct SplitWriter {
    path: PathBuf,
    part: Part,
    file: File,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    written: u64,
    tensors: Vec<TensorHead>,
}

impl SplitWriter {
    fn create(path: &Path, part: Part) -> Result<Self, Error> {
        let mut file = File::create(path).map_err(|e| Error::io(path, "create", &e))?;
        file.seek(SeekFrom::Start(HEADER_ROOM as u64)).map_err(|e| Error::io(path, "write", &e))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            file,
            hasher: blake3::Hasher::new(),
            buffer: Vec::with_capacity(BUFFER),
            written: 0,
            tensors: Vec::new(),
        })
    }

    /// Begins a tensor whose items have this type and shape; what is pushed next are its items.
    ///
    /// The format allows no holes between tensors, so where the type's size wants one, a tensor of bytes fills it.
    pub fn tensor(&mut self, name: &str, dtype: Dtype, item: &[usize]) -> Result<(), Error> {
        self.close();
        let size = (dtype.bitsize() / 8) as u64;
        let pad = self.written.next_multiple_of(size) - self.written;
        if pad > 0 {
            let filler = TensorHead {
                name: format!("pad{}", self.tensors.len()),
                dtype: Dtype::U8,
                item: Vec::new(),
                start: self.written,
                end: self.written + pad,
            };
            self.tensors.push(filler);
            self.push(&vec![0u8; pad as usize])?;
        }
        let (name, item, start) = (name.to_owned(), item.to_owned(), self.written);
        self.tensors.push(TensorHead { name, dtype, item, start, end: start });
        Ok(())
    }

    /// Appends numbers to the tensor that was begun last.
    pub fn push<T: bytemuck::NoUninit>(&mut self, numbers: &[T]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::cast_slice(numbers);
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        self.written += bytes.len() as u64;
        if bytes.len() > BUFFER {
            return self.put(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn close(&mut self) {
        if let Some(t) = self.tensors.last_mut() {
            t.end = self.written;
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(|e| Error::io(&self.path, "write", &e))
    }

    fn flush(&mut self) -> Result<(), Error> {
        let full = std::mem::take(&mut self.buffer);
        self.put(&full)?;
        self.buffer = full;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the header into its room and syncs the file.
    fn finish(mut self, origin: &Origin) -> Result<(), Error> {
        self.close();
        self.flush()?;
        let blake3 = self.hasher.finalize().to_hex().to_string();
        let mut meta = Meta { blake3, layout: LAYOUT, split: self.part, origin: origin.clone() };
        // Notices are the one part of a header that grows with the data: as many stay as there is room for.
        let all = std::mem::take(&mut meta.origin.notices);
        let (mut keep, mut bytes) = (0, 0);
        while keep < all.len() && bytes + all[keep].len() <= HEADER_ROOM {
            bytes += all[keep].len();
            keep += 1;
        }
        let header = loop {
            meta.origin.notices = all[..keep].to_vec();
            if keep < all.len() {
                meta.origin.notices.push(format!("and {} further notices", all.len() - keep));
            }
            let header = self.header(&meta).map_err(|e| Error::io(&self.path, "write", &e))?;
            if header.len() <= HEADER_ROOM - 8 {
                break header;
            }
            if keep == 0 {
                return Err(Error::invalid("the header does not fit into its room", "report this").at(&self.path));
            }
            keep -= 1;
        };
        let mut room = ((HEADER_ROOM - 8) as u64).to_le_bytes().to_vec();
        room.extend(header.as_bytes());
        room.resize(HEADER_ROOM, b' ');
        let at = place_of(&room, UNHASHED).expect("the header has a place for its hash");
        let hash = header_hash(&room, at);
        room[at..at + hash.len()].copy_from_slice(hash.as_bytes());
        let write = |f: &mut File| -> io::Result<()> {
            f.seek(SeekFrom::Start(0))?;
            f.write_all(&room)?;
            f.set_len(HEADER_ROOM as u64 + self.written)?;
            f.sync_all()
        };
        write(&mut self.file).map_err(|e| Error::io(&self.path, "write", &e))
    }

    fn header(&self, meta: &Meta) -> io::Result<String> {
        let mut map = serde_json::Map::new();
        map.insert("__metadata__".into(), json!({ "header": UNHASHED, "np360": canonical_json(meta)? }));
        for t in &self.tensors {
            let each = t.item.iter().product::<usize>() as u64 * (t.dtype.bitsize() / 8) as u64;
            let bytes = t.end - t.start;
            assert!(each > 0 && bytes % each == 0, "tensor '{}' holds {bytes} bytes, an item has {each}", t.name);
            let shape: Vec<u64> = [bytes / each].into_iter().chain(t.item.iter().map(|&d| d as u64)).collect();
            let info = json!({ "dtype": t.dtype, "shape": shape, "data_offsets": [t.start, t.end] });
            map.insert(t.name.clone(), info);
        }
        Ok(canonical_json(&map)?)
    }
}
