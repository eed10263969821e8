//! What of CUDA a machine has, for people; nothing here opens a card.

use cudarc::driver::result::device;
use cudarc::driver::sys::CUdevice_attribute_enum as Attribute;

use super::{Probe, probe};

/// A card as the driver lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the driver calls it.
    pub name: String,
    /// Compute capability, as in `sm_90`: 90.
    pub capability: usize,
    /// Bytes of memory.
    pub memory: usize,
}

/// The cards, in the driver's order.
///
/// # Errors
/// Why there are none.
pub fn cards() -> Result<Vec<Listed>, String> {
    let cards = match probe() {
        Probe::Absent(why) => return Err(why.clone()),
        Probe::Ready { cards } => *cards,
    };
    let one = |ordinal: usize| {
        let card = device::get(ordinal as i32)?;
        // SAFETY: `card` comes from the driver.
        let attribute = |a| unsafe { device::get_attribute(card, a) };
        let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)? as usize;
        let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)? as usize;
        // SAFETY: as above.
        let memory = unsafe { device::total_mem(card)? };
        Ok(Listed { name: device::get_name(card)?, capability: 10 * major + minor, memory })
    };
    (0..cards).map(one).collect::<Result<_, cudarc::driver::DriverError>>().map_err(|e| format!("a card: {e}"))
}
