//! A steady training step asks the system for no memory. Alone in its file: the counts are the process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kernels::rng::{Key, Purpose};
use kernels::{Tensor as Value, memory, ops::optim::sgd::Sgd as Rule};
use nas::wrn::{Point, Width};
use nn::{Builder, Clip, Loss, Mode, Network as _, Params, Pass, Sgd, Tape, Tensor};

/// The system's allocator, counting.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// On one thread: with several, two tasks that hold scratch at once for the first time may ask for one more block.
#[test]
fn a_steady_step_allocates_nothing() {
    kernels::pool::set_threads(1);
    let (mut tape, mut params) = (Tape::new(), Params::new());
    let net = Point::new(&mut Builder::new(&mut params, 0), Width { depth: 10, widen: 1 }, 3, 4, 0.1);
    let mut sgd = Sgd::new(Rule { momentum: 0.9, weight_decay: 5e-4, nesterov: true }).unwrap();
    let x = Value::full([2, 16, 16, 3], 0.5);
    let target = Value::from_ints([2], &[3, 1]);
    let mut clip = Clip::new(5.0);
    let mut counts = [(0, 0); 8];
    for (step, count) in counts.iter_mut().enumerate() {
        let calls = CALLS.load(Relaxed);
        let key = Key::new(0, Purpose::Dropout).at(0, step as u64);
        let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(key));
        let y = net.forward(&mut pass, &Tensor::constant(x.clone())).unwrap();
        let loss = Loss::CrossEntropy.of(&mut pass, &y, &target).unwrap();
        pass.backward(&loss).unwrap();
        clip.clip(&mut params);
        sgd.step(&mut params, 0.1);
        *count = (memory::usage().2, CALLS.load(Relaxed) - calls);
    }
    let steady = &counts[4..];
    assert!(
        steady.iter().all(|c| *c == (steady[0].0, 0)),
        "(tensor blocks so far, allocations) of the steps: {counts:?}"
    );
}
