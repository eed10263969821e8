//! The third level of gradient check: a whole f32 tape against the same graph of f64 references.
//!
//! (The first two, an op's f64 backward against central differences and its f32 backward against the f64 one, are asked of
//! every case in `kernels::check`.)

use kernels::check::Checked;
use kernels::host::Host;
use kernels::{Op, Tensor as Value};

use crate::{OpError, Tape, Tensor};

/// A node of a test graph: an op over earlier values. Values 0..n are the inputs, then one a step.
pub struct Step {
    /// Makes the op.
    pub op: Box<dyn Fn() -> Box<dyn Checked>>,
    /// Numbers of its inputs.
    pub inputs: Vec<usize>,
}

impl Step {
    /// `op` over the values numbered `inputs`; the first output is the step's value.
    pub fn new<O: kernels::op::Reference + Clone>(op: O, inputs: &[usize]) -> Self {
        Self { op: Box::new(move || Box::new(op.clone())), inputs: inputs.to_vec() }
    }
}

/// A boxed op, as an op.
#[derive(Debug)]
struct Boxed(Box<dyn Checked>);

impl Op for Boxed {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn infer(&self, inputs: &[kernels::Shape]) -> Result<kernels::Outputs, OpError> {
        self.0.infer(inputs)
    }
    fn saves(&self) -> kernels::Saves {
        self.0.saves()
    }
    fn forward(&self, inputs: &[&Value], outputs: &mut [Value]) {
        self.0.forward(inputs, outputs);
    }
    fn backward(&self, b: &kernels::Backward<'_>, dx: &mut [Option<Value>]) {
        self.0.backward(b, dx);
    }
}

/// Runs the graph on a tape in f32 and by references in f64, from the same inputs and the gradient `up` of the last value.
/// Gives, for every input, (f32 gradient, f64 gradient).
///
/// # Errors
/// What an op refuses.
pub fn graph(inputs: &[Value], steps: &[Step], up: &Value) -> Result<Vec<(Value, Host<f64>)>, OpError> {
    let mut tape = Tape::new();
    let mut values: Vec<Tensor> = inputs.iter().map(|x| tape.leaf(x.clone())).collect();
    for s in steps {
        let x: Vec<&Tensor> = s.inputs.iter().map(|&i| &values[i]).collect();
        let y = tape.apply(Boxed((s.op)()), &x)?;
        values.push(y);
    }
    let last = values.last().expect("a graph has values").clone();
    tape.backward_from(&last, up.clone())?;

    let mut host: Vec<Host<f64>> = inputs.iter().map(Host::of).collect();
    let mut all: Vec<Vec<Host<f64>>> = Vec::new();
    for s in steps {
        let x: Vec<Host<f64>> = s.inputs.iter().map(|&i| host[i].clone()).collect();
        let y = (s.op)().forward64(&x);
        host.push(y[0].clone());
        all.push(y);
    }
    let mut grads: Vec<Host<f64>> = host.iter().map(|h| Host::zeros(h.shape)).collect();
    *grads.last_mut().expect("a graph has values") = Host::of(up);
    for (k, s) in steps.iter().enumerate().rev() {
        let x: Vec<Host<f64>> = s.inputs.iter().map(|&i| host[i].clone()).collect();
        let mut dy: Vec<Option<Host<f64>>> = vec![None; all[k].len()];
        dy[0] = Some(grads[inputs.len() + k].clone());
        for (g, &i) in (s.op)().backward64(&x, &all[k], &dy).into_iter().zip(&s.inputs) {
            if let Some(g) = g {
                grads[i].data.iter_mut().zip(&g.data).for_each(|(a, b)| *a += b);
            }
        }
    }
    Ok(inputs
        .iter()
        .enumerate()
        .map(|(i, x)| (tape.grad(&values[i]).cloned().unwrap_or_else(|| Value::zeros(x.shape())), grads[i].clone()))
        .collect())
}
