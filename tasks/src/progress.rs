//! What long work says about itself while it lasts; the command line draws a bar from it.

/// What `done` and `total` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes read, written or hashed.
    Bytes,
    /// Items of a dataset.
    Items,
}

/// Listens to long work. Calls come from the thread that does the work, now and then, with `done` never falling within one
/// `message`; nothing that is computed depends on them.
pub trait Progress: Sync {
    /// `done` of `total` (0: not known) of the step that `message` describes.
    fn report(&self, message: &str, done: u64, total: u64, unit: Unit);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: &str, _: u64, _: u64, _: Unit) {}
}
