//! How the records of a store become the items that a network reads: one [`Reader`] a file and purpose.
//!
//! A *record* is what the task counts (an image, a clip, a protein); an *item* is what a network reads at once. Most tasks
//! have one item a record ([`Rows`]); others cut windows out of records ([`Cuts`]), draw one piece of a record each epoch, or
//! judge a record by all its tiles. Whatever is drawn is drawn from the item's own stream.

mod column;
mod cuts;
mod rows;

use std::ops::Range;

pub use column::{Column, Element};
pub use cuts::{Cuts, Windows};
use kernels::rng::Stream;
pub use rows::Rows;

/// What the items of a file are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Training: items may be augmented, and cut by what their class says.
    Fit,
    /// Validation and test: the whole of each record, nothing left to chance.
    Judge,
}

/// One file's items, for one use. Read from several threads at once.
pub trait Reader: Send + Sync {
    /// Number of items.
    fn items(&self) -> usize;

    /// Number of records.
    fn records(&self) -> usize {
        self.items()
    }

    /// The record of an item.
    fn record(&self, item: usize) -> usize {
        item
    }

    /// The items of a record; records follow one another.
    fn items_of(&self, record: usize) -> Range<usize> {
        record..record + 1
    }

    /// Shape of one input, channels last.
    fn input(&self) -> &[usize];

    /// Shape of one target; `None`: targets are class numbers.
    fn target(&self) -> Option<&[usize]>;

    /// The class number of an item, where targets are class numbers.
    fn class(&self, item: usize) -> i32;

    /// Writes all of an item's input and target (`y` is empty where targets are class numbers). With `chance` it is a training
    /// item, and what is drawn comes from there; without, it is the item as it is judged. Allocates nothing.
    fn read(&self, item: usize, chance: Option<&mut Stream>, x: &mut [f32], y: &mut [f32]);
}
