//! The harness that one table of cases an op drives: bits, gradients, and (from the command line) speed.
//!
//! Three questions are asked of every case:
//! 1. *Bits*: the f32 reference against the fast version, forward and backward, at every SIMD level and at 1, 2, 3 and 7
//!    threads, with `==`.
//! 2. *Truth*: the f64 reference's backward against central differences of its forward.
//! 3. *Accuracy*: the fast f32 backward against the f64 backward, within 8 eps of the norm.

#![allow(clippy::neg_cmp_op_on_partial_ord)] // written so that NaN fails

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cuda::driver;
use crate::cuda::emu::{self, Order};
use crate::host::{Host, Real};
use crate::op::{Backward, Op, Reference};
use crate::rng::{Key, Purpose};
use crate::simd::{self, Level};
use crate::{Device, Shape, Tensor, pool};

/// How an input is filled.
#[derive(Debug, Clone)]
pub enum Fill {
    /// Standard normal.
    Normal,
    /// Normal, times the number.
    Scaled(f32),
    /// Uniform between the two.
    Uniform(f32, f32),
    /// Class numbers 0..n (an integer tensor; not differentiated).
    Classes(usize),
    /// 0 or 1 (not differentiated).
    Binary,
    /// A permutation of distinct multiples of 1/16, so that no two are tied and finite differences cross no kink.
    Distinct,
    /// These very numbers.
    Exactly(Vec<f32>),
}

/// One input of a case.
#[derive(Debug, Clone)]
pub struct Input {
    /// Sizes.
    pub shape: Shape,
    /// Contents.
    pub fill: Fill,
    /// Whether its gradient is checked.
    pub differentiate: bool,
}

impl Input {
    /// Standard normal, differentiated.
    pub fn normal(shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), fill: Fill::Normal, differentiate: true }
    }

    /// Filled as said, differentiated where that makes sense.
    pub fn filled(shape: impl Into<Shape>, fill: Fill) -> Self {
        let differentiate = !matches!(fill, Fill::Classes(_) | Fill::Binary);
        Self { shape: shape.into(), fill, differentiate }
    }

    /// The same, its gradient neither asked for nor checked.
    #[must_use]
    pub fn fixed(mut self) -> Self {
        self.differentiate = false;
        self
    }

    /// The numbers of input `index`, the same every time.
    pub fn tensor(&self, index: u64) -> Tensor {
        let mut s = Key::new(0, Purpose::Test).stream(index);
        let n = self.shape.len();
        let data: Vec<f32> = match &self.fill {
            Fill::Normal => (0..n).map(|_| s.normal() as f32).collect(),
            Fill::Scaled(f) => (0..n).map(|_| f * s.normal() as f32).collect(),
            Fill::Uniform(a, b) => (0..n).map(|_| a + (b - a) * s.uniform()).collect(),
            Fill::Binary => (0..n).map(|_| (s.word() & 1) as f32).collect(),
            Fill::Distinct => s.permutation(n).iter().map(|&i| (i as f32 - n as f32 / 2.0 + 0.25) / 16.0).collect(),
            Fill::Exactly(data) => data.clone(),
            Fill::Classes(k) => {
                let ints: Vec<i32> = (0..n).map(|_| s.below(*k as u64) as i32).collect();
                return Tensor::from_ints(self.shape, &ints);
            }
        };
        Tensor::from_slice(self.shape, &data)
    }
}

/// One row of an op's table.
pub struct Case {
    /// Short and unique within the op: `k3_s2_p1_g4`.
    pub name: &'static str,
    /// The op with its parameters.
    pub op: Box<dyn Checked>,
    /// Its inputs.
    pub inputs: Vec<Input>,
    /// Skip the questions of gradients: for inputs with NaN, infinities, ties, or too many numbers for finite differences.
    pub bits_only: bool,
    /// Asks nothing: a size that matters in training, timed by `kernels bench`, too large for references.
    pub speed_only: bool,
}

impl Case {
    /// A case that asks all three questions.
    pub fn new(name: &'static str, op: impl Reference, inputs: impl Into<Vec<Input>>) -> Self {
        Self { name, op: Box::new(op), inputs: inputs.into(), bits_only: false, speed_only: false }
    }

    /// A case that asks for bits alone.
    #[must_use]
    pub fn bits_only(mut self) -> Self {
        self.bits_only = true;
        self
    }

    /// A case for the clock alone.
    #[must_use]
    pub fn timed(mut self) -> Self {
        self.speed_only = true;
        self
    }
}

/// [`Reference`] without its generics, so that cases of many ops fit one table.
pub trait Checked: Op {
    /// The op itself.
    fn as_op(&self) -> &dyn Op;
    /// f32 reference, forward.
    fn forward32(&self, inputs: &[Host<f32>]) -> Vec<Host<f32>>;
    /// f64 reference, forward.
    fn forward64(&self, inputs: &[Host<f64>]) -> Vec<Host<f64>>;
    /// f32 reference, backward.
    fn backward32(&self, x: &[Host<f32>], y: &[Host<f32>], dy: &[Option<Host<f32>>]) -> Vec<Option<Host<f32>>>;
    /// f64 reference, backward.
    fn backward64(&self, x: &[Host<f64>], y: &[Host<f64>], dy: &[Option<Host<f64>>]) -> Vec<Option<Host<f64>>>;
}

impl<O: Reference> Checked for O {
    fn as_op(&self) -> &dyn Op {
        self
    }
    fn forward32(&self, inputs: &[Host<f32>]) -> Vec<Host<f32>> {
        self.reference(inputs)
    }
    fn forward64(&self, inputs: &[Host<f64>]) -> Vec<Host<f64>> {
        self.reference(inputs)
    }
    fn backward32(&self, x: &[Host<f32>], y: &[Host<f32>], dy: &[Option<Host<f32>>]) -> Vec<Option<Host<f32>>> {
        self.reference_backward(x, y, dy)
    }
    fn backward64(&self, x: &[Host<f64>], y: &[Host<f64>], dy: &[Option<Host<f64>>]) -> Vec<Option<Host<f64>>> {
        self.reference_backward(x, y, dy)
    }
}

/// Level and thread count are the process's: checks take turns.
static TURN: Mutex<()> = Mutex::new(());
/// Central differences may err by this much of the norm.
const DIFFERENCES: f64 = 1e-7;
/// The fast backward may err by this much of the norm.
const ACCURACY: f64 = 8.0 * f32::EPSILON as f64;
/// Threads at which bits are compared.
pub const THREADS: [usize; 4] = [1, 2, 3, 7];
/// At most so many elements an input are moved for central differences; they are spread evenly.
const PROBES: usize = 48;

/// Runs op `op` forward and backward as autograd would: backward sees only what the op saves.
pub fn run(
    op: &dyn Op,
    inputs: &[Tensor],
    wants: &[bool],
    up: &[Option<Tensor>],
) -> (Vec<Tensor>, Vec<Option<Tensor>>) {
    let shapes: Vec<Shape> = inputs.iter().map(Tensor::shape).collect();
    let inferred = op.infer(&shapes).unwrap_or_else(|e| panic!("{e}"));
    let device = inputs[0].device();
    let mut outputs: Vec<Tensor> = inferred.all().iter().map(|&s| Tensor::full_on(device, s, f32::NAN)).collect();
    op.forward(&inputs.iter().collect::<Vec<_>>(), &mut outputs);
    let mut dx: Vec<Option<Tensor>> = vec![None; inputs.len()];
    if up.iter().any(Option::is_some) && wants.contains(&true) {
        let keep = |mask: u32, all: &[Tensor]| -> Vec<Option<Tensor>> {
            all.iter().enumerate().map(|(i, t)| (mask >> i & 1 == 1).then(|| t.clone())).collect()
        };
        let (saves, shapes) = (op.saves(), &shapes);
        let (x, y) = (keep(saves.inputs, inputs), keep(saves.outputs, &outputs));
        op.backward(&Backward { shapes, inputs: &x, outputs: &y, dy: up, wants }, &mut dx);
    }
    (outputs, dx)
}

/// What a case is asked with: its tensors, and what the reference makes of them.
struct Asked {
    inputs: Vec<Tensor>,
    wants: Vec<bool>,
    up: Vec<Option<Tensor>>,
    y: Vec<Host<f32>>,
    dx: Vec<Option<Host<f32>>>,
}

impl Asked {
    fn of(case: &Case) -> Result<Self, String> {
        let inputs: Vec<Tensor> = case.inputs.iter().enumerate().map(|(i, x)| x.tensor(i as u64)).collect();
        let wants: Vec<bool> = case.inputs.iter().map(|x| x.differentiate).collect();
        let shapes: Vec<Shape> = inputs.iter().map(Tensor::shape).collect();
        let inferred = case.op.as_op().infer(&shapes).map_err(|e| e.to_string())?;
        let visible = &inferred.all()[..inferred.visible()];
        let up: Vec<Option<Tensor>> =
            visible.iter().enumerate().map(|(i, &s)| Some(Input::normal(s).tensor(100 + i as u64))).collect();
        let host: Vec<Host<f32>> = inputs.iter().map(Host::of).collect();
        let host_up: Vec<Option<Host<f32>>> = up.iter().map(|u| u.as_ref().map(Host::of)).collect();
        let y = case.op.forward32(&host);
        let dx = case.op.backward32(&host, &y, &host_up);
        for (i, (y, s)) in y.iter().zip(inferred.all()).enumerate() {
            if y.shape != *s {
                return Err(format!("output {i}: the reference gives {}, infer says {s}", y.shape));
            }
        }
        Ok(Self { inputs, wants, up, y, dx })
    }

    /// The question of bits, of what one way of computing gave.
    fn compare(&self, how: &str, y: &[Tensor], dx: &[Option<Tensor>], report: &mut String) {
        for (i, (got, want)) in y.iter().zip(&self.y).enumerate() {
            differs(report, &format!("{how}: output {i}"), got, want);
        }
        for (i, (got, want)) in dx.iter().zip(&self.dx).enumerate() {
            match (got, want) {
                (Some(got), Some(want)) => differs(report, &format!("{how}: gradient of input {i}"), got, want),
                (got, want) if self.wants[i] && got.is_some() != want.is_some() => {
                    let (fast, reference) = (got.is_some(), want.is_some());
                    let _ = writeln!(report, "{how}: gradient of input {i}: fast {fast}, reference {reference}");
                }
                _ => {}
            }
        }
    }
}

/// Asks one case all its questions; `Err` lists what differs. A case for the clock is asked none.
///
/// # Errors
/// A line for each difference.
pub fn case(case: &Case) -> Result<(), String> {
    if case.speed_only {
        return Ok(());
    }
    let asked = Asked::of(case)?;
    let mut report = String::new();
    each_way(|how| {
        let (y, dx) = run(case.op.as_op(), &asked.inputs, &asked.wants, &asked.up);
        asked.compare(how, &y, &dx, &mut report);
    });
    if !case.bits_only {
        let _turn = turn();
        gradients(case, &asked.inputs, &asked.wants, &asked.up, &mut report);
    }
    if report.is_empty() { Ok(()) } else { Err(report) }
}

/// Asks one case for its bits on a card: on the emulated one with the threads of a block in both orders.
///
/// # Errors
/// A line for each difference, or what the card said.
pub fn case_on(case: &Case, device: Device) -> Result<(), String> {
    if case.speed_only {
        return Ok(());
    }
    let asked = Asked::of(case)?;
    let mut report = String::new();
    let orders: &[Order] = if emu::installed() { &[Order::Forward, Order::Reverse] } else { &[Order::Forward] };
    let _turn = turn();
    for &order in orders {
        emu::set_order(order);
        driver::set_op(case.op.name());
        let there = |t: &Tensor| t.to(device);
        let inputs: Vec<Tensor> = asked.inputs.iter().map(there).collect();
        let up: Vec<Option<Tensor>> = asked.up.iter().map(|u| u.as_ref().map(there)).collect();
        let (y, dx) = run(case.op.as_op(), &inputs, &asked.wants, &up);
        let how = if emu::installed() { format!("{device}, threads {order}") } else { device.to_string() };
        asked.compare(&how, &y, &dx, &mut report);
    }
    emu::set_order(Order::Forward);
    if report.is_empty() { Ok(()) } else { Err(report) }
}

/// Notes the first element whose bits differ.
fn differs(report: &mut String, what: &str, got: &Tensor, want: &Host<f32>) {
    let (got, want) = (&got.to(Device::Cpu), want.tensor());
    if let Some(i) = got.first_difference(&want) {
        let line = if got.shape() == want.shape() {
            let (a, b) = (got.data()[i], want.data()[i]);
            format!(
                "element {i} of {}: fast {a:e} ({:08x}), reference {b:e} ({:08x})",
                got.shape(),
                a.to_bits(),
                b.to_bits()
            )
        } else {
            format!("shape {}, reference {}", got.shape(), want.shape())
        };
        let _ = writeln!(report, "{what}: {line}");
    }
}

fn norm(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|v| v * v).sum::<f64>().sqrt()
}

/// The questions of truth and accuracy.
fn gradients(case: &Case, inputs: &[Tensor], wants: &[bool], up: &[Option<Tensor>], report: &mut String) {
    let x: Vec<Host<f64>> = inputs.iter().map(Host::of).collect();
    let dy: Vec<Option<Host<f64>>> = up.iter().map(|u| u.as_ref().map(Host::of)).collect();
    let y = case.op.forward64(&x);
    let dx = case.op.backward64(&x, &y, &dy);
    let (_, fast) = run(case.op.as_op(), inputs, wants, up);
    let loss = |x: &[Host<f64>]| -> f64 {
        let y = case.op.forward64(x);
        y.iter().zip(&dy).filter_map(|(y, g)| g.as_ref().map(|g| (y, g))).map(|(y, g)| dot(y, g)).sum()
    };
    for i in (0..x.len()).filter(|&i| wants[i]) {
        let Some(grad) = &dx[i] else {
            let _ = writeln!(report, "input {i} wants a gradient and the reference has none");
            continue;
        };
        let n = grad.data.len();
        let step = n.div_ceil(PROBES).max(1);
        let mut moved = x.clone();
        let (mut diff, mut total) = (Vec::new(), Vec::new());
        for j in (0..n).step_by(step) {
            let (x0, h) = (x[i].data[j], 1e-4 * x[i].data[j].abs().max(1.0));
            let mut at = |v: f64| {
                moved[i].data[j] = v;
                loss(&moved)
            };
            // Fourth order: errors of h^4 leave room for 1e-7 in f64.
            let d = (8.0 * (at(x0 + h) - at(x0 - h)) - (at(x0 + 2.0 * h) - at(x0 - 2.0 * h))) / (12.0 * h);
            moved[i].data[j] = x0;
            diff.push(grad.data[j] - d);
            total.push(d);
        }
        let (e, g) = (norm(diff.into_iter()), norm(total.into_iter()));
        if !(e <= DIFFERENCES * g.max(1e-3)) {
            let _ = writeln!(report, "f64 gradient of input {i} is off central differences by {e:.2e} of {g:.2e}");
        }
        if let Some(fast) = &fast[i] {
            let e = norm(fast.data().iter().zip(&grad.data).map(|(&a, &b)| f64::from(a) - b));
            let g = norm(grad.data.iter().copied());
            if !(e <= ACCURACY * g.max(1e-3)) {
                let _ = writeln!(
                    report,
                    "f32 gradient of input {i} is off the f64 one by {:.1} eps",
                    e / g / f64::from(f32::EPSILON)
                );
            }
        }
    }
}

fn dot<T: Real>(a: &Host<T>, b: &Host<T>) -> f64 {
    a.data.iter().zip(&b.data).map(|(a, b)| a.f64() * b.f64()).sum()
}

/// Runs a table and panics with every failure.
///
/// # Panics
/// If a case fails.
pub fn table(op: &str, cases: &[Case]) {
    assert!(!cases.is_empty(), "{op} has no cases");
    let failed: Vec<String> =
        cases.iter().filter_map(|c| case(c).err().map(|e| format!("{op}/{}:\n{e}", c.name))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Waits until no check runs that forces SIMD levels or thread counts, and keeps them away while the guard lives. A level
/// that changes in the middle of an op is not supported: tests beside an [`each_way`] compute under this guard.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `f` at every SIMD level of this processor and at 1, 2, 3 and 7 threads, with a name for the way it is called; no
/// other check runs meanwhile.
pub fn each_way(mut f: impl FnMut(&str)) {
    let _turn = turn();
    let (level, threads) = (simd::level(), pool::threads());
    for l in Level::ALL.into_iter().filter(|l| l.available()) {
        for t in THREADS {
            simd::force(l);
            pool::set_threads(t);
            f(&format!("{l}, {t} threads"));
        }
    }
    simd::force(level);
    pool::set_threads(threads);
}
