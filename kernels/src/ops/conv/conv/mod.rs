//! Convolution, 1-D and 2-D through one kernel: stride, padding (also asymmetric), dilation, groups, depthwise, bias.
//!
//! Shapes: x `[N, H, W, C]`, w `[kh, kw, C / groups, K]`, b `[K]`, y `[N, OH, OW, K]` with
//! `OH = (H + top + bottom - dh * (kh - 1) - 1) / sh + 1`. In 1-D x is `[N, L, C]`, w `[k, C / groups, K]`, y `[N, OL, K]`,
//! and the first entry of each pair of attributes (rows) is unused: the same kernel runs with H = 1.
//!
//! Order of the sums (the law of numbers, §1):
//! - forward: one fma chain an output from +0, k = (kh, kw, channel of the group) ascending; bias added last;
//! - input gradient: one fma chain an element of dx from +0 over the taps in ascending *output* position, that is kh and
//!   kw descending, output channel of the group ascending; with strides only the taps whose output position is whole;
//! - weight gradient: chunks of 4,096 rows (n, oh, ow), one fma chain each from +0, then the fixed tree over chunks;
//! - weight gradient of a depthwise convolution: a chunk is max(1, 1,024 / OW) consecutive output rows of one image. In a
//!   chunk channel c has 16 / gcd(C, 16) fma chains from +0: chain j takes the columns ow with ow = j modulo the number of
//!   chains, columns ascending and rows ascending within a column. The chains are added in the fixed tree (an empty one is
//!   +0), then the chunks, by (image, row), in the fixed tree;
//! - weight gradient of *pointwise* convolutions in narrow groups (1x1 kernels, stride 1, no padding, 4, 8 or 16 channels a
//!   group on both sides, one group too): the same chunks as depthwise ones. In a chunk each weight has 16 / gcd(C, 16) fma
//!   chains from +0: chain j takes the positions, row-major from the chunk's first, that are j modulo the number of chains,
//!   ascending. The chains are added in the fixed tree, then the chunks;
//! - bias gradient: chunks of 4,096 rows (n, oh, ow) with plain additions, then the fixed tree.
//!
//! Stride-1, undilated, ungrouped convolutions with at least 32 channels on both sides are specified by Winograd's forms
//! instead, if the kernel is 3x3 (and the output at least 2x2), or has one row, 3 to 8 taps and no padding above and below
//! (and the output is at least two tiles long: 4 for 3 taps, 8 for 4 to 6, 16 for 7 and 8). Their orders are in `winograd/`.
//!
//! A tap outside the image is the term `fma(+0, w, acc)` (in the weight gradient `fma(+0, dy, acc)`); an input-gradient tap
//! outside dy likewise. Source: the law of numbers in `docs/determinism.md`.

pub mod cases;
pub(super) mod cpu;
pub mod cuda;
pub(in crate::ops) mod depthwise;
mod plan;
pub(in crate::ops) mod pointwise;
pub(super) mod reference;
pub(in crate::ops) mod winograd;

use crate::cuda::cudnn;
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Convolution with its attributes; pairs are (rows, columns). See the [module](self) for shapes and orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    /// Step between outputs.
    pub stride: [usize; 2],
    /// Zeros around: `[[top, bottom], [left, right]]`.
    pub padding: [[usize; 2]; 2],
    /// Step between taps.
    pub dilation: [usize; 2],
    /// Groups of channels that see only each other.
    pub groups: usize,
    /// A third input, one number an output channel.
    pub bias: bool,
}

impl Default for Conv {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1], groups: 1, bias: false }
    }
}

/// Sizes of one convolution, 1-D with height 1.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Images.
    pub n: usize,
    /// Input height and width.
    pub size: [usize; 2],
    /// Input channels.
    pub c: usize,
    /// Output channels.
    pub k: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Output height and width.
    pub out: [usize; 2],
    /// The attributes.
    pub conv: Conv,
}

impl Geometry {
    /// Input channels a group.
    pub fn group_c(&self) -> usize {
        self.c / self.conv.groups
    }

    /// Output channels a group.
    pub fn group_k(&self) -> usize {
        self.k / self.conv.groups
    }

    /// One channel in, one channel out, many groups.
    pub fn depthwise(&self) -> bool {
        self.conv.groups > 1 && self.group_c() == 1 && self.group_k() == 1
    }

    /// Source row of tap `kh` of output row `oh`; may lie outside.
    pub fn row(&self, oh: usize, kh: usize) -> isize {
        (oh * self.conv.stride[0] + kh * self.conv.dilation[0]) as isize - self.conv.padding[0][0] as isize
    }

    /// Source column of tap `kw` of output column `ow`; may lie outside.
    pub fn column(&self, ow: usize, kw: usize) -> isize {
        (ow * self.conv.stride[1] + kw * self.conv.dilation[1]) as isize - self.conv.padding[1][0] as isize
    }
}

impl Conv {
    /// The sizes, or what does not fit.
    ///
    /// # Errors
    /// Names both shapes and what to do.
    pub fn geometry(&self, x: Shape, w: Shape) -> Result<Geometry, OpError> {
        let name = self.op_name(x);
        let refuse = |what: String, fix: &str| Err(OpError::new(name, what, fix));
        let (n, size, kernel, group_c, k, conv) = match (&x[..], &w[..]) {
            (&[n, h, wd, _], &[kh, kw, g, k]) => (n, [h, wd], [kh, kw], g, k, *self),
            (&[n, l, _], &[kl, g, k]) => {
                let flat = Self {
                    stride: [1, self.stride[1]],
                    padding: [[0, 0], self.padding[1]],
                    dilation: [1, self.dilation[1]],
                    ..*self
                };
                (n, [1, l], [1, kl], g, k, flat)
            }
            _ => {
                let fix = "give x [N, H, W, C] with w [kh, kw, C/groups, K], or x [N, L, C] with w [k, C/groups, K]";
                return refuse(format!("input {x} with weight {w}"), fix);
            }
        };
        let c = x.last();
        if self.groups == 0 || !c.is_multiple_of(self.groups) || !k.is_multiple_of(self.groups) {
            let what = format!("input {x} has {c} channels, weight {w} has {k} outputs: {} groups", self.groups);
            return refuse(what, "choose groups that divide both");
        }
        if c != group_c * self.groups {
            let what = format!("input {x} has {c} channels, weight {w} expects {}", group_c * self.groups);
            return refuse(what, "pass as many channels as the layer was built for");
        }
        if conv.stride.contains(&0) || conv.dilation.contains(&0) || kernel.contains(&0) {
            let what = format!("stride {:?}, dilation {:?}, weight {w}", self.stride, self.dilation);
            return refuse(what, "all of them are at least 1");
        }
        let mut out = [0; 2];
        for d in 0..2 {
            let span = conv.dilation[d] * (kernel[d] - 1) + 1;
            let padded = size[d] + conv.padding[d][0] + conv.padding[d][1];
            if padded < span {
                let what = format!("input {x} is {padded} long with its padding, weight {w} spans {span}");
                return refuse(what, "pad more, or use a smaller kernel or dilation");
            }
            out[d] = (padded - span) / conv.stride[d] + 1;
        }
        Ok(Geometry { n, size, c, k, kernel, out, conv })
    }

    fn op_name(&self, x: Shape) -> &'static str {
        if x.iter().count() == 3 { "conv1d" } else { "conv2d" }
    }

    fn sizes(&self, shapes: &[Shape]) -> Geometry {
        self.geometry(shapes[0], shapes[1]).expect("checked when recorded")
    }
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let expected = 2 + usize::from(self.bias);
        if inputs.len() != expected {
            let what = format!("{} inputs, bias is {}", inputs.len(), self.bias);
            return Err(OpError::new("conv", what, format!("give {expected}: x, w and b where there is a bias")));
        }
        let (x, w) = (inputs[0], inputs[1]);
        let g = self.geometry(x, w)?;
        if self.bias && inputs[2] != Shape::from([g.k]) {
            let what = format!("bias {}, weight {w} has {} outputs", inputs[2], g.k);
            return Err(OpError::new(self.op_name(x), what, "give one number an output channel"));
        }
        let y: Shape = match x.iter().count() {
            3 => [g.n, g.out[1], g.k].into(),
            _ => [g.n, g.out[0], g.out[1], g.k].into(),
        };
        Ok(Outputs::one(y))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b11, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let g = self.sizes(&[inputs[0].shape(), inputs[1].shape()]);
        let (x, w, bias, y) = (inputs[0], inputs[1], self.bias.then(|| inputs[2]), &mut outputs[0]);
        match x.device() {
            Device::Cpu => cpu::forward(&g, x.data(), w.data(), bias.map(Tensor::data), y.data_mut()),
            Device::Cuda(_) => {
                if !cudnn::forward(&g, x, w, bias, y) {
                    cuda::forward(&g, x, w, bias, y);
                }
            }
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
            cpu::input_gradient(&g, dy.data(), w.data(), None, d.data_mut());
            dx[0] = Some(d);
        }
        if b.wants(1) {
            let mut d = Tensor::uninit(b.shapes[1]);
            cpu::weight_gradient(&g, x.data(), dy.data(), d.data_mut());
            dx[1] = Some(d);
        }
        if b.wants(2) {
            let mut d = Tensor::uninit(b.shapes[2]);
            cpu::bias_gradient(dy.data(), d.data_mut());
            dx[2] = Some(d);
        }
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let g = self.geometry(inputs[0], inputs[1]).ok()?;
        Some(2 * (g.n * g.out[0] * g.out[1] * g.k * g.group_c() * g.kernel[0] * g.kernel[1]) as u64)
    }
}

pub use cpu::bias_gradient;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("conv/conv", &cases::cases());
    }

    #[test]
    fn refusals_name_both_shapes_and_what_to_do() {
        let says = |op: Conv, shapes: &[Shape]| op.infer(shapes).unwrap_err().to_string();
        let x = Shape::from([2, 8, 8, 16]);
        assert_eq!(
            says(Conv::default(), &[x, [3, 3, 32, 8].into()]),
            "conv2d: input [2, 8, 8, 16] has 16 channels, weight [3, 3, 32, 8] expects 32; \
             pass as many channels as the layer was built for"
        );
        assert!(says(Conv { groups: 3, ..Conv::default() }, &[x, [3, 3, 16, 8].into()]).contains("3 groups"));
        assert!(says(Conv::default(), &[x, [9, 9, 16, 8].into()]).contains("spans 9"));
        assert!(says(Conv::default(), &[[2, 8, 16].into(), [3, 3, 16, 8].into()]).contains("give x [N, H, W, C]"));
        assert!(says(Conv { bias: true, ..Conv::default() }, &[x, [3, 3, 16, 8].into()]).contains("give 3"));
    }
}
