//! A step of fixed shape, captured once and replayed: one call instead of hundreds of launches.
//!
//! [`Graph::capture`] runs a closure whose launches and copies are recorded instead of done. Whatever memory they take comes
//! from a pool of the graph's own, so a replay writes nothing that belongs to others; tensors that the closure returns keep
//! their contents until the next replay. What changes from step to step goes through [`step::put`]; everything else that a
//! replay reads must stay where it was (parameters, the batch's buffers).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use cudarc::driver::result;
use cudarc::driver::sys;

use super::driver::{self, Handle, ok};
use super::step::{self, Changing};
use crate::memory::{self, Block};

/// A captured step.
#[derive(Debug)]
pub struct Graph {
    graph: Handle<sys::CUgraph>,
    exec: Handle<sys::CUgraphExec>,
    places: Option<Arc<Block>>,
    changing: Vec<Changing>,
    ordinal: usize,
    pool: u32,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a block on {}", self.device())
    }
}

impl Graph {
    /// Records what `work` asks of the card, without doing it; gives the graph and what `work` returned.
    ///
    /// Modules that `work` uses must have been loaded (run the step eagerly once before), and nothing in it may wait for
    /// the card or copy from it.
    pub fn capture<R>(work: impl FnOnce() -> R) -> (Self, R) {
        let card = driver::card();
        step::begin_capture();
        let pool = memory::enter_pool(card.ordinal);
        // SAFETY: the stream lives as long as the process.
        let begun = unsafe {
            result::stream::begin_capture(card.stream(), sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED)
        };
        // The work may raise: the capture is ended all the same.
        let done = begun.is_ok().then(|| catch_unwind(AssertUnwindSafe(work)));
        memory::leave_pool();
        let (places, changing) = step::end_capture();
        ok(begun, || "capturing a step".to_owned());
        // SAFETY: the stream is capturing.
        let graph = unsafe { result::stream::end_capture(card.stream()) };
        let value = match done.expect("the capture was begun") {
            Ok(value) => value,
            Err(payload) => {
                memory::drop_pool(card.ordinal, pool);
                resume_unwind(payload)
            }
        };
        let graph = ok(graph, || "capturing a step".to_owned());
        // SAFETY: the graph was just captured.
        let exec = unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) };
        let exec = ok(exec, || "making a captured step ready".to_owned());
        let graph = Self {
            graph: Handle(graph),
            exec: Handle(exec),
            places: Some(places),
            changing,
            ordinal: card.ordinal,
            pool,
        };
        (graph, value)
    }

    /// Does the captured work again; `now` says what each thing that changes is in this step.
    pub fn launch(&self, now: impl FnMut(Changing) -> Changing) {
        let card = driver::card();
        if let Some(places) = &self.places {
            step::fill(places, self.changing.iter().copied().map(now));
        }
        // SAFETY: the graph lives, and its memory is its own or held by the caller.
        ok(unsafe { result::graph::launch(self.exec.0, card.stream()) }, || "replaying a captured step".to_owned());
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let card = driver::card();
        card.synchronize();
        // SAFETY: both handles are this graph's, and no replay is under way.
        unsafe {
            let _ = result::graph::exec_destroy(self.exec.0);
            let _ = result::graph::destroy(self.graph.0);
        }
        if let Some(places) = self.places.take() {
            memory::give(places);
        }
        memory::drop_pool(self.ordinal, self.pool);
    }
}
