//! The fast version: runs along the last merged dimension, in which each operand moves or stands still.

use std::marker::PhantomData;

use super::plan::Plan;
use super::{Kind, ROWS};
use crate::math::sum::{CHUNK, Tree, eight};
use crate::simd::Simd;
use crate::{Tensor, dispatch, pool};

/// Numbers of y a task takes.
const TASK: usize = 4096;
/// Columns a task of a column sum takes; no sum crosses columns.
const COLUMNS: usize = 1024;

/// How an operand goes along a run.
trait Step: 'static {
    const MOVES: bool;
}
struct Each;
struct Same;
impl Step for Each {
    const MOVES: bool = true;
}
impl Step for Same {
    const MOVES: bool = false;
}

/// Number `i` of an operand.
#[inline(always)]
fn at<P: Step>(x: &[f32], i: usize) -> f32 {
    x[if P::MOVES { i } else { 0 }]
}

/// The part of an operand that a run of `n` reads.
#[inline(always)]
fn part<P: Step>(x: &[f32], n: usize) -> &[f32] {
    &x[..if P::MOVES { n } else { 1 }]
}

trait Form: 'static {
    fn y(a: f32, b: f32) -> f32;
}

/// A term of a gradient: dy and up to two operands.
trait Term: 'static {
    fn narrow(dy: f32, u: f32, v: f32) -> f32;
    fn wide(dy: f64, u: f64, v: f64) -> f64;
}

struct Add;
struct Sub;
struct Mul;
struct Div;
/// `-(dy u) / (v v)`.
struct Quotient;

impl Form for Add {
    #[inline(always)]
    fn y(a: f32, b: f32) -> f32 {
        a + b
    }
}
impl Form for Sub {
    #[inline(always)]
    fn y(a: f32, b: f32) -> f32 {
        a - b
    }
}
impl Form for Mul {
    #[inline(always)]
    fn y(a: f32, b: f32) -> f32 {
        a * b
    }
}
impl Form for Div {
    #[inline(always)]
    fn y(a: f32, b: f32) -> f32 {
        a / b
    }
}
impl Term for Mul {
    #[inline(always)]
    fn narrow(dy: f32, u: f32, _: f32) -> f32 {
        dy * u
    }
    #[inline(always)]
    fn wide(dy: f64, u: f64, _: f64) -> f64 {
        dy * u
    }
}
impl Term for Div {
    #[inline(always)]
    fn narrow(dy: f32, u: f32, _: f32) -> f32 {
        dy / u
    }
    #[inline(always)]
    fn wide(dy: f64, u: f64, _: f64) -> f64 {
        dy / u
    }
}
impl Term for Quotient {
    #[inline(always)]
    fn narrow(dy: f32, u: f32, v: f32) -> f32 {
        Self::wide(dy.into(), u.into(), v.into()) as f32
    }
    #[inline(always)]
    fn wide(dy: f64, u: f64, v: f64) -> f64 {
        -(dy * u) / (v * v)
    }
}

/// Names a kernel's types, which nothing else in its arguments does.
type Is<X, Y, Z> = PhantomData<(X, Y, Z)>;

dispatch! {
    fn run[F: Form, A: Step, B: Step](is: Is<F, A, B>, a: &[f32], b: &[f32], y: &mut [f32]) = run_body;
    fn grad[G: Term, U: Step, V: Step](is: Is<G, U, V>, dy: &[f32], u: &[f32], v: &[f32], dx: &mut [f32]) = grad_body;
    fn columns[G: Term, U: Step, V: Step](is: Is<G, U, V>, dy: &[f32], u: &[f32], v: &[f32], acc: &mut [f64])
        = columns_body;
    fn chunk[G: Term, U: Step, V: Step](is: Is<G, U, V>, dy: &[f32], u: &[f32], v: &[f32]) -> f64 = chunk_body;
}

#[inline(always)]
fn run_body<S: Simd, F: Form, A: Step, B: Step>(_: Is<F, A, B>, a: &[f32], b: &[f32], y: &mut [f32]) {
    let (a, b) = (part::<A>(a, y.len()), part::<B>(b, y.len()));
    for (i, y) in y.iter_mut().enumerate() {
        *y = F::y(at::<A>(a, i), at::<B>(b, i));
    }
}

#[inline(always)]
fn grad_body<S: Simd, G: Term, U: Step, V: Step>(_: Is<G, U, V>, dy: &[f32], u: &[f32], v: &[f32], dx: &mut [f32]) {
    let n = dx.len();
    let (dy, u, v) = (&dy[..n], part::<U>(u, n), part::<V>(v, n));
    for i in 0..n {
        dx[i] = G::narrow(dy[i], at::<U>(u, i), at::<V>(v, i));
    }
}

#[inline(always)]
fn columns_body<S: Simd, G: Term, U: Step, V: Step>(_: Is<G, U, V>, dy: &[f32], u: &[f32], v: &[f32], acc: &mut [f64]) {
    let n = acc.len();
    let (dy, u, v) = (&dy[..n], part::<U>(u, n), part::<V>(v, n));
    for i in 0..n {
        acc[i] += G::wide(dy[i].into(), at::<U>(u, i).into(), at::<V>(v, i).into());
    }
}

#[inline(always)]
fn chunk_body<S: Simd, G: Term, U: Step, V: Step>(_: Is<G, U, V>, dy: &[f32], u: &[f32], v: &[f32]) -> f64 {
    let n = dy.len();
    let (u, v) = (part::<U>(u, n), part::<V>(v, n));
    let term = |i: usize| G::wide(dy[i].into(), at::<U>(u, i).into(), at::<V>(v, i).into());
    let (mut acc, whole) = ([0.0; 8], n / 8 * 8);
    let mut i = 0;
    while i < whole {
        for (j, acc) in acc.iter_mut().enumerate() {
            *acc += term(i + j);
        }
        i += 8;
    }
    for i in whole..n {
        acc[i - whole] += term(i);
    }
    eight(acc)
}

/// Calls `f(part of y, offset in y, a, b)` for every run of `y`, which begins at number `start` of the whole.
#[inline(always)]
fn runs(plan: &Plan, start: usize, y: &mut [f32], f: impl Fn(&mut [f32], [usize; 3])) {
    let (inner, mut done) = (plan.inner(), 0);
    while done < y.len() {
        let (row, column) = ((start + done) / inner, (start + done) % inner);
        let n = (inner - column).min(y.len() - done);
        let [o, a, b] = plan.row(row);
        let at = [o + column, a + column * plan.inner_step(0), b + column * plan.inner_step(1)];
        f(&mut y[done..done + n], at);
        done += n;
    }
}

/// `y = a ? b`.
pub fn forward(kind: Kind, plan: &Plan, a: &[f32], b: &[f32], y: &mut [f32]) {
    type Run = fn(&[f32], &[f32], &mut [f32]);
    fn pick<F: Form>(plan: &Plan) -> Run {
        match (plan.inner_step(0), plan.inner_step(1)) {
            (0, _) => |a, b, y| run(PhantomData::<(F, Same, Each)>, a, b, y),
            (_, 0) => |a, b, y| run(PhantomData::<(F, Each, Same)>, a, b, y),
            _ => |a, b, y| run(PhantomData::<(F, Each, Each)>, a, b, y),
        }
    }
    let run = match kind {
        Kind::Add => pick::<Add>(plan),
        Kind::Sub => pick::<Sub>(plan),
        Kind::Mul => pick::<Mul>(plan),
        Kind::Div => pick::<Div>(plan),
    };
    pool::chunks_mut(y, TASK, |i, y| runs(plan, i * TASK, y, |y, [_, i, j]| run(&a[i..], &b[j..], y)));
}

/// A gradient's operand: its numbers, and which of the plan's offsets it goes by (`None`: one number, standing still).
#[derive(Clone, Copy)]
struct Operand<'a>(&'a [f32], Option<usize>);

impl Operand<'_> {
    fn from(&self, offsets: &[usize; 3], column: usize, plan: &Plan) -> &[f32] {
        self.1.map_or(self.0, |i| &self.0[offsets[1 + i] + column * plan.inner_step(i)..])
    }

    fn moves(&self, plan: &Plan) -> bool {
        self.1.is_some_and(|i| plan.inner_step(i) != 0)
    }
}

/// The gradient of input `i`; `saved` are a and b where the kind saves them.
pub fn backward(kind: Kind, i: usize, plan: &Plan, dy: &[f32], saved: [Option<&[f32]>; 2], dx: &mut [f32]) {
    let input = |i: usize| Operand(saved[i].expect("products and quotients save their inputs"), Some(i));
    let still = Operand(&[1.0], None);
    let minus = Operand(&[-1.0], None);
    match (kind, i) {
        (Kind::Add, _) | (Kind::Sub, 0) => apply::<Mul>(plan, i, dy, still, still, dx),
        (Kind::Sub, _) => apply::<Mul>(plan, i, dy, minus, still, dx),
        (Kind::Mul, _) => apply::<Mul>(plan, i, dy, input(1 - i), still, dx),
        (Kind::Div, 0) => apply::<Div>(plan, i, dy, input(1), still, dx),
        (Kind::Div, _) => apply::<Quotient>(plan, i, dy, input(0), input(1), dx),
    }
}

fn apply<G: Term>(plan: &Plan, i: usize, dy: &[f32], u: Operand, v: Operand, dx: &mut [f32]) {
    match (u.moves(plan), v.moves(plan)) {
        (true, true) => gradient::<G, Each, Each>(plan, i, dy, u, v, dx),
        (true, false) => gradient::<G, Each, Same>(plan, i, dy, u, v, dx),
        (false, true) => gradient::<G, Same, Each>(plan, i, dy, u, v, dx),
        (false, false) => gradient::<G, Same, Same>(plan, i, dy, u, v, dx),
    }
}

fn gradient<G: Term, U: Step, V: Step>(plan: &Plan, i: usize, dy: &[f32], u: Operand, v: Operand, dx: &mut [f32]) {
    if !plan.reduces(i) {
        pool::chunks_mut(dx, TASK, |t, dx| {
            runs(plan, t * TASK, dx, |dx, at| {
                grad(PhantomData::<(G, U, V)>, &dy[at[0]..], u.from(&at, 0, plan), v.from(&at, 0, plan), dx);
            });
        });
    } else if plan.inner_step(i) == 0 {
        sum_runs::<G, U, V>(plan, i, dy, u, v, dx);
    } else {
        sum_columns::<G, U, V>(plan, i, dy, u, v, dx);
    }
}

/// The input is broadcast along the last dimension: one long sum's chunks a run, then the tree over all of a number's.
fn sum_runs<G: Term, U: Step, V: Step>(plan: &Plan, i: usize, dy: &[f32], u: Operand, v: Operand, dx: &mut [f32]) {
    let (reduced, _) = plan.counts(i);
    let (inner, pieces) = (plan.inner(), plan.inner().div_ceil(CHUNK));
    let leaves = reduced * pieces;
    let mut scratch = Tensor::uninit([2 * dx.len() * leaves]); // f64
    let group = TASK.div_ceil(inner.clamp(1, CHUNK));
    pool::chunks_mut(scratch.data_mut(), 2 * group, |t, out| {
        for (j, out) in bytemuck::cast_slice_mut::<f32, f64>(out).iter_mut().enumerate() {
            let (number, leaf) = ((t * group + j) / leaves, (t * group + j) % leaves);
            let offsets = plan.row_of(i, number, leaf / pieces);
            let column = leaf % pieces * CHUNK;
            let dy = &dy[offsets[0] + column..][..CHUNK.min(inner - column)];
            *out = chunk(PhantomData::<(G, U, V)>, dy, u.from(&offsets, column, plan), v.from(&offsets, column, plan));
        }
    });
    let sums: &[f64] = bytemuck::cast_slice(scratch.data());
    for (i, dx) in dx.iter_mut().enumerate() {
        let mut tree = Tree::default();
        sums[i * leaves..][..leaves].iter().for_each(|&s| tree.push(s));
        *dx = tree.sum() as f32;
    }
}

/// The last dimension is the input's own: columns of terms in chunks of [`ROWS`], then the tree over chunks.
fn sum_columns<G: Term, U: Step, V: Step>(plan: &Plan, i: usize, dy: &[f32], u: Operand, v: Operand, dx: &mut [f32]) {
    let (reduced, kept) = plan.counts(i);
    let (width, chunks) = (plan.inner(), reduced.div_ceil(ROWS));
    // Partial sums, f64: [kept, chunks, width], a row of them in blocks of columns.
    let mut scratch = Tensor::uninit([2 * kept * chunks * width]);
    let base = pool::Ptr(scratch.data_mut().as_mut_ptr());
    let blocks = width.div_ceil(COLUMNS);
    pool::run(kept * chunks * blocks, |t| {
        let (row, column) = (t / blocks, t % blocks * COLUMNS);
        let n = COLUMNS.min(width - column);
        // SAFETY: task t alone writes this block of columns of this row, inside the scratch tensor.
        let out = unsafe { base.slice(2 * (row * width + column), 2 * n) };
        let acc: &mut [f64] = bytemuck::cast_slice_mut(out);
        acc.fill(0.0);
        let (number, chunk) = (row / chunks, row % chunks);
        for r in chunk * ROWS..reduced.min((chunk + 1) * ROWS) {
            let offsets = plan.row_of(i, number, r);
            let (u, v) = (u.from(&offsets, column, plan), v.from(&offsets, column, plan));
            columns(PhantomData::<(G, U, V)>, &dy[offsets[0] + column..], u, v, acc);
        }
    });
    let sums: &mut [f64] = bytemuck::cast_slice_mut(scratch.data_mut());
    for (sums, dx) in sums.chunks_mut((chunks * width).max(1)).zip(dx.chunks_mut(width.max(1))) {
        crate::tree::pairwise(chunks, |i, j| {
            let (a, b) = sums.split_at_mut(j * width);
            a[i * width..][..width].iter_mut().zip(b).for_each(|(a, b)| *a += *b);
        });
        dx.iter_mut().zip(sums).for_each(|(dx, s)| *dx = *s as f32);
    }
    if chunks == 0 {
        dx.fill(0.0);
    }
}
