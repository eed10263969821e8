use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const FILES: [(&str, &[u8]); 3] = [("a/b.txt", b"hello, tar"), ("a/c.bin", &[7; 3_000]), ("d", b"")];

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // Written by hand: the library itself refuses names that lead out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut w = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        w.start_file(*name, SimpleFileOptions::default()).unwrap();
        w.write_all(bytes).unwrap();
    }
    w.finish().unwrap().into_inner()
}

fn all(path: &Path) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = Vec::new();
    Bundle::open(path)?.each(&mut |name, _, content| {
        files.push((name.to_owned(), read_all(name, content, 1 << 20)?));
        Ok(())
    })?;
    Ok(files)
}

/// The same through a file.
fn from_bytes(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let dir = tempfile::tempdir().unwrap();
    through(&dir.path().join("archive.gz"), bytes)
}

/// The same through this file.
fn through(path: &Path, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
    std::fs::write(path, bytes).unwrap();
    all(path)
}

#[test]
fn every_kind_shows_the_same_members() {
    let dir = tempfile::tempdir().unwrap();
    let want: Vec<_> = FILES.iter().map(|(n, b)| ((*n).to_owned(), b.to_vec())).collect();
    std::fs::create_dir_all(dir.path().join("folder/a")).unwrap();
    for (name, bytes) in FILES {
        std::fs::write(dir.path().join("folder").join(name), bytes).unwrap();
    }
    for (name, bytes) in [("x.zip", zip_of(&FILES)), ("x.tar", tar_of(&FILES)), ("x.tgz", gz(&tar_of(&FILES)))] {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    for name in ["folder", "x.zip", "x.tar", "x.tgz"] {
        let path = dir.path().join(name);
        assert_eq!(all(&path).unwrap(), want, "{name}");
        let bundle = Bundle::open(&path).unwrap();
        assert_eq!((bundle.is_folder(), bundle.bytes() == 0), (name == "folder", name == "folder"));
        let sizes: Vec<_> = bundle.names().unwrap();
        assert_eq!(sizes, FILES.map(|(n, b)| (n.to_owned(), b.len() as u64)), "{name}");
        assert_eq!(bundle.read("b.txt", 10).unwrap(), b"hello, tar", "{name}");
        assert_eq!(bundle.read("a/c.bin", 3_000).unwrap(), [7; 3_000], "{name}");
        let missing = bundle.read(".txt", 10).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::Missing, "a whole name is asked for: {missing}");
        assert!(bundle.read("b.txt", 9).unwrap_err().to_string().contains("'a/b.txt' has more than the 9 bytes"));
    }
    let path = dir.path().join("pickle.gz");
    std::fs::write(&path, gz(b"one file")).unwrap();
    assert_eq!(all(&path).unwrap(), [("pickle".to_owned(), b"one file".to_vec())]);
}

#[test]
fn progress_counts_the_archives_own_bytes() {
    struct Last(std::sync::Mutex<(u64, u64)>);
    impl Progress for Last {
        fn report(&self, message: &str, done: u64, total: u64, unit: Unit) {
            assert_eq!((message, unit), ("importing", Unit::Bytes));
            *self.0.lock().unwrap() = (done, total);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    let bytes = gz(&tar_of(&FILES));
    std::fs::write(&path, &bytes).unwrap();
    let last = Last(std::sync::Mutex::default());
    Bundle::open(&path).unwrap().with_progress(&last, "importing").names().unwrap();
    let n = bytes.len() as u64;
    assert_eq!(*last.0.lock().unwrap(), (n, n));
}

#[test]
fn odd_archives_are_refused() {
    for name in ["../a", "a/../../b", "/etc/x", "a\\b", "C:x", "a//b"] {
        for bytes in [tar_of(&[(name, b"x")]), gz(&tar_of(&[(name, b"x")]))] {
            let e = from_bytes(&bytes).unwrap_err().to_string();
            assert!(e.contains("leads out of the archive's folder"), "{name}: {e}");
        }
    }
    let bomb = gz(&vec![0; 16 << 20]);
    let e = from_bytes(&bomb).unwrap_err().to_string();
    assert!(e.contains("more than") && e.contains("bytes"), "{e}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb");
    std::fs::write(&path, &bomb).unwrap();
    let e = Bundle::open(&path).unwrap().names().unwrap_err().to_string();
    assert!(e.contains("64 times its bytes"), "{e}");
    assert!(from_bytes(b"PK\x07\x08...").unwrap_err().to_string().contains("zip -s 0"));
    assert!(from_bytes(b"no archive").unwrap_err().to_string().contains("is no folder and no archive"));
    assert!(from_bytes(b"").unwrap_err().to_string().contains("is no folder and no archive"));
    assert_eq!(Bundle::open(&dir.path().join("absent")).err().unwrap().kind, ErrorKind::Missing);
}

#[test]
fn links_are_passed_over_and_absurd_sizes_are_not_believed() {
    let mut tar = ::tar::Builder::new(Vec::new());
    let mut link = ::tar::Header::new_gnu();
    link.set_entry_type(::tar::EntryType::Symlink);
    link.set_size(0);
    link.set_cksum();
    tar.append_link(&mut link, "link", "/etc/passwd").unwrap();
    assert_eq!(from_bytes(&tar.into_inner().unwrap()).unwrap(), []);

    let mut header = ::tar::Header::new_gnu();
    header.set_path("big").unwrap();
    header.set_size(u64::MAX / 2);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend([1; 2_048]);
    let e = from_bytes(&bytes).unwrap_err().to_string();
    assert!(e.contains("'big' is damaged or cut short") || e.contains("no sound tar"), "{e}");
}

#[test]
fn zeros_of_a_file_are_no_end() {
    let bytes = tar_of(&[("a", b"x"), ("zeros", &[0; 2_000])]);
    assert_eq!(from_bytes(&bytes).unwrap().len(), 2);
    for cut in [512, 1_024] {
        let bytes = &bytes[..bytes.len() - cut];
        for bytes in [bytes.to_vec(), gz(bytes)] {
            let e = from_bytes(&bytes).unwrap_err().to_string();
            assert!(e.contains("the archive has no end"), "{cut}: {e}");
        }
    }
}

#[test]
fn damage_is_an_error_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive");
    let from_bytes = |bytes: &[u8]| through(&path, bytes);
    let tar = tar_of(&FILES[..1]);
    // Where the zeros begin that fill a header, a member and the end, one cut is as good as another.
    let telling = |bytes: &[u8], at: usize| {
        at < 20 || at.is_multiple_of(512) || bytes.len() - at < 20 || bytes[at - 1..=at] != [0, 0]
    };
    for bytes in [&tar, &gz(&tar)] {
        let good = from_bytes(bytes).unwrap();
        for at in (0..bytes.len()).filter(|&at| telling(bytes, at)) {
            assert!(from_bytes(&bytes[..at]).is_err(), "cut at {at} of {}", bytes.len());
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            // A tar has no checksum of its contents; a gzip has.
            if let Ok(read) = from_bytes(&bad) {
                let plain = bytes.starts_with(b"a/b");
                assert!(if plain { read.len() <= 1 } else { read == good }, "flip at {at}");
            }
        }
        let garbage = [&bytes[..], b"garbage"].concat();
        assert!(from_bytes(&garbage).is_err());
    }
}
