//! The table of methods: one line each.

use crate::method::Method;

/// The methods that are built.
pub fn all() -> &'static [&'static dyn Method] {
    &[&crate::wrn::Wrn]
}

/// The built method of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Method> {
    all().iter().copied().find(|m| m.name() == name)
}

/// Whether this cell exists: the method is built and has a row for the task, and the task's data are built.
pub fn exists(task: &dyn tasks::Task, method: &str) -> bool {
    task.available() && by_name(method).is_some_and(|m| m.covers(task.facts()))
}
