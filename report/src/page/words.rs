//! Figures and names as the page writes them.

use crate::model::{Group, Origin, Table};
pub use crate::plot::scale::{number, rank, signed};

/// The page's title.
pub fn title(table: &Table) -> String {
    match &table.origin {
        Origin::Paper => "NAS-Bench-360: the paper's figures".to_owned(),
        Origin::Runs { profile, .. } => format!("NAS-Bench-360: runs of profile {profile}"),
        Origin::File(_) => "NAS-Bench-360: figures of a file".to_owned(),
    }
}

/// Where the figures come from, a sentence.
pub fn origin(table: &Table) -> String {
    match &table.origin {
        Origin::Paper => "The figures of the paper's Table 2, as published.".to_owned(),
        Origin::Runs { dir, profile } => format!("Runs of profile {profile} in {dir}."),
        Origin::File(path) => format!("The table in {path}."),
    }
}

/// A row group as printed.
pub fn group(group: Group) -> &'static str {
    match group {
        Group::Efficient => "Efficient: 1 to 10 GPU hours",
        Group::Expensive => "Expensive: 10 to over 100 GPU hours",
        Group::Specialised => "Specialised: three tasks each",
        Group::Given => "Given by the file",
        Group::Beyond => "Beyond the paper's table: not ranked",
    }
}

/// A count: `1 234 567` in three digits and a letter: `1.23 M`.
pub fn count(value: u64) -> String {
    let v = value as f64;
    let (size, letter) = match value {
        0..1_000 => return value.to_string(),
        1_000..1_000_000 => (v / 1e3, "k"),
        1_000_000..1_000_000_000 => (v / 1e6, "M"),
        1_000_000_000..1_000_000_000_000 => (v / 1e9, "G"),
        _ => (v / 1e12, "T"),
    };
    format!("{}\u{a0}{letter}", crate::plot::scale::brief(size))
}

/// Bytes: `812 MiB`.
pub fn bytes(value: u64) -> String {
    let mib = value as f64 / 1048576.0;
    let (size, unit) = if mib >= 1000.0 { (mib / 1024.0, "GiB") } else { (mib, "MiB") };
    format!("{}\u{a0}{unit}", crate::plot::scale::brief(size))
}

/// Hours, or seconds and minutes where that reads better.
pub fn hours(value: f64) -> String {
    let brief = crate::plot::scale::brief;
    if value >= 1.0 {
        format!("{}\u{a0}h", brief(value))
    } else if value * 60.0 >= 1.0 {
        format!("{}\u{a0}min", brief(value * 60.0))
    } else {
        format!("{}\u{a0}s", brief(value * 3600.0))
    }
}

/// `1 task`, `3 tasks`.
pub fn counted(n: usize, one: &str, more: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {more}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0.0, -0.001, 2.346, -75.26].map(|v| signed(v, 2)).join(" "), "0.00 0.00 +2.35 −75.26");
        assert_eq!(number(f64::NAN, 2), "NaN");
        assert_eq!([4.0, 3.5, 1.25].map(rank).join(" "), "4.0 3.5 1.25");
        assert_eq!([7, 1_234, 36_500_000].map(count).join(" "), "7 1.23\u{a0}k 36.5\u{a0}M");
        assert_eq!(bytes(3 << 30), "3.00\u{a0}GiB");
        assert_eq!([2.5, 0.25, 0.001].map(hours).join(" "), "2.50\u{a0}h 15.0\u{a0}min 3.60\u{a0}s");
    }
}
