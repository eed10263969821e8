//! Hostile files against every reader of files from outside: small valid ones, changed in thousands of ways by a chance of
//! fixed seed. None may make a reader panic, hang, or ask for much more memory than it has bytes. Alone in its file: the
//! memory counted is the process's. `fuzz/` holds the same readers for cargo-fuzz.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kernels::rng::{Key, Purpose, Stream};
use safetensors::Dtype;
use tasks::store::{Origin, Part, Provenance, StoreWriter};

#[path = "../../fuzz/src/lib.rs"]
mod readers;

/// The system's allocator, noting what is in use and the most of it.
struct Noting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(now, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Noting = Noting;

/// Changed files of each format, and the time in which they are read; past it the rest is left out.
const CHANGES: u64 = 100_000;
const TIME: Duration = Duration::from_secs(2);
/// The least that is tried in any time.
const LEAST: u64 = 200;
/// The longest that one file may take.
const SLOW: Duration = Duration::from_secs(5);
/// What a reader may hold: this, and what it may unpack a file of a few kilobytes to.
const ROOM: usize = 24 << 20;

/// Values at which lengths go wrong.
const EXTREMES: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_fff8,
    u64::MAX,
];

/// One to four changes: a flipped bit, another byte, an extreme of any width and order, a piece cut out, doubled, moved or
/// taken from another seed, an end cut off.
fn change(bytes: &mut Vec<u8>, other: &[u8], chance: &mut Stream) {
    for _ in 0..=chance.below(4) {
        if bytes.is_empty() {
            return;
        }
        let n = bytes.len() as u64;
        // Every other change is near the beginning, where the lengths stand.
        let near = if chance.below(2) == 0 { n.min(256) } else { n };
        let at = chance.below(near) as usize;
        let len = (1 + chance.below(64)) as usize;
        let end = (at + len).min(bytes.len());
        match chance.below(8) {
            0 | 1 => bytes[at] ^= 1 << chance.below(8),
            2 => bytes[at] = chance.word() as u8,
            3 | 4 => {
                let value = EXTREMES[chance.below(EXTREMES.len() as u64) as usize];
                let width = 1usize << chance.below(4);
                let value = if chance.below(2) == 0 { value.to_le_bytes() } else { value.to_be_bytes() };
                let value = if chance.below(2) == 0 { &value[..width] } else { &value[8 - width..] };
                for (to, from) in bytes[at..].iter_mut().zip(value) {
                    *to = *from;
                }
            }
            5 => {
                bytes.truncate(at);
            }
            6 => {
                let from = chance.below(other.len() as u64) as usize;
                let piece = other[from..(from + len).min(other.len())].to_vec();
                bytes.splice(at..end, piece);
            }
            _ => {
                let piece = bytes[at..end].to_vec();
                let to = chance.below(n) as usize;
                bytes.splice(to..to, piece);
            }
        }
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn pickles() -> Vec<Vec<u8>> {
    // Protocol 2: a dict of a list, a tuple, shared things, big numbers, and an array as NumPy writes it.
    let mut array = b"\x80\x02}q\x00(X\x04\x00\x00\x00dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\n\
        q\x03K\x00\x85q\x04C\x01bq\x05\x87q\x06Rq\x07(K\x01K\x02K\x02\x86cnumpy\ndtype\nX\x02\x00\x00\x00f4K\x00K\x01\x87R\
        (K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x10"
        .to_vec();
    array.extend([0; 16]);
    array.extend(b"tbX\x05\x00\x00\x00labelq\x08](K\x01M\x02\x01J\x00\x00\x01\x00\x8a\x03\x01\x02\x03G\x3f\xf0\x00\x00\x00\x00\x00\x00N\x88\x89eu.");
    vec![
        array,
        b"(dp0\nS'label'\np1\n(lp2\nI1\naF2.5\naL3L\naVtext\nasS'again'\ng2\ns.".to_vec(),
        b"\x80\x04\x95\x19\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01K\x02e\x8c\x01b\x94h\x02\x85\x94u."
            .to_vec(),
    ]
}

fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
    match version {
        1 => out.extend((header.len() as u16).to_le_bytes()),
        _ => out.extend((header.len() as u32).to_le_bytes()),
    }
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

fn npys() -> Vec<Vec<u8>> {
    let head =
        |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    vec![
        npy(1, &head("<f4", "(3, 4)"), &[7; 48]),
        npy(2, &head(">i8", "(5,)"), &[1; 40]),
        npy(1, &head("|S3", "(4,)"), b"abcdefghijkl"),
        npy(1, &head("<U2", "(2,)"), &[65, 0, 0, 0, 66, 0, 0, 0, 67, 0, 0, 0, 0, 0, 0, 0]),
        npy(1, &head("|O", "()"), &pickles()[0]),
    ]
}

fn mat4s() -> Vec<Vec<u8>> {
    [(30, 2), (0, 8), (50, 1)]
        .map(|(kind, size)| {
            let mut out: Vec<u8> = [kind, 3i32, 4, 0, 4].iter().flat_map(|w| w.to_le_bytes()).collect();
            out.extend(b"val\0");
            out.resize(out.len() + 12 * size, 5);
            out
        })
        .to_vec()
}

/// An element of a MATLAB file: type, length, bytes, filled up to eight.
fn element(kind: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = [kind.to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

fn mat5s() -> Vec<Vec<u8>> {
    let matrix = |name: &[u8], storage: u32, data: &[u8]| {
        let flags = element(6, &[6, 0, 0, 0, 0, 0, 0, 0]);
        let dims = element(5, &[3, 0, 0, 0, 4, 0, 0, 0]);
        element(14, &[flags, dims, element(1, name), element(storage, data)].concat())
    };
    let (plain, small) = (matrix(b"coeff", 9, &[0; 96]), matrix(b"s", 2, &[9; 12]));
    let packed = deflated(&plain);
    let packed = [15u32.to_le_bytes().to_vec(), (packed.len() as u32).to_le_bytes().to_vec(), packed].concat();
    [plain.clone(), packed.clone(), [small, packed, plain].concat()]
        .map(|elements| {
            let mut out = b"MATLAB 5.0 MAT-file".to_vec();
            out.resize(124, b' ');
            out.extend([0, 1, b'I', b'M']);
            out.extend(elements);
            out
        })
        .to_vec()
}

fn hdf5s() -> Vec<Vec<u8>> {
    [false, true]
        .map(|chunked| {
            let mut b = hdf5_pure::FileBuilder::new();
            b.with_userblock(512);
            let numbers: Vec<f64> = (0..60).map(f64::from).collect();
            let set = b.create_dataset("coeff").with_f64_data(&numbers).with_shape(&[3, 4, 5]);
            if chunked {
                set.with_chunks(&[2, 3, 4]).with_shuffle().with_deflate(6);
            }
            let mut out = b.finish().unwrap();
            out[..30].copy_from_slice(b"MATLAB 7.3 MAT-file, Platform:");
            out
        })
        .to_vec()
}

fn zips() -> Vec<Vec<u8>> {
    let packed = |method| {
        let mut w = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        for (name, bytes) in [("a/b.txt", &b"hello, zip"[..]), ("c.bin", &[7; 3_000]), ("d", b"")] {
            w.start_file(name, options).unwrap();
            w.write_all(bytes).unwrap();
        }
        w.finish().unwrap().into_inner()
    };
    vec![packed(zip::CompressionMethod::Deflated), packed(zip::CompressionMethod::Stored)]
}

fn bundles() -> Vec<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [("a/b.txt", &b"hello, tar"[..]), ("a/c.bin", &[7; 700]), ("d", b"")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    let mut long = tar::Header::new_gnu();
    long.set_size(3);
    tar.append_data(&mut long, "long/".repeat(40) + "name", &b"abc"[..]).unwrap();
    let tar = tar.into_inner().unwrap();
    vec![tar.clone(), gzipped(&tar), gzipped(b"one member"), zips().remove(0)]
}

fn stores() -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let origin = Origin {
        preprocessing: 1,
        provenance: Provenance::Generated,
        seed: Some(1),
        sources: Vec::new(),
        task: "satellite".into(),
        outputs: 3,
        notices: vec!["a notice".into()],
    };
    let mut store = StoreWriter::begin(dir.path(), "satellite").unwrap();
    for part in Part::ALL {
        let mut split = store.split(part).unwrap();
        split.tensor("x", Dtype::F32, &[2, 1]).unwrap();
        split.push(&[1f32; 20]).unwrap();
        split.tensor("y", Dtype::I32, &[]).unwrap();
        split.push(&[1i32; 10]).unwrap();
        store.finish(split, &origin).unwrap();
    }
    let folder = store.publish().unwrap();
    vec![std::fs::read(Part::Train.file(&folder)).unwrap()]
}

fn checkpoints() -> Vec<Vec<u8>> {
    let mut c = nn::Checkpoint::new(serde_json::json!({ "epoch": 3 }));
    c.put_state("a", &kernels::Tensor::full([2, 3], 0.5));
    c.put_state("b", &kernels::Tensor::from_ints([2], &[3, 1]));
    vec![c.to_bytes()]
}

fn seeds(format: &str) -> Vec<Vec<u8>> {
    match format {
        "pickle" => pickles(),
        "npy" => npys(),
        "mat4" => mat4s(),
        "mat5" => mat5s(),
        "hdf5" => hdf5s(),
        "zip" => zips(),
        "bundle" => bundles(),
        "store" => stores(),
        "checkpoint" => checkpoints(),
        "wav" => vec![tasks::formats::wav::pcm16(22_050, &[1, -2, 300, 4])],
        other => panic!("{other} has no seeds"),
    }
}

/// Where `NP360_SEEDS` names a folder, what cargo-fuzz begins with is written there: `<format>/<n>`.
#[test]
fn changed_files_are_errors_and_nothing_worse() {
    let corpus = std::env::var_os("NP360_SEEDS").map(std::path::PathBuf::from);
    let mut told = Vec::new();
    for (f, (format, read)) in readers::READERS.into_iter().enumerate() {
        let seeds = seeds(format);
        if let Some(corpus) = &corpus {
            std::fs::create_dir_all(corpus.join(format)).unwrap();
            for (i, seed) in seeds.iter().enumerate() {
                std::fs::write(corpus.join(format).join(i.to_string()), seed).unwrap();
            }
        }
        for (i, seed) in seeds.iter().enumerate() {
            assert!(read(seed), "{format}: seed {i} is no valid file");
        }
        let key = Key::new(f as u64, Purpose::Test);
        let (begun, mut tried, mut most) = (Instant::now(), 0, 0);
        while tried < CHANGES && (tried < LEAST || begun.elapsed() < TIME) {
            let mut chance = key.stream(tried);
            let mut bytes = seeds[tried as usize % seeds.len()].clone();
            let other = chance.below(seeds.len() as u64) as usize;
            change(&mut bytes, &seeds[other], &mut chance);
            let before = IN_USE.load(Relaxed);
            MOST.store(before, Relaxed);
            let start = Instant::now();
            let calm = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
            let (took, held) = (start.elapsed(), MOST.load(Relaxed).saturating_sub(before));
            assert!(calm.is_ok(), "{format}: change {tried} makes its reader panic");
            assert!(took < SLOW, "{format}: change {tried} takes {took:?}");
            assert!(held <= ROOM, "{format}: change {tried} of {} bytes takes {held} bytes of memory", bytes.len());
            most = most.max(held);
            tried += 1;
        }
        told.push(format!("{format}: {tried} changed files in {:.1?}, at most {most} bytes held", begun.elapsed()));
    }
    assert_eq!(told.len(), 10, "{told:#?}");
    if corpus.is_some() {
        std::fs::write("/dev/stderr", told.join("\n") + "\n").unwrap();
    }
}
