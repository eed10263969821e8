//! Where tensors live and ops run.

use std::fmt;
use std::str::FromStr;

use crate::cuda::{driver, emu};

/// A device. Every op gives the same bits on each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// This machine's processor.
    Cpu,
    /// A CUDA card, by ordinal.
    Cuda(usize),
}

/// What a person asks for: a device, or the emulated card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// This machine's processor.
    #[default]
    Cpu,
    /// A CUDA card, by ordinal.
    Cuda(usize),
    /// The emulated card: the same kernels and the same host code, run by this machine's processor.
    Emulated,
}

impl Choice {
    /// Makes it ready: loads the emulated driver, opens the card.
    ///
    /// # Errors
    /// Why it cannot be had, and what to do.
    pub fn open(self) -> Result<Device, String> {
        let ordinal = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(n) => n,
            Self::Emulated => {
                emu::install()?;
                0
            }
        };
        driver::open(ordinal).map(|card| Device::Cuda(card.ordinal)).map_err(|e| e.to_string())
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => Device::Cpu.fmt(f),
            Self::Cuda(n) => Device::Cuda(*n).fmt(f),
            Self::Emulated => f.write_str("emu"),
        }
    }
}

impl FromStr for Choice {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s.split_once(':') {
            None if s == "cpu" => Ok(Self::Cpu),
            None if s == "cuda" => Ok(Self::Cuda(0)),
            None if s == "emu" => Ok(Self::Emulated),
            Some(("cuda", n)) => n.parse().map(Self::Cuda).map_err(|_| format!("'{n}' is not a card's number")),
            _ => Err(format!("no device '{s}'; choose cpu, cuda, cuda:N or emu")),
        }
    }
}

impl Device {
    /// No device: tensors there have shapes and take no memory, ops that are recorded there compute nothing. What a step
    /// would take on a card is found out with it ([`memory::planned_usage`](crate::memory::planned_usage)).
    pub const PLANNED: Self = Self::Cuda(usize::MAX);
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Cpu => f.write_str("cpu"),
            Self::PLANNED => f.write_str("no device, only planned"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}
