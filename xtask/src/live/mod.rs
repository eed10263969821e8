//! What is told while cells run: events, and who hears them.
//!
//! A run calls [`nas::run::Progress`]; the [`Reporter`] of its cell and seed makes [`Event`]s of that and leaves the courtesies
//! in the run's folder. An [`Audience`] hears the events of all runs: a person at a terminal, a log, a program.

mod audience;
pub mod board;
mod event;
mod json;
mod pace;
mod place;
mod plain;
mod reporter;
mod tensorboard;

pub use audience::{Audience, audience};
pub use event::{Event, Metric, Run};
pub use place::Place;
pub use reporter::{LIVE, Live, Reporter, read};
