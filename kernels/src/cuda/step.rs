//! The step block: numbers that change from step to step (a learning rate, the key of a mask), in the card's memory, where
//! kernels read them.
//!
//! A kernel's arguments are frozen in a captured graph, so what changes must not be one. [`put`] places it on the card and
//! gives its address. Eagerly it is copied there at once, into a ring; while a graph is captured it gets a place of the
//! graph's own, and [`Graph::launch`](super::graph::Graph::launch) fills all places anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::driver;
use super::module::Address;
use crate::Device;
use crate::memory::{self, Block};
use crate::ops::elementwise::drop_path;
use crate::rng::Key;

/// Words of the ring, and of a graph's places.
const WORDS: usize = 8192;
/// Most words of one [`Changing`].
const EACH: usize = 12;

/// What changes from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Changing {
    /// A learning rate: one f32.
    Rate(f32),
    /// A learning rate in f64: two words, low word first.
    Rate64(f64),
    /// What Adam's rule takes in one step: learning rate, and both bias corrections, each an f32.
    Adam([f32; 3]),
    /// A stream of random words: the key's 8 words, then the stream's number, low word first.
    Stream(Key, u64),
    /// What drop-path reads: a stream as above, then threshold and scale of a probability.
    DropPath(Key, u64, f32),
}

impl Changing {
    /// As the kernels read it, and how many words that are.
    fn words(&self) -> ([u32; EACH], usize) {
        let mut words = [0; EACH];
        let n = match *self {
            Self::Rate(rate) => {
                words[0] = rate.to_bits();
                1
            }
            Self::Rate64(rate) => {
                let bits = rate.to_bits();
                words[..2].copy_from_slice(&[bits as u32, (bits >> 32) as u32]);
                2
            }
            Self::Adam(numbers) => {
                words[..3].copy_from_slice(&numbers.map(f32::to_bits));
                3
            }
            Self::Stream(key, index) => {
                stream(&mut words, key, index);
                10
            }
            Self::DropPath(key, index, p) => {
                stream(&mut words, key, index);
                words[10..].copy_from_slice(&[drop_path::threshold(p), drop_path::scale(p).to_bits()]);
                12
            }
        };
        (words, n)
    }
}

/// A stream's first 10 words.
fn stream(words: &mut [u32; EACH], key: Key, index: u64) {
    words[..8].copy_from_slice(&key.words());
    words[8..10].copy_from_slice(&[index as u32, (index >> 32) as u32]);
}

/// Where things are put.
struct Places {
    block: Option<Arc<Block>>,
    used: usize,
    /// What was put last, and where: the same again takes no new place.
    last: Option<(Changing, Address)>,
    /// All of it, in order; of a capture.
    all: Vec<Changing>,
}

impl Places {
    const fn none() -> Self {
        Self { block: None, used: 0, last: None, all: Vec::new() }
    }
}

/// The ring of eager work; and the places of the graph that is being captured.
struct State {
    ring: Places,
    capture: Option<Places>,
}

static STATE: Mutex<State> = Mutex::new(State { ring: Places::none(), capture: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts `what` on the card; the address is good for the launches that follow.
pub fn put(what: Changing) -> Address {
    let card = driver::card();
    let mut state = state();
    let capturing = state.capture.is_some();
    let State { ring, capture } = &mut *state;
    let places = capture.as_mut().unwrap_or(ring);
    if let Some((last, address)) = places.last
        && last == what
    {
        return address;
    }
    let block = places.block.get_or_insert_with(|| memory::take(Device::Cuda(card.ordinal), WORDS));
    let (words, n) = what.words();
    places.used = places.used.next_multiple_of(2); // an f64 lies at a multiple of 8 bytes
    if places.used + n > WORDS {
        assert!(!capturing, "a captured step has more than {WORDS} words that change");
        places.used = 0; // what was here was read by launches before this copy, on the same stream
    }
    let address = Address(block.card_address() + 4 * places.used as u64);
    places.used += n;
    places.last = Some((what, address));
    if capturing {
        places.all.push(what);
    } else {
        card.send(address.0, &words[..n]);
    }
    address
}

/// Begins to give places of a graph's own.
pub(super) fn begin_capture() {
    let card = driver::card();
    let block = Some(memory::take(Device::Cuda(card.ordinal), WORDS));
    state().capture = Some(Places { block, ..Places::none() });
}

/// Ends it: the places, and what was put there.
pub(super) fn end_capture() -> (Arc<Block>, Vec<Changing>) {
    let places = state().capture.take().expect("a capture was begun");
    (places.block.expect("taken when the capture began"), places.all)
}

/// Sends these to the places, in order.
pub(super) fn fill(places: &Block, all: impl Iterator<Item = Changing>) {
    let (mut sent, mut used) = ([0; WORDS], 0usize);
    for what in all {
        let (words, n) = what.words();
        used = used.next_multiple_of(2);
        sent[used..used + n].copy_from_slice(&words[..n]);
        used += n;
    }
    if used > 0 {
        driver::card().send(places.card_address(), &sent[..used]);
    }
}
