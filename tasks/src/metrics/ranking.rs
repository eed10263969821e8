//! Scored items of one class.

/// An item, as a ranking sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Its output.
    pub score: f32,
    /// Whether it belongs to the class.
    pub positive: bool,
}

/// Outputs and targets, one an item, together.
///
/// # Panics
/// If there are not as many of both, or a target is neither 0 nor 1.
pub fn pooled(scores: &[f32], targets: &[f32]) -> Vec<Scored> {
    column(scores, targets, 1, 0)
}

/// Class `k` of outputs and targets `[N, classes]`.
///
/// # Panics
/// If they are not whole rows of classes, or a target is neither 0 nor 1.
pub fn column(scores: &[f32], targets: &[f32], classes: usize, k: usize) -> Vec<Scored> {
    assert!(
        scores.len() == targets.len() && scores.len().is_multiple_of(classes),
        "{} scores and {} targets of {classes} classes",
        scores.len(),
        targets.len()
    );
    let both = scores.iter().zip(targets).skip(k).step_by(classes);
    both.map(|(&score, &target)| Scored { score, positive: is_positive(target) }).collect()
}

/// Whether a target of 0 or 1 is 1.
///
/// # Panics
/// If it is neither.
pub(super) fn is_positive(target: f32) -> bool {
    assert!(target == 0.0 || target == 1.0, "a target is 0 or 1, this one is {target}");
    target == 1.0
}
