//! Drop-path.

use autograd::{OpError, Tensor};

use kernels::ops::elementwise::drop_path::DropPath as Op;

use super::Builder;
use crate::Pass;

/// Zeroes whole samples with probability [`Pass::drop_path`] in training and divides the others by one minus it.
///
/// The decisions are keyed as a dropout's mask: by the pass's key and the number of the random op in the step. With
/// probability 0 nothing is recorded, but the number is taken.
#[derive(Debug, Clone)]
pub struct DropPath {
    name: String,
}

impl Builder<'_> {
    /// A drop-path; the name is only for messages.
    pub fn drop_path(&mut self, name: &str) -> DropPath {
        DropPath { name: self.path(name) }
    }
}

impl DropPath {
    /// Drops in training, passes through in evaluation.
    ///
    /// # Errors
    /// If the pass's probability is not in [0, 1).
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let p = pass.drop_path;
        match pass.draw() {
            Some((key, index)) if p != 0.0 => pass.apply(&self.name, Op::new(key, index, p), &[x]),
            _ => Ok(x.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use autograd::Tape;
    use kernels::Tensor as Value;
    use kernels::rng::{Key, Purpose};

    use super::*;
    use crate::{Mode, Params};

    /// What samples of ones become, and the number of the next random op.
    fn factors(mode: Mode, p: f32) -> (Vec<f32>, Option<u64>) {
        let (mut tape, mut params) = (Tape::new(), Params::new());
        let layer = Builder::new(&mut params, 0).drop_path("cells.0");
        let mut pass = Pass::new(&mut tape, &mut params, mode);
        pass.drop_path = p;
        let y = layer.forward(&mut pass, &Tensor::constant(Value::full([64, 2], 1.0))).unwrap();
        (y.value().data().to_vec(), pass.draw().map(|(_, index)| index))
    }

    #[test]
    fn samples_are_dropped_in_training_alone_and_the_number_is_taken() {
        let training = Mode::Train(Key::new(1, Purpose::Dropout));
        let (y, next) = factors(training, 0.5);
        assert!(y.chunks(2).all(|y| y == [0.0; 2] || y == [2.0; 2]), "{y:?}");
        assert!(y.contains(&0.0) && y.contains(&2.0) && next == Some(1));
        assert_eq!(factors(training, 0.0), (vec![1.0; 128], Some(1)));
        assert_eq!(factors(Mode::Eval, 0.5), (vec![1.0; 128], None));
    }

    #[test]
    fn a_probability_that_is_none_is_refused_with_the_layers_name() {
        let (mut tape, mut params) = (Tape::new(), Params::new());
        let layer = Builder::new(&mut params, 0).drop_path("cells.3.drop_path");
        let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(Key::new(1, Purpose::Dropout)));
        for p in [-0.5, 1.0, f32::NAN] {
            pass.drop_path = p;
            let e = layer.forward(&mut pass, &Tensor::constant(Value::full([2, 2], 1.0))).unwrap_err().to_string();
            assert!(e.contains("cells.3.drop_path") && e.contains("p must be"), "{e}");
        }
    }
}
