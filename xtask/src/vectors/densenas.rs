//! DenseNAS's networks: derived ones from their configuration, supernets with the reference's rules.

use std::rc::Rc;

use anyhow::{Context, ensure};
use nas::densenas::cost::CostTerm;
use nas::densenas::space::Node;
use nas::densenas::{Block, Blocks, Costs, Grid, Route, Rules, Supernet};
use nn::{Builder, Network, OpError, Pass, Tensor};
use serde_json::Value;
use tasks::Kind;

use super::case::wide;
use super::networks::Run;
use super::{Case, Got, unsupported};

/// Channels of the input; the last of a dense input, which the files have channels last.
fn channels(case: &Case, kind: Kind) -> anyhow::Result<usize> {
    let shape = case.shape("x")?;
    Ok(if kind == Kind::Dense2d { shape[shape.len() - 1] } else { shape[1] })
}

/// Numbers of the classifier's bias.
fn outputs(case: &Case) -> anyhow::Result<usize> {
    Ok(case.shape("param.classifier.bias")?[0])
}

/// The network of `net_config`: \[\[\[in, out\], head, \[stack\], count, stride\], ...\].
pub(super) fn derived(case: &Case, kind: Kind, at: &mut Builder<'_>) -> anyhow::Result<Box<dyn Network>> {
    let net = case.word("net_type")?;
    if net != "RES_Net" {
        return Err(unsupported(format!("net_type '{net}'")));
    }
    let number = |v: &Value| v.as_u64().map(|n| n as usize).context("net_config: no whole number");
    let mut blocks = Vec::new();
    for row in case.attr("net_config").as_array().context("no net_config")? {
        let stack = row[2].as_array().context("net_config: no stack")?;
        let stacked = stack.iter().take_while(|o| **o == "basic_block").count();
        ensure!(stack[stacked..].iter().all(|o| *o == "skip_connect"), "a basic block follows a skip");
        let (inputs, outputs, stride) = (number(&row[0][0])?, number(&row[0][1])?, number(&row[4])?);
        blocks.push(Block { inputs, outputs, stride, stacked });
    }
    let stem = blocks.first().context("net_config is empty")?.inputs;
    Ok(Box::new(Blocks { stem, blocks }.build(kind, channels(case, kind)?, outputs(case)?, at)))
}

/// A supernet through all its operations.
struct All(Rc<Supernet>);

impl Network for All {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        self.0.forward(pass, x, Route::All)
    }
}

/// The grid of `scale`.
fn grid(case: &Case) -> anyhow::Result<Grid> {
    let list = |key: &str| -> anyhow::Result<Vec<usize>> {
        let list = case.attr("scale")[key].as_array().with_context(|| format!("no scale.{key}"))?;
        Ok(list.iter().filter_map(|n| n.as_u64()).map(|n| n as usize).collect())
    };
    let (chs, features, stages, layers) = (list("chs")?, list("fm_sizes")?, list("stage")?, list("num_layers")?);
    let n = chs.len();
    ensure!(features.len() == n && layers.len() == n && stages.len() == n + 1, "scale: lists of other lengths");
    let node = |i: usize| Node { channels: chs[i], feature: features[i], stage: stages[i], layers: layers[i] };
    let tail = case.attr("scale")["last_dim"].as_u64().context("no scale.last_dim")? as usize;
    Ok(Grid::new((0..n).map(node).collect(), stages[n], tail))
}

/// The costs of `cost_list`: \[stem, \[\[heads of each source, stacked layers\] of each block\], tails, classifier\].
fn costs(case: &Case, grid: &Grid) -> anyhow::Result<Costs> {
    let list = case.attr("cost_list");
    let number = |v: &Value| v.as_f64().with_context(|| format!("cost_list: {v} is no number"));
    let mut costs = Costs { fixed: number(&list[0])? + number(&list[3])?, links: Vec::new(), stacks: vec![Vec::new()] };
    costs.links = (0..grid.end()).map(|i| vec![0.0; grid.links(i).len()]).collect();
    for to in 1..=grid.end() {
        for (k, &from) in grid.sources(to).iter().enumerate() {
            let cost = if to == grid.end() { &list[2][k] } else { &list[1][to - 1][0][k][0] };
            costs.links[from][grid.link(from, to)] = number(cost)?;
        }
    }
    for node in 1..grid.end() {
        let layers = (0..grid.nodes()[node].layers).map(|l| {
            let pair = &list[1][node - 1][1][l];
            Ok([number(&pair[0])?, number(&pair[1])?])
        });
        costs.stacks.push(layers.collect::<anyhow::Result<_>>()?);
    }
    Ok(costs)
}

/// The run that the vectors' OPS.md describes, the cost and its gradients included.
pub(super) fn replay(case: &Case, kind: Kind) -> anyhow::Result<Vec<Got>> {
    let (grid, mut net) = (grid(case)?, None);
    let mut run = Run::new(case, |at| {
        let built = Supernet::new(grid.clone(), Rules::REFERENCE, kind, channels(case, kind)?, outputs(case)?, at);
        Ok(Box::new(All(Rc::clone(net.insert(Rc::new(built))))))
    })?;
    let net = net.expect("built above");
    let (logits, loss) = run.train()?;

    let term = CostTerm { weight: case.number("sub_loss_factor")?, base: case.number("log_base")? };
    let temperature = Rules::REFERENCE.temperature.into();
    let (cost, mut gradient) = costs(case, &grid)?.expected(&grid, &net.relaxed(&run.params), temperature);
    gradient.scale(term.slope(cost));
    net.add_gradient(&mut run.params, &gradient);

    let mut got = run.gradients()?;
    // A head has one operation, so its weights have no gradient; the reference computes zeros.
    for name in case.names("grad.param.alpha_head_weights.") {
        let zeros = vec![0.0; case.shape(&format!("param.alpha_head_weights.{name}"))?.iter().product()];
        got.push(Got::numbers(format!("grad.param.alpha_head_weights.{name}"), zeros));
        got.push(Got::numbers(format!("gradnorm.alpha_head_weights.{name}"), vec![0.0]));
    }
    got.extend([
        Got::numbers("out.logits", wide(&logits)),
        Got::numbers("out.cost_mega_multadds", vec![cost]),
        Got::numbers("out.cost_loss", vec![term.of(cost)]),
        Got::numbers("out.loss", vec![loss + term.of(cost)]),
        Got::numbers("out.logits_eval", wide(&run.evaluate()?)),
    ]);
    Ok(got)
}
