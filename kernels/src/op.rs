//! What an operation is.

use std::any::Any;
use std::fmt::Debug;

use crate::host::{Host, Real};
use crate::{Device, OpError, Shape, Tensor};

/// Most outputs an op may have, hidden ones included.
pub const MAX_OUTPUTS: usize = 8;

/// Shapes of an op's outputs. The last `hidden` are for its own backward (saved statistics) and are not handed out.
#[derive(Debug, Clone, Copy)]
pub struct Outputs {
    shapes: [Shape; MAX_OUTPUTS],
    len: usize,
    hidden: usize,
}

impl Outputs {
    /// One output.
    pub fn one(shape: Shape) -> Self {
        Self::new(&[shape], &[])
    }

    /// Some outputs, and hidden ones.
    pub fn new(visible: &[Shape], hidden: &[Shape]) -> Self {
        let mut shapes = [Shape::scalar(); MAX_OUTPUTS];
        let len = visible.len() + hidden.len();
        shapes[..visible.len()].copy_from_slice(visible);
        shapes[visible.len()..len].copy_from_slice(hidden);
        Self { shapes, len, hidden: hidden.len() }
    }

    /// All shapes, hidden ones last.
    pub fn all(&self) -> &[Shape] {
        &self.shapes[..self.len]
    }

    /// How many are handed out.
    pub fn visible(&self) -> usize {
        self.len - self.hidden
    }
}

/// What backward reads of the forward's tensors: bit i set = input (output) number i. Nothing else is kept alive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saves {
    /// Inputs.
    pub inputs: u32,
    /// Outputs, hidden ones included.
    pub outputs: u32,
}

impl Saves {
    /// Nothing: the gradient needs only dy and the shapes.
    pub const NONE: Self = Self { inputs: 0, outputs: 0 };
}

/// What backward is given.
pub struct Backward<'a> {
    /// Shapes of the inputs.
    pub shapes: &'a [Shape],
    /// The inputs that [`Op::saves`] names; others are `None`.
    pub inputs: &'a [Option<Tensor>],
    /// The outputs that [`Op::saves`] names; others are `None`.
    pub outputs: &'a [Option<Tensor>],
    /// Gradient of the loss with respect to each visible output; `None` where nothing depends on it.
    pub dy: &'a [Option<Tensor>],
    /// Which inputs want a gradient.
    pub wants: &'a [bool],
}

impl Backward<'_> {
    /// Saved input `i`.
    ///
    /// # Panics
    /// If the op's [`Saves`] does not name it.
    pub fn input(&self, i: usize) -> &Tensor {
        self.inputs[i].as_ref().expect("the op saves this input")
    }

    /// Saved output `i`.
    ///
    /// # Panics
    /// If the op's [`Saves`] does not name it.
    pub fn output(&self, i: usize) -> &Tensor {
        self.outputs[i].as_ref().expect("the op saves this output")
    }

    /// Gradient of the first output.
    ///
    /// # Panics
    /// If nothing depends on it; an op of one output is not asked then.
    pub fn dy(&self) -> &Tensor {
        self.dy[0].as_ref().expect("backward of an output that the loss reaches")
    }

    /// Where the gradients live, and so where backward runs.
    ///
    /// # Panics
    /// If no output has a gradient; an op is not asked then.
    pub fn device(&self) -> Device {
        self.dy.iter().flatten().next().expect("backward of an op that the loss reaches").device()
    }

    /// Room for the gradient of input `i`, where the gradients live.
    pub fn room(&self, i: usize) -> Tensor {
        Tensor::uninit_on(self.device(), self.shapes[i])
    }

    /// Input `i` wants a gradient (inputs left out do not).
    pub fn wants(&self, i: usize) -> bool {
        self.wants.get(i).copied().unwrap_or(false)
    }
}

/// An operation: its shapes, its forward, its backward. Its parameters (stride, padding, ...) are fields.
pub trait Op: Debug + Send + Any {
    /// Name, as in the vectors.
    fn name(&self) -> &'static str;

    /// Shapes of the outputs; refuses wrong inputs here, never later.
    ///
    /// # Errors
    /// Names both shapes and what to do.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError>;

    /// What backward reads.
    fn saves(&self) -> Saves;

    /// Fills every output, hidden ones included. `outputs` have the inferred shapes and arbitrary contents.
    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]);

    /// Gradient contributions, complete ones: `dx[i] = Some(..)` where `b.wants(i)`; what cannot be differentiated stays
    /// `None`.
    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]);

    /// Floating-point operations of the forward (a fused multiply-add counts 2), where arithmetic is the point.
    fn flops(&self, _inputs: &[Shape]) -> Option<u64> {
        None
    }
}

/// The reference of an op, generic over f32 and f64, one scalar at a time, in the specified order. It defines the bits.
pub trait Reference: Op {
    /// All outputs, hidden ones included.
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>>;

    /// Gradients of the inputs (`None` where there is none). `outputs` are all outputs of the forward; `dy` is one a
    /// visible output.
    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>>;
}
