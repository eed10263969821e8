//! Memory of tensors: blocks of 4-byte words, recycled by size class, so that a steady training step asks neither the
//! system nor the driver for anything.
//!
//! A block lives in this machine's memory (64-byte aligned) or on the card. While a graph is captured, card blocks come
//! from a pool of the graph's own and go back there: what a graph writes when it is replayed belongs to nobody else.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Device;
use crate::cuda::driver;

const ALIGN: usize = 64;
const CLASSES: usize = 4 * 48;
const SMALLEST: usize = 64;
/// Bytes of a huge page. A block of twice as many begins at one and asks for them: with pages of 4 KB an op that streams
/// through a large tensor spends a fifth of its time on looking up addresses.
const HUGE: usize = 2 << 20;

/// A block of 4-byte words.
pub struct Block {
    /// An address of this machine, or of the card.
    address: u64,
    words: usize,
    home: Home,
}

/// Where the system has them to give; else nothing changes. No number depends on it.
fn ask_for_huge_pages(block: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the range is a block of ours that begins at a page; advice changes none of its content.
    unsafe {
        libc::madvise(block.cast(), bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (block, bytes);
}

/// Where a block lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Host,
    /// A card, and the pool that the block goes back to (0 = everybody's).
    Card {
        ordinal: usize,
        pool: u32,
    },
    /// Nowhere: it is only counted.
    Planned,
}

// The address is a plain number; access through `words` and `words_mut` follows Rust's borrow rules.

impl Block {
    fn layout(words: usize) -> Layout {
        let align = if words * 4 >= 2 * HUGE { HUGE } else { ALIGN };
        Layout::from_size_align(words * 4, align).expect("a tensor's size fits the address space")
    }

    fn new(words: usize, home: Home) -> Self {
        let address = match home {
            Home::Host => {
                let layout = Self::layout(words);
                // SAFETY: the layout has at least SMALLEST words; what is written lies in the new block.
                let ptr = unsafe {
                    if layout.align() == ALIGN {
                        alloc_zeroed(layout)
                    } else {
                        let ptr = alloc(layout);
                        if !ptr.is_null() {
                            ask_for_huge_pages(ptr, layout.size()); // before the first touch
                            ptr.write_bytes(0, layout.size());
                        }
                        ptr
                    }
                };
                if ptr.is_null() {
                    handle_alloc_error(layout);
                }
                HOST.grow(words * 4);
                ptr as u64
            }
            Home::Planned => {
                PLANNED.grow(words * 4);
                0
            }
            Home::Card { ordinal, .. } => {
                let address = driver::allocate(ordinal, words * 4);
                CARD.grow(words * 4);
                address
            }
        };
        Self { address, words, home }
    }

    /// Where it lives.
    pub fn device(&self) -> Device {
        match self.home {
            Home::Host => Device::Cpu,
            Home::Planned => Device::PLANNED,
            Home::Card { ordinal, .. } => Device::Cuda(ordinal),
        }
    }

    /// Its address on the card.
    ///
    /// # Panics
    /// If it lives in this machine's memory.
    pub fn card_address(&self) -> u64 {
        assert!(
            matches!(self.home, Home::Card { .. }),
            "a tensor of this machine's memory was given to a card: move it with Tensor::to"
        );
        self.address
    }

    fn host_pointer(&self) -> *mut u32 {
        assert_eq!(self.home, Home::Host, "a tensor on a card was read in place: move it here with Tensor::to");
        self.address as *mut u32
    }

    /// All words; a recycled block holds what its last owner left.
    ///
    /// # Panics
    /// If the block lives on a card.
    pub fn words(&self) -> &[u32] {
        // SAFETY: the address is valid for `words` initialised words for as long as self lives.
        unsafe { std::slice::from_raw_parts(self.host_pointer(), self.words) }
    }

    /// All words, writable.
    ///
    /// # Panics
    /// If the block lives on a card.
    pub fn words_mut(&mut self) -> &mut [u32] {
        // SAFETY: as in `words`, and `&mut self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.host_pointer(), self.words) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        match self.home {
            Home::Host => {
                HOST.live.fetch_sub(self.words * 4, Relaxed);
                // SAFETY: allocated in `new` with this very layout.
                unsafe { dealloc(self.address as *mut u8, Self::layout(self.words)) }
            }
            Home::Planned => _ = PLANNED.live.fetch_sub(self.words * 4, Relaxed),
            Home::Card { ordinal, .. } => {
                CARD.live.fetch_sub(self.words * 4, Relaxed);
                driver::free(ordinal, self.address);
            }
        }
    }
}

/// Free blocks by size class.
type Lists = [Vec<Arc<Block>>; CLASSES];

static FREE: [Mutex<Vec<Arc<Block>>>; CLASSES] = [const { Mutex::new(Vec::new()) }; CLASSES];
/// Free blocks of the cards, by (ordinal, pool).
static CARDS: Mutex<BTreeMap<(usize, u32), Box<Lists>>> = Mutex::new(BTreeMap::new());
/// The pool that card blocks come from now.
static POOL: AtomicU32 = AtomicU32::new(0);

/// What blocks of one kind of memory hold.
struct Gauge {
    live: AtomicUsize,
    peak: AtomicUsize,
    asked: AtomicUsize,
}

static HOST: Gauge = Gauge::new();
static CARD: Gauge = Gauge::new();
static PLANNED: Gauge = Gauge::new();

impl Gauge {
    const fn new() -> Self {
        Self { live: AtomicUsize::new(0), peak: AtomicUsize::new(0), asked: AtomicUsize::new(0) }
    }

    fn grow(&self, bytes: usize) {
        let now = self.live.fetch_add(bytes, Relaxed) + bytes;
        self.peak.fetch_max(now, Relaxed);
        self.asked.fetch_add(1, Relaxed);
    }

    fn read(&self) -> (usize, usize, usize) {
        (self.live.load(Relaxed), self.peak.load(Relaxed), self.asked.load(Relaxed))
    }
}

/// Class of a size: four steps an octave, so at most a quarter is wasted. Gives (class, words).
fn class(words: usize) -> (usize, usize) {
    let n = words.max(SMALLEST);
    let octave = (usize::BITS - 1 - n.leading_zeros()) as usize;
    let step = 1usize << (octave - 2);
    let up = n.div_ceil(step) * step;
    let octave = (usize::BITS - 1 - up.leading_zeros()) as usize;
    (octave * 4 + ((up >> (octave - 2)) & 3), up)
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

fn card_lists(cards: &mut BTreeMap<(usize, u32), Box<Lists>>, key: (usize, u32)) -> &mut Lists {
    cards.entry(key).or_insert_with(|| Box::new([const { Vec::new() }; CLASSES]))
}

/// A block of at least `words` words on `device`, recycled where possible; its contents are whatever was there.
pub fn take(device: Device, words: usize) -> Arc<Block> {
    let (class, size) = class(words);
    match device {
        Device::Cpu => {
            let kept = lock(&FREE[class]).pop();
            kept.unwrap_or_else(|| Arc::new(Block::new(size, Home::Host)))
        }
        Device::PLANNED => Arc::new(Block::new(size, Home::Planned)),
        Device::Cuda(ordinal) => {
            let pool = POOL.load(Relaxed);
            let kept = card_lists(&mut lock(&CARDS), (ordinal, pool))[class].pop();
            kept.unwrap_or_else(|| Arc::new(Block::new(size, Home::Card { ordinal, pool })))
        }
    }
}

/// Hands a block back, if nobody else holds it.
pub fn give(mut block: Arc<Block>) {
    if Arc::get_mut(&mut block).is_some() {
        let (class, _) = class(block.words);
        match block.home {
            Home::Host => lock(&FREE[class]).push(block),
            Home::Planned => {}
            Home::Card { ordinal, pool } => {
                let mut cards = lock(&CARDS);
                // The pool of a graph that is gone takes nothing back: the block is freed.
                if pool == 0 || cards.contains_key(&(ordinal, pool)) {
                    card_lists(&mut cards, (ordinal, pool))[class].push(block);
                }
            }
        }
    }
}

/// Card blocks come from a new pool until [`leave_pool`]; gives its number.
pub(crate) fn enter_pool(ordinal: usize) -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let pool = NEXT.fetch_add(1, Relaxed);
    card_lists(&mut lock(&CARDS), (ordinal, pool));
    POOL.store(pool, Relaxed);
    pool
}

/// Card blocks come from everybody's pool again.
pub(crate) fn leave_pool() {
    POOL.store(0, Relaxed);
}

/// Frees the blocks of a pool; those still held are freed when they are given back.
pub(crate) fn drop_pool(ordinal: usize, pool: u32) {
    let gone = lock(&CARDS).remove(&(ordinal, pool));
    drop(gone);
}

/// Returns every free block to the system and to the driver.
pub fn trim() {
    for list in &FREE {
        lock(list).clear();
    }
    let mut cards = lock(&CARDS);
    for lists in cards.values_mut() {
        lists.iter_mut().for_each(Vec::clear);
    }
}

/// What tensors of this machine's memory hold: (bytes now, bytes at the peak, blocks ever asked of the system).
pub fn usage() -> (usize, usize, usize) {
    HOST.read()
}

/// What tensors on cards hold: (bytes now, bytes at the peak, blocks ever asked of the driver).
pub fn card_usage() -> (usize, usize, usize) {
    CARD.read()
}

/// What planned tensors would hold: (bytes now, bytes at the peak, blocks).
pub fn planned_usage() -> (usize, usize, usize) {
    PLANNED.read()
}

/// The planned peak begins again from what is held now.
pub fn reset_planned_peak() {
    PLANNED.peak.store(PLANNED.live.load(Relaxed), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_grow_and_hold_what_they_promise() {
        let mut last = 0;
        for n in 1..10_000 {
            let (c, size) = class(n);
            assert!(size >= n && size <= (n + n / 4 + 1).max(SMALLEST) && c >= last, "{n}: {c} {size}");
            assert_eq!(class(size), (c, size));
            last = c;
        }
    }

    #[test]
    fn a_block_given_back_is_taken_again() {
        let words = 1_234_567;
        let a = take(Device::Cpu, words);
        let p = a.address;
        give(a);
        let b = take(Device::Cpu, words);
        assert_eq!(b.address, p);
        let c = b.clone();
        give(b);
        let d = take(Device::Cpu, words);
        assert_ne!(d.address, c.address, "a block that somebody holds is not recycled");
    }
}
