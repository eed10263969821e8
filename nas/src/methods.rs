//! The table of methods: one line each.

use crate::method::Method;
use crate::yardstick::Yardstick;

/// The methods that are built.
pub fn all() -> &'static [&'static dyn Method] {
    &[
        &crate::wrn::Wrn,
        &crate::densenas_random::DenseNasRandom,
        &crate::densenas::DenseNas,
        &crate::asha::Asha,
        &crate::gaea::Gaea,
        &crate::autodl::AutoDeepLab,
        &crate::amber::Amber,
        &crate::fno::Expert,
        &Yardstick::Constant,
        &Yardstick::Linear,
    ]
}

/// The built method of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Method> {
    all().iter().copied().find(|m| m.name() == name)
}

/// Whether this cell exists: the method is built and has a row for the task.
pub fn exists(task: &dyn tasks::Task, method: &str) -> bool {
    by_name(method).is_some_and(|m| m.covers(task.facts()))
}
