//! One card, one context, one stream: memory, copies through pinned staging, errors for people.
//!
//! A process works with one card. Everything it is asked goes to one stream, so the order of the calls is the order of the
//! work. Calls that fail raise a [`DeviceError`] ([`raise`]): a panic that prints nothing, which the program catches at the
//! top and reports as its error, for there is no going on after a failed launch.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUdevice_attribute_enum as Attribute, CUresult};

use super::Probe;
use crate::memory;

/// The card failed, or has no memory left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceError {
    /// The op that asked, where it is known.
    pub op: Option<&'static str>,
    /// What was asked and what the driver said.
    pub what: String,
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.op {
            Some(op) => write!(f, "{op}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for DeviceError {}

thread_local! {
    /// The op that runs now.
    static OP: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// The context is current on this thread.
    static BOUND: Cell<bool> = const { Cell::new(false) };
}

/// Says which op the next errors belong to.
pub fn set_op(op: &'static str) {
    OP.set(Some(op));
}

/// Ends the work with an error: [`caught`] finds it.
pub fn raise(what: impl Into<String>) -> ! {
    std::panic::resume_unwind(Box::new(DeviceError { op: OP.get(), what: what.into() }))
}

/// What [`raise`] threw, from the payload of a caught panic; any other payload comes back.
///
/// # Errors
/// The payload, if it is something else.
pub fn caught(payload: Box<dyn Any + Send>) -> Result<DeviceError, Box<dyn Any + Send>> {
    payload.downcast::<DeviceError>().map(|e| *e)
}

/// Runs `work`; what it raised is its error. Other panics go on.
///
/// # Errors
/// What [`raise`] threw.
pub fn guard<T>(work: impl FnOnce() -> T) -> Result<T, DeviceError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .map_err(|payload| caught(payload).unwrap_or_else(|other| std::panic::resume_unwind(other)))
}

/// The card in use.
#[derive(Debug)]
pub struct Card {
    /// Its number.
    pub ordinal: usize,
    /// What the driver calls it.
    pub name: String,
    /// Compute capability, as in `sm_90`: 90.
    pub capability: usize,
    /// Bytes of memory.
    pub memory: usize,
    /// Number of multiprocessors.
    pub multiprocessors: usize,
    context: Handle<sys::CUcontext>,
    stream: Handle<sys::CUstream>,
    staging: Mutex<Staging>,
}

/// A driver's handle: an address that only the driver reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handle<T>(pub T);

// SAFETY: the driver's handles may be used from any thread once the context is current there, which `Card::bind` sees to.
unsafe impl<T> Send for Handle<T> {}
// SAFETY: as above; the driver locks what it shares.
unsafe impl<T> Sync for Handle<T> {}

/// Pinned memory through which copies go: a part for tensors, and a ring for a few words at a time.
#[derive(Debug)]
struct Staging {
    address: *mut u8,
    /// Words of the ring that are under way.
    ring: usize,
}

// SAFETY: the memory belongs to the struct, which is reached through a mutex.
unsafe impl Send for Staging {}

/// Bytes of the staging buffer, and words of the ring behind it.
const STAGING: usize = 8 << 20;
const RING: usize = 1 << 14;

static CARD: OnceLock<Result<Card, DeviceError>> = OnceLock::new();

/// The card `ordinal`, opened at the first call of the process.
///
/// # Errors
/// If there is none, or the process uses another.
pub fn open(ordinal: usize) -> Result<&'static Card, DeviceError> {
    let card = CARD.get_or_init(|| Card::new(ordinal)).as_ref().map_err(Clone::clone)?;
    if card.ordinal != ordinal {
        let what = format!("card {ordinal} was asked for, and this process works with card {}", card.ordinal);
        return Err(DeviceError { op: None, what });
    }
    Ok(card)
}

/// The opened card; for work with tensors that live there.
pub fn card() -> &'static Card {
    match CARD.get() {
        Some(Ok(card)) => {
            card.bind();
            card
        }
        Some(Err(e)) => raise(e.what.clone()),
        None => match open(0) {
            Ok(card) => {
                card.bind();
                card
            }
            Err(e) => raise(e.what),
        },
    }
}

/// The card that was opened, if one was.
pub fn opened() -> Option<&'static Card> {
    CARD.get()?.as_ref().ok()
}

fn text(e: DriverError) -> String {
    let c = |s: Result<&std::ffi::CStr, _>| s.map_or_else(|_| "?".to_owned(), |s| s.to_string_lossy().into_owned());
    let mut text = format!("{} ({})", c(e.error_string()), c(e.error_name()));
    let more = super::emu::message();
    if !more.is_empty() {
        text = format!("{text}: {more}");
    }
    text
}

/// The value, or [`raise`] with what was asked.
pub(super) fn ok<T>(r: Result<T, DriverError>, asked: impl FnOnce() -> String) -> T {
    r.unwrap_or_else(|e| raise(format!("{}: the driver says {}", asked(), text(e))))
}

impl Card {
    fn new(ordinal: usize) -> Result<Self, DeviceError> {
        let refuse = |what: String| DeviceError { op: None, what };
        match super::probe() {
            Probe::Absent(why) => return Err(refuse(format!("no CUDA: {why}; run with --device cpu or emu"))),
            Probe::Ready { cards } if ordinal >= *cards => {
                return Err(refuse(format!("no card {ordinal}: the driver has {cards}, counted from 0")));
            }
            Probe::Ready { .. } => {}
        }
        let open = || -> Result<Self, DriverError> {
            let device = result::device::get(ordinal as i32)?;
            // SAFETY: `device` comes from the driver.
            let attribute = |a| unsafe { result::device::get_attribute(device, a) };
            let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)? as usize;
            let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)? as usize;
            let multiprocessors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as usize;
            // SAFETY: as above; the context is kept for the life of the process.
            let (context, memory) =
                unsafe { (result::primary_ctx::retain(device)?, result::device::total_mem(device)?) };
            // SAFETY: the context was just retained.
            unsafe { result::ctx::set_current(context)? };
            BOUND.set(true);
            let stream = result::stream::create(result::stream::StreamKind::NonBlocking)?;
            // SAFETY: the context is current; the memory is kept for the life of the process.
            let address = unsafe { result::malloc_host(STAGING + 4 * RING, 0)? }.cast::<u8>();
            Ok(Self {
                ordinal,
                name: result::device::get_name(device)?,
                capability: 10 * major + minor,
                memory,
                multiprocessors,
                context: Handle(context),
                stream: Handle(stream),
                staging: Mutex::new(Staging { address, ring: 0 }),
            })
        };
        open().map_err(|e| refuse(format!("card {ordinal} cannot be opened: {}", text(e))))
    }

    /// Makes the context current on this thread.
    pub(super) fn bind(&self) {
        if !BOUND.get() {
            // SAFETY: the context lives as long as the process.
            ok(unsafe { result::ctx::set_current(self.context.0) }, || "a thread takes the context".to_owned());
            BOUND.set(true);
        }
    }

    /// The stream.
    pub(super) fn stream(&self) -> sys::CUstream {
        self.stream.0
    }

    fn staging(&self) -> MutexGuard<'_, Staging> {
        self.staging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for all work that was asked for.
    pub fn synchronize(&self) {
        // SAFETY: the stream lives as long as the process.
        ok(unsafe { result::stream::synchronize(self.stream()) }, || "waiting for the card".to_owned());
    }

    /// Copies `words` to the card; done when the call returns.
    pub fn upload(&self, to: u64, words: &[u32]) {
        let staging = self.staging();
        for (i, part) in words.chunks(STAGING / 4).enumerate() {
            // SAFETY: the staging buffer holds STAGING bytes, and nothing is under way from it: each copy is waited for.
            let pinned = unsafe { std::slice::from_raw_parts_mut(staging.address.cast::<u32>(), part.len()) };
            pinned.copy_from_slice(part);
            // SAFETY: the destination is a block of at least this many words.
            let r = unsafe { result::memcpy_htod_async(to + (i * STAGING) as u64, pinned, self.stream()) };
            ok(r, || format!("a copy of {} bytes to the card", part.len() * 4));
            self.synchronize();
        }
    }

    /// Copies a few words to the card behind all work that was asked for; nobody waits.
    ///
    /// # Panics
    /// If they are more than the ring holds.
    pub fn send(&self, to: u64, words: &[u32]) {
        assert!(words.len() <= RING, "{} words at once", words.len());
        let mut staging = self.staging();
        if staging.ring + words.len() > RING {
            self.synchronize();
            staging.ring = 0;
        }
        // SAFETY: the ring lies behind the staging buffer, and these words of it are not under way.
        let pinned = unsafe {
            let ring = staging.address.add(STAGING).cast::<u32>();
            std::slice::from_raw_parts_mut(ring.add(staging.ring), words.len())
        };
        pinned.copy_from_slice(words);
        staging.ring += words.len();
        // SAFETY: the destination is a block of at least this many words; the pinned ones stay until the ring turns.
        let r = unsafe { result::memcpy_htod_async(to, pinned, self.stream()) };
        ok(r, || format!("a copy of {} words to the card", words.len()));
    }

    /// Copies `words` from the card, behind all work that was asked for.
    pub fn download(&self, from: u64, words: &mut [u32]) {
        let staging = self.staging();
        for (i, part) in words.chunks_mut(STAGING / 4).enumerate() {
            // SAFETY: as in `upload`.
            let pinned = unsafe { std::slice::from_raw_parts_mut(staging.address.cast::<u32>(), part.len()) };
            // SAFETY: the source is a block of at least this many words.
            let r = unsafe { result::memcpy_dtoh_async(pinned, from + (i * STAGING) as u64, self.stream()) };
            ok(r, || format!("a copy of {} bytes from the card", part.len() * 4));
            self.synchronize();
            part.copy_from_slice(pinned);
        }
    }

    /// Copies `bytes` on the card.
    pub fn copy(&self, to: u64, from: u64, bytes: usize) {
        if bytes > 0 {
            // SAFETY: both are blocks of at least so many bytes.
            let r = unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream()) };
            ok(r, || format!("a copy of {bytes} bytes on the card"));
        }
    }

    /// Sets `words` words to `value`.
    pub fn fill(&self, to: u64, value: u32, words: usize) {
        if words > 0 {
            // SAFETY: the destination is a block of at least so many words.
            let r = unsafe { sys::cuMemsetD32Async(to, value, words, self.stream()) }.result();
            ok(r, || format!("filling {words} words on the card"));
        }
    }
}

/// Bytes as people read them.
fn size(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 30 => format!("{:.2} GiB", n as f64 / (1u64 << 30) as f64),
        n if n >= 1 << 20 => format!("{:.1} MiB", n as f64 / (1u64 << 20) as f64),
        n => format!("{n} bytes"),
    }
}

/// Memory of the card; what lies free in the pool is given up before the error is raised.
pub(crate) fn allocate(ordinal: usize, bytes: usize) -> u64 {
    let card = open(ordinal).unwrap_or_else(|e| raise(e.what));
    card.bind();
    // SAFETY: the context is current; contents are arbitrary and treated so.
    let ask = || unsafe { result::malloc_sync(bytes) };
    let first = ask();
    if !matches!(first, Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY))) {
        return ok(first, || format!("{} of memory on the card", size(bytes)));
    }
    memory::trim();
    ask().unwrap_or_else(|e| {
        let (live, peak, _) = memory::card_usage();
        raise(format!(
            "{} more do not fit on the card: {} of its {} are in use (peak {}); the driver says {}; use a smaller batch",
            size(bytes),
            size(live),
            size(card.memory),
            size(peak.max(live)),
            text(e)
        ))
    })
}

/// Gives memory of the card back to the driver.
pub(crate) fn free(ordinal: usize, address: u64) {
    if let Ok(card) = open(ordinal) {
        card.bind();
        // SAFETY: `address` came from `allocate` and nobody holds it. At the end of the process the driver may be gone
        // already: its answer does not matter.
        let _ = unsafe { result::free_sync(address) };
    }
}
