//! The protocol's names: methods and quirks (tasks are the crate `tasks`'). Decisions are in `docs/deviations.md`.

/// A method's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodName {
    /// As it is typed.
    pub name: &'static str,
    /// The tasks it is for; empty: all.
    pub tasks: &'static [&'static str],
}

/// The method rows, in the paper's order; the last is beyond the paper.
pub const METHODS: [MethodName; 8] = [
    MethodName { name: "wrn", tasks: &[] },
    MethodName { name: "densenas-random", tasks: &[] },
    MethodName { name: "densenas", tasks: &[] },
    MethodName { name: "wrn-asha", tasks: &[] },
    MethodName { name: "gaea", tasks: &[] },
    MethodName { name: "autodl", tasks: &["darcy", "psicov", "cosmic"] },
    MethodName { name: "amber", tasks: &["ecg", "satellite", "deepsea"] },
    MethodName { name: "fno", tasks: &["darcy"] },
];

impl MethodName {
    /// Whether the protocol has this method on a task.
    pub fn covers(&self, task: &str) -> bool {
        self.tasks.is_empty() || self.tasks.contains(&task)
    }
}

/// The protocol in force unless another is asked for.
pub const CORRECTED: &str = "corrected";

/// A departure of the reference from its paper that can be had back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirk {
    /// As it is typed.
    pub name: &'static str,
    /// What it changes: a task or a method.
    pub place: &'static str,
    /// What the reference does.
    pub what: &'static str,
}

/// Every quirk. None is implemented yet, so none can be asked for.
pub const QUIRKS: [Quirk; 10] = [
    Quirk { name: "unshuffled", place: "wrn", what: "cifar100, spherical and ninapro in file order every epoch" },
    Quirk { name: "corner-pool", place: "spherical", what: "pools only the top left 8x8 of the map" },
    Quirk { name: "foreign-length", place: "psicov", what: "crops a test map to another protein's length" },
    Quirk { name: "double-symmetry", place: "psicov", what: "averages the two triangles twice" },
    Quirk { name: "raw-threshold", place: "cosmic", what: "thresholds the logit, not the probability, at .5" },
    Quirk { name: "sky-at-test", place: "cosmic", what: "adds sky noise to validation and test images" },
    Quirk { name: "four-class-f1", place: "ecg", what: "averages F1 over all four classes" },
    Quirk { name: "gaea-benchmark", place: "gaea", what: "the benchmark's variant of the architecture update" },
    Quirk { name: "last-batch-bn", place: "gaea", what: "batch-norm momentum .999, eps 1e-3 in evaluation" },
    Quirk { name: "depth-only-random", place: "densenas-random", what: "draws the depth alone at random" },
];

/// A method by name.
pub fn method_named(name: &str) -> Option<&'static MethodName> {
    METHODS.iter().find(|m| m.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_distinct_and_every_reference_exists() {
        let mut names: Vec<&str> = tasks::all().iter().map(|t| t.facts().name).collect();
        names.extend(METHODS.iter().map(|m| m.name));
        names.extend(QUIRKS.iter().map(|q| q.name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(METHODS.iter().flat_map(|m| m.tasks).all(|t| tasks::by_name(t).is_ok()));
        assert!(QUIRKS.iter().all(|q| tasks::by_name(q.place).is_ok() || method_named(q.place).is_some()));
    }
}
