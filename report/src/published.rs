//! The paper's Table 2: mean and sample standard deviation over three seeds, in the paper's unit.

/// A published figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, where one was given.
    pub std: Option<f64>,
}

const TASKS: [&str; 10] =
    ["cifar100", "spherical", "darcy", "psicov", "cosmic", "ninapro", "fsd50k", "ecg", "satellite", "deepsea"];

/// No standard deviation was given.
const NONE: f64 = f64::NAN;

/// Rows in the paper's order, figures in the order of [`TASKS`].
const FULL: [(&str, [(f64, f64); 10]); 5] = [
    (
        "wrn",
        [
            (23.35, 0.05),
            (85.77, 0.71),
            (0.073, 0.001),
            (3.84, 0.053),
            (51.76, 2.09),
            (6.78, 0.26),
            (0.08, 0.001),
            (0.57, 0.01),
            (15.49, 0.03),
            (0.60, 0.001),
        ],
    ),
    (
        "densenas-random",
        [
            (25.49, 0.41),
            (71.23, 1.65),
            (0.071, 0.006),
            (3.70, 0.06),
            (70.42, 6.07),
            (8.45, 0.56),
            (0.40, 0.001),
            (0.58, 0.01),
            (13.91, 0.13),
            (0.60, 0.001),
        ],
    ),
    (
        "densenas",
        [
            (25.98, 0.38),
            (72.99, 0.95),
            (0.10, 0.01),
            (3.84, 0.15),
            (79.52, 2.20),
            (10.17, 1.31),
            (0.36, 0.002),
            (0.60, 0.01),
            (13.81, 0.69),
            (0.60, 0.001),
        ],
    ),
    (
        "wrn-asha",
        [
            (23.39, 0.01),
            (75.46, 0.40),
            (0.066, 0.00),
            (3.84, 0.05),
            (37.53, 10.16),
            (7.34, 0.76),
            (0.09, 0.03),
            (0.57, 0.01),
            (15.84, 0.52),
            (0.59, 0.002),
        ],
    ),
    (
        "gaea",
        [
            (24.02, 1.92),
            (48.23, 2.87),
            (0.026, 0.001),
            (2.94, 0.13),
            (31.15, 3.48),
            (17.67, 1.39),
            (0.06, 0.02),
            (0.66, 0.01),
            (12.51, 0.24),
            (0.64, 0.02),
        ],
    ),
];

/// The specialised methods; AMBER's figures are read from the project's chart, without deviations.
const SPECIALISED: [(&str, &str, f64, f64); 6] = [
    ("autodl", "darcy", 0.049, 0.005),
    ("autodl", "psicov", 6.73, 0.73),
    ("autodl", "cosmic", 99.79, 0.02),
    ("amber", "ecg", 0.67, NONE),
    ("amber", "satellite", 12.97, NONE),
    ("amber", "deepsea", 0.68, NONE),
];

/// What experts of a task's own field published; beyond the paper's table. FNO: Li et al. 2021, at 85 x 85 points.
const EXPERTS: [(&str, &str, f64, f64); 1] = [("fno", "darcy", 0.0108, NONE)];

/// Whether a row is beyond the paper's table, with a figure of its own.
pub fn is_expert(method: &str) -> bool {
    EXPERTS.iter().any(|e| e.0 == method)
}

/// The published figure of a cell.
pub fn figure(task: &str, method: &str) -> Option<Published> {
    let full = FULL.iter().find(|(m, _)| *m == method);
    let (mean, std) = match full {
        Some((_, row)) => row[TASKS.iter().position(|t| *t == task)?],
        None => SPECIALISED.iter().chain(&EXPERTS).find(|(m, t, ..)| (*m, *t) == (method, task)).map(|r| (r.2, r.3))?,
    };
    Some(Published { mean, std: (!std.is_nan()).then_some(std) })
}

/// The paper's Table 3 as it is printed: row, median rank, improvement over default WRN in percent. By the figures of Table 2
/// the improvements of the two `DenseNAS` rows stand exchanged.
const TABLE3: [(&str, f64, f64); 7] = [
    ("wrn", 4.0, 0.0),
    ("densenas-random", 4.0, 0.0),
    ("densenas", 4.0, 2.53),
    ("wrn-asha", 3.5, 0.0),
    ("gaea", 1.5, 20.1),
    ("autodl", 6.0, -75.3),
    ("amber", 1.0, 20.0),
];

/// The median rank that the paper's Table 3 prints.
pub fn published_rank(method: &str) -> Option<f64> {
    TABLE3.iter().find(|r| r.0 == method).map(|r| r.1)
}

/// The improvement that the paper's Table 3 prints, percent.
pub fn published_improvement(method: &str) -> Option<f64> {
    TABLE3.iter().find(|r| r.0 == method).map(|r| r.2)
}

/// Decimals with which the paper gives a task's figures, and experts theirs.
pub fn decimals(task: &str, method: &str) -> usize {
    match task {
        _ if is_expert(method) => 4,
        "darcy" | "fsd50k" | "ecg" | "deepsea" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_paper_has_its_figure() {
        let mut cells = 0;
        for task in TASKS {
            assert!(tasks::by_name(task).is_ok(), "{task}");
            for method in nas::protocol::METHODS.iter().filter(|m| !m.yardstick) {
                let there = figure(task, method.name).is_some();
                assert_eq!(there, method.covers(task), "{task} {}", method.name);
                cells += usize::from(there);
            }
        }
        assert_eq!(cells, 56);
        assert_eq!(figure("satellite", "wrn"), Some(Published { mean: 15.49, std: Some(0.03) }));
        assert_eq!(figure("satellite", "amber"), Some(Published { mean: 12.97, std: None }));
    }
}
