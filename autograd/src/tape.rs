//! The tape and its tensors.

use std::any::Any;

use kernels::cuda::driver;
use kernels::op::MAX_OUTPUTS;
use kernels::{Backward, DType, Device, Op, OpError, Shape, Tensor as Value};

/// Most inputs an op may have.
const MAX_INPUTS: usize = 32;

/// Where a tensor's gradient is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    generation: u32,
    index: u32,
}

/// A value on a tape. Cloning is cheap; dropping the last clone frees the memory unless an op saved it for backward.
#[derive(Debug, Clone)]
pub struct Tensor {
    value: Value,
    slot: Option<Slot>,
}

impl Tensor {
    /// A constant: no gradient is asked for.
    pub fn constant(value: Value) -> Self {
        Self { value, slot: None }
    }

    /// The numbers.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Sizes.
    pub fn shape(&self) -> Shape {
        self.value.shape()
    }

    /// The same numbers without a gradient.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self::constant(self.value.clone())
    }

    /// The numbers, given up by the tensor.
    pub fn into_value(self) -> Value {
        self.value
    }
}

impl From<Value> for Tensor {
    fn from(value: Value) -> Self {
        Self::constant(value)
    }
}

/// What recording an op gives: its visible outputs.
#[derive(Debug)]
pub struct Recorded {
    outputs: [Option<Tensor>; MAX_OUTPUTS],
}

impl Recorded {
    /// Takes output `i`.
    ///
    /// # Panics
    /// If it was taken before, or the op has no such output.
    pub fn take(&mut self, i: usize) -> Tensor {
        self.outputs[i].take().expect("an output of the op, taken once")
    }
}

/// One recorded op; its inputs and saved tensors lie in the tape's arenas.
#[derive(Debug, Clone, Copy)]
struct Node {
    inputs: (usize, usize),
    saved_outputs: (usize, usize),
    visible: usize,
    first_slot: u32,
}

/// Refuses outputs that are not finite; says whether the inputs were.
fn watch(op: &dyn Op, inputs: &[&Value], outputs: &[Value]) -> Result<(), OpError> {
    let wrong = |v: &Value| match v.dtype() {
        DType::F32 => v.to(Device::Cpu).data().iter().copied().find(|x| !x.is_finite()),
        DType::I32 => None,
    };
    let Some((y, x)) = outputs.iter().find_map(|y| Some((y, wrong(y)?))) else { return Ok(()) };
    let from = match inputs.iter().position(|v| wrong(v).is_some()) {
        Some(i) => format!("and so did its input {i} {}", inputs[i].shape()),
        None => "from finite inputs".to_owned(),
    };
    Err(OpError::new(op.name(), format!("its output {} holds {x}, {from}", y.shape()), "the numbers ran away"))
}

/// One input of a recorded op.
#[derive(Debug)]
struct Edge {
    shape: Shape,
    slot: Option<u32>,
}

/// What was computed, in order, and what backward needs of it.
///
/// Arenas keep their capacity over [`Tape::clear`], and a step that records the ops of the last one reuses their boxes.
#[derive(Debug, Default)]
pub struct Tape {
    generation: u32,
    paused: bool,
    watched: bool,
    nodes: Vec<Node>,
    ops: Vec<Box<dyn Op>>,
    edges: Vec<Edge>,
    saved_inputs: Vec<Option<Value>>,
    saved_outputs: Vec<Option<Value>>,
    grads: Vec<Option<Value>>,
    outputs: Vec<Value>,
    flops: u64,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything recorded, keeping the memory. Tensors of before may still be read, not used as inputs.
    pub fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.nodes.clear();
        self.edges.clear();
        self.saved_inputs.clear();
        self.saved_outputs.clear();
        self.grads.clear();
        self.flops = 0;
    }

    /// Floating-point operations of the forwards since [`Tape::clear`], of the ops that count theirs (convolutions and
    /// matrix products; a multiply-add is 2).
    pub fn flops(&self) -> u64 {
        self.flops
    }

    /// While paused, ops are computed and nothing is recorded (evaluation).
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// While watched, an op whose output holds NaN or an infinity is refused: that is how a diagnosis finds the first one.
    pub fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Number of ops recorded.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Nothing recorded.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn slot(&mut self) -> Slot {
        self.grads.push(None);
        Slot { generation: self.generation, index: (self.grads.len() - 1) as u32 }
    }

    /// A value whose gradient is wanted.
    pub fn leaf(&mut self, value: Value) -> Tensor {
        let slot = (!self.paused).then(|| self.slot());
        Tensor { value, slot }
    }

    /// Gradient of a leaf after [`Tape::backward`]; `None` if the loss does not depend on it.
    pub fn grad(&self, leaf: &Tensor) -> Option<&Value> {
        let slot = leaf.slot.filter(|s| s.generation == self.generation)?;
        self.grads.get(slot.index as usize)?.as_ref()
    }

    /// Computes an op of one visible output and records it.
    ///
    /// # Errors
    /// What the op refuses; nothing is recorded then.
    pub fn apply<O: Op>(&mut self, op: O, inputs: &[&Tensor]) -> Result<Tensor, OpError> {
        Ok(self.record(op, inputs)?.take(0))
    }

    /// Computes an op and records it.
    ///
    /// # Errors
    /// What the op refuses; nothing is recorded then.
    pub fn record<O: Op>(&mut self, op: O, inputs: &[&Tensor]) -> Result<Recorded, OpError> {
        let n = self.nodes.len();
        let recorded = self.run(&op, inputs)?;
        if self.nodes.len() > n {
            match self.ops.get_mut(n) {
                Some(old) => match (&mut **old as &mut dyn Any).downcast_mut::<O>() {
                    Some(old) => *old = op,
                    None => *old = Box::new(op),
                },
                None => self.ops.push(Box::new(op)),
            }
        }
        Ok(recorded)
    }

    /// Checks, computes, and appends the node (its op excepted) if a gradient may be asked for.
    fn run(&mut self, op: &dyn Op, inputs: &[&Tensor]) -> Result<Recorded, OpError> {
        if inputs.len() > MAX_INPUTS || inputs.is_empty() {
            let n = inputs.len();
            return Err(OpError::new(op.name(), format!("{n} inputs"), format!("give 1 to {MAX_INPUTS}")));
        }
        let mut shapes = [Shape::scalar(); MAX_INPUTS];
        let mut values = [inputs[0].value(); MAX_INPUTS];
        for (i, t) in inputs.iter().enumerate() {
            (shapes[i], values[i]) = (t.shape(), t.value());
            if t.slot.is_some_and(|s| s.generation != self.generation) {
                let what = format!("input {i} {} was computed before the tape was cleared", t.shape());
                return Err(OpError::new(op.name(), what, "compute it again, or use detached()"));
            }
        }
        let (shapes, values) = (&shapes[..inputs.len()], &values[..inputs.len()]);
        let inferred = op.infer(shapes)?;
        let device = values[0].device();
        if let Some(i) = values.iter().position(|v| v.device() != device) {
            let what =
                format!("input 0 {} lives on {device}, input {i} {} on {}", shapes[0], shapes[i], values[i].device());
            return Err(OpError::new(op.name(), what, "move one of them with Tensor::to"));
        }
        driver::set_op(op.name());
        self.outputs.clear();
        self.outputs.extend(inferred.all().iter().map(|&s| Value::uninit_on(device, s)));
        if device != Device::PLANNED {
            op.forward(values, &mut self.outputs);
        }
        self.flops += op.flops(shapes).unwrap_or(0);
        if self.watched {
            watch(op, values, &self.outputs[..inferred.visible()])?;
        }

        let record = !self.paused && inputs.iter().any(|t| t.slot.is_some());
        let mut recorded = Recorded { outputs: [const { None }; MAX_OUTPUTS] };
        if record {
            let saves = op.saves();
            let first_edge = self.edges.len();
            for (i, t) in inputs.iter().enumerate() {
                self.edges.push(Edge { shape: t.shape(), slot: t.slot.map(|s| s.index) });
                self.saved_inputs.push((saves.inputs >> i & 1 == 1).then(|| t.value.clone()));
            }
            let first_saved = self.saved_outputs.len();
            for (i, y) in self.outputs.iter().enumerate() {
                self.saved_outputs.push((saves.outputs >> i & 1 == 1).then(|| y.clone()));
            }
            self.nodes.push(Node {
                inputs: (first_edge, self.edges.len()),
                saved_outputs: (first_saved, self.saved_outputs.len()),
                visible: inferred.visible(),
                first_slot: self.grads.len() as u32,
            });
        }
        for i in 0..inferred.visible() {
            let slot = record.then(|| self.slot());
            recorded.outputs[i] = Some(Tensor { value: self.outputs[i].clone(), slot });
        }
        self.outputs.clear();
        Ok(recorded)
    }

    /// Gradients of a scalar with respect to every leaf it depends on: [`Tape::grad`] reads them.
    ///
    /// # Errors
    /// If the loss is not a single number, or does not depend on any leaf.
    pub fn backward(&mut self, loss: &Tensor) -> Result<(), OpError> {
        if loss.value.len() != 1 {
            let what = format!("the loss has shape {}", loss.shape());
            return Err(OpError::new("backward", what, "reduce it to one number first"));
        }
        self.backward_from(loss, Value::full_on(loss.value.device(), loss.shape(), 1.0))
    }

    /// As [`Tape::backward`], from any output with the gradient `up` of its shape.
    ///
    /// # Errors
    /// If `y` does not depend on any leaf, or `up` has another shape.
    pub fn backward_from(&mut self, y: &Tensor, up: Value) -> Result<(), OpError> {
        if up.shape() != y.shape() {
            let what = format!("the gradient has shape {}, the output {}", up.shape(), y.shape());
            return Err(OpError::new("backward", what, "give one of the output's shape"));
        }
        let Some(slot) = y.slot.filter(|s| s.generation == self.generation) else {
            return Err(OpError::new("backward", "the loss depends on no leaf of this tape", "record it from leaves"));
        };
        self.grads[slot.index as usize] = Some(up);
        let mut dy: [Option<Value>; MAX_OUTPUTS] = [const { None }; MAX_OUTPUTS];
        let mut dx: [Option<Value>; MAX_INPUTS] = [const { None }; MAX_INPUTS];
        for n in (0..self.nodes.len()).rev() {
            let node = self.nodes[n];
            for (i, g) in dy[..node.visible].iter_mut().enumerate() {
                *g = self.grads[node.first_slot as usize + i].take();
            }
            if dy[..node.visible].iter().all(Option::is_none) {
                continue;
            }
            let edges = &self.edges[node.inputs.0..node.inputs.1];
            let mut shapes = [Shape::scalar(); MAX_INPUTS];
            let mut wants = [false; MAX_INPUTS];
            for (i, e) in edges.iter().enumerate() {
                (shapes[i], wants[i]) = (e.shape, e.slot.is_some());
            }
            let op = &self.ops[n];
            driver::set_op(op.name());
            let b = Backward {
                shapes: &shapes[..edges.len()],
                inputs: &self.saved_inputs[node.inputs.0..node.inputs.1],
                outputs: &self.saved_outputs[node.saved_outputs.0..node.saved_outputs.1],
                dy: &dy[..node.visible],
                wants: &wants[..edges.len()],
            };
            if b.device() == Device::PLANNED {
                (0..edges.len()).filter(|&i| b.wants(i)).for_each(|i| dx[i] = Some(b.room(i)));
            } else {
                op.backward(&b, &mut dx[..edges.len()]);
            }
            for (i, e) in edges.iter().enumerate() {
                let (Some(slot), Some(g)) = (e.slot, dx[i].take()) else { continue };
                debug_assert_eq!(g.shape(), e.shape, "{}: gradient of input {i}", op.name());
                match &mut self.grads[slot as usize] {
                    Some(sum) => sum.accumulate(&g),
                    empty => *empty = Some(g),
                }
            }
            // What this op saved is not needed any more.
            self.saved_inputs[node.inputs.0..node.inputs.1].fill(None);
            self.saved_outputs[node.saved_outputs.0..node.saved_outputs.1].fill(None);
        }
        Ok(())
    }
}
