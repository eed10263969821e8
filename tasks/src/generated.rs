//! What all generators share: sizes that are refused, where the numbers come from, what a store says of itself.

use kernels::rng::{Key, Purpose};

use crate::store::{Origin, Part, Provenance};
use crate::{Error, Facts, Sizes};

/// Refuses a split of no items.
pub(crate) fn check(facts: &Facts, sizes: Sizes) -> Result<(), Error> {
    if sizes.train > 0 && sizes.val > 0 && sizes.test > 0 {
        return Ok(());
    }
    let (name, items) = (facts.name, facts.items);
    let what = format!("{name}: cannot generate {} + {} + {} {items}", sizes.train, sizes.val, sizes.test);
    Err(Error::invalid(what, "ask for at least one a split"))
}

/// The key of a part; item i reads stream i. Tasks and parts differ in their keys, so no two of them share an instance.
pub(crate) fn key(facts: &Facts, seed: u64, part: Part) -> Key {
    let mut task = [0; 8];
    for (to, from) in task.iter_mut().zip(facts.name.bytes()) {
        *to = from;
    }
    Key::new(seed, Purpose::Generate).at(u64::from_le_bytes(task), part as u64)
}

/// What a store of generated data says of itself; one of a stand-in warns.
pub(crate) fn origin(facts: &Facts, seed: u64, provenance: Provenance) -> Origin {
    let warning = "a stand-in, not the task's data: no result on it can be compared with a published one";
    Origin {
        preprocessing: facts.preprocessing,
        provenance,
        seed: Some(seed),
        sources: Vec::new(),
        task: facts.name.to_owned(),
        outputs: facts.outputs,
        notices: if provenance == Provenance::StandIn { vec![warning.to_owned()] } else { Vec::new() },
    }
}
