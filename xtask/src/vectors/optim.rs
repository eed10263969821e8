//! Optimisers and clipping, on a network's parameters as training has them.

use kernels::Tensor as Value;
use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::ops::optim::{adam::Adam, exponentiated::Exponentiated, rmsprop};
use nn::{Clip, Kind, Layout as Files, ParamId, Params, Sgd};

use super::case::wide;
use super::layout::Layout;
use super::{Case, Got, Row, row, unsupported};

pub(super) const ROWS: &[Row] = &[row("optimizer", optimizer), row("clip_grad_norm", clip)];

/// A step of an optimiser: the parameters, the learning rate.
type Step = Box<dyn FnMut(&mut Params, f64)>;

fn optimizer(case: &Case) -> anyhow::Result<Vec<Got>> {
    let mut step = rule(case)?;
    let g = case.stored("in.g")?;
    let mut params = Params::new();
    let p = params.add("p", case.input("p", Layout::Plain)?, Kind::Parameter, Files::Plain);
    let shape = params.value(p).shape();
    let mut got = Vec::new();
    for (i, g) in g.data.chunks(shape.len().max(1)).enumerate() {
        let g: Vec<f32> = g.iter().map(|&x| x as f32).collect();
        params.set_grad(p, Some(Value::from_slice(shape, &g)));
        let rate = match case.attr("lrs").as_array() {
            Some(all) => all.get(i).and_then(|r| r.as_f64()).ok_or_else(|| anyhow::anyhow!("no rate {i} in lrs"))?,
            None => case.number("lr")?,
        };
        step(&mut params, rate);
        got.extend(wide(params.value(p)));
    }
    Ok(vec![Got::numbers("out.p", got)])
}

fn rule(case: &Case) -> anyhow::Result<Step> {
    match case.word("kind")? {
        "sgd" => {
            if case.number_or("dampening", 0.0)? != 0.0 || case.flag("maximize") {
                return Err(unsupported("sgd with dampening or maximize"));
            }
            let mut sgd = Sgd::new(Rule {
                momentum: case.number_or("momentum", 0.0)? as f32,
                weight_decay: case.number_or("weight_decay", 0.0)? as f32,
                nesterov: case.flag("nesterov"),
            })?;
            Ok(Box::new(move |params, rate| sgd.step(params, rate)))
        }
        kind @ ("adam" | "adamw") => adam(case, kind == "adamw"),
        "rmsprop" => rmsprop(case),
        "eg" => Ok(Box::new(|params, rate| {
            if let Some((p, g)) = params.value_and_grad_mut(ParamId(0)) {
                Exponentiated { rows: &[p.shape().last()], floor: 0.0 }.step(rate, p, g);
            }
        })),
        other => Err(unsupported(format!("optimizer '{other}'"))),
    }
}

fn adam(case: &Case, decoupled: bool) -> anyhow::Result<Step> {
    if case.flag("amsgrad") || case.flag("maximize") {
        return Err(unsupported("adam with amsgrad or maximize"));
    }
    let usual = if decoupled { Adam::w() } else { Adam::default() };
    let beta = |i: usize, usual: f64| case.attr("betas").get(i).and_then(|b| b.as_f64()).unwrap_or(usual);
    let rule = Adam {
        beta1: beta(0, usual.beta1),
        beta2: beta(1, usual.beta2),
        eps: case.number_or("eps", usual.eps)?,
        weight_decay: case.number_or("weight_decay", usual.weight_decay)?,
        decoupled,
    };
    rule.check()?;
    let p = case.input("p", Layout::Plain)?;
    let (mut t, mut m, mut v) = (0, Value::zeros(p.shape()), Value::zeros(p.shape()));
    Ok(Box::new(move |params, rate| {
        if let Some((p, g)) = params.value_and_grad_mut(ParamId(0)) {
            t += 1;
            rule.step(rate, t, p, g, &mut m, &mut v);
        }
    }))
}

fn rmsprop(case: &Case) -> anyhow::Result<Step> {
    let usual = rmsprop::RmsProp::default();
    let rule = rmsprop::RmsProp {
        alpha: case.number_or("alpha", usual.alpha)?,
        eps: case.number_or("eps", usual.eps)?,
        weight_decay: case.number_or("weight_decay", usual.weight_decay)?,
        momentum: case.number_or("momentum", usual.momentum)?,
        centered: case.flag("centered"),
    };
    rule.check()?;
    let p = case.input("p", Layout::Plain)?;
    let zeros = || Value::zeros(p.shape());
    let mut square = zeros();
    let mut mean = rule.centered.then(zeros);
    let mut buffer = (rule.momentum != 0.0).then(zeros);
    Ok(Box::new(move |params, rate| {
        if let Some((p, g)) = params.value_and_grad_mut(ParamId(0)) {
            let state = rmsprop::State { square: &mut square, mean: mean.as_mut(), buffer: buffer.as_mut() };
            rule.step(rate, p, g, state);
        }
    }))
}

fn clip(case: &Case) -> anyhow::Result<Vec<Got>> {
    let mut params = Params::new();
    let names = case.names("in.");
    for name in &names {
        let g = case.input(name, Layout::Plain)?;
        let id = params.add(name.as_str(), Value::zeros(g.shape()), Kind::Parameter, Files::Plain);
        params.set_grad(id, Some(g));
    }
    let norm = Clip::new(case.number("max_norm")?).clip(&mut params);
    let mut got = vec![Got::numbers("out.total_norm", vec![norm])];
    for (i, name) in names.iter().enumerate() {
        let g = params.grad(ParamId(i)).ok_or_else(|| anyhow::anyhow!("the gradient of {name} is gone"))?;
        got.push(Got::tensor(format!("out.{name}"), g, Layout::Plain)?);
    }
    Ok(got)
}
