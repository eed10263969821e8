//! The reference's departures from its paper that a run asks to have back.

use std::collections::BTreeSet;

/// Names of quirks; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quirks(BTreeSet<&'static str>);

impl Quirks {
    /// Whether this one is asked for.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }
}

impl FromIterator<&'static str> for Quirks {
    fn from_iter<I: IntoIterator<Item = &'static str>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}
