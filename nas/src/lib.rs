//! Methods, their protocol and scale, and the folders of their runs.
//!
//! [`method`] is what a method is (search, then final training), [`methods`] the table of them, one folder each; [`cell`] runs one on one task with one
//! seed; [`train`] is the training loop they share; [`run`] is the state machine over a run's folder: what was begun is
//! continued, what is finished is not begun again, and nothing is ever half-written. [`profile`] says how large a cell is,
//! [`protocol`] how things are called.

pub mod amber;
pub mod arch;
pub mod asha;
pub mod autodl;
pub mod bilevel;
pub mod cell;
pub mod course;
pub mod densenas;
pub mod densenas_random;
mod error;
pub mod fno;
pub mod gaea;
pub mod method;
pub mod methods;
pub mod plan;
pub mod profile;
pub mod protocol;
pub mod run;
#[cfg(test)]
pub(crate) mod toy;
pub mod train;
pub mod trials;
pub mod watch;
pub mod wrn;
pub mod yardstick;

pub use error::Error;

/// Grows by one when any result's bits change for the same configuration: a run begun before is then not continued.
pub const NUMERICS: u32 = 4;

/// The version of the code as a run's hash sees it: the package's version and [`NUMERICS`].
pub fn code_version() -> String {
    format!("{}+numerics.{NUMERICS}", env!("CARGO_PKG_VERSION"))
}
