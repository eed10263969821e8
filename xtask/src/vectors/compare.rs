//! The comparison, as the vectors' README says.

use super::case::{Case, Got, Stored};

/// What is off, a line each: every tensor that the file expects must have been computed, and be near enough.
pub fn compare(case: &Case, got: &[Got]) -> Vec<String> {
    let mut off = Vec::new();
    for prefix in ["out.", "grad.", "gradnorm."] {
        for name in case.names(prefix) {
            let name = format!("{prefix}{name}");
            match (case.stored(&name), got.iter().find(|g| g.name == name)) {
                (Err(e), _) => off.push(format!("{name}: {e:#}")),
                (_, None) => off.push(format!("{name} was not computed")),
                (Ok(want), Some(got)) => {
                    if let Some(line) = difference(got, &want, case.tolerance(&name)) {
                        off.push(format!("{name} {line}"));
                    }
                }
            }
        }
    }
    off
}

/// What is off about one tensor: integers are equal; else `||got - ref|| <= tol ||ref||` over the finite entries of ref
/// (`||got|| <= tol` if `||ref||` is 0), and NaN and infinities where ref has them.
pub fn difference(got: &Got, want: &Stored, tol: f64) -> Option<String> {
    if got.shape.as_ref().is_some_and(|s| *s != want.shape) || got.data.len() != want.data.len() {
        let shape = got.shape.as_ref().map_or_else(|| format!("{} numbers", got.data.len()), |s| format!("{s:?}"));
        return Some(format!("is {shape}, not {:?}", want.shape));
    }
    let pairs = || got.data.iter().copied().zip(want.data.iter().copied());
    if want.whole {
        let (n, first) = (pairs().filter(|(g, w)| g != w).count(), pairs().position(|(g, w)| g != w));
        return first.map(|i| {
            let all = want.data.len();
            format!("differs in {n} of {all} whole numbers, first in number {i}: {}, not {}", got.data[i], want.data[i])
        });
    }
    if let Some(i) = pairs().position(|(g, w)| !(w.is_finite() || g == w || g.is_nan() && w.is_nan())) {
        return Some(format!("has {:e} in number {i}, not {}", got.data[i], want.data[i]));
    }
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>().sqrt();
    let finite = || pairs().filter(|(_, w)| w.is_finite());
    let (error, size) = (norm(&mut finite().map(|(g, w)| g - w)), norm(&mut finite().map(|(_, w)| w)));
    let bound = if size == 0.0 { tol } else { tol * size };
    if error <= bound {
        return None; // NaN is not
    }
    let relative = if size == 0.0 { error } else { error / size };
    let of = if size == 0.0 { "of a reference of zeros" } else { "of its norm" };
    Some(format!("is off by {relative:.2e} {of}, {tol:.1e} is allowed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(got: &[f64], want: &[f64], whole: bool, tol: f64) -> Option<String> {
        let want = Stored { shape: vec![want.len()], data: want.to_vec(), whole };
        difference(&Got::numbers("out.y", got.to_vec()), &want, tol)
    }

    #[test]
    fn norms_over_finite_entries_and_equal_oddities() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(off(&[3.0, 4.0 + 4e-6], &[3.0, 4.0], false, 1e-6), None);
        assert!(off(&[3.0, 4.0 + 6e-6], &[3.0, 4.0], false, 1e-6).unwrap().contains("1.20e-6 of its norm"));
        assert_eq!(off(&[nan, inf, -inf, 1.0], &[nan, inf, -inf, 1.0], false, 1e-6), None);
        assert!(off(&[0.0, 1.0], &[nan, 1.0], false, 1e-6).is_some());
        assert!(off(&[inf, 1.0], &[-inf, 1.0], false, 1e-6).is_some());
        assert!(off(&[nan, 1.0], &[0.0, 1.0], false, 1e-6).is_some(), "NaN where a number is expected");
        assert_eq!(off(&[1e-7, 0.0], &[0.0, 0.0], false, 1e-6), None);
        assert!(off(&[1e-5, 0.0], &[0.0, 0.0], false, 1e-6).unwrap().contains("zeros"));
    }

    #[test]
    fn whole_numbers_and_shapes_are_equal() {
        assert_eq!(off(&[1.0, 2.0], &[1.0, 2.0], true, 1.0), None);
        assert!(off(&[1.0, 3.0], &[1.0, 2.0], true, 1.0).unwrap().contains("1 of 2"));
        assert!(off(&[1.0], &[1.0, 2.0], false, 1.0).is_some());
        let want = Stored { shape: vec![1, 2], data: vec![0.0; 2], whole: false };
        let got = Got { shape: Some(vec![2, 1]), ..Got::numbers("out.y", vec![0.0; 2]) };
        assert_eq!(difference(&got, &want, 1.0).unwrap(), "is [2, 1], not [1, 2]");
    }
}
