//! Layers, losses, optimisers, schedules, initialisers and checkpoints.
//!
//! A network is an immutable description: layers hold [`ParamId`]s, [`Params`] holds the numbers, and a [`Pass`] runs one
//! forward over a tape. Names and layouts in files are PyTorch's; in memory they are ours (channels last).

mod adam;
pub mod checkpoint;
pub mod clip;
mod exponentiated;
pub mod init;
pub mod layers;
mod layout;
mod loss;
mod network;
mod optimiser;
mod params;
mod pass;
mod rmsprop;
pub mod schedule;
mod sgd;

pub use adam::Adam;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use clip::Clip;
pub use exponentiated::ExponentiatedGradient;
pub use init::Init;
pub use layers::Builder;
pub use layout::Layout;
pub use loss::Loss;
pub use network::Network;
pub use optimiser::Optimiser;
pub use params::{Entry, Kind, ParamId, Params};
pub use pass::{Mode, Pass};
pub use rmsprop::RmsProp;
pub use schedule::Schedule;
pub use sgd::Sgd;

pub use autograd::{OpError, Tape, Tensor};
