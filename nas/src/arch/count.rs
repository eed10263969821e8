//! Parameters and multiply-adds of a network, found out without computing.

use autograd::Tape;
use kernels::{Device, Tensor};
use nn::{Builder, Mode, Params, Pass};
use serde_json::Value as Json;

use super::{Form, build};
use crate::Error;

/// What is counted, in words.
pub const DEFINITION: &str = "parameters: numbers that training moves; multiply-adds: those of convolutions and matrix \
    products in the forward of one input in evaluation (not: bias, batch norm, activations, pooling, sums)";

/// How large a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Trained numbers.
    pub parameters: usize,
    /// Multiply-adds of one input.
    pub multiply_adds: u64,
}

/// Counts by recording the network on no device at all.
///
/// # Errors
/// If it is no network of the form.
pub fn count(network: &Json, form: &Form) -> Result<Counts, Error> {
    let mut params = Params::new();
    let net = build(network, form, 0.0, &mut Builder::new(&mut params, 0))?;
    params.move_to(Device::PLANNED);
    let shape: Vec<usize> = std::iter::once(1).chain(form.input.iter().copied()).collect();
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
    net.forward(&mut pass, &Tensor::uninit_on(Device::PLANNED, &shape[..]).into())?;
    let multiply_adds = pass.tape.flops() / 2;
    drop(pass);
    Ok(Counts { parameters: params.trainable(), multiply_adds })
}
