//! Transposed convolution, 1-D and 2-D through one kernel: the adjoint of [`super::conv`] with the same weight tensor.
//!
//! Shapes: x `[N, H, W, C]`, w `[kh, kw, K / groups, C]`, b `[K]`, y `[N, OH, OW, K]` with
//! `OH = (H - 1) * sh + dh * (kh - 1) + 1 + output_padding - top - bottom`. In 1-D x is `[N, L, C]`, w `[k, K / groups, C]`,
//! y `[N, OL, K]`, and the first entry of each pair of attributes (rows) is unused. w is the weight of a convolution from K
//! to C channels. `PyTorch` keeps `[C, K / groups, kh, kw]`: its dimensions in the order (2, 3, 1, 0) are ours, which is also
//! how a convolution's `[K, C / groups, kh, kw]` becomes ours; in 1-D (2, 1, 0).
//!
//! Orders, in the words of the convolution from y to x that this is the adjoint of (Winograd's form and its rule included):
//! - forward: that convolution's input gradient, taps in ascending position of x; bias added last. Where output padding goes
//!   beyond the last tap there is +0, and the bias;
//! - input gradient: its forward on dy;
//! - weight gradient: its weight gradient with dy as the source and x as the gradient: chunks of 4,096 rows (n, h, w) of x,
//!   or the depthwise chunks and chains over x's rows and columns;
//! - bias gradient: chunks of 4,096 rows of dy with plain additions, then the fixed tree.

pub mod cases;
mod cuda;
mod reference;

use super::conv::{Conv, Geometry, bias_gradient, cpu};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Transposed convolution with its attributes; pairs are (rows, columns). See the [module](self) for shapes and orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Step between the outputs of neighbouring inputs.
    pub stride: [usize; 2],
    /// Outputs cut off: `[[top, bottom], [left, right]]`.
    pub padding: [[usize; 2]; 2],
    /// Outputs appended below and right; less than the stride or the dilation.
    pub output_padding: [usize; 2],
    /// Step between taps.
    pub dilation: [usize; 2],
    /// Groups of channels that see only each other.
    pub groups: usize,
    /// A third input, one number an output channel.
    pub bias: bool,
}

impl Default for ConvTranspose {
    fn default() -> Self {
        let Conv { stride, padding, dilation, groups, bias } = Conv::default();
        Self { stride, padding, output_padding: [0, 0], dilation, groups, bias }
    }
}

impl ConvTranspose {
    /// The sizes of the convolution from y to x, or what does not fit.
    fn geometry(&self, x: Shape, w: Shape) -> Result<Geometry, OpError> {
        let refuse = |what: String, fix: &str| Err(OpError::new(op_name(x), what, fix));
        let Self { stride, padding, dilation, groups, .. } = *self;
        let mut conv = Conv { stride, padding, dilation, groups, bias: false };
        let mut extra = self.output_padding;
        let (n, size, kernel, group_k, c) = match (&x[..], &w[..]) {
            (&[n, h, wd, _], &[kh, kw, g, c]) => (n, [h, wd], [kh, kw], g, c),
            (&[n, l, _], &[kl, g, c]) => {
                (conv.stride[0], conv.padding[0], conv.dilation[0], extra[0]) = (1, [0, 0], 1, 0);
                (n, [1, l], [1, kl], g, c)
            }
            _ => {
                let fix = "give x [N, H, W, C] with w [kh, kw, K/groups, C], or x [N, L, C] with w [k, K/groups, C]";
                return refuse(format!("input {x} with weight {w}"), fix);
            }
        };
        if x.last() != c {
            let what = format!("input {x} has {} channels, weight {w} expects {c}", x.last());
            return refuse(what, "pass as many channels as the layer was built for");
        }
        if groups == 0 || !c.is_multiple_of(groups) {
            return refuse(format!("input {x} has {c} channels: {groups} groups"), "choose groups that divide them");
        }
        if conv.stride.contains(&0) || conv.dilation.contains(&0) || kernel.contains(&0) || size.contains(&0) {
            let what = format!("stride {stride:?}, dilation {dilation:?}, input {x}, weight {w}");
            return refuse(what, "all of them are at least 1");
        }
        let mut out = [0; 2];
        for d in 0..2 {
            if extra[d] >= conv.stride[d].max(conv.dilation[d]) {
                let what = format!("output padding {extra:?}, stride {stride:?}, dilation {dilation:?}");
                return refuse(what, "append less than the stride or the dilation");
            }
            let full = (size[d] - 1) * conv.stride[d] + conv.dilation[d] * (kernel[d] - 1) + 1 + extra[d];
            let cut = conv.padding[d][0] + conv.padding[d][1];
            if full <= cut {
                let what = format!("input {x} with weight {w} makes {full} outputs, the padding cuts off {cut}");
                return refuse(what, "pad less");
            }
            out[d] = full - cut;
        }
        Ok(Geometry { n, size: out, c: group_k * groups, k: c, kernel, out: size, conv })
    }

    fn sizes(&self, shapes: &[Shape]) -> Geometry {
        self.geometry(shapes[0], shapes[1]).expect("checked when recorded")
    }
}

fn op_name(x: Shape) -> &'static str {
    if x.iter().count() == 3 { "conv_transpose1d" } else { "conv_transpose2d" }
}

impl Op for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let expected = 2 + usize::from(self.bias);
        if inputs.len() != expected {
            let what = format!("{} inputs, bias is {}", inputs.len(), self.bias);
            return Err(OpError::new(self.name(), what, format!("give {expected}: x, w and b where there is a bias")));
        }
        let (x, w) = (inputs[0], inputs[1]);
        let g = self.geometry(x, w)?;
        if self.bias && inputs[2] != Shape::from([g.c]) {
            let what = format!("bias {}, weight {w} in {} groups has {} outputs", inputs[2], self.groups, g.c);
            return Err(OpError::new(op_name(x), what, "give one number an output channel"));
        }
        Ok(Outputs::one(match x.iter().count() {
            3 => [g.n, g.size[1], g.c].into(),
            _ => [g.n, g.size[0], g.size[1], g.c].into(),
        }))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b11, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let g = self.sizes(&[inputs[0].shape(), inputs[1].shape()]);
        let (x, w, bias, y) = (inputs[0], inputs[1], self.bias.then(|| inputs[2]), &mut outputs[0]);
        match x.device() {
            Device::Cpu => cpu::input_gradient(&g, x.data(), w.data(), bias.map(Tensor::data), y.data_mut()),
            Device::Cuda(_) => cuda::forward(&g, x, w, bias, y),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let g = self.sizes(b.shapes);
        if b.device() != Device::Cpu {
            return cuda::backward(&g, b, dx);
        }
        let (x, w, dy) = (b.input(0), b.input(1), b.dy());
        if b.wants(0) {
            let mut d = Tensor::uninit(b.shapes[0]);
            cpu::forward(&g, dy.data(), w.data(), None, d.data_mut());
            dx[0] = Some(d);
        }
        if b.wants(1) {
            let mut d = Tensor::uninit(b.shapes[1]);
            cpu::weight_gradient(&g, dy.data(), x.data(), d.data_mut());
            dx[1] = Some(d);
        }
        if b.wants(2) {
            let mut d = Tensor::uninit(b.shapes[2]);
            bias_gradient(dy.data(), d.data_mut());
            dx[2] = Some(d);
        }
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let g = self.geometry(inputs[0], inputs[1]).ok()?;
        Some(2 * (g.n * g.out[0] * g.out[1] * g.k * g.group_c() * g.kernel[0] * g.kernel[1]) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("conv/conv_transpose", &cases::cases());
    }

    #[test]
    fn refusals_name_both_shapes_and_what_to_do() {
        let says = |op: ConvTranspose, shapes: &[Shape]| op.infer(shapes).unwrap_err().to_string();
        let (x, plain) = (Shape::from([2, 8, 8, 16]), ConvTranspose::default());
        assert_eq!(
            says(plain, &[x, [3, 3, 8, 32].into()]),
            "conv_transpose2d: input [2, 8, 8, 16] has 16 channels, weight [3, 3, 8, 32] expects 32; \
             pass as many channels as the layer was built for"
        );
        let w = Shape::from([3, 3, 8, 16]);
        assert!(says(ConvTranspose { groups: 3, ..plain }, &[x, w]).contains("3 groups"));
        assert!(says(ConvTranspose { output_padding: [0, 1], ..plain }, &[x, w]).contains("append less"));
        assert!(says(ConvTranspose { padding: [[5, 5], [0, 0]], ..plain }, &[x, w]).contains("cuts off 10"));
        assert!(says(ConvTranspose { bias: true, groups: 2, ..plain }, &[x, w, [8].into()]).contains("has 16 outputs"));
        assert!(says(plain, &[[2, 8, 16].into(), w]).contains("give x [N, H, W, C]"));
    }
}
