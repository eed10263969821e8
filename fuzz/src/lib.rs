//! Every reader of files from outside, each as a function of bytes that reads all it can. Nothing they are given may make
//! them panic, hang or ask for much more memory than the bytes themselves; whether they take the file is all that they answer here.
//! `tests/tests/hostile.rs` takes this file too.

use std::fs;
use std::path::PathBuf;

use nn::Checkpoint;
use tasks::formats::array::Array;
use tasks::formats::bundle::Bundle;
use tasks::formats::mat4::Mat4;
use tasks::formats::mat5::Mat5;
use tasks::formats::mat73::Mat73;
use tasks::formats::matlab::Numbers;
use tasks::formats::npy::{Npy, Stream};
use tasks::formats::pickle::{Object, Pickle};
use tasks::formats::wav::Wav;
use tasks::formats::zip::Zip;
use tasks::store::{Part, Stored};

/// Most bytes of one unpacked member.
const MOST: u64 = 1 << 20;
/// Most objects of a pickle and numbers of an array that are looked at.
const LOOKED_AT: usize = 10_000;

/// A reader; whether it took the file.
pub type Reader = fn(&[u8]) -> bool;

/// All of them, by name.
pub const READERS: [(&str, Reader); 10] = [
    ("pickle", pickle),
    ("npy", npy),
    ("mat4", mat4),
    ("mat5", mat5),
    ("hdf5", hdf5),
    ("zip", zip),
    ("bundle", bundle),
    ("store", store),
    ("checkpoint", checkpoint),
    ("wav", wav),
];

fn look_at_array(array: &Array<'_>) {
    for i in 0..array.len().min(LOOKED_AT) {
        let _ = (array.number(i), array.integer(i), array.text(i));
    }
    let _ = array.octets();
    let mut some = [0.0; 16];
    if let Some(from) = array.len().checked_sub(some.len()) {
        array.numbers(from, &mut some);
    }
}

/// Objects may hold each other: so many are looked at, no more.
fn look_at(root: Object<'_>) {
    let (mut todo, mut left) = (vec![root], LOOKED_AT);
    while let Some(object) = todo.pop() {
        let Some(fewer) = left.checked_sub(1) else { break };
        left = fewer;
        let _ = (object.what(), object.integer(), object.number(), object.text(), object.bytes(), object.array_type());
        if let Some(array) = object.array() {
            look_at_array(&array);
        }
        if let Some(keys) = object.keys() {
            todo.extend(keys.take(100).filter_map(|k| object.get(k)));
        }
        todo.extend(object.items().into_iter().flatten().take(1_000));
        todo.extend(object.only());
    }
}

/// Python's pickles.
pub fn pickle(bytes: &[u8]) -> bool {
    let _ = Pickle::parse_prefix(bytes);
    let Ok(p) = Pickle::parse(bytes) else { return false };
    look_at(p.root());
    true
}

/// NumPy's arrays, whole and as a stream.
pub fn npy(bytes: &[u8]) -> bool {
    if let Ok(mut stream) = Stream::open(bytes) {
        let total = stream.shape().iter().product::<usize>();
        if (0..total).step_by(16).all(|at| stream.next(16.min(total - at)).is_ok()) {
            let _ = stream.finish();
        }
    }
    match Npy::parse(bytes) {
        Ok(Npy::Array(array)) => look_at_array(&array),
        Ok(Npy::Objects(p)) => look_at(p.root()),
        Err(_) => return false,
    }
    true
}

/// MATLAB's files of version 4.
pub fn mat4(bytes: &[u8]) -> bool {
    let Ok(m) = Mat4::parse(bytes) else { return false };
    look_at_array(&m.matrix);
    true
}

fn read_numbers(numbers: &mut dyn Numbers) -> bool {
    let mut left = numbers.dims().iter().try_fold(1usize, |n, &d| n.checked_mul(d)).expect("checked by the reader");
    let mut piece = [0.0; 64];
    while left > 0 {
        let n = left.min(piece.len());
        if numbers.read(&mut piece[..n]).is_err() {
            return false;
        }
        left -= n;
    }
    numbers.finish().is_ok()
}

/// MATLAB's files of versions 5 to 7.2.
pub fn mat5(bytes: &[u8]) -> bool {
    let Ok(m) = Mat5::parse(bytes) else { return false };
    let Ok(names) = m.names() else { return false };
    let each = names.iter().take(8).map(|n| m.numbers(n).is_ok_and(|v| v.is_none_or(|mut v| read_numbers(&mut v))));
    each.fold(true, |all, one| all & one)
}

/// A place of this process's own for readers that take a path.
fn place(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("np360-hostile-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for scratch files");
    folder.join(name)
}

/// MATLAB's files of version 7.3.
pub fn hdf5(bytes: &[u8]) -> bool {
    let path = place("file.mat");
    fs::write(&path, bytes).expect("a scratch file");
    let Ok(m) = Mat73::open(&path) else { return false };
    let Ok(names) = m.names() else { return false };
    let each = names.iter().take(8).map(|n| m.numbers(n).is_ok_and(|v| v.is_none_or(|mut v| read_numbers(&mut v))));
    each.fold(true, |all, one| all & one)
}

/// Zip archives.
pub fn zip(bytes: &[u8]) -> bool {
    let Ok(mut z) = Zip::parse(bytes) else { return false };
    let (mut out, mut whole) = (Vec::new(), true);
    for entry in 0..z.entries().len().min(16) {
        whole &= z.read(entry, MOST, &mut out).is_ok();
        let _ = z.stream(entry, |content| {
            let mut few = [0; 64];
            let _ = content.read(&mut few);
            Ok(())
        });
    }
    whole
}

/// Archives of any kind, told by their first bytes.
pub fn bundle(bytes: &[u8]) -> bool {
    let path = place("archive.gz");
    fs::write(&path, bytes).expect("a scratch file");
    let Ok(b) = Bundle::open(&path) else { return false };
    let Ok(names) = b.names() else { return false };
    names.iter().take(8).fold(true, |all, (name, _)| all & b.read(name, MOST).is_ok())
}

/// The store's own files. What is wrong with a header's hash is put right first, or nothing behind it would be tried.
pub fn store(bytes: &[u8]) -> bool {
    let mut bytes = bytes.to_vec();
    let length = bytes.first_chunk::<8>().map_or(0, |n| u64::from_le_bytes(*n));
    let room = usize::try_from(length).ok().and_then(|n| n.checked_add(8)).filter(|&n| n <= bytes.len());
    let mark = br#""header":""#;
    if let Some(room) = room
        && let Some(at) = bytes.windows(mark.len()).position(|w| w == mark).map(|at| at + mark.len())
        && at + 64 <= room
    {
        bytes[at..at + 64].fill(b'0');
        let hash = blake3::hash(&bytes[..room]).to_hex();
        bytes[at..at + 64].copy_from_slice(hash.as_bytes());
    }
    let path = place("train.safetensors");
    fs::write(&path, &bytes).expect("a scratch file");
    let Ok(stored) = Stored::open(path.parent().expect("a folder"), Part::Train) else { return false };
    for name in stored.names() {
        let Some((dtype, _)) = stored.tensor_type(&name) else { continue };
        let _ = (stored.tensor::<f32>(&name, dtype), stored.tensor::<i32>(&name, dtype), stored.bytes(&name));
    }
    stored.verify(&tasks::Silent).is_ok()
}

/// Checkpoints.
pub fn checkpoint(bytes: &[u8]) -> bool {
    Checkpoint::from_bytes(bytes).is_ok_and(|c| c.names().count() <= bytes.len())
}

/// Recordings.
pub fn wav(bytes: &[u8]) -> bool {
    Wav::parse(bytes).is_ok_and(|w| w.samples.len() <= bytes.len())
}
