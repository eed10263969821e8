//! Launches of the kernels that reductions share.

use bytemuck::{Pod, Zeroable};

use super::columns::Columns;
use super::{CHUNK, Plan};
use crate::Tensor;
use crate::cuda::driver::raise;
use crate::cuda::module::Words;
use crate::cuda::{Module, basic};
use crate::shape::MAX_RANK;

/// The kernels.
pub static KERNELS: Module = Module::new("reduce", include_str!("kernel.cu"));

/// Threads of a block.
const THREADS: u32 = 256;

/// What is made of the terms, as the kernels number it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode<'a> {
    /// Their sum.
    Sum,
    /// Their sum over their number.
    Mean,
    /// The sum of squares of the terms less this mean, over their number less the correction.
    Var(&'a Tensor, usize),
    /// The root of the sum of their squares.
    Norm,
}

impl Mode<'_> {
    fn number(self) -> i32 {
        match self {
            Self::Sum => 0,
            Self::Mean => 1,
            Self::Var(..) => 2,
            Self::Norm => 3,
        }
    }

    /// What a sum of `terms` is divided by.
    fn divisor(self, terms: usize) -> f32 {
        match self {
            Self::Var(_, correction) => (terms - correction) as f32,
            _ => terms as f32,
        }
    }
}

/// A list of dimensions, sizes and steps, the innermost last.
#[derive(Debug, Clone, Copy, Default)]
struct List {
    rank: usize,
    sizes: [i32; MAX_RANK],
    steps: [i32; MAX_RANK],
}

impl List {
    fn push(&mut self, size: usize, step: usize) {
        let int = |n| i32::try_from(n).unwrap_or_else(|_| raise("a reduction of more than 2^31 numbers".to_owned()));
        (self.sizes[self.rank], self.steps[self.rank]) = (int(size), int(step));
        self.rank += 1;
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Dims {
    kept_rank: i32,
    reduced_rank: i32,
    kept: [i32; MAX_RANK],
    kept_step: [i32; MAX_RANK],
    reduced: [i32; MAX_RANK],
    reduced_step: [i32; MAX_RANK],
}

impl Dims {
    fn of(kept: List, reduced: List) -> Self {
        Self {
            kept_rank: kept.rank as i32,
            reduced_rank: reduced.rank as i32,
            kept: kept.sizes,
            kept_step: kept.steps,
            reduced: reduced.sizes,
            reduced_step: reduced.steps,
        }
    }
}

/// How the kernels see a reduction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Where terms lie in x.
    terms_at: Dims,
    /// Where the output of an element of x lies in y.
    output_at: Dims,
    outputs: usize,
    terms: usize,
    chunk: usize,
}

impl From<&Plan> for View {
    fn from(plan: &Plan) -> Self {
        let (sx, sy) = plan.strides();
        let [mut kept, mut reduced, mut all] = [List::default(); 3];
        let mut outputs = 1;
        for d in 0..plan.rank {
            let size = plan.sizes[d];
            if plan.reduced[d] {
                reduced.push(size, sx[d]);
            } else {
                kept.push(size, sx[d]);
                outputs *= size;
            }
            all.push(size, sy[d]);
        }
        let (terms_at, output_at) = (Dims::of(kept, reduced), Dims::of(all, List::default()));
        Self { terms_at, output_at, outputs, terms: plan.terms(), chunk: CHUNK }
    }
}

impl From<&Columns> for View {
    fn from(v: &Columns) -> Self {
        let [mut kept, mut reduced, mut all] = [List::default(); 3];
        kept.push(v.outer, v.rows * v.inner);
        kept.push(v.inner, 1);
        reduced.push(v.rows, v.inner);
        all.push(v.outer, v.inner);
        all.push(v.rows, 0);
        all.push(v.inner, 1);
        let (terms_at, output_at) = (Dims::of(kept, reduced), Dims::of(all, List::default()));
        Self { terms_at, output_at, outputs: v.outer * v.inner, terms: v.rows, chunk: v.chunk }
    }
}

/// Fills y.
pub(crate) fn forward(v: impl Into<View>, mode: Mode<'_>, x: &Tensor, y: &mut Tensor) {
    let v: View = v.into();
    let (chunks, by) = (v.terms.div_ceil(v.chunk), mode.divisor(v.terms));
    let mean = if let Mode::Var(mean, _) = mode { Some(mean) } else { None };
    let launch = |sums: &mut Tensor| {
        let launch = KERNELS.kernel("sum_chunks").over(chunks * v.outputs, THREADS).arg(x).arg(mean).arg(sums);
        let launch = launch.arg(Words(v.terms_at)).arg(v.outputs).arg(v.terms).arg(v.chunk);
        launch.arg(mode.number()).arg(by).launch();
    };
    if chunks == 1 {
        return launch(y);
    }
    let mut sums = Tensor::uninit_on(x.device(), [chunks, v.outputs]);
    launch(&mut sums);
    basic::sum_rows_to(&mut sums, chunks, v.outputs, y);
    if !matches!(mode, Mode::Sum) {
        KERNELS.kernel("finish").over(v.outputs, THREADS).arg(y).arg(v.outputs).arg(mode.number()).arg(by).launch();
    }
}

/// Fills dx; x is what was reduced (`Var`, `Norm`), y the norm (`Norm`).
pub(crate) fn backward(
    v: impl Into<View>,
    mode: Mode<'_>,
    dy: &Tensor,
    x: Option<&Tensor>,
    y: Option<&Tensor>,
    dx: &mut Tensor,
) {
    let v: View = v.into();
    let of_y = if let Mode::Var(mean, _) = mode { Some(mean) } else { y };
    let n = dx.len();
    let launch = KERNELS.kernel("gradient").over(n, THREADS).arg(dy).arg(x).arg(of_y).arg(dx);
    launch.arg(Words(v.output_at)).arg(n).arg(mode.number()).arg(mode.divisor(v.terms)).launch();
}
