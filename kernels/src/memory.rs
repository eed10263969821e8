//! Memory of tensors: 64-byte aligned blocks of 4-byte words, recycled by size class, so that a steady training step
//! asks the system for nothing.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

const ALIGN: usize = 64;
const CLASSES: usize = 4 * 48;
const SMALLEST: usize = 64;

/// An aligned block of 4-byte words.
pub struct Block {
    ptr: *mut u32,
    words: usize,
}

// SAFETY: a block owns its memory; access to it follows Rust's borrow rules through `&self` / `&mut self`.
unsafe impl Send for Block {}
// SAFETY: as above; there is no interior mutability.
unsafe impl Sync for Block {}

impl Block {
    fn layout(words: usize) -> Layout {
        Layout::from_size_align(words * 4, ALIGN).expect("a tensor's size fits the address space")
    }

    fn new(words: usize) -> Self {
        let layout = Self::layout(words);
        // SAFETY: the layout has at least SMALLEST words.
        let ptr = unsafe { alloc_zeroed(layout) }.cast::<u32>();
        if ptr.is_null() {
            handle_alloc_error(layout);
        }
        let now = LIVE.fetch_add(words * 4, Relaxed) + words * 4;
        PEAK.fetch_max(now, Relaxed);
        ALLOCATIONS.fetch_add(1, Relaxed);
        Self { ptr, words }
    }

    /// All words; a recycled block holds what its last owner left.
    pub fn words(&self) -> &[u32] {
        // SAFETY: ptr is valid for `words` initialised words for as long as self lives.
        unsafe { std::slice::from_raw_parts(self.ptr, self.words) }
    }

    /// All words, writable.
    pub fn words_mut(&mut self) -> &mut [u32] {
        // SAFETY: as in `words`, and `&mut self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.words) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        LIVE.fetch_sub(self.words * 4, Relaxed);
        // SAFETY: allocated in `new` with this very layout.
        unsafe { dealloc(self.ptr.cast(), Self::layout(self.words)) }
    }
}

static FREE: [Mutex<Vec<Arc<Block>>>; CLASSES] = [const { Mutex::new(Vec::new()) }; CLASSES];
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// Class of a size: four steps an octave, so at most a quarter is wasted. Gives (class, words).
fn class(words: usize) -> (usize, usize) {
    let n = words.max(SMALLEST);
    let octave = (usize::BITS - 1 - n.leading_zeros()) as usize;
    let step = 1usize << (octave - 2);
    let up = n.div_ceil(step) * step;
    let octave = (usize::BITS - 1 - up.leading_zeros()) as usize;
    (octave * 4 + ((up >> (octave - 2)) & 3), up)
}

/// A block of at least `words` words, recycled where possible; its contents are whatever was there.
pub fn take(words: usize) -> Arc<Block> {
    let (class, size) = class(words);
    let kept = FREE[class].lock().unwrap_or_else(PoisonError::into_inner).pop();
    kept.unwrap_or_else(|| Arc::new(Block::new(size)))
}

/// Hands a block back, if nobody else holds it.
pub fn give(mut block: Arc<Block>) {
    if Arc::get_mut(&mut block).is_some() {
        let (class, _) = class(block.words);
        FREE[class].lock().unwrap_or_else(PoisonError::into_inner).push(block);
    }
}

/// Returns every free block to the system.
pub fn trim() {
    for list in &FREE {
        list.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What tensors hold: (bytes now, bytes at the peak, blocks ever asked of the system).
pub fn usage() -> (usize, usize, usize) {
    (LIVE.load(Relaxed), PEAK.load(Relaxed), ALLOCATIONS.load(Relaxed))
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
        let a = take(words);
        let p = a.ptr;
        give(a);
        let b = take(words);
        assert_eq!(b.ptr, p);
        let c = b.clone();
        give(b);
        let d = take(words);
        assert_ne!(d.ptr, c.ptr, "a block that somebody holds is not recycled");
    }
}
