//! How many trials there are: as many as the multiply-adds of the DenseNAS search pay for.

use crate::bilevel::Spec;
use crate::densenas::Costs;
use crate::densenas::search::moves;

/// A backward takes twice its forward.
const FORWARD_AND_BACKWARD: f64 = 3.0;

/// Millions of multiply-adds: those of the search, and those that trials have taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Of the search.
    pub whole: f64,
    /// Of the trials so far.
    pub spent: f64,
    trials: usize,
    fewest: usize,
}

impl Budget {
    /// Of a search over so many items; there are at least `fewest` trials.
    ///
    /// The search takes `3 (epochs x items x one + moving epochs x steps x batch x all)`: `items` of the weights' part, a
    /// forward of the supernet with half of the stacked basic blocks (`one`); steps of `batch` items of the architecture's
    /// part, a forward with all (`all`). Every forward counts three times, for its backward.
    pub fn new(costs: &Costs, spec: Spec, items: usize, fewest: usize) -> Self {
        let held_out = (items / spec.parts).max(1);
        let weights = items.saturating_sub(held_out).max(1);
        let steps = weights.div_ceil(spec.batch * (spec.parts - 1));
        let moving = (0..spec.epochs).filter(|&e| moves(e, spec.epochs)).count();
        let one = (spec.epochs * weights) as f64 * costs.supernet(0.5);
        let all = (moving * steps * spec.batch.min(held_out)) as f64 * costs.supernet(1.0);
        Self { whole: FORWARD_AND_BACKWARD * (one + all), spent: 0.0, trials: 0, fewest }
    }

    /// Whether there is another trial: while something is left of the budget, and up to the fewest.
    pub fn goes_on(&self) -> bool {
        self.trials < self.fewest || self.spent < self.whole
    }

    /// Counts a trial of a network with so many multiply-adds, that sees so many items in each of its epochs.
    pub fn spend(&mut self, multiply_adds: u64, items: usize, epochs: usize) {
        self.spent += FORWARD_AND_BACKWARD * (multiply_adds as f64 / 1e6) * (items * epochs) as f64;
        self.trials += 1;
    }
}
