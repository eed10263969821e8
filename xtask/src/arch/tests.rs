//! Files are shown, counted and exported; what is exported answers in PyTorch as here.

use super::{export, run};
use crate::cli::ArchCommand;
use crate::{Ended, Usage, ui};
use kernels::Tensor as Value;
use kernels::rng::{Key, Purpose, Stream};
use nas::arch::{Arch, Form, Found, build};
use nn::{Builder, Kind, Mode, ParamId, Params, Pass, Tape};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tasks::Kind as Task;

/// A genotype with every operation in both cells, or in the one that there is.
fn genotype(reduce: bool) -> Json {
    let normal = json!([
        [["sep_conv_3x3", 0], ["dil_conv_5x5", 1]],
        [["max_pool_3x3", 2], ["skip_connect", 0]],
        [["avg_pool_3x3", 1], ["sep_conv_5x5", 3]],
        [["dil_conv_3x3", 4], ["skip_connect", 2]]
    ]);
    let halves = json!([
        [["skip_connect", 0], ["sep_conv_5x5", 1]],
        [["max_pool_3x3", 0], ["dil_conv_3x3", 1]],
        [["avg_pool_3x3", 1], ["dil_conv_5x5", 0]],
        [["sep_conv_3x3", 1], ["avg_pool_3x3", 4]]
    ]);
    json!({"normal": normal, "reduce": if reduce { halves } else { Json::Null }})
}

fn cells(kind: Task, eps: f64) -> Json {
    json!({"family": "cells", "channels": 6, "layers": 5, "genotype": genotype(kind != Task::Dense2d), "momentum": 0.1,
        "eps": eps, "auxiliary": false})
}

/// A path with every operation; a node of none alone gives nothing.
fn deeplab(path: Json) -> Json {
    let cell = json!([
        [["sep_conv_3x3", 1], ["dil_conv_5x5", 0]],
        [["max_pool_3x3", 2], ["skip_connect", 0]],
        [["none", 1], ["none", 3]],
        [["avg_pool_3x3", 1], ["sep_conv_5x5", 4]],
        [["dil_conv_3x3", 5], ["none", 2]]
    ]);
    json!({"family": "deeplab", "filters": 3, "path": path, "cell": cell, "stem": 5, "head": 8, "low_level": 4,
        "dropout": [0.5, 0.1]})
}

/// Small networks of every family and kind, with odd sizes.
fn networks() -> Vec<(&'static str, Arch)> {
    let blocks = json!({"family": "blocks", "stem": 8, "blocks": [
        {"inputs": 8, "outputs": 12, "stride": 2, "stacked": 1}, {"inputs": 12, "outputs": 12, "stride": 1, "stacked": 0},
        {"inputs": 12, "outputs": 10, "stride": 2, "stacked": 2}]});
    let path =
        json!({"family": "blocks", "stem": 8, "blocks": [{"inputs": 8, "outputs": 10, "stride": 1, "stacked": 1}]});
    let wrn = |pooling: Json| json!({"family": "wrn", "depth": 10, "widen": 2, "pooling": pooling});
    let mut auxiliary = cells(Task::Point2d, 1e-5);
    auxiliary["auxiliary"] = true.into();
    let branches = |name: &'static str, length: usize| {
        let every = ["conv_8", "dil_conv_8", "max_pool_4", "conv_4", "avg_pool_4", "identity", "dil_conv_4"];
        let skips = json!([[], [0], [], [0, 2], [1], [0, 3, 4], [5]]);
        let network = json!({"family": "branches", "stages": [2, 2, 3], "widths": [4, 6, 8], "dense": 10,
            "momentum": 0.01, "eps": 1e-3, "operations": every, "skips": skips});
        (name, Task::Series, vec![length, 2], network)
    };
    [
        branches("branches", 46),
        branches("branches-short", 9),
        ("wrn", Task::Point2d, vec![13, 10, 3], wrn("whole".into())),
        ("wrn-corner", Task::Point2d, vec![13, 11, 1], wrn(2.into())),
        ("wrn-dense", Task::Dense2d, vec![9, 7, 2], json!({"family": "wrn", "depth": 16, "widen": 1})),
        ("resnet1d", Task::Series, vec![37, 4], json!({"family": "resnet1d", "width": 8})),
        ("cells", Task::Point2d, vec![13, 11, 3], cells(Task::Point2d, 1e-5)),
        ("cells-mixed", Task::Point2d, vec![16, 9, 1], cells(Task::Point2d, 1e-3)),
        ("cells-auxiliary", Task::Point2d, vec![32, 33, 3], auxiliary),
        ("cells-dense", Task::Dense2d, vec![9, 8, 3], cells(Task::Dense2d, 1e-3)),
        ("cells-series", Task::Series, vec![37, 2], cells(Task::Series, 1e-5)),
        (
            "fno",
            Task::Dense2d,
            vec![13, 10, 3],
            json!({"family": "fno", "layers": 3, "width": 6, "modes": 4, "padding": 3}),
        ),
        ("blocks", Task::Point2d, vec![13, 10, 3], blocks.clone()),
        ("blocks-dense", Task::Dense2d, vec![9, 7, 3], path),
        ("blocks-series", Task::Series, vec![46, 1], blocks),
        ("deeplab", Task::Dense2d, vec![37, 85, 3], deeplab(json!([0, 1, 2, 3, 2]))),
        ("deeplab-fine", Task::Dense2d, vec![64, 32, 2], deeplab(json!([1, 0, 0]))),
    ]
    .map(|(name, kind, input, network)| {
        let form = Form { kind, input, outputs: if kind == Task::Dense2d { 1 } else { 5 } };
        (name, Arch::new("gaea", "darcy", &form, Found::fixed(network)).unwrap_or_else(|e| panic!("{name}: {e}")))
    })
    .into()
}

/// Values as a training may leave them: statistics and scales moved away from where they begin.
fn trained(arch: &Arch, stream: &mut Stream) -> Params {
    let mut params = export::built(arch, 3).unwrap();
    for i in 0..params.entries().len() {
        let (id, e) = (ParamId(i), &params.entries()[i]);
        let (norm, variance) = (e.value().shape().iter().len() == 1, e.name().ends_with("running_var"));
        let scale = variance || (norm && e.name().ends_with("weight"));
        if e.kind() == Kind::Buffer || norm {
            let middle = if scale { 1.0 } else { 0.0 };
            params.value_mut(id).data_mut().iter_mut().for_each(|x| *x = middle + 0.4 * (stream.uniform() - 0.5));
        }
    }
    params
}

fn logits(arch: &Arch, params: &mut Params, x: &Value) -> Value {
    let network = build(&arch.network, &arch.form(), 0.0, &mut Builder::new(&mut Params::new(), 0)).unwrap();
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, params, Mode::Eval);
    network.forward(&mut pass, &x.clone().into()).unwrap().value().clone()
}

/// A batch's numbers with channels second, as bytes.
fn channels_second(x: &Value) -> Vec<u8> {
    let shape = x.shape();
    let (n, c) = (shape[0], shape[shape.iter().len() - 1]);
    let places = x.len() / n / c;
    let at = |b: usize, c0: usize, p: usize| x.data()[(b * places + p) * c + c0];
    let all = (0..n).flat_map(|b| (0..c).flat_map(move |c0| (0..places).map(move |p| (b, c0, p))));
    all.flat_map(|(b, c0, p)| at(b, c0, p).to_le_bytes()).collect()
}

/// A Python with torch: `NP360_PYTHON`, else `python3`; `None`, said once, where there is none.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("NP360_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    match Command::new(&python).args(["-c", "import torch"]).output() {
        Ok(output) if output.status.success() => Some(python),
        _ => {
            let what = python.display();
            ui::note(&format!("skipped: {what} has no torch; NP360_PYTHON may name a Python that has"));
            None
        }
    }
}

/// Runs each folder's network on its `x.f32`, into its `y.f32`.
const SCRIPT: &str = r#"
import importlib.util, json, sys
from pathlib import Path
import torch

for folder in map(Path, sys.argv[1:]):
    spec = importlib.util.spec_from_file_location("network", folder / "network.py")
    network = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(network)
    arch = json.loads((folder / "arch.json").read_text())
    *places, channels = arch["input"]
    x = torch.frombuffer(bytearray((folder / "x.f32").read_bytes()), dtype=torch.float32)
    net = network.load()
    assert not net.training
    with torch.no_grad():
        y = net(x.reshape(-1, channels, *places))
    (folder / "y.f32").write_bytes(y.contiguous().numpy().tobytes())
    print(folder.name, sum(p.numel() for p in net.parameters()), *y.shape)
"#;

#[test]
fn pytorch_gives_the_same_logits() {
    let Some(python) = python() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let mut stream = Key::new(0, Purpose::Test).stream(0);
    let (mut folders, mut wanted) = (Vec::new(), Vec::new());
    for (name, arch) in networks() {
        let folder = scratch.path().join(name);
        let mut params = trained(&arch, &mut stream);
        let shape: Vec<usize> = std::iter::once(3).chain(arch.input.iter().copied()).collect();
        let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| stream.normal() as f32).collect();
        let x = Value::from_slice(&shape[..], &numbers);
        let outline = nas::arch::outline::Outline::read(&arch).unwrap();
        let module = super::pytorch::module(&outline, "a test's").unwrap();
        assert!(!module.contains('@') && !module.contains("_d("), "{module}");
        let kept = export::evaluated(&params);
        export::write(&folder, &arch, &module, &kept).unwrap();
        std::fs::write(folder.join("x.f32"), channels_second(&x)).unwrap();
        let y = logits(&arch, &mut params, &x);
        wanted.push((name, kept.trainable(), y));
        folders.push(folder);
    }
    let output = Command::new(&python).args(["-c", SCRIPT]).args(&folders).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{wrong}");
    for ((folder, (name, parameters, ours)), line) in folders.iter().zip(&wanted).zip(said.lines()) {
        let dims = ours.shape();
        let second =
            if dims.iter().len() == 4 { format!("{} {} {}", dims[3], dims[1], dims[2]) } else { dims[1].to_string() };
        assert_eq!(line, format!("{name} {parameters} 3 {second}"));
        let numbers =
            |bytes: Vec<u8>| -> Vec<f32> { bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect() };
        let (ours, theirs) = (numbers(channels_second(ours)), numbers(std::fs::read(folder.join("y.f32")).unwrap()));
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let largest = ours.iter().fold(0f64, |m, &x| m.max(f64::from(x.abs())));
        let off = ours.iter().zip(&theirs).fold(0f64, |m, (a, b)| m.max((f64::from(*a) - f64::from(*b)).abs()));
        ui::note(&format!("{name}: off by {:.1e} of {largest:.3}", off / largest));
        assert!(largest > 0.0 && off <= 1e-5 * largest, "{name}: off by {off:e} of {largest}");
    }
}

fn written(at: &Path, arch: &Json) -> PathBuf {
    let file = at.join("arch.json");
    std::fs::write(&file, arch.to_string()).unwrap();
    file
}

#[test]
fn a_file_is_shown_and_counted() {
    let scratch = tempfile::tempdir().unwrap();
    for (name, arch) in networks() {
        let file = written(scratch.path(), &arch.json());
        let show = ArchCommand::Show { file: file.clone(), svg: None };
        assert_eq!(run(&show).unwrap(), Ended::Well, "{name}");
        let svg = std::fs::read_to_string(scratch.path().join("arch.svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("href"), "{name}");
        assert_eq!(run(&ArchCommand::Count { file: file.clone() }).unwrap(), Ended::Well, "{name}");
        let mut edited = arch.json();
        edited["parameters"] = 1.into();
        written(scratch.path(), &edited);
        assert_eq!(run(&ArchCommand::Count { file }).unwrap(), Ended::Failed, "{name}");
    }
}

#[test]
fn weights_are_asked_for_and_never_assumed() {
    let scratch = tempfile::tempdir().unwrap();
    let (_, arch) = networks().swap_remove(3);
    let file = written(scratch.path(), &arch.json());
    let export = |to: &str, weights: Option<PathBuf>, initial| {
        let pytorch = scratch.path().join(to);
        run(&ArchCommand::Export { file: file.clone(), pytorch, weights, initial })
    };
    let refused = export("a", None, None).unwrap_err();
    assert!(refused.is::<Usage>() && refused.to_string().contains("--initial SEED"), "{refused}");
    assert_eq!(export("a", None, Some(7)).unwrap(), Ended::Well);
    let again = export("a", None, Some(7)).unwrap_err().to_string();
    assert!(again.contains("network.py is there already"), "{again}");
    // What was exported is read back, and gives the same file.
    let weights = scratch.path().join("a/weights.safetensors");
    assert_eq!(export("b", Some(weights.clone()), None).unwrap(), Ended::Well);
    assert_eq!(std::fs::read(&weights).unwrap(), std::fs::read(scratch.path().join("b/weights.safetensors")).unwrap());
    // A finished run, and one whose weights are not its result's.
    std::fs::copy(&weights, scratch.path().join("checkpoint.safetensors")).unwrap();
    let digest = export::built(&arch, 7).unwrap().digest();
    std::fs::write(scratch.path().join("result.json"), json!({"digest": digest, "seed": 7}).to_string()).unwrap();
    assert_eq!(export("c", None, None).unwrap(), Ended::Well);
    std::fs::write(scratch.path().join("result.json"), json!({"digest": "0", "seed": 7}).to_string()).unwrap();
    assert!(export("d", None, None).unwrap_err().to_string().contains("of two runs"));
    // Weights of another network.
    let (_, other) = networks().swap_remove(0);
    written(scratch.path(), &other.json());
    let refused = format!("{:#}", export("e", Some(weights), None).unwrap_err());
    assert!(refused.contains("weights of another"), "{refused}");
    assert!(!scratch.path().join("e").exists());
}
