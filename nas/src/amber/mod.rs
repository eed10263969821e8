//! AMBER: a search in which an LSTM controller samples architectures for series and learns from what they are worth.
//!
//! [`space`] is what an architecture is, [`controller`] samples and scores them ([`policy`] is its arithmetic), and
//! [`reinforce`] is an episode's update.

pub mod controller;
pub mod policy;
pub mod reinforce;
pub mod space;
#[cfg(test)]
mod tests;

pub use controller::Controller;
pub use reinforce::Reinforce;
pub use space::Sequence;
