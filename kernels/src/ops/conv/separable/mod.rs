//! Separable convolutions of several edges that read one state: ReLU, depthwise convolution, pointwise convolution.
//!
//! # Specification
//! Of E edges over q channels each. Inputs: x `[N, H, W, q]` that all edges share, or `[N, H, W, E q]`, each edge its own part;
//! E depthwise weights `[kh, kw, 1, q]`; E pointwise weights `[1, 1, q, q]`. Output `[N, OH, OW, E q]`. In 1-D x has no H, and
//! weights no kh. The bits are those of the composition: ReLU; the same E times side by side, if shared; a depthwise
//! [convolution](super::conv) of E q channels, the edges' weights side by side; a pointwise one in E groups. In the gradient
//! of a shared x the edges' parts are added in ascending order, then pass ReLU's gate.
//!
//! What lies between the parts is never stored: backward computes it again, an image's chunk at a time.

pub mod cases;
mod cpu;
mod parts;
mod reference;

use super::conv::{Conv, Geometry};
use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// Most edges.
pub const EDGES: usize = 8;

/// Separable convolutions side by side; see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separable {
    /// Step between outputs, of the depthwise convolution; pairs are (rows, columns) as in [`Conv`].
    pub stride: [usize; 2],
    /// Zeros around.
    pub padding: [[usize; 2]; 2],
    /// Step between taps.
    pub dilation: [usize; 2],
    /// Edges E.
    pub edges: usize,
    /// All edges read the same q channels.
    pub shared: bool,
}

const NAME: &str = "separable";

/// What follows from the inputs' shapes.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Channels of an edge.
    q: usize,
    /// Of the depthwise convolution.
    geometry: Geometry,
    depthwise: Conv,
    pointwise: Conv,
    y: Shape,
}

impl Separable {
    fn sizes(&self, inputs: &[Shape]) -> Result<Sizes, OpError> {
        let refuse = |what: String, fix: &str| Err(OpError::new(NAME, what, fix));
        let edges = self.edges;
        if !(1..=EDGES).contains(&edges) || inputs.len() != 1 + 2 * edges {
            let what = format!("{} inputs, {edges} edges", inputs.len());
            return refuse(what, "give x, a depthwise and a pointwise weight an edge, of 1 to 8 edges");
        }
        let (x, depthwise, pointwise) = (inputs[0], inputs[1], inputs[1 + edges]);
        let (q, rank) = (depthwise.last(), depthwise[..].len());
        let square = if rank == 3 { Shape::from([1, q, q]) } else { Shape::from([1, 1, q, q]) };
        for (i, w) in inputs[1..].iter().enumerate() {
            let want = if i < edges { depthwise } else { square };
            if *w != want {
                let what = format!("weight {i} is {w}, of {edges} edges like {depthwise} and {pointwise}");
                return refuse(what, "give depthwise weights of one size, then pointwise ones of as many channels");
            }
        }
        let seen = if self.shared { q } else { edges * q };
        if x.last() != seen || x[..].len() != rank || x.is_empty() {
            let what = format!("x {x} with weights {depthwise}, {edges} edges");
            return refuse(what, "give x [.., channels of an edge] if it is shared, else [.., edges channels]");
        }
        let wide = |s: Shape| s.with(rank - 1, edges * q);
        let conv = Conv {
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups: edges * q,
            ..Conv::default()
        };
        let geometry = conv.geometry(wide(x), wide(depthwise))?;
        let y = conv.infer(&[wide(x), wide(depthwise)])?.all()[0];
        let pointwise = Conv { groups: edges, ..Conv::default() };
        Ok(Sizes { q, geometry, depthwise: conv, pointwise, y })
    }
}

impl Op for Separable {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Weights or x that do not fit.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        Ok(Outputs::one(self.sizes(inputs)?.y))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: u32::MAX, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let mut shapes = [Shape::scalar(); 1 + 2 * EDGES];
        shapes.iter_mut().zip(inputs).for_each(|(s, x)| *s = x.shape());
        let sizes = self.sizes(&shapes[..inputs.len()]).expect("inferred");
        if inputs[0].device() == Device::Cpu && cpu::takes(&sizes) {
            cpu::forward(self, &sizes, inputs, &mut outputs[0]);
        } else {
            parts::forward(self, &sizes, inputs, &mut outputs[0]);
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let sizes = self.sizes(b.shapes).expect("inferred");
        if b.device() == Device::Cpu && cpu::takes(&sizes) {
            cpu::backward(self, &sizes, b, dx);
        } else {
            parts::backward(self, &sizes, b, dx);
        }
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let Sizes { q, geometry: g, y, .. } = self.sizes(inputs).ok()?;
        Some(2 * (y.len() * (g.kernel[0] * g.kernel[1] + q)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("conv/separable", &super::cases::cases());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let op = Separable { stride: [1; 2], padding: [[1; 2]; 2], dilation: [1; 2], edges: 2, shared: true };
        let says = |op: Separable, shapes: &[Shape]| op.infer(shapes).unwrap_err().to_string();
        let [x, d, p] = [[2, 5, 5, 4], [3, 3, 1, 4], [1, 1, 4, 4]].map(Shape::from);
        assert_eq!(op.infer(&[x, d, d, p, p]).unwrap().all(), [Shape::from([2, 5, 5, 8])]);
        assert!(says(op, &[x, d, p]).contains("3 inputs, 2 edges"));
        assert!(says(op, &[x, d, d, p, d]).contains("weight 3 is [3, 3, 1, 4]"));
        assert!(says(Separable { shared: false, ..op }, &[x, d, d, p, p]).contains("x [2, 5, 5, 4]"));
    }
}
