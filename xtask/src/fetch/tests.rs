//! Against a server on loopback that answers by a script.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// What a server answers to a request, given the lines of its head.
type Answer = dyn FnMut(&[String]) -> Vec<u8> + Send;

/// A server that closes after each answer. Gives its address and the heads of the requests it had.
fn serve(mut answer: Box<Answer>) -> (String, Arc<Mutex<Vec<Vec<String>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    // It ends with the tests' process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|l| !l.is_empty()).collect();
            let bytes = answer(&head);
            log.lock().unwrap().push(head);
            let _ = stream.write_all(&bytes);
        }
    });
    (at, seen)
}

fn reply(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// Value of a header.
fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// A file of 200,000 bytes, and its MD5.
fn content(salt: u8) -> (Vec<u8>, String) {
    use md5::Digest;
    let bytes: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 ^ salt).collect();
    let md5 = md5::Md5::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    (bytes, md5)
}

/// A server of one file, with ranges, whose first answer stops after `cut` bytes.
fn ranged(file: Vec<u8>, tag: &'static str, mut cut: Option<usize>) -> Box<Answer> {
    Box::new(move |head| {
        let range = header(head, "range").filter(|_| header(head, "if-range") == Some(tag));
        let from = range.map_or(0, |r| r.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
        let rest = &file[from..];
        let sent = &rest[..cut.take().unwrap_or(rest.len())];
        let tag = format!("ETag: {tag}\r\n");
        match from {
            0 => reply("200 OK", &tag, rest.len(), sent),
            _ => {
                let range = format!("Content-Range: bytes {from}-{}/{}\r\n{tag}", file.len() - 1, file.len());
                reply("206 Partial Content", &range, rest.len(), sent)
            }
        }
    })
}

struct Bench {
    dir: tempfile::TempDir,
    client: Client,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), client: Client::new(Duration::from_millis(1)) }
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("file.gz")
    }

    fn fetch(&self, at: &str, md5: Option<&str>) -> Result<Got, String> {
        let url = format!("{at}/some/file.gz");
        self.client.fetch(&Wanted { url: &url, bytes: None, md5 }, &self.place()).map_err(|e| format!("{e:#}"))
    }

    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_whole_file_comes_once() {
    let (bench, (bytes, md5)) = (Bench::new(), content(0));
    let (at, seen) = serve(ranged(bytes.clone(), "\"a\"", None));
    assert_eq!(bench.fetch(&at, Some(&md5)), Ok(Got::Fetched(200_000)));
    assert_eq!(std::fs::read(bench.place()).unwrap(), bytes);
    assert_eq!(bench.files(), ["file.gz"]);
    assert_eq!(bench.fetch(&at, Some(&md5)), Ok(Got::There));
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(seen.lock().unwrap()[0][0], "GET /some/file.gz HTTP/1.1");
    // Another file of that name is neither taken for it nor overwritten.
    std::fs::write(bench.place(), b"mine").unwrap();
    let e = bench.fetch(&at, Some(&md5)).unwrap_err();
    assert!(e.contains("is not overwritten") && e.contains(&format!("expected MD5 {md5}, found ")), "{e}");
    assert_eq!(std::fs::read(bench.place()).unwrap(), b"mine");
}

#[test]
fn a_cut_is_resumed_where_it_was() {
    let (bench, (bytes, md5)) = (Bench::new(), content(0));
    let (at, seen) = serve(ranged(bytes.clone(), "\"a\"", Some(150_000)));
    assert_eq!(bench.fetch(&at, Some(&md5)), Ok(Got::Fetched(200_000)));
    assert_eq!(std::fs::read(bench.place()).unwrap(), bytes);
    let seen = seen.lock().unwrap();
    assert_eq!((seen.len(), header(&seen[0], "range")), (2, None));
    assert_eq!((header(&seen[1], "range"), header(&seen[1], "if-range")), (Some("bytes=150000-"), Some("\"a\"")));
}

#[test]
fn a_later_command_resumes_too_and_a_changed_file_is_begun_anew() {
    for (tag, from) in [("\"a\"", "bytes=120000-"), ("\"b\"", "bytes=120000-")] {
        let (bench, (bytes, md5)) = (Bench::new(), content(7));
        let (at, seen) = serve(ranged(bytes.clone(), tag, None));
        // What an earlier command left of version "a".
        let before = if tag == "\"a\"" { bytes.clone() } else { content(1).0 };
        std::fs::write(bench.dir.path().join("file.gz.part"), &before[..120_000]).unwrap();
        std::fs::write(bench.dir.path().join("file.gz.part-from"), format!("{at}/some/file.gz\n\"a\"")).unwrap();
        assert_eq!(bench.fetch(&at, Some(&md5)), Ok(Got::Fetched(200_000)));
        assert_eq!(std::fs::read(bench.place()).unwrap(), bytes);
        let seen = seen.lock().unwrap();
        assert_eq!((seen.len(), header(&seen[0], "range")), (1, Some(from)));
    }
}

#[test]
fn servers_without_ranges_or_tags_send_it_all_again() {
    for tag in ["ETag: \"a\"\r\n", ""] {
        let (bench, (bytes, md5)) = (Bench::new(), content(0));
        let (file, mut cut) = (bytes.clone(), Some(100_000));
        let (at, seen) =
            serve(Box::new(move |_| reply("200 OK", tag, file.len(), &file[..cut.take().unwrap_or(file.len())])));
        assert_eq!(bench.fetch(&at, Some(&md5)), Ok(Got::Fetched(200_000)));
        assert_eq!(std::fs::read(bench.place()).unwrap(), bytes);
        let seen = seen.lock().unwrap();
        assert_eq!((seen.len(), header(&seen[1], "range").is_some()), (2, !tag.is_empty()));
    }
}

#[test]
fn a_wrong_checksum_is_told_and_set_aside() {
    let (bench, (bytes, found)) = (Bench::new(), content(0));
    let (at, _) = serve(ranged(bytes, "\"a\"", None));
    let want = "eb9058c3a382ffc7106e4002c42a8d85";
    let e = bench.fetch(&at, Some(want)).unwrap_err();
    assert!(e.contains(&format!("expected MD5 {want}, found {found}")) && e.contains("kept as"), "{e}");
    assert_eq!(bench.files(), ["file.gz.bad"]);
}

#[test]
fn refusals_are_one_line_and_not_repeated() {
    for (status, want) in [("404 Not Found", "is not there (404)"), ("403 Forbidden", "refuses access (403)")] {
        let bench = Bench::new();
        let (at, seen) = serve(Box::new(move |_| reply(status, "", 0, b"")));
        let e = bench.fetch(&at, None).unwrap_err();
        assert!(e.contains(want) && e.starts_with(&at) && !e.contains('\n'), "{e}");
        assert_eq!((seen.lock().unwrap().len(), bench.files().len()), (1, 0));
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let e = Bench::new().fetch(&format!("http://{closed}"), None).unwrap_err();
    assert!(e.ends_with("the connection is refused"), "{e}");
}

#[test]
fn a_busy_server_is_asked_again_and_not_for_ever() {
    let (bench, (bytes, md5)) = (Bench::new(), content(0));
    let mut left = 3;
    let mut then = ranged(bytes, "\"a\"", None);
    let (at, seen) = serve(Box::new(move |head| {
        left -= 1;
        if left >= 0 { reply("503 Service Unavailable", "", 0, b"") } else { then(head) }
    }));
    assert_eq!(bench.fetch(&at, Some(&md5)), Ok(Got::Fetched(200_000)));
    assert_eq!(seen.lock().unwrap().len(), 4);
    let (at, seen) = serve(Box::new(|_| reply("503 Service Unavailable", "", 0, b"")));
    let e = Bench::new().fetch(&at, None).unwrap_err();
    assert!(e.contains("gave up after 5 attempts") && e.contains("answers 503"), "{e}");
    assert_eq!(seen.lock().unwrap().len(), 5);
}

#[test]
fn redirects_are_followed_with_the_range() {
    let (bench, (bytes, md5)) = (Bench::new(), content(0));
    let (to, seen) = serve(ranged(bytes, "\"a\"", Some(50_000)));
    let (at, _) = serve(Box::new(move |_| reply("302 Found", &format!("Location: {to}/other\r\n"), 0, b"")));
    assert_eq!(bench.fetch(&at, Some(&md5)), Ok(Got::Fetched(200_000)));
    assert_eq!(header(&seen.lock().unwrap()[1], "range"), Some("bytes=50000-"));
}

#[test]
fn a_disk_that_is_full_is_told() {
    let full = Path::new("/dev/full");
    if full.exists() {
        let bench = Bench::new();
        std::os::unix::fs::symlink(full, bench.dir.path().join("file.gz.part-from")).unwrap();
        let (at, seen) = serve(ranged(content(0).0, "\"a\"", None));
        let e = bench.fetch(&at, None).unwrap_err();
        assert!(e.contains("the disk is full; free some space"), "{e}");
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[test]
fn every_task_has_rows_and_gone_ones_name_what_replaces_them() {
    for task in tasks::all() {
        let name = task.facts().name;
        assert!(ORIGINALS.iter().any(|o| o.task == name), "{name}");
    }
    for o in ORIGINALS {
        assert!(tasks::by_name(o.task).is_ok() && o.url.ends_with(o.file) && o.url.contains("://"), "{o:?}");
        assert!(o.md5.is_none_or(|m| m.len() == 32), "{o:?}");
        assert_eq!(o.url.contains("pde-xd"), o.standing == Standing::Gone, "{o:?}");
    }
    let e = wanted("darcy", false).unwrap_err().to_string();
    assert!(e.contains("smooth1.mat") && e.contains(FOLDER), "{e}");
    assert_eq!(moved("https://a.org/b/c.gz", "http://127.0.0.1:9/x/").unwrap(), "http://127.0.0.1:9/x/b/c.gz");
    assert!(moved("https://a.org/b", "ftp://x").is_err());
}

#[test]
fn a_task_is_fetched_from_a_mirror() {
    let bench = Bench::new();
    let (at, seen) = serve(Box::new(|head| reply("200 OK", "", head[0].len(), head[0].as_bytes())));
    assert_eq!(fetch("satellite", bench.dir.path(), Some(&at), &bench.client).unwrap(), Ended::Well);
    assert_eq!(bench.files(), ["satellite_test.npy", "satellite_train.npy"]);
    assert_eq!(seen.lock().unwrap()[0][0], "GET /satellite/satellite_train.npy HTTP/1.1");
    let next = |task| next(task, &wanted(task, true).unwrap(), Path::new("d"));
    assert!(next("satellite").ends_with("data import satellite --from d"));
    assert!(next("cifar100").ends_with("data import cifar100 --from d/cifar-100-python.tar.gz"));
}
