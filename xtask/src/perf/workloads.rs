//! The standard workloads, under the names that the same steps have in PyTorch.

use kernels::ops::conv::conv::Conv;
use kernels::ops::linear::matmul::MatMul;
use kernels::ops::norm::batch_norm::BatchNorm;
use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use kernels::{Op, Shape, Tensor as Value};
use nas::gaea::supernet::{Mixing, Supernet, SupernetSpec};
use nas::wrn::{Dense, Point, Series, SeriesSpec, Width};
use nn::{Builder, Loss, Mode, Network, OpError, Params, Pass, Sgd, Tape, Tensor};
use tasks::Kind;

/// One step; what it computes is thrown away.
pub type Step = Box<dyn FnMut() -> Result<(), OpError>>;

/// A row: a name, its floating-point operations where they are the point, and how to make the step.
pub struct Workload {
    /// As in the peer's program.
    pub name: &'static str,
    /// Of forward and backward.
    pub flop: Option<u64>,
    /// Makes the step.
    pub make: fn() -> Result<Step, OpError>,
}

const fn workload(name: &'static str, flop: Option<u64>, make: fn() -> Result<Step, OpError>) -> Workload {
    Workload { name, flop, make }
}

/// Multiply-adds of 64 images of a square convolution, times 2, forward and both gradients.
const fn products(c: u64, k: u64, px: u64, taps: u64) -> Option<u64> {
    Some(3 * 2 * 64 * px * px * c * k * taps)
}

/// Every workload, in the peer's order; then those that the peer has not.
pub const ALL: &[Workload] = &[
    workload("gemm_1024", Some(2 << 30), || {
        let (a, b) = (normal([1024, 1024], 0), normal([1024, 1024], 1));
        let mut tape = Tape::new();
        Ok(Box::new(move || {
            let (a, b) = (Tensor::constant(a.clone()), Tensor::constant(b.clone()));
            tape.apply(MatMul, &[&a, &b]).map(drop)
        }))
    }),
    workload("conv3x3_64_32px", products(64, 64, 32, 9), || conv(64, 64, 32, 3, 1, 1)),
    workload("conv3x3_128_16px", products(128, 128, 16, 9), || conv(128, 128, 16, 3, 1, 1)),
    workload("conv3x3_256_8px", products(256, 256, 8, 9), || conv(256, 256, 8, 3, 1, 1)),
    workload("conv1x1_144_36_32px", products(144, 36, 32, 1), || conv(144, 36, 32, 1, 1, 1)),
    workload("dwconv3x3_36_32px", None, || conv(36, 36, 32, 3, 36, 1)),
    workload("dwconv5x5_dil2_36_32px", None, || conv(36, 36, 32, 5, 36, 2)),
    workload("dwconv3x3_4_32px", None, || conv(4, 4, 32, 3, 4, 1)),
    workload("bn_relu_64_32px", None, || {
        let (x, up) = (normal([64, 32, 32, 64], 0), normal([64, 32, 32, 64], 1));
        let statistics = [Value::zeros([64]), Value::full([64], 1.0)];
        let affine = [Value::full([64], 1.0), Value::zeros([64])];
        let mut tape = Tape::new();
        Ok(Box::new(move || {
            tape.clear();
            let [mean, var] = [0, 1].map(|i| Tensor::constant(statistics[i].clone()));
            let (x, [w, b]) = (tape.leaf(x.clone()), [0, 1].map(|i| tape.leaf(affine[i].clone())));
            let y = tape.record(BatchNorm { relu: true, ..BatchNorm::default() }, &[&x, &w, &b, &mean, &var])?.take(0);
            tape.backward_from(&y, up.clone())
        }))
    }),
    workload("wrn16_4_train_b64", Some(3 * 2 * 392_700_000 * 64), || {
        train([64, 32, 32, 3], Loss::CrossEntropy, 0.1, Target::Classes(100), |at| {
            Box::new(Point::new(at, Width::WRN_16_4, 3, 100, 0.0))
        })
    }),
    workload("wrn16_4_dense_85px_b2", Some(3 * 2 * 2_747_000 * 85 * 85 * 2), || {
        train([2, 85, 85, 1], Loss::RelativeL2Mean, 0.01, Target::Same, |at| {
            Box::new(Dense::new(at, Width::WRN_16_4, 1, 1, 0.0))
        })
    }),
    workload("resnet1d_ecg_b128", None, || {
        train([128, 1000, 1], Loss::CrossEntropy, 0.1, Target::Classes(4), |at| {
            Box::new(Series::new(at, SeriesSpec::new(1, 4, 0.0)))
        })
    }),
    workload("pcdarts_search_b32", None, || {
        // Weights and architecture in one step.
        let spec = SupernetSpec { mixing: Mixing::Softmax, ..SupernetSpec::new(Kind::Point2d, 3, 100) };
        train([32, 32, 32, 3], Loss::CrossEntropy, 0.1, Target::Classes(100), |at| Box::new(Supernet::new(at, spec)))
    }),
    workload("controller_update_b20", None, super::controller::peer),
    workload("amber_update_b20", None, super::controller::amber),
];

/// Standard normal numbers, the same every time.
pub fn normal(shape: impl Into<Shape>, index: u64) -> Value {
    let shape = shape.into();
    let mut stream = Key::new(0, Purpose::Test).stream(index);
    let numbers: Vec<f32> = (0..shape.len()).map(|_| stream.normal() as f32).collect();
    Value::from_slice(shape, &numbers)
}

/// A convolution of 64 images that keeps their size, and both its gradients.
fn conv(c: usize, k: usize, px: usize, kernel: usize, groups: usize, dilation: usize) -> Result<Step, OpError> {
    let pad = dilation * (kernel / 2);
    let op = Conv { padding: [[pad; 2]; 2], dilation: [dilation; 2], groups, ..Conv::default() };
    let x = normal([64, px, px, c], 0);
    let mut w = normal([kernel, kernel, c / groups, k], 1);
    w.data_mut().iter_mut().for_each(|w| *w *= 0.1);
    let up = normal(op.infer(&[x.shape(), w.shape()])?.all()[0], 2);
    let mut tape = Tape::new();
    Ok(Box::new(move || {
        tape.clear();
        let (x, w) = (tape.leaf(x.clone()), tape.leaf(w.clone()));
        let y = tape.apply(op, &[&x, &w])?;
        tape.backward_from(&y, up.clone())
    }))
}

/// What a training step aims at.
pub enum Target {
    /// A class for each sample.
    Classes(u64),
    /// A number for each of the input's.
    Same,
    /// A number for each pixel.
    Pixels,
}

/// A training step: forget gradients, forward, loss, backward, SGD (Nesterov .9, weight decay 5e-4).
///
/// # Errors
/// What an op refuses.
pub fn train(
    x: impl Into<Shape>,
    loss: Loss,
    rate: f64,
    target: Target,
    build: impl FnOnce(&mut Builder<'_>) -> Box<dyn Network>,
) -> Result<Step, OpError> {
    let (x, mut tape, mut params) = (normal(x, 0), Tape::new(), Params::new());
    let net = build(&mut Builder::new(&mut params, 0));
    let target = match target {
        Target::Same => normal(x.shape(), 1),
        Target::Pixels => {
            let mut shape = x.shape()[..].to_vec();
            *shape.last_mut().expect("channels") = 1;
            normal(&shape[..], 1)
        }
        Target::Classes(n) => {
            let mut stream = Key::new(0, Purpose::Test).stream(1);
            let classes: Vec<i32> = (0..x.shape()[0]).map(|_| stream.below(n) as i32).collect();
            Value::from_ints([classes.len()], &classes)
        }
    };
    let mut sgd = Sgd::new(Rule { momentum: 0.9, weight_decay: 5e-4, nesterov: true })?;
    let mut step = 0;
    Ok(Box::new(move || {
        step += 1;
        let mode = Mode::Train(Key::new(0, Purpose::Dropout).at(0, step));
        let mut pass = Pass::new(&mut tape, &mut params, mode);
        let y = net.forward(&mut pass, &Tensor::constant(x.clone()))?;
        let value = loss.of(&mut pass, &y, &target)?;
        pass.backward(&value)?;
        sgd.step(&mut params, rate);
        Ok(())
    }))
}
