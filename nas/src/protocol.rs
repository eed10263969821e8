//! The protocol's names: methods and quirks (tasks are the crate `tasks`'). Decisions are in `docs/deviations.md`.

use tasks::Quirks;

/// A method's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodName {
    /// As it is typed.
    pub name: &'static str,
    /// The tasks it is for; empty: all.
    pub tasks: &'static [&'static str],
    /// Something to compare with: run only where it is named.
    pub yardstick: bool,
    /// The method whose numbers it shares where it has none of its own.
    pub like: Option<&'static str>,
    /// The method whose finds it reads, with the same task and seed.
    pub after: Option<&'static str>,
}

const fn row(name: &'static str, tasks: &'static [&'static str]) -> MethodName {
    MethodName { name, tasks, yardstick: false, like: None, after: None }
}

const fn yardstick(name: &'static str) -> MethodName {
    MethodName { yardstick: true, like: Some("wrn"), ..row(name, &[]) }
}

/// The method rows, in the paper's order; the last three are beyond the paper.
pub const METHODS: [MethodName; 10] = [
    row("wrn", &[]),
    MethodName { like: Some("densenas"), after: Some("densenas"), ..row("densenas-random", &[]) },
    row("densenas", &[]),
    MethodName { like: Some("wrn"), ..row("wrn-asha", &[]) },
    row("gaea", &[]),
    row("autodl", &["darcy", "psicov", "cosmic"]),
    row("amber", &["ecg", "satellite", "deepsea"]),
    MethodName { tasks: &["darcy"], like: None, ..yardstick("fno") },
    yardstick("constant"),
    yardstick("linear"),
];

impl MethodName {
    /// Whether the protocol has this method on a task.
    pub fn covers(&self, task: &str) -> bool {
        self.tasks.is_empty() || self.tasks.contains(&task)
    }
}

/// The protocol in force unless another is asked for.
pub const CORRECTED: &str = "corrected";

/// The reference's departures, all that can be had, put back.
pub const PUBLISHED: &str = "published";

/// A departure of the reference from its paper that can be had back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirk {
    /// As it is typed.
    pub name: &'static str,
    /// The tasks it is for; empty: all.
    pub tasks: &'static [&'static str],
    /// The methods it is for; empty: all.
    pub methods: &'static [&'static str],
    /// What the reference does.
    pub what: &'static str,
}

const fn of_task(name: &'static str, tasks: &'static [&'static str], what: &'static str) -> Quirk {
    Quirk { name, tasks, methods: &[], what }
}

const fn of_method(name: &'static str, methods: &'static [&'static str], what: &'static str) -> Quirk {
    Quirk { name, tasks: &[], methods, what }
}

/// Every quirk; what a run has of them is a set of names ([`Quirks`]), asked where it matters.
pub const QUIRKS: [Quirk; 10] = [
    Quirk {
        name: "unshuffled",
        tasks: &["cifar100", "spherical", "ninapro"],
        methods: &["wrn"],
        what: "training items in file order every epoch",
    },
    Quirk { methods: &["wrn"], ..of_task("corner-pool", &["spherical"], "pools only the top left 8x8 of the map") },
    of_task("foreign-length", &["psicov"], "crops a test map to another protein's length"),
    of_task("double-symmetry", &["psicov"], "averages the two triangles twice"),
    of_task("raw-threshold", &["cosmic"], "thresholds the logit, not the probability, at .5"),
    of_task("sky-at-test", &["cosmic"], "adds sky noise to validation and test images"),
    of_task("four-class-f1", &["ecg"], "averages F1 over all four classes"),
    of_method("gaea-benchmark", &["gaea"], "the benchmark's variant of the architecture update"),
    of_method("last-batch-bn", &["gaea"], "batch-norm momentum .999, eps 1e-3 in evaluation"),
    of_method("depth-only-random", &["densenas-random"], "draws the depth alone at random"),
];

impl Quirk {
    /// Whether it changes anything about a cell.
    pub fn touches(&self, task: &str, method: &str) -> bool {
        let among = |names: &[&str], name| names.is_empty() || names.contains(&name);
        among(self.tasks, task) && among(self.methods, method)
    }
}

/// The quirks that a command line asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    published: bool,
    quirks: Vec<&'static Quirk>,
}

impl Asked {
    /// Reads a protocol and names of quirks.
    ///
    /// # Errors
    /// If there is no such protocol or quirk, in words for the user.
    pub fn parse<S: AsRef<str>>(protocol: &str, names: &[S]) -> Result<Self, String> {
        if protocol != CORRECTED && protocol != PUBLISHED {
            return Err(format!("--protocol {protocol}: choose {CORRECTED} or {PUBLISHED}"));
        }
        let mut quirks = Vec::new();
        for name in names {
            let name = name.as_ref();
            let Some(quirk) = QUIRKS.iter().find(|q| q.name == name) else {
                let known: Vec<&str> = QUIRKS.iter().map(|q| q.name).collect();
                return Err(format!("--quirk {name}: there is no such quirk; known are {}", known.join(", ")));
            };
            quirks.push(quirk);
        }
        Ok(Self { published: protocol == PUBLISHED, quirks })
    }

    /// The protocol's name.
    pub fn protocol(&self) -> &'static str {
        if self.published { PUBLISHED } else { CORRECTED }
    }

    /// Those asked for by name that change none of these (task, method).
    pub fn idle<'a>(&self, cells: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Vec<&'static str> {
        let idle = |q: &&&Quirk| !cells.clone().any(|(task, method)| q.touches(task, method));
        self.quirks.iter().filter(idle).map(|q| q.name).collect()
    }

    /// What a cell has of them.
    pub fn of(&self, task: &str, method: &str) -> Quirks {
        let asked = |q: &&Quirk| self.published || self.quirks.iter().any(|a| a.name == q.name);
        QUIRKS.iter().filter(|q| q.touches(task, method)).filter(asked).map(|q| q.name).collect()
    }
}

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
        assert!(QUIRKS.iter().flat_map(|q| q.tasks).all(|t| tasks::by_name(t).is_ok()));
        assert!(QUIRKS.iter().flat_map(|q| q.methods).all(|m| method_named(m).is_some()));
    }

    #[test]
    fn a_cell_has_the_quirks_that_touch_it() {
        let names = |a: &Asked, task, method| a.of(task, method).names().collect::<Vec<_>>();
        let published = Asked::parse("published", &[] as &[&str]).unwrap();
        assert_eq!(names(&published, "spherical", "wrn"), ["corner-pool", "unshuffled"]);
        assert_eq!(names(&published, "spherical", "densenas"), [""; 0]);
        assert_eq!(
            names(&published, "psicov", "gaea"),
            ["double-symmetry", "foreign-length", "gaea-benchmark", "last-batch-bn"]
        );
        let one = Asked::parse("corrected", &["sky-at-test"]).unwrap();
        assert_eq!(names(&one, "cosmic", "wrn"), ["sky-at-test"]);
        assert_eq!(names(&one, "ecg", "wrn"), [""; 0]);
        assert_eq!(one.idle([("ecg", "wrn")].into_iter()), ["sky-at-test"]);
        assert_eq!((one.idle([("cosmic", "wrn")].into_iter()), one.protocol()), (vec![], "corrected"));
        let refused = |protocol, name| Asked::parse(protocol, &[name]).unwrap_err();
        assert!(refused("paper", "unshuffled").contains("choose corrected or published"));
        assert!(refused("corrected", "shuffled").contains("known are unshuffled, corner-pool"));
    }
}
