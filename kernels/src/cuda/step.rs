//! The step block: numbers that change from step to step (a learning rate, a counter, the key of a mask), in the card's
//! memory, where kernels read them.
//!
//! A kernel's arguments are frozen in a captured graph, so what changes must not be one. [`put`] places words on the card
//! and gives their address. Eagerly they are copied there at once, into a ring; while a graph is captured they get a place
//! of the graph's own, and [`Graph::launch`](super::graph::Graph::launch) fills all places anew, in the order of the puts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::driver;
use super::module::Address;
use crate::Device;
use crate::memory::{self, Block};

/// Words of the ring, and of a graph's places.
pub const WORDS: usize = 4096;

/// Where words go.
struct Places {
    block: Option<Arc<Block>>,
    used: usize,
}

/// The ring of eager work; and the places of the graph that is being captured.
struct State {
    ring: Places,
    capture: Option<Places>,
}

static STATE: Mutex<State> = Mutex::new(State { ring: Places { block: None, used: 0 }, capture: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts `words` on the card; the address is good for the launches of this step.
pub fn put(words: &[u32]) -> Address {
    let card = driver::card();
    let mut state = state();
    let capturing = state.capture.is_some();
    let places = match &mut state.capture {
        Some(places) => places,
        None => &mut state.ring,
    };
    let block = places.block.get_or_insert_with(|| memory::take(Device::Cuda(card.ordinal), WORDS));
    if places.used + words.len() > WORDS {
        assert!(!capturing, "a captured step has more than {WORDS} words that change");
        places.used = 0; // what was here was read by launches before this copy, on the same stream
    }
    let at = block.card_address() + 4 * places.used as u64;
    places.used += words.len();
    if !capturing {
        card.send(at, words);
    }
    Address(at)
}

/// Begins to give places of a graph's own.
pub(super) fn begin_capture() {
    let card = driver::card();
    let block = Some(memory::take(Device::Cuda(card.ordinal), WORDS));
    state().capture = Some(Places { block, used: 0 });
}

/// Ends it: the places and how many words they take.
pub(super) fn end_capture() -> (Arc<Block>, usize) {
    let places = state().capture.take().expect("a capture was begun");
    (places.block.expect("taken when the capture began"), places.used)
}
