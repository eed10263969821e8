//! What a run tells whoever watches. Nothing of it enters a result.

/// Watches one run.
pub trait Progress {
    /// A stage begins (`search`, `final`, `test`): `done` of its `total` epochs are already there when it resumes.
    fn stage(&mut self, name: &str, done: usize, total: usize);
    /// `done` of an epoch's `total` steps are through.
    fn step(&mut self, done: usize, total: usize);
    /// `done` epochs of the stage are through; `metric` is the newest name and value.
    fn epoch(&mut self, done: usize, metric: Option<(&str, f64)>);
    /// Something the user should know (a data set is partial, a batch was made smaller).
    fn note(&mut self, text: &str);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _: &str, _: usize, _: usize) {}
    fn step(&mut self, _: usize, _: usize) {}
    fn epoch(&mut self, _: usize, _: Option<(&str, f64)>) {}
    fn note(&mut self, _: &str) {}
}
