//! Launches of the kernels.

use bytemuck::{Pod, Zeroable};

use super::{BatchNorm, Chunks};
use crate::cuda::driver::raise;
use crate::cuda::module::{Launch, Words};
use crate::cuda::{Module, basic};
use crate::{Backward, Tensor};

/// The kernels.
pub static KERNELS: Module = Module::new("norm/batch_norm", include_str!("kernel.cu"));

/// Threads of a block.
const THREADS: u32 = 128;
/// Values of a channel that a thread of a pointwise pass takes.
const ROWS: usize = 8;
/// Leaves that a thread merges.
const GROUP: usize = 32;

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Cut {
    rows: i32,
    width: i32,
    c: i32,
    cuts: i32,
}

impl Cut {
    fn of(ch: &Chunks) -> Words<Self> {
        let [rows, width, c, cuts] = [ch.rows, ch.width, ch.c, ch.cuts].map(|n| n as i32);
        Words(Self { rows, width, c, cuts })
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Finish {
    eps: f32,
    momentum: f32,
}

/// What a channel is normalised by: mean, and 1 / sqrt(var + eps) (training) or var; weight and bias if there are any.
#[derive(Clone, Copy)]
struct Given<'a> {
    mean: &'a Tensor,
    spread: &'a Tensor,
    weight: Option<&'a Tensor>,
    bias: Option<&'a Tensor>,
}

impl Given<'_> {
    fn put(self, launch: Launch) -> Launch {
        launch.arg(self.mean).arg(self.spread).arg(self.weight).arg(self.bias)
    }
}

/// A thread for each of `items` of a channel; the kernels number threads in 32 bits.
fn launch(name: &'static str, items: usize, c: usize) -> Launch {
    if u32::try_from(items * c).is_err() {
        raise(format!("batch_norm: {items} times {c} numbers are beyond 2^32; use a smaller batch"));
    }
    KERNELS.kernel(name).over(items * c, THREADS)
}

fn pointwise(name: &'static str, ch: &Chunks) -> Launch {
    launch(name, ch.values().div_ceil(ROWS), ch.c)
}

/// Fills the outputs.
pub(super) fn forward(op: &BatchNorm, inputs: &[&Tensor], outputs: &mut [Tensor]) {
    let (x, ch, at) = (inputs[0], Chunks::of(&inputs[0].shape()), op.running_at());
    let (y, rest) = outputs.split_first_mut().expect("inferred");
    let (mean, spread) = if op.training {
        statistics(op, inputs, &ch, rest);
        let hidden = op.hidden_at() - 1;
        (&rest[hidden], &rest[hidden + 1])
    } else {
        (inputs[at], inputs[at + 1])
    };
    let affine = |i: usize| op.affine.then(|| inputs[i]);
    let given = Given { mean, spread, weight: affine(1), bias: affine(2) };
    let launch = given.put(pointwise("normalise", &ch).arg(x).arg(y));
    launch.arg(ch.values()).arg(ch.c).arg(op.eps).arg(op.training).arg(op.relu).launch();
}

/// Fills every output but y.
fn statistics(op: &BatchNorm, inputs: &[&Tensor], ch: &Chunks, outputs: &mut [Tensor]) {
    let (visible, hidden) = outputs.split_at_mut(op.hidden_at() - 1);
    let [mean, rstd] = hidden else { unreachable!("inferred") };
    let [old_mean, old_var] = [0, 1].map(|i| op.running.then(|| inputs[op.running_at() + i]));
    let mut leaves = Tensor::uninit_on(inputs[0].device(), [ch.len(), 2, ch.c]);
    let launch = launch("statistics", ch.len(), ch.c);
    launch.arg(inputs[0]).arg(&mut leaves).arg(Cut::of(ch)).launch();
    let mut stride = 1;
    loop {
        let groups = ch.len().div_ceil(stride * GROUP);
        let last = groups == 1;
        let launch = KERNELS.kernel("merge").grid([groups, ch.c.div_ceil(THREADS as usize), 1], THREADS);
        let launch = launch.arg(&mut leaves).arg(Cut::of(ch)).arg(stride);
        let launch = launch.arg(last.then_some(&mut *mean)).arg(last.then_some(&mut *rstd)).arg(old_mean).arg(old_var);
        let mut new = visible.iter_mut();
        let launch = launch.arg(new.next()).arg(new.next());
        launch.arg(Words(Finish { eps: op.eps, momentum: op.momentum })).launch();
        if last {
            return;
        }
        stride *= GROUP;
    }
}

/// Fills the gradients of x, weight, bias that are wanted.
pub(super) fn backward(op: &BatchNorm, b: &Backward<'_>, grads: &mut [Option<Tensor>]) {
    let (x, dy, ch, at) = (b.input(0), b.dy(), Chunks::of(&b.shapes[0]), op.running_at());
    let (mean, spread) = if op.training {
        (b.output(op.hidden_at()), b.output(op.hidden_at() + 1))
    } else {
        (b.input(at), b.input(at + 1))
    };
    // b decides only ReLU's gate, and the bias is saved for nothing else.
    let (weight, bias) = (op.affine.then(|| b.input(1)), (op.affine && op.relu).then(|| b.input(2)));
    let given = Given { mean, spread, weight, bias };
    let [mut dweight, mut dbias] = [1, 2].map(|i| (op.affine && b.wants(i)).then(|| b.room(i)));
    let parameters = dweight.is_some() || dbias.is_some();
    let sums = (parameters || (op.training && b.wants(0))).then(|| {
        let mut leaves = Tensor::uninit_on(b.device(), [ch.len(), 2, ch.c]);
        let launch = launch("sums", ch.len(), ch.c);
        let launch = given.put(launch.arg(x).arg(dy).arg(&mut leaves).arg(Cut::of(&ch)));
        launch.arg(op.eps).arg(op.training).arg(op.relu).launch();
        basic::sum_rows(&mut leaves, ch.len(), 2 * ch.c);
        leaves
    });
    if parameters {
        let launch = KERNELS.kernel("parameters").over(ch.c, THREADS).arg(sums.as_ref());
        let launch = launch.arg(dweight.as_mut()).arg(dbias.as_mut());
        launch.arg(ch.c).arg(spread).arg(op.eps).arg(op.training).launch();
    }
    if op.affine {
        (grads[1], grads[2]) = (dweight, dbias);
    }
    if b.wants(0) {
        let mut dx = b.room(0);
        let launch = given.put(pointwise("gradient", &ch).arg(x).arg(dy).arg(sums.as_ref()).arg(&mut dx));
        launch.arg(ch.values()).arg(ch.c).arg(op.eps).arg(op.training).arg(op.relu).launch();
        grads[0] = Some(dx);
    }
}
