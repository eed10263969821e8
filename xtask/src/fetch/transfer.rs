//! One file over HTTP: into `FILE.part`, resumed where a cut left it, checked, then renamed.

use anyhow::{Context, anyhow, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use md5::{Digest, Md5};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

/// Attempts in a row that bring nothing.
const ATTEMPTS: u32 = 5;
/// Bytes read at a time.
const PIECE: usize = 1 << 16;

/// What is asked for.
pub struct Wanted<'a> {
    /// Its address.
    pub url: &'a str,
    /// Its size, where that is known.
    pub bytes: Option<u64>,
    /// Its MD5, where that is known.
    pub md5: Option<&'a str>,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Got {
    /// So many bytes are there now.
    Fetched(u64),
    /// It was there already, and is left as it is.
    There,
}

/// Why an attempt failed.
enum Failed {
    /// Another attempt may succeed; whether this one brought anything.
    Passing(anyhow::Error, bool),
    /// None will.
    Lasting(anyhow::Error),
}

/// Downloads files.
pub struct Client {
    agent: Agent,
    pause: Duration,
}

impl Client {
    /// A client that waits `pause` before its second attempt.
    pub fn new(pause: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            // A connection that has gone silent is given up and resumed.
            .timeout_recv_body(Some(Duration::from_secs(3_600)))
            .user_agent(concat!("np360/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), pause }
    }

    /// Brings one file to `place`.
    ///
    /// # Errors
    /// If it cannot be had, or what came is not what its publisher says.
    pub fn fetch(&self, wanted: &Wanted<'_>, place: &Path) -> anyhow::Result<Got> {
        if place.exists() {
            check(place, wanted).with_context(|| {
                format!("{} is there and is not overwritten: move it away to fetch it again", place.display())
            })?;
            return Ok(Got::There);
        }
        let (part, from) = (beside(place, ".part"), beside(place, ".part-from"));
        let (mut attempt, mut pause) = (1, self.pause);
        while let Err(failed) = self.attempt(wanted, &part, &from) {
            match failed {
                Failed::Lasting(e) => return Err(e),
                Failed::Passing(e, false) if attempt == ATTEMPTS => {
                    return Err(e.context(format!("gave up after {ATTEMPTS} attempts (the same command goes on)")));
                }
                Failed::Passing(_, true) => (attempt, pause) = (1, self.pause),
                Failed::Passing(_, false) => (attempt, pause) = (attempt + 1, 2 * pause),
            }
            std::thread::sleep(pause);
        }
        if let Err(e) = check(&part, wanted) {
            let aside = beside(place, ".bad");
            fs::rename(&part, &aside).with_context(|| format!("cannot rename {}", part.display()))?;
            let _ = fs::remove_file(&from);
            return Err(e.context(format!(
                "{} is not what its publisher says; it is kept as {}",
                wanted.url,
                aside.display()
            )));
        }
        let bytes = size(&part);
        fs::rename(&part, place).with_context(|| format!("cannot rename {}", part.display()))?;
        let _ = fs::remove_file(&from);
        Ok(Got::Fetched(bytes))
    }

    /// One request: from the start, or from where the part ends if the file is still the one it began with.
    fn attempt(&self, wanted: &Wanted<'_>, part: &Path, from: &Path) -> Result<(), Failed> {
        let url = wanted.url;
        let have = size(part);
        let kept = if have > 0 { fs::read_to_string(from).ok() } else { None };
        let validator = kept.and_then(|text| {
            let (of, validator) = text.split_once('\n')?;
            (of == url).then(|| validator.to_owned())
        });
        // Nothing is left to compress, and a range is one of the bytes as they are.
        let mut request = self.agent.get(url).header("Accept-Encoding", "identity");
        if let Some(validator) = &validator {
            request = request.header("Range", format!("bytes={have}-")).header("If-Range", validator);
        }
        let mut response = request.call().map_err(|e| refused(url, e))?;
        let status = response.status().as_u16();
        let begin = match status {
            200 => 0,
            206 if validator.is_some() && range_begins(response.headers()) == Some(have) => have,
            206 | 416 => {
                // The server's file is another one, or none of the part is of use: begin anew.
                let _ = fs::remove_file(part).and_then(|()| fs::remove_file(from));
                return Err(Failed::Passing(
                    anyhow!("{url}: the server gave another range than it was asked for"),
                    false,
                ));
            }
            408 | 429 | 500..=599 => return Err(Failed::Passing(anyhow!("{url}: the server answers {status}"), false)),
            404 | 410 => return Err(Failed::Lasting(anyhow!("{url}: the file is not there ({status})"))),
            401 | 403 => return Err(Failed::Lasting(anyhow!("{url}: the server refuses access ({status})"))),
            _ => return Err(Failed::Lasting(anyhow!("{url}: the server answers {status}"))),
        };
        let total = number(response.headers(), "content-length").map(|n| begin + n);
        if begin == 0 {
            let text = validator_of(response.headers()).map(|v| format!("{url}\n{v}"));
            let kept = match text {
                Some(text) => fs::write(from, text),
                None => {
                    fs::remove_file(from).or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
                }
            };
            kept.map_err(|e| unwritable(from, &e))?;
        }
        receive(&mut response, part, begin, total, url)
    }
}

/// Appends the body to the part, which is cut to `begin` first.
fn receive(
    response: &mut Response<Body>,
    part: &Path,
    begin: u64,
    total: Option<u64>,
    url: &str,
) -> Result<(), Failed> {
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(part);
    let mut file = open.map_err(|e| unwritable(part, &e))?;
    let seek = file.set_len(begin).and_then(|()| io::Seek::seek(&mut file, io::SeekFrom::End(0)));
    seek.map_err(|e| unwritable(part, &e))?;
    let bar = bar(part, begin, total);
    let (mut body, mut piece, mut done) = (response.body_mut().as_reader(), vec![0; PIECE], begin);
    loop {
        let n = match body.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) => return Err(Failed::Passing(anyhow!("{url}: the transfer broke off ({e})"), done > begin)),
        };
        file.write_all(&piece[..n]).map_err(|e| unwritable(part, &e))?;
        done += n as u64;
        bar.set_position(done);
    }
    bar.finish_and_clear();
    if total.is_some_and(|t| t != done) {
        return Err(Failed::Passing(anyhow!("{url}: the transfer broke off after {done} bytes"), done > begin));
    }
    file.sync_all().map_err(|e| unwritable(part, &e))
}

fn bar(part: &Path, begin: u64, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = "{msg}  [{bar:20}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(template).expect("a valid template").progress_chars("=> "));
    bar.set_message(part.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    bar.set_position(begin);
    bar.reset_eta();
    bar
}

/// A request without an answer: nobody listens, or the way there is disturbed.
fn refused(url: &str, e: ureq::Error) -> Failed {
    match e {
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
            Failed::Lasting(anyhow!("{url}: the connection is refused"))
        }
        ureq::Error::HostNotFound => Failed::Lasting(anyhow!("{url}: there is no such host, or no network")),
        ureq::Error::BadUri(_) | ureq::Error::TooManyRedirects | ureq::Error::Tls(_) => {
            Failed::Lasting(anyhow!("{url}: {e}"))
        }
        e => Failed::Passing(anyhow!("{url}: {e}"), false),
    }
}

fn unwritable(path: &Path, e: &io::Error) -> Failed {
    let fix = match e.kind() {
        io::ErrorKind::StorageFull => "the disk is full; free some space, and the same command goes on",
        _ => "check the disk and the path (--to chooses another folder)",
    };
    Failed::Lasting(anyhow!("cannot write {}: {e}; {fix}", path.display()))
}

/// What a later request asks about to be sure of the same file. A weak tag promises no equal bytes.
fn validator_of(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    text("etag").filter(|tag| !tag.starts_with("W/")).or_else(|| text("last-modified"))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// `Content-Range: bytes 100-199/200` begins at 100.
fn range_begins(headers: &HeaderMap) -> Option<u64> {
    headers.get("content-range")?.to_str().ok()?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// Compares a whole file with what its publisher says of it.
fn check(path: &Path, wanted: &Wanted<'_>) -> anyhow::Result<()> {
    let bytes = size(path);
    if let Some(want) = wanted.bytes.filter(|&n| n != bytes) {
        bail!("expected {want} bytes, found {bytes}");
    }
    if let Some(want) = wanted.md5 {
        let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut hash = Md5::new();
        io::copy(&mut file, &mut hash).with_context(|| format!("cannot read {}", path.display()))?;
        let found: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        if found != want {
            bail!("expected MD5 {want}, found {found}");
        }
    }
    Ok(())
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |i| i.len())
}

fn beside(place: &Path, end: &str) -> PathBuf {
    let mut name: OsString = place.as_os_str().to_owned();
    name.push(end);
    name.into()
}
