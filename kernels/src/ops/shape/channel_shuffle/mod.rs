//! Channel shuffle: groups of channels dealt out in turn.
//!
//! # Specification
//! The C channels (the last dimension) are seen as `[groups, C / groups]` and turned into `[C / groups, groups]`: channel
//! `j * groups + i` of y is channel `i * C / groups + j` of x. Backward: the inverse, a shuffle by `C / groups`.

pub mod cases;
mod cpu;
mod reference;

use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// A shuffle of one input's channels; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelShuffle {
    /// A divisor of the channels.
    pub groups: usize,
}

const NAME: &str = "channel_shuffle";

impl Op for ChannelShuffle {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; groups that do not divide its channels.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one, x"));
        };
        if x[..].is_empty() || self.groups == 0 || !x.last().is_multiple_of(self.groups) {
            let what = format!("x {x} in {} groups", self.groups);
            return Err(OpError::new(NAME, what, "choose groups that divide the last dimension"));
        }
        Ok(Outputs::one(*x))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        cpu::shuffle(self.groups, inputs[0], &mut outputs[0]);
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let mut d = b.room(0);
            cpu::shuffle(b.shapes[0].last() / self.groups, b.dy(), &mut d);
            dx[0] = Some(d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("shape/channel_shuffle", &super::cases::cases());
    }

    #[test]
    fn groups_that_do_not_divide_are_refused() {
        let e = ChannelShuffle { groups: 4 }.infer(&[Shape::new(&[2, 6])]).unwrap_err().to_string();
        assert!(e.contains("x [2, 6] in 4 groups"), "{e}");
        assert!(ChannelShuffle { groups: 0 }.infer(&[Shape::new(&[2, 6])]).is_err());
    }
}
