//! Where tensors live and ops run.

use std::fmt;
use std::str::FromStr;

/// A device. Every op gives the same bits on each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// This machine's processor.
    Cpu,
    /// A CUDA card, by ordinal.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s.split_once(':') {
            None if s == "cpu" => Ok(Self::Cpu),
            None if s == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", n)) => n.parse().map(Self::Cuda).map_err(|_| format!("'{n}' is not a card's number")),
            _ => Err(format!("no device '{s}'; choose cpu, cuda or cuda:N")),
        }
    }
}
