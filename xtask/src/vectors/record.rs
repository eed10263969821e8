//! Replays a differentiable op as a user runs it: recorded on a tape, then backward.

use autograd::{Tape, Tensor};
use kernels::Tensor as Value;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::reduce::{Axes, sum::Sum};
use nn::OpError;

use super::case::{Case, Got};
use super::layout::Layout;

/// An op's tensors, by name and layout.
pub type Names<'a> = &'a [(&'a str, Layout)];

/// Records `op` over the inputs, compares nothing yet: gives the outputs, and the gradients of the inputs for which the
/// file has one. The gradient of the final loss with respect to each output is the file's `up.<output>`.
///
/// # Errors
/// What the file lacks or the op refuses.
pub fn record(
    case: &Case,
    inputs: Names<'_>,
    outputs: Names<'_>,
    op: impl FnOnce(&mut Tape, &[&Tensor]) -> Result<Vec<Tensor>, OpError>,
) -> anyhow::Result<Vec<Got>> {
    let values = inputs.iter().map(|(name, layout)| case.input(name, layout.clone())).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<(String, Layout)> = inputs.iter().map(|(n, l)| ((*n).to_owned(), l.clone())).collect();
    record_values(case, &names, values, outputs, op)
}

/// As [`record`], with inputs that were changed after they were read (all names must be the file's).
///
/// # Errors
/// As [`record`].
pub fn record_values(
    case: &Case,
    names: &[(String, Layout)],
    values: Vec<Value>,
    outputs: Names<'_>,
    op: impl FnOnce(&mut Tape, &[&Tensor]) -> Result<Vec<Tensor>, OpError>,
) -> anyhow::Result<Vec<Got>> {
    let mut tape = Tape::new();
    let leaves: Vec<Tensor> = names
        .iter()
        .zip(values)
        .map(|((name, _), v)| if case.has(&format!("grad.{name}")) { tape.leaf(v) } else { Tensor::constant(v) })
        .collect();
    let y = op(&mut tape, &leaves.iter().collect::<Vec<_>>())?;
    let mut got = Vec::new();
    for ((name, layout), y) in outputs.iter().zip(&y) {
        got.push(Got::tensor(format!("out.{name}"), y.value(), layout.clone())?);
    }
    if case.names("grad.").is_empty() {
        return Ok(got);
    }
    let mut ups = Vec::new();
    for ((name, layout), y) in outputs.iter().zip(&y) {
        if case.has(&format!("up.{name}")) {
            let up = case.stored(&format!("up.{name}"))?;
            let (shape, at) = layout.ours(&up.shape)?;
            let numbers: Vec<f32> = at.iter().map(|&i| up.data[i] as f32).collect();
            ups.push((y, Value::from_slice(shape, &numbers)));
        }
    }
    backward(&mut tape, ups)?;
    for ((name, layout), leaf) in names.iter().zip(&leaves) {
        if let Some(grad) = tape.grad(leaf) {
            got.push(Got::tensor(format!("grad.{name}"), grad, layout.clone())?);
        }
    }
    Ok(got)
}

/// Backward from outputs with their gradients: from the only one, or from the sum of all products (whose gradients are
/// the same numbers, exactly).
fn backward(tape: &mut Tape, mut ups: Vec<(&Tensor, Value)>) -> Result<(), OpError> {
    if ups.len() == 1 {
        let (y, up) = ups.remove(0);
        return tape.backward_from(y, up);
    }
    let mut loss: Option<Tensor> = None;
    for (y, up) in ups {
        let terms = tape.apply(Binary::mul(), &[y, &Tensor::constant(up)])?;
        let sum = tape.apply(Sum { axes: Axes::ALL, keepdim: false }, &[&terms])?;
        loss = Some(match loss {
            Some(loss) => tape.apply(Binary::add(), &[&loss, &sum])?,
            None => sum,
        });
    }
    match loss {
        Some(loss) => tape.backward(&loss),
        None => Err(OpError::new("backward", "the file has gradients and no 'up.*'", "give one an output")),
    }
}

/// The common case: one output `y`, one op of our own.
///
/// # Errors
/// As [`record`].
pub fn apply<O: kernels::Op>(case: &Case, inputs: Names<'_>, y: Layout, op: O) -> anyhow::Result<Vec<Got>> {
    record(case, inputs, &[("y", y)], |tape, x| Ok(vec![tape.apply(op, x)?]))
}

/// Records an op of several outputs and takes the first `n`.
///
/// # Errors
/// What the op refuses.
pub fn apply_all<O: kernels::Op>(tape: &mut Tape, op: O, x: &[&Tensor], n: usize) -> Result<Vec<Tensor>, OpError> {
    let mut out = tape.record(op, x)?;
    Ok((0..n).map(|i| out.take(i)).collect())
}
