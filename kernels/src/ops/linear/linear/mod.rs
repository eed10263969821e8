//! Fully connected layer: `y[.., O] = x[.., I] w[I, O] (+ b[O])`.
//!
//! It is a 1x1 convolution over rows, with that op's orders: forward one fma chain over I ascending, bias last; dx one
//! chain over O ascending; dw and db chunks of 4,096 rows, then the fixed tree.

pub mod cases;
mod cuda;
mod reference;

use crate::ops::conv::conv::{Conv, bias_gradient};
use crate::product::gather::matmul;
use crate::product::scatter::Scatter;
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Linear map of the last dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// A third input `[O]`.
    pub bias: bool,
}

/// (rows, I, O) of x and w.
fn sizes(x: Shape, w: Shape) -> [usize; 3] {
    [x.len() / w[0].max(1), w[0], w[1]]
}

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let expected = 2 + usize::from(self.bias);
        let refuse = |what: String, fix: &str| Err(OpError::new("linear", what, fix));
        if inputs.len() != expected {
            return refuse(
                format!("{} inputs, bias is {}", inputs.len(), self.bias),
                "give x, w and b where there is one",
            );
        }
        let (x, w) = (inputs[0], inputs[1]);
        if w.iter().count() != 2 || x.iter().count() < 1 {
            return refuse(format!("input {x} with weight {w}"), "give x [.., I] and w [I, O]");
        }
        if x.last() != w[0] {
            let what = format!("input {x} has {} features, weight {w} expects {}", x.last(), w[0]);
            return refuse(what, "pass as many features as the layer was built for");
        }
        if self.bias && inputs[2] != Shape::from([w[1]]) {
            return refuse(format!("bias {}, weight {w}", inputs[2]), "give one number an output");
        }
        Ok(Outputs::one(x.with(x.iter().count() - 1, w[1])))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b11, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let [m, i, o] = sizes(inputs[0].shape(), inputs[1].shape());
        let (x, w, bias, y) = (inputs[0], inputs[1], self.bias.then(|| inputs[2]), &mut outputs[0]);
        match x.device() {
            Device::Cpu => matmul(x.data(), w.data(), bias.map(Tensor::data), [m, i, o], [o, 1], y.data_mut()),
            Device::Cuda(_) => cuda::forward([m, i, o], x, w, bias, y),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let [m, i, o] = sizes(b.shapes[0], b.shapes[1]);
        if b.device() != Device::Cpu {
            return cuda::backward([m, i, o], b, dx);
        }
        let dy = b.dy().data();
        if b.wants(0) {
            let mut d = Tensor::uninit(b.shapes[0]);
            matmul(dy, b.input(1).data(), None, [m, o, i], [1, o], d.data_mut());
            dx[0] = Some(d);
        }
        if b.wants(1) {
            let mut d = Tensor::uninit(b.shapes[1]);
            Scatter::rows(m, i, o).run(b.input(0).data(), dy, d.data_mut());
            dx[1] = Some(d);
        }
        if b.wants(2) {
            let mut d = Tensor::uninit(b.shapes[2]);
            bias_gradient(dy, d.data_mut());
            dx[2] = Some(d);
        }
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let [m, i, o] = sizes(inputs[0], inputs[1]);
        Some(2 * (m * i * o) as u64)
    }
}

/// The convolution that this is: x `[rows, 1, I]`, w `[1, I, O]`.
fn as_conv(op: Linear) -> Conv {
    Conv { bias: op.bias, ..Conv::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("linear/linear", &cases::cases());
    }

    #[test]
    fn refusals_name_both_shapes() {
        let e = Linear { bias: false }.infer(&[[4, 7].into(), [8, 2].into()]).unwrap_err().to_string();
        assert_eq!(
            e,
            "linear: input [4, 7] has 7 features, weight [8, 2] expects 8; pass as many features as the layer was built for"
        );
    }
}
