//! The operations of the cell space as layers, for images and series alike.
//!
//! Names are PyTorch's (`op.1.weight`, `conv_1.weight`, ...), so networks of published genotypes can be read. Every
//! operation of stride 2 gives ceil(n / 2) places a direction: kernels are odd and padded by half their reach, and a
//! factorised reduction follows the same rule ([`FactorizedReduce`]).

use kernels::ops::pool::Window;
use kernels::ops::pool::avg_pool::AvgPool;
use kernels::ops::pool::max_pool::MaxPool;
use kernels::ops::shape::concat::Concat;
use kernels::ops::shape::pad::Pad;
use kernels::ops::shape::slice::Slice;
use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, relu};
use nn::{OpError, Pass, Tensor};

/// What operations slide over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `[N, H, W, C]`.
    Image,
    /// `[N, L, C]`.
    Series,
}

impl Form {
    /// A convolution, `k` in each direction, that at stride 1 keeps the size.
    pub fn conv(self, inputs: usize, outputs: usize, k: usize, dilation: usize) -> ConvSpec {
        let spec = match self {
            Self::Image => ConvSpec::image(inputs, outputs, k),
            Self::Series => ConvSpec::series(inputs, outputs, k),
        };
        spec.dilation(dilation).padding(dilation * (k - 1) / 2)
    }

    /// Windows of 3 in each direction, with one place of padding.
    pub(super) fn window(self, stride: usize) -> Window {
        match self {
            Self::Image => Window::images([3, 3], [stride; 2], [1, 1]),
            Self::Series => Window::series(3, stride, [1, 1]),
        }
    }

    /// The dimensions that have places.
    fn places(self) -> std::ops::Range<usize> {
        match self {
            Self::Image => 1..3,
            Self::Series => 1..2,
        }
    }

    /// The dimension of channels.
    pub(super) fn channels(self) -> usize {
        self.places().end
    }

    /// Every second place of `x`, from the first on: ceil(n / 2) a direction.
    pub(super) fn first_places(self, pass: &mut Pass<'_>, layer: &str, x: &Tensor) -> Result<Tensor, OpError> {
        let mut ranges = [(0, Slice::END, 1); 3];
        self.places().for_each(|d| ranges[d].2 = 2);
        pass.apply(layer, Slice::new(&ranges[..self.channels()]), &[x])
    }

    /// Every second place of `x`, from the second on; an odd size ends in a zero, so there are ceil(n / 2) as well. Without
    /// `shift` these are the first places again.
    pub(super) fn second_places(
        self,
        pass: &mut Pass<'_>,
        layer: &str,
        x: &Tensor,
        shift: bool,
    ) -> Result<Tensor, OpError> {
        if !shift {
            return self.first_places(pass, layer, x);
        }
        let (mut sides, mut ranges) = ([[0, 0]; 3], [(0, Slice::END, 1); 3]);
        for d in self.places() {
            sides[d] = [0, (x.shape()[d] % 2) as isize];
            ranges[d] = (1, Slice::END, 2);
        }
        let odd = sides != [[0, 0]; 3];
        let dims = self.channels();
        let x = if odd { pass.apply(layer, Pad::new(&sides[..dims]), &[x])? } else { x.clone() };
        pass.apply(layer, Slice::new(&ranges[..dims]), &[&x])
    }
}

/// The batch norms of operations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norm {
    /// With weight and bias.
    pub affine: bool,
    /// Weight of the batch in the new running statistics.
    pub momentum: f32,
    /// Added to the variance.
    pub eps: f32,
}

impl Norm {
    /// PyTorch's defaults: a derived network has them.
    pub const AFFINE: Self = Self { affine: true, momentum: 0.1, eps: 1e-5 };
    /// The same without weight and bias: a supernet has them.
    pub const PLAIN: Self = Self { affine: false, ..Self::AFFINE };

    /// One over so many channels.
    pub fn over(self, channels: usize) -> BatchNormSpec {
        let spec = BatchNormSpec::new(channels).momentum(self.momentum).eps(self.eps);
        if self.affine { spec } else { spec.no_affine() }
    }
}

/// ReLU, 1x1 convolution, batch norm: what makes a cell's inputs equally wide.
#[derive(Debug)]
pub struct ReluConvBn {
    conv: Conv,
    bn: BatchNorm,
}

impl ReluConvBn {
    /// Builds it.
    pub fn new(at: &mut Builder<'_>, name: &str, form: Form, inputs: usize, outputs: usize, norm: Norm) -> Self {
        let mut at = at.scope(name);
        let conv = at.conv("op.1", form.conv(inputs, outputs, 1, 1));
        Self { conv, bn: at.batch_norm("op.2", norm.over(outputs)) }
    }

    /// Applies it.
    ///
    /// # Errors
    /// If `x` has other channels.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = relu(pass, x)?;
        self.behind_relu(pass, &x)
    }

    /// Applies what follows the ReLU.
    ///
    /// # Errors
    /// If `x` has other channels.
    pub fn behind_relu(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = self.conv.forward(pass, x)?;
        self.bn.forward(pass, &x)
    }
}

/// Half the size without losing places: ReLU, then two 1x1 convolutions of stride 2 side by side, the second over x
/// shifted by one place in each direction, then batch norm.
///
/// Both give ceil(n / 2) places; where n is odd the second reads zeros beyond the end. For even n that is the published
/// operation, which for odd n is not defined.
#[derive(Debug)]
pub struct FactorizedReduce {
    form: Form,
    name: String,
    convs: [Conv; 2],
    bn: BatchNorm,
    reference: bool,
}

impl FactorizedReduce {
    /// Builds it.
    ///
    /// # Panics
    /// If `outputs` is odd.
    pub fn new(at: &mut Builder<'_>, name: &str, form: Form, inputs: usize, outputs: usize, norm: Norm) -> Self {
        let path = at.path(name);
        assert!(outputs.is_multiple_of(2), "'{path}': {outputs} outputs are no two halves");
        let mut at = at.scope(name);
        let half = form.conv(inputs, outputs / 2, 1, 1);
        // The second one's stride is in what it is given.
        let convs = [at.conv("conv_1", half.stride(2)), at.conv("conv_2", half)];
        Self { form, name: path, convs, bn: at.batch_norm("bn", norm.over(outputs)), reference: false }
    }

    /// As the benchmark's code for series has it: the second convolution is not shifted. For comparison with its vectors;
    /// no method uses it.
    #[must_use]
    pub fn reference(self, reference: bool) -> Self {
        Self { reference, ..self }
    }

    /// Applies it.
    ///
    /// # Errors
    /// If `x` has other channels or another form.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = relu(pass, x)?;
        self.behind_relu(pass, &x)
    }

    /// Applies what follows the ReLU.
    ///
    /// # Errors
    /// If `x` has other channels or another form.
    pub fn behind_relu(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let a = self.convs[0].forward(pass, x)?;
        let x = self.form.second_places(pass, &self.name, x, !self.reference)?;
        let b = self.convs[1].forward(pass, &x)?;
        let y = pass.apply(&self.name, Concat { dim: self.form.channels() }, &[&a, &b])?;
        self.bn.forward(pass, &y)
    }
}

/// Depthwise convolution, pointwise convolution, batch norm.
#[derive(Debug)]
struct Separable {
    depthwise: Conv,
    pointwise: Conv,
    bn: BatchNorm,
}

impl Separable {
    /// Layers `op.{first}` to `op.{first + 2}`; `depthwise` has everything but groups.
    fn new(at: &mut Builder<'_>, first: usize, form: Form, depthwise: ConvSpec, c: usize, bn: BatchNormSpec) -> Self {
        let name = |i: usize| format!("op.{}", first + i);
        Self {
            depthwise: at.conv(&name(0), depthwise.groups(c)),
            pointwise: at.conv(&name(1), form.conv(c, c, 1, 1)),
            bn: at.batch_norm(&name(2), bn),
        }
    }

    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = self.depthwise.forward(pass, x)?;
        let x = self.pointwise.forward(pass, &x)?;
        self.bn.forward(pass, &x)
    }
}

/// Twice ReLU and a separable convolution, the first with the stride.
#[derive(Debug)]
pub struct SepConv([Separable; 2]);

impl SepConv {
    /// Builds it: `k` in each direction.
    pub fn new(at: &mut Builder<'_>, name: &str, form: Form, c: usize, k: usize, stride: usize, norm: Norm) -> Self {
        let mut at = at.scope(name);
        let spec = form.conv(c, c, k, 1);
        // The second ReLU is fused with the first batch norm.
        let first = Separable::new(&mut at, 1, form, spec.stride(stride), c, norm.over(c).relu());
        Self([first, Separable::new(&mut at, 5, form, spec, c, norm.over(c))])
    }

    /// Applies it.
    ///
    /// # Errors
    /// If `x` has other channels.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = relu(pass, x)?;
        let x = self.0[0].forward(pass, &x)?;
        self.0[1].forward(pass, &x)
    }
}

/// ReLU and a separable convolution with dilation 2.
#[derive(Debug)]
pub struct DilConv(Separable);

impl DilConv {
    /// Builds it: `k` in each direction.
    pub fn new(at: &mut Builder<'_>, name: &str, form: Form, c: usize, k: usize, stride: usize, norm: Norm) -> Self {
        let spec = form.conv(c, c, k, 2).stride(stride);
        Self(Separable::new(&mut at.scope(name), 1, form, spec, c, norm.over(c)))
    }

    /// Applies it.
    ///
    /// # Errors
    /// If `x` has other channels.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = relu(pass, x)?;
        self.0.forward(pass, &x)
    }
}

/// What a pool takes of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooled {
    /// The maximum.
    Max,
    /// The mean over places inside x; padding does not count.
    Mean,
}

/// 3x3 pooling, with a batch norm behind it in a supernet.
#[derive(Debug)]
pub struct Pool {
    name: String,
    pooled: Pooled,
    window: Window,
    bn: Option<BatchNorm>,
}

impl Pool {
    /// Builds it; `norm` is over so many channels.
    pub fn new(
        at: &mut Builder<'_>,
        name: &str,
        form: Form,
        pooled: Pooled,
        stride: usize,
        norm: Option<BatchNormSpec>,
    ) -> Self {
        let bn = norm.map(|norm| at.scope(name).batch_norm("1", norm));
        Self { name: at.path(name), pooled, window: form.window(stride), bn }
    }

    /// Applies it.
    ///
    /// # Errors
    /// If `x` has another form.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let window = self.window;
        let y = match self.pooled {
            Pooled::Max => pass.apply(&self.name, MaxPool { window }, &[x])?,
            Pooled::Mean => pass.apply(&self.name, AvgPool { window, count_include_pad: false }, &[x])?,
        };
        match &self.bn {
            Some(bn) => bn.forward(pass, &y),
            None => Ok(y),
        }
    }
}

#[cfg(test)]
mod tests;
