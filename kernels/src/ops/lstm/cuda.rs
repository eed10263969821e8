//! A layer over a series on the card: the inputs' products for all steps at once, then step after step.

use super::cpu::Sizes;
use crate::Tensor;
use crate::cuda::module::Address;
use crate::cuda::{Module, basic};
use crate::product::cuda::row_sums;
use crate::product::scatter::CHUNK;

/// The kernels.
pub static KERNELS: Module = Module::new("lstm", include_str!("kernel.cu"));

const THREADS: u32 = 128;

/// The address of number `i` of what starts at `a`.
pub(super) fn at(a: Address, i: usize) -> Address {
    Address(a.0 + 4 * i as u64)
}

/// Where what a layer's forward leaves for its backward lies, step after step; as [`super::cpu::Trace`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Trace {
    pub gates: Address,
    pub cells: Address,
    pub tanhs: Address,
    pub states: Address,
}

/// `out [rows, columns] = a [rows, inner] w (+ bias)`; w's strides by k and by column.
fn product(a: Address, w: &Tensor, bias: Option<&Tensor>, out: Address, mkn: [usize; 3], strides: [usize; 2]) {
    let [rows, inner, columns] = mkn;
    let launch = KERNELS.kernel("lstm_product").over(rows * columns, THREADS).arg(a).arg(w).arg(bias).arg(out);
    launch.arg(rows).arg(inner).arg(columns).arg(strides[0]).arg(strides[1]).launch();
}

/// Runs a layer forward over x `[T, N, I]` from the states and cells at `start`; `w` is w_ih, w_hh, b_ih, b_hh.
pub(super) fn forward(s: Sizes, x: Address, start: [Address; 2], w: [&Tensor; 4], trace: Trace) {
    let (m, wide) = (s.n * s.h, 4 * s.h);
    product(x, w[0], Some(w[2]), trace.gates, [s.t * s.n, s.i, wide], [wide, 1]);
    let mut recurrent = Tensor::uninit_on(w[0].device(), [s.n, wide]);
    for t in 0..s.t {
        let old = |first: Address, all: Address| if t == 0 { first } else { at(all, (t - 1) * m) };
        let (h_old, c_old) = (old(start[0], trace.states), old(start[1], trace.cells));
        product(h_old, w[1], Some(w[3]), Address(recurrent.address_mut()), [s.n, s.h, wide], [wide, 1]);
        KERNELS
            .kernel("lstm_step")
            .over(m, THREADS)
            .arg(at(trace.gates, 4 * t * m))
            .arg(&recurrent)
            .arg(c_old)
            .arg(at(trace.cells, t * m))
            .arg(at(trace.tanhs, t * m))
            .arg(at(trace.states, t * m))
            .arg(s.n)
            .arg(s.h)
            .launch();
    }
}

/// Gradients of a layer's pre-activations `[T, N, 4H]`; as [`super::cpu::backward`].
pub(super) fn backward(
    s: Sizes,
    trace: Trace,
    start: [Address; 2],
    w_hh: &Tensor,
    dy: Option<&Tensor>,
    [dh, dc]: [Address; 2],
) -> Tensor {
    let (m, wide) = (s.n * s.h, 4 * s.h);
    let mut da = Tensor::uninit_on(w_hh.device(), [s.t, s.n, wide]);
    for t in (0..s.t).rev() {
        let c_old = if t == 0 { start[1] } else { at(trace.cells, (t - 1) * m) };
        let a = at(Address(da.address_mut()), 4 * t * m);
        KERNELS
            .kernel("lstm_step_gradient")
            .over(m, THREADS)
            .arg(at(trace.gates, 4 * t * m))
            .arg(at(trace.tanhs, t * m))
            .arg(c_old)
            .arg(dy.map_or(Address(0), |dy| at(Address(dy.address()), t * m)))
            .arg(dh)
            .arg(dc)
            .arg(a)
            .arg(s.n)
            .arg(s.h)
            .launch();
        product(a, w_hh, None, dh, [s.n, wide, s.h], [1, wide]);
    }
    da
}

/// Gradient of x `[T, N, I]` from that of the pre-activations.
pub(super) fn input_gradient(s: Sizes, da: &Tensor, w_ih: &Tensor) -> Tensor {
    let mut dx = Tensor::uninit_on(da.device(), [s.t, s.n, s.i]);
    let to = Address(dx.address_mut());
    product(Address(da.address()), w_ih, None, to, [s.t * s.n, 4 * s.h, s.i], [1, 4 * s.h]);
    dx
}

/// Gradients of w_ih, w_hh and of each bias, as far as wanted, into `dx`, which starts with w_ih. `x` is the layer's input,
/// `h0` the state before the first step and `states` those after each.
pub(super) fn layer_gradients(
    s: Sizes,
    [x, h0, states]: [Address; 3],
    da: &Tensor,
    wants: [bool; 4],
    dx: &mut [Option<Tensor>],
) {
    let (rows, wide) = (s.t * s.n, 4 * s.h);
    let weight = |start: Address, split: usize, rest: Address, inner: usize| {
        let (chunks, width) = (rows.div_ceil(CHUNK), inner * wide);
        let mut parts = Tensor::uninit_on(da.device(), [chunks * width]);
        let blocks = [width.div_ceil(THREADS as usize), chunks, 1];
        let launch = KERNELS.kernel("lstm_weight_gradient").grid(blocks, THREADS).arg(start).arg(rest).arg(split);
        launch.arg(da).arg(&mut parts).arg(rows).arg(inner).arg(wide).launch();
        let mut dw = Tensor::uninit_on(da.device(), [inner, wide]);
        basic::sum_rows_to(&mut parts, chunks, width, &mut dw);
        dw
    };
    dx[0] = wants[0].then(|| weight(x, rows, x, s.i));
    dx[1] = wants[1].then(|| weight(h0, s.n, states, s.h));
    if wants[2] || wants[3] {
        let mut db = Tensor::uninit_on(da.device(), [wide]);
        row_sums(da, &mut db);
        for b in [2, 3] {
            dx[b] = wants[b].then(|| db.clone());
        }
    }
}
