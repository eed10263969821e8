//! Buffers of a thread, kept between calls so that steady training allocates nothing.

use std::cell::RefCell;

thread_local! {
    static WIDE: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
    static NARROW: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with `n` numbers, arbitrary until written; not from inside another `wide`.
pub fn wide<R>(n: usize, f: impl FnOnce(&mut [f64]) -> R) -> R {
    WIDE.with_borrow_mut(|v| {
        if v.len() < n {
            v.resize(n, 0.0);
        }
        f(&mut v[..n])
    })
}

/// The same in f32.
pub fn narrow<R>(n: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    NARROW.with_borrow_mut(|v| {
        if v.len() < n {
            v.resize(n, 0.0);
        }
        f(&mut v[..n])
    })
}
