//! Whole networks: training forward, gradients, SGD steps, evaluation.

use anyhow::{Context, ensure};
use kernels::Tensor as Value;
use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use nas::fno::{Fno, FnoSpec};
use nas::gaea::supernet::{Mixing, Supernet, SupernetSpec};
use nas::gaea::{Cells, CellsSpec, Genotype};
use nas::wrn::{Dense, Point, Series, SeriesSpec, Width};
use nn::{Builder, Kind, Loss, Mode, Network, ParamId, Params, Pass, Sgd, Tape, Tensor};
use serde_json::{Value as Json, json};
use tasks::Kind as Problem;

use super::case::wide;
use super::layout::Layout;
use super::{Case, Got, Row, row, unsupported};
use super::{autodl, densenas};

pub(super) const ROWS: &[Row] = &[
    row("net_wrn2d", |c| replay(c, |at| Ok(Box::new(Point::new(at, width(c)?, inputs(c)?, classes(c)?, 0.0))))),
    row("net_wrn2d_dense", |c| replay(c, |at| Ok(Box::new(Dense::new(at, width(c)?, inputs(c)?, classes(c)?, 0.0))))),
    row("net_resnet1d", |c| {
        replay(c, |at| {
            let spec = SeriesSpec::new(inputs(c)?, classes(c)?, 0.0);
            let spec = SeriesSpec { width: c.whole("mid_channels")?, reference: true, ..spec };
            Ok(Box::new(Series::new(at, spec)))
        })
    }),
    row("net_darts2d_eval", |c| replay(c, |at| Ok(Box::new(Cells::new(at, &cells(c, Problem::Point2d)?))))),
    row("net_darts2d_dense_eval", |c| replay(c, |at| Ok(Box::new(Cells::new(at, &cells(c, Problem::Dense2d)?))))),
    row("net_darts1d_eval", |c| replay(c, |at| Ok(Box::new(Cells::new(at, &cells(c, Problem::Series)?))))),
    row("net_pcdarts2d_supernet", |c| replay(c, |at| Ok(Box::new(Supernet::new(at, supernet(c, Problem::Point2d)?))))),
    row("net_pcdarts2d_dense_supernet", |c| {
        replay(c, |at| Ok(Box::new(Supernet::new(at, supernet(c, Problem::Dense2d)?))))
    }),
    row("net_pcdarts1d_supernet", |c| replay(c, |at| Ok(Box::new(Supernet::new(at, supernet(c, Problem::Series)?))))),
    row("net_densenas2d", |c| replay(c, |at| densenas::derived(c, Problem::Point2d, at))),
    row("net_densenas2d_dense", |c| replay(c, |at| densenas::derived(c, Problem::Dense2d, at))),
    row("net_densenas1d", |c| replay(c, |at| densenas::derived(c, Problem::Series, at))),
    row("net_fno2d", |c| replay(c, |at| Ok(Box::new(Fno::new(at, fno(c)?, inputs(c)?, 1))))),
    row("net_densenas2d_supernet", |c| densenas::replay(c, Problem::Point2d)),
    row("net_densenas1d_supernet", |c| densenas::replay(c, Problem::Series)),
    row("net_autodeeplab_supernet", |c| replay(c, |at| autodl::supernet(c, at))),
    row("net_autodeeplab_derived", |c| replay(c, |at| autodl::derived(c, at))),
];

/// The benchmark's: statistics of the last batch, and series reduced without a shift.
fn cells(case: &Case, kind: Problem) -> anyhow::Result<CellsSpec> {
    // The file lists a cell's eight operations; ours go node by node.
    let cell = |name: &str| -> anyhow::Result<Json> {
        let all = case.attr("genotype")[name].as_array().with_context(|| format!("no genotype.{name}"))?;
        Ok(all.chunks(2).map(Json::from).collect())
    };
    let genotype = Genotype::from_json(&json!({"normal": cell("normal")?, "reduce": cell("reduce")?}))?;
    Ok(CellsSpec {
        channels: case.whole("C")?,
        layers: case.whole("layers")?,
        momentum: 0.999,
        eps: 1e-3,
        reference: kind == Problem::Series,
        ..CellsSpec::new(kind, inputs(case)?, classes(case)?, genotype)
    })
}

/// The reference's: softmax over both architecture weights, series reduced without a shift.
fn supernet(case: &Case, kind: Problem) -> anyhow::Result<SupernetSpec> {
    Ok(SupernetSpec {
        channels: case.whole("C")?,
        layers: case.whole("layers")?,
        fraction: case.whole("k")?,
        mixing: Mixing::Softmax,
        reference: kind == Problem::Series,
        ..SupernetSpec::new(kind, inputs(case)?, classes(case)?)
    })
}

fn fno(case: &Case) -> anyhow::Result<FnoSpec> {
    let modes: Vec<u64> = serde_json::from_value(case.attr("modes").clone())?;
    ensure!(modes[0] == modes[1], "modes {modes:?}: we keep as many in each direction");
    Ok(FnoSpec { width: case.whole("width")?, modes: modes[0] as usize, ..FnoSpec::PUBLISHED })
}

fn width(case: &Case) -> anyhow::Result<Width> {
    Ok(Width { depth: case.whole("depth")?, widen: case.whole("widen")? })
}

fn inputs(case: &Case) -> anyhow::Result<usize> {
    case.whole("in_channels")
}

fn classes(case: &Case) -> anyhow::Result<usize> {
    case.whole("num_classes")
}

/// Images and series as N,C,...; dense ones as N,H,W,3 when the last size is 3.
fn input(case: &Case) -> anyhow::Result<Value> {
    let shape = case.shape("x")?;
    let channels = case.attr("in_channels").as_u64();
    let last = shape.len() == 4 && shape[3] == 3 && channels.is_none_or(|c| c == 3) && shape[1] != 3;
    case.input("x", if last { Layout::Plain } else { Layout::ChannelsLast })
}

/// A network with its numbers, ready to run.
pub(super) struct Run<'a> {
    case: &'a Case,
    net: Box<dyn Network>,
    tape: Tape,
    pub(super) params: Params,
    x: Value,
    loss: Loss,
    target: Value,
}

impl<'a> Run<'a> {
    /// Builds a network and gives it the case's numbers.
    pub(super) fn new(
        case: &'a Case,
        build: impl FnOnce(&mut Builder<'_>) -> anyhow::Result<Box<dyn Network>>,
    ) -> anyhow::Result<Self> {
        let mut params = Params::new();
        let net = build(&mut Builder::new(&mut params, 0))?;
        load(case, &mut params)?;
        let (loss, target) = loss(case)?;
        Ok(Self { case, net, tape: Tape::new(), params, x: input(case)?, loss, target })
    }

    /// A forward and backward in training mode; gives logits and loss.
    pub(super) fn train(&mut self) -> anyhow::Result<(Value, f64)> {
        let mode = Mode::Train(Key::new(0, Purpose::Dropout));
        let mut pass = Pass::new(&mut self.tape, &mut self.params, mode);
        let logits = self.net.forward(&mut pass, &Tensor::constant(self.x.clone()))?;
        // Numbers are compared with numbers in the target's order, whichever dimensions of size 1 it lacks.
        let target = match self.loss {
            Loss::CrossEntropy => self.target.clone(),
            _ if self.target.len() == logits.value().len() => self.target.reshaped(logits.shape()),
            _ => self.target.clone(),
        };
        let value = self.loss.of(&mut pass, &logits, &target)?;
        pass.backward(&value)?;
        Ok((logits.into_value(), value.value().item().into()))
    }

    pub(super) fn evaluate(&mut self) -> anyhow::Result<Value> {
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Eval);
        Ok(self.net.forward(&mut pass, &Tensor::constant(self.x.clone()))?.into_value())
    }

    /// 2-norms of all gradients (of a complex parameter, whose two parts are entries here, one), and those that the file
    /// has in full.
    pub(super) fn gradients(&self) -> anyhow::Result<Vec<Got>> {
        let mut got = Vec::new();
        for e in self.params.entries().iter().filter(|e| e.kind() == Kind::Parameter) {
            let Some(grad) = e.grad() else { continue };
            let mut square = squares(grad);
            let name = match e.name().strip_suffix(".re") {
                Some(complex) => {
                    let im = self.params.find(&format!("{complex}.im")).context("a real part has an imaginary one")?;
                    square += self.params.grad(im).map_or(0.0, squares);
                    complex
                }
                None if e.name().ends_with(".im") => continue,
                None => e.name(),
            };
            got.push(Got::numbers(format!("gradnorm.{name}"), vec![square.sqrt()]));
            let full = format!("grad.param.{}", e.name());
            if self.case.has(&full) {
                let mut data = Vec::new();
                e.layout().in_file_order(grad.shape(), |i| data.push(f64::from(grad.data()[i])));
                got.push(Got::numbers(full, data));
            }
        }
        Ok(got)
    }
}

fn squares(grad: &Value) -> f64 {
    wide(grad).iter().map(|g| g * g).sum()
}

/// Takes the case's parameters. Those that the file has beyond the network's are the ones the loss does not reach.
fn load(case: &Case, params: &mut Params) -> anyhow::Result<()> {
    let mut left = case.names("in.param.");
    for i in 0..params.entries().len() {
        let e = &params.entries()[i];
        if e.kind() == Kind::Buffer {
            continue;
        }
        let t = case.stored(&format!("in.param.{}", e.name()))?;
        ensure!(t.shape[..] == e.file_shape()[..], "{} is {}, not {:?}", e.name(), e.file_shape(), t.shape);
        let mut value = e.value().clone();
        let (ours, layout, mut data) = (value.shape(), e.layout(), t.data.into_iter());
        let out = value.data_mut();
        layout.in_file_order(ours, |i| out[i] = data.next().unwrap_or(f64::NAN) as f32);
        left.retain(|n| n != e.name());
        params.set(ParamId(i), value);
    }
    let words = case.attr("no_gradient").as_array().cloned().unwrap_or_default();
    let unused: Vec<&str> = words.iter().filter_map(|v| v.as_str()).collect();
    if let Some(name) = left.iter().find(|n| !unused.contains(&n.as_str())) {
        anyhow::bail!("the network has no parameter {name}");
    }
    if let Some(all) = case.attr("num_params").as_u64() {
        let mut ours = params.trainable();
        for name in &left {
            ours += case.shape(&format!("param.{name}"))?.iter().product::<usize>();
        }
        ensure!(ours as u64 == all, "{ours} parameters, not {all}");
    }
    Ok(())
}

fn loss(case: &Case) -> anyhow::Result<(Loss, Value)> {
    let loss = match case.word("loss")? {
        "cross_entropy" => Loss::CrossEntropy,
        "bce_with_logits" => Loss::BceWithLogits,
        "mse" => Loss::Mse,
        "relative_l2" => Loss::RelativeL2Mean,
        other => return Err(unsupported(format!("loss '{other}'"))),
    };
    Ok((loss, case.input("target", Layout::Plain)?))
}

/// The run that the vectors' OPS.md describes.
fn replay(
    case: &Case,
    build: impl FnOnce(&mut Builder<'_>) -> anyhow::Result<Box<dyn Network>>,
) -> anyhow::Result<Vec<Got>> {
    let mut run = Run::new(case, build)?;
    let (logits, value) = run.train()?;
    let mut got = vec![Got::numbers("out.logits", wide(&logits)), Got::numbers("out.loss", vec![value])];
    got.extend(run.gradients()?);
    if let Some(sgd) = case.attr("sgd").as_object() {
        let number = |key: &str| sgd.get(key).and_then(|v| v.as_f64()).with_context(|| format!("no number sgd.{key}"));
        let mut optimiser = Sgd::new(Rule {
            momentum: number("momentum")? as f32,
            weight_decay: number("weight_decay")? as f32,
            nesterov: sgd.get("nesterov").is_some_and(|v| *v == true),
        })?;
        let mut losses = Vec::new();
        for _ in 0..number("steps")? as usize {
            optimiser.step(&mut run.params, number("lr")?);
            losses.push(run.train()?.1);
        }
        got.push(Got::numbers("out.losses", losses));
    }
    got.push(Got::numbers("out.logits_eval", wide(&run.evaluate()?)));
    Ok(got)
}
