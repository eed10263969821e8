//! The thread pool: persistent threads that spin briefly, then park.
//!
//! A job is a number of items; each thread owns a contiguous range of them and steals from the others' ends when its own
//! is done. Which thread takes which item is left to chance, so items must write disjoint outputs or partial results that
//! are merged in a fixed order ([`crate::tree`]).

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;

/// Most threads a pool may have.
pub const MAX_THREADS: usize = 64;

type Job<'a> = &'a (dyn Fn(usize) + Sync);

/// A contiguous range of items, low and high end in one word.
struct Range(AtomicU64);

impl Range {
    fn set(&self, low: usize, high: usize) {
        self.0.store((low as u64) << 32 | high as u64, Relaxed);
    }

    fn take(&self, from_front: bool) -> Option<usize> {
        let mut v = self.0.load(Relaxed);
        loop {
            let (low, high) = (v >> 32, v & 0xffff_ffff);
            if low >= high {
                return None;
            }
            let (next, item) =
                if from_front { ((low + 1) << 32 | high, low) } else { (low << 32 | (high - 1), high - 1) };
            match self.0.compare_exchange_weak(v, next, Relaxed, Relaxed) {
                Ok(_) => return Some(item as usize),
                Err(now) => v = now,
            }
        }
    }
}

struct Shared {
    /// Grows by one a job; workers wait for it.
    epoch: AtomicUsize,
    /// Workers that have not finished the job in hand.
    busy: AtomicUsize,
    /// The job in hand and its number of threads. `epoch` grows under this lock, so a late worker that reads both under it
    /// can neither miss a job that waits for it nor take part in one twice.
    job: Mutex<Option<(Job<'static>, usize)>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    ranges: [Range; MAX_THREADS],
    parked: [AtomicBool; MAX_THREADS],
}

static SHARED: Shared = Shared {
    epoch: AtomicUsize::new(0),
    busy: AtomicUsize::new(0),
    job: Mutex::new(None),
    panic: Mutex::new(None),
    ranges: [const { Range(AtomicU64::new(0)) }; MAX_THREADS],
    parked: [const { AtomicBool::new(false) }; MAX_THREADS],
};
/// Workers started so far, numbered from 1; held for the length of a job, so jobs of several callers take turns.
static WORKERS: Mutex<Vec<Thread>> = Mutex::new(Vec::new());
static THREADS: AtomicUsize = AtomicUsize::new(0);
thread_local! { static INSIDE: Cell<bool> = const { Cell::new(false) }; }

/// Spins before a thread parks: about 20 microseconds.
const SPIN: usize = 5_000;

/// Threads in use: what [`set_threads`] said, else the machine's cores.
pub fn threads() -> usize {
    match THREADS.load(Relaxed) {
        0 => cores().min(MAX_THREADS),
        n => n,
    }
}

/// Uses `n` threads from now on (1 to [`MAX_THREADS`]); results do not depend on it.
pub fn set_threads(n: usize) {
    THREADS.store(n.clamp(1, MAX_THREADS), Relaxed);
}

fn drain(job: Job, me: usize, threads: usize) {
    INSIDE.set(true);
    let run = catch_unwind(AssertUnwindSafe(|| {
        while let Some(item) = SHARED.ranges[me].take(true) {
            job(item);
        }
        for other in (me + 1..threads).chain(0..me) {
            while let Some(item) = SHARED.ranges[other].take(false) {
                job(item);
            }
        }
    }));
    INSIDE.set(false);
    if let Err(panic) = run {
        SHARED.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
    }
}

fn worker(me: usize, mut seen: usize) {
    loop {
        let mut spins = 0;
        while SHARED.epoch.load(Acquire) == seen {
            spins += 1;
            std::hint::spin_loop();
            // More threads than cores: spinning would only take the time of those that work.
            if spins > SPIN || threads() > cores() {
                SHARED.parked[me].store(true, SeqCst);
                if SHARED.epoch.load(SeqCst) == seen {
                    std::thread::park();
                }
                SHARED.parked[me].store(false, SeqCst);
            }
        }
        let job = {
            let job = SHARED.job.lock().unwrap_or_else(PoisonError::into_inner);
            seen = SHARED.epoch.load(Acquire);
            *job
        };
        if let Some((job, threads)) = job.filter(|(_, threads)| me < *threads) {
            drain(job, me, threads);
            SHARED.busy.fetch_sub(1, Release);
        }
    }
}

fn cores() -> usize {
    static CORES: AtomicUsize = AtomicUsize::new(0);
    match CORES.load(Relaxed) {
        0 => {
            let n = std::thread::available_parallelism().map_or(1, |n| n.get());
            CORES.store(n, Relaxed);
            n
        }
        n => n,
    }
}

/// Calls `f(item)` for every item below `items`, on all threads; returns when all are done.
///
/// Runs on the caller's thread alone when called from inside a job or while another caller's job is running: the bits are
/// the same.
///
/// # Panics
/// If an item panics, after the others are done.
pub fn run(items: usize, f: impl Fn(usize) + Sync) {
    let threads = threads().min(items);
    assert!(items < u32::MAX as usize, "a job has at most 2^32 items");
    let alone = || (0..items).for_each(&f);
    if threads < 2 || INSIDE.get() {
        return alone();
    }
    let Ok(mut workers) = WORKERS.try_lock() else { return alone() };
    while workers.len() < threads - 1 {
        let (me, seen) = (workers.len() + 1, SHARED.epoch.load(Relaxed));
        let handle = std::thread::Builder::new().name(format!("np360-{me}")).spawn(move || worker(me, seen));
        match handle {
            Ok(h) => workers.push(h.thread().clone()),
            Err(_) => return alone(),
        }
    }
    let job: Job = &f;
    // SAFETY: the job outlives every use: this function returns only when no worker is inside it.
    let job = unsafe { std::mem::transmute::<Job<'_>, Job<'static>>(job) };
    for t in 0..threads {
        SHARED.ranges[t].set(t * items / threads, (t + 1) * items / threads);
    }
    {
        let mut current = SHARED.job.lock().unwrap_or_else(PoisonError::into_inner);
        SHARED.busy.store(threads - 1, Relaxed);
        *current = Some((job, threads));
        SHARED.epoch.fetch_add(1, SeqCst);
    }
    for (i, thread) in workers.iter().enumerate() {
        if SHARED.parked[i + 1].load(SeqCst) {
            thread.unpark();
        }
    }
    drain(job, 0, threads);
    let mut spins = 0;
    while SHARED.busy.load(Acquire) > 0 {
        spins += 1;
        if spins > SPIN || threads > cores() {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
    *SHARED.job.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let panic = SHARED.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(workers);
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

/// [`run`] where the work is worth waking threads for, which costs as much as some 10 microseconds of it; else the items
/// in turn on the caller's thread.
pub fn run_if(worth: bool, items: usize, f: impl Fn(usize) + Sync) {
    if worth { run(items, f) } else { (0..items).for_each(f) }
}

/// Splits `data` into chunks of `chunk` numbers (the last may be shorter) and calls `f(chunk's number, chunk)` for each,
/// on all threads.
pub fn chunks_mut<T: Send>(data: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    /// Where the chunks lie.
    struct Base<T>(*mut T);
    // SAFETY: threads are handed disjoint parts, of numbers that may go to another thread.
    unsafe impl<T: Send> Sync for Base<T> {}
    impl<T> Base<T> {
        fn at(&self, i: usize) -> *mut T {
            self.0.wrapping_add(i)
        }
    }
    let (len, chunk) = (data.len(), chunk.max(1));
    let base = Base(data.as_mut_ptr());
    run(len.div_ceil(chunk), |i| {
        let start = i * chunk;
        // SAFETY: the chunks are disjoint parts of `data`, which is borrowed mutably for the whole call.
        f(i, unsafe { std::slice::from_raw_parts_mut(base.at(start), chunk.min(len - start)) });
    });
}

/// The same for two slices in step: chunk i of each, where the second's may be empty.
///
/// # Panics
/// If the second has too few numbers for the first's chunks.
pub fn chunks_mut2(
    [a, b]: [&mut [f32]; 2],
    [chunk_a, chunk_b]: [usize; 2],
    f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    let (len, chunk) = (a.len(), chunk_a.max(1));
    let (runs, rest) = (len.div_ceil(chunk), b.len());
    assert!(runs <= 1 || (runs - 1) * chunk_b <= rest, "{rest} numbers are too few for {runs} chunks of {chunk_b}");
    let (a, b) = (Ptr(a.as_mut_ptr()), Ptr(b.as_mut_ptr()));
    run(runs, |i| {
        let (s, t) = (i * chunk, i * chunk_b);
        // SAFETY: the chunks are disjoint parts of two slices that are borrowed mutably for the whole call.
        let (a, b) = unsafe { (a.slice(s, chunk.min(len - s)), b.slice(t, chunk_b.min(rest - t))) };
        f(i, a, b);
    });
}

/// A pointer that items of a job share to write disjoint parts.
#[derive(Clone, Copy)]
pub struct Ptr(pub *mut f32);

// SAFETY: a plain address; whoever dereferences it vouches for disjointness.
unsafe impl Send for Ptr {}
// SAFETY: as above.
unsafe impl Sync for Ptr {}

impl Ptr {
    /// The address `i` numbers on.
    pub fn at(&self, i: usize) -> *mut f32 {
        self.0.wrapping_add(i)
    }

    /// `len` numbers from number `start`.
    ///
    /// # Safety
    /// They must lie in one live allocation that nobody else reads or writes meanwhile.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice<'a>(&self, start: usize, len: usize) -> &'a mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_runs_once_at_any_thread_count_from_any_caller() {
        std::thread::scope(|s| {
            for caller in 0..3 {
                s.spawn(move || {
                    for round in 0..300 {
                        set_threads(1 + (round + caller) % 7);
                        let items = round * 13 % 97;
                        let hits: Vec<AtomicUsize> = (0..items).map(|_| AtomicUsize::new(0)).collect();
                        run(items, |i| {
                            hits[i].fetch_add(1, Relaxed);
                        });
                        assert!(hits.iter().all(|h| h.load(Relaxed) == 1));
                    }
                });
            }
        });
    }

    #[test]
    fn jobs_inside_jobs_run_alone_and_panics_reach_the_caller() {
        let n = AtomicUsize::new(0);
        run(8, |_| {
            run(8, |_| {
                n.fetch_add(1, Relaxed);
            })
        });
        assert_eq!(n.into_inner(), 64);
        let caught = catch_unwind(|| run(8, |i| assert!(i != 5, "item five")));
        assert!(caught.is_err());
        run(8, |_| {});
    }
}
