//! SGD, clipping and schedules against PyTorch's numbers.

use kernels::Tensor;
use kernels::ops::optim::sgd::Sgd as Rule;
use nn::{Clip, Kind, Layout, ParamId, Params, Schedule, Sgd};
use np360_tests::vectors::cases;
use serde_json::Value;

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap_or(0.0)
}

fn check(failed: Vec<String>) {
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn sgd() {
    let mut failed = Vec::new();
    for case in cases("optim", "sgd") {
        let a = &case.attrs;
        let rule = Rule {
            momentum: number(&a["momentum"]) as f32,
            weight_decay: number(&a["weight_decay"]) as f32,
            nesterov: a["nesterov"] == true,
        };
        let (shape, _) = case.tensor("in.p");
        let n = shape.iter().product();
        let (g, want) = (case.floats("in.g"), case.tensor("out.p").1);
        let mut params = Params::new();
        let p = params.add("p", Tensor::from_slice(&shape[..], &case.floats("in.p")), Kind::Parameter, Layout::Plain);
        let mut sgd = Sgd::new(rule).unwrap();
        let mut got = Vec::new();
        for (step, g) in g.chunks(n).enumerate() {
            params.set_grad(p, Some(Tensor::from_slice(&shape[..], g)));
            let rate = if a["lrs"].is_array() { &a["lrs"][step] } else { &a["lr"] };
            sgd.step(&mut params, number(rate));
            got.extend(params.value(p).data().iter().map(|&x| f64::from(x)));
        }
        failed.extend(case.off("p", "out.p", &got, &want));
    }
    check(failed);
}

#[test]
fn clip() {
    let mut failed = Vec::new();
    for case in cases("optim", "clip") {
        let mut params = Params::new();
        let names = case.names("in.");
        for name in &names {
            let (shape, _) = case.tensor(&format!("in.{name}"));
            let id = params.add(name.as_str(), Tensor::zeros(&shape[..]), Kind::Parameter, Layout::Plain);
            params.set_grad(id, Some(Tensor::from_slice(&shape[..], &case.floats(&format!("in.{name}")))));
        }
        let norm = Clip::new(number(&case.attrs["max_norm"])).clip(&mut params);
        failed.extend(case.off("norm", "out.total_norm", &[norm], &case.tensor("out.total_norm").1));
        for (i, name) in names.iter().enumerate() {
            let got: Vec<f64> = params.grad(ParamId(i)).unwrap().data().iter().map(|&x| x.into()).collect();
            let out = format!("out.{name}");
            failed.extend(case.off(name, &out, &got, &case.tensor(&out).1));
        }
    }
    check(failed);
}

#[test]
fn schedules() {
    let mut failed = Vec::new();
    for case in cases("schedule", "") {
        let a = &case.attrs;
        let whole = |key: &str| number(&a[key]) as usize;
        let schedule = match a["kind"].as_str().unwrap() {
            "nb360_step" => Schedule::BenchmarkSteps { epochs: whole("total_epochs") },
            "step" => Schedule::Step { size: whole("step_size"), gamma: number(&a["gamma"]) },
            "exponential" => Schedule::Exponential { gamma: number(&a["gamma"]) },
            "multi_step" => {
                let at = a["milestones"].as_array().unwrap().iter().map(|m| number(m) as usize);
                Schedule::MultiStep { milestones: at.collect(), gamma: number(&a["gamma"]) }
            }
            "cosine" => Schedule::Cosine { epochs: whole("T_max"), end: number(&a["eta_min"]) },
            "warmup_poly" => Schedule::WarmupPoly {
                warmup: whole("warmup"),
                from: number(&a["warmup_lr"]),
                epochs: whole("max_iter"),
            },
            other => panic!("schedule {other}"),
        };
        let got: Vec<f64> = (0..whole("epochs")).map(|e| schedule.rate(number(&a["base_lr"]), e)).collect();
        failed.extend(case.off("lr", "out.lr", &got, &case.tensor("out.lr").1));
    }
    check(failed);
}
