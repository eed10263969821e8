//! Parameters and multiply-adds of the networks that were published, and of those the benchmark found.

use std::fmt::Write as _;

use kernels::{Device, Tensor as Value};
use nn::layers::{Builder, Linear, LinearSpec, global_avg_pool};
use nn::{Mode, Network, OpError, Params, Pass, Tape, Tensor};
use tasks::Kind;

use super::cell::Cell;
use super::network::{Cells, CellsSpec, stack};
use super::operations::{DilConv, FactorizedReduce, Form, Norm, SepConv};
use super::space::{self, Choice, Genotype, Operation};

/// `S3.0 K.1 / ...`: an operation and its source; M, A, K, S, D are max pool, mean pool, skip, separable, dilated.
fn cell(text: &str) -> space::Cell {
    let choice = |word: &str| -> Choice {
        let (operation, source) = word.split_once('.').unwrap();
        let operation = match operation {
            "M" => Operation::MaxPool3,
            "A" => Operation::AvgPool3,
            "K" => Operation::Skip,
            "S3" => Operation::SepConv3,
            "S5" => Operation::SepConv5,
            "D3" => Operation::DilConv3,
            "D5" => Operation::DilConv5,
            other => panic!("{other}"),
        };
        Choice { operation, source: source.parse().unwrap() }
    };
    let nodes: Vec<[Choice; 2]> = (text.split(" / "))
        .map(|node| <[Choice; 2]>::try_from(node.split(' ').map(choice).collect::<Vec<_>>()).unwrap())
        .collect();
    nodes.try_into().unwrap()
}

/// The genotype of these cells; no reduction cell if its text is empty.
pub(super) fn genotype(normal: &str, reduce: &str) -> Genotype {
    let reduce = (!reduce.is_empty()).then(|| cell(reduce));
    Genotype { normal: cell(normal), reduce }
}

const DARTS_V1: [&str; 2] = ["S3.1 S3.0 / K.0 S3.1 / K.0 S3.1 / S3.0 K.2", "M.0 M.1 / K.2 M.0 / M.0 K.2 / K.2 A.0"];
const DARTS_V2: [&str; 2] = ["S3.0 S3.1 / S3.0 S3.1 / S3.1 K.0 / K.0 D3.2", "M.0 M.1 / K.2 M.1 / M.0 K.2 / K.2 M.1"];
const PC_DARTS_CIFAR: [&str; 2] =
    ["S3.1 K.0 / S3.0 D3.1 / S5.0 S3.1 / A.0 D3.1", "S5.1 M.0 / S5.1 S5.2 / S3.0 S3.3 / S3.1 S3.2"];
const PC_DARTS_IMAGE: [&str; 2] =
    ["K.1 S3.0 / S3.0 K.1 / S3.1 S3.3 / S3.1 D5.4", "S3.0 K.1 / D5.2 M.1 / S3.2 S3.1 / S5.0 S3.3"];
const GAEA_IMAGE: [&str; 2] =
    ["K.1 K.0 / S3.2 S3.1 / S5.2 S3.0 / S5.3 S5.2", "M.1 S3.0 / S5.1 D5.2 / S3.1 S3.3 / S5.1 M.2"];

/// What differs, line by line.
#[derive(Default)]
struct Wrong(String);

impl Wrong {
    fn expect(&mut self, what: &str, got: u64, want: u64) {
        if got != want {
            writeln!(self.0, "{what}: {got}, not {want}").unwrap();
        }
    }

    /// Multiply-adds as printed, in hundredths or tenths of a million.
    fn expect_printed(&mut self, what: &str, got: u64, unit: u64, want: u64) {
        self.expect(&format!("{what}, in units of {unit} multiply-adds"), (got + unit / 2) / unit, want);
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "\n{}", self.0);
        }
    }
}

/// Parameters, and multiply-adds of an input of `shape`; no number is computed.
fn counted<N: Network>(build: impl FnOnce(&mut Builder<'_>) -> N, shape: &[usize]) -> [u64; 2] {
    let mut params = Params::new();
    let network = build(&mut Builder::new(&mut params, 0));
    params.move_to(Device::PLANNED);
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
    network.forward(&mut pass, &Value::uninit_on(Device::PLANNED, shape).into()).unwrap();
    let multiply_adds = pass.tape.flops() / 2;
    drop(pass);
    [params.trainable() as u64, multiply_adds]
}

fn cifar([normal, reduce]: [&str; 2], channels: usize, layers: usize, classes: usize, auxiliary: bool) -> [u64; 2] {
    let of = CellsSpec::new(Kind::Point2d, 3, classes, genotype(normal, reduce));
    let spec = CellsSpec { channels, layers, auxiliary, ..of };
    counted(|at| Cells::new(at, &spec), &[1, 32, 32, 3])
}

#[test]
fn published_networks_have_as_many_parameters_and_multiply_adds() {
    let mut wrong = Wrong::default();
    for (name, genotype, ten, hundred, printed) in [
        ("DARTS_V1", DARTS_V1, 3_169_414, 3_221_344, Some(50_099)),
        ("DARTS_V2", DARTS_V2, 3_349_342, 3_401_272, Some(52_836)),
        ("PC_DARTS_cifar", PC_DARTS_CIFAR, 3_634_678, 3_686_608, Some(55_667)),
        ("PC_DARTS_image", PC_DARTS_IMAGE, 3_721_510, 3_773_440, None),
        ("GAEA's ImageNet cell", GAEA_IMAGE, 4_002_958, 4_054_888, None),
    ] {
        let [parameters, multiply_adds] = cifar(genotype, 36, 20, 10, false);
        wrong.expect(name, parameters, ten);
        if let Some(printed) = printed {
            wrong.expect_printed(name, multiply_adds, 10_000, printed);
        }
        wrong.expect(&format!("{name}, 100 classes"), cifar(genotype, 36, 20, 100, false)[0], hundred);
    }
    for (channels, layers, want) in [(16, 20, 710_682), (36, 8, 1_154_926), (16, 8, 246_106)] {
        wrong.expect(&format!("C{channels} L{layers}"), cifar(DARTS_V2, channels, layers, 10, false)[0], want);
    }
    for (classes, want) in [(10, 476_426), (100, 545_636)] {
        let [with, without] = [true, false].map(|head| cifar(DARTS_V2, 36, 20, classes, head));
        wrong.expect(&format!("auxiliary head, {classes} classes"), with[0] - without[0], want);
        wrong.expect("multiply-adds of evaluation with an auxiliary head", with[1], without[1]);
    }
}

/// The form for 224 x 224: three convolutions of stride 2 before the cells, the first of which sees their last two outputs.
struct ImageNet {
    stem: [(nn::layers::Conv, nn::layers::BatchNorm); 3],
    cells: Vec<Cell>,
    classifier: Linear,
}

impl ImageNet {
    fn new(at: &mut Builder<'_>, [normal, reduce]: [&str; 2]) -> Self {
        let c = 48;
        let of = CellsSpec::new(Kind::Point2d, 3, 1000, genotype(normal, reduce));
        let spec = CellsSpec { channels: c, layers: 14, ..of };
        let stem = [("stem0.0", 3, c / 2), ("stem0.3", c / 2, c), ("stem1.1", c, c)].map(|(name, from, to)| {
            let conv = at.conv(name, Form::Image.conv(from, to, 3, 1).stride(2));
            (conv, at.batch_norm(&format!("{name}.bn"), Norm::AFFINE.over(to)))
        });
        let cells = stack(at, &spec, c, true).into_iter().map(|s| s.0).collect();
        Self { stem, cells, classifier: at.linear("classifier", LinearSpec::new(16 * c, 1000)) }
    }
}

impl Network for ImageNet {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let [mut before, mut last] = [x.clone(), x.clone()];
        for (conv, bn) in &self.stem {
            let y = conv.forward(pass, &last)?; // the ReLUs between them take no parameters and no multiply-adds
            (before, last) = (last, bn.forward(pass, &y)?);
        }
        for cell in &self.cells {
            let y = cell.forward(pass, [&before, &last])?;
            (before, last) = (last, y);
        }
        let x = global_avg_pool(pass, &last)?;
        self.classifier.forward(pass, &x)
    }
}

#[test]
fn published_imagenet_networks_have_as_many_parameters_and_multiply_adds() {
    let mut wrong = Wrong::default();
    for (name, genotype, want, printed) in [
        ("DARTS_V1", DARTS_V1, 4_510_432, Some(5_059)),
        ("DARTS_V2", DARTS_V2, 4_718_752, Some(5_299)),
        ("PC_DARTS_image", PC_DARTS_IMAGE, 5_342_464, Some(5_816)),
        ("PC_DARTS_cifar", PC_DARTS_CIFAR, 5_270_560, None),
        ("GAEA's ImageNet cell", GAEA_IMAGE, 5_620_864, Some(6_240)),
    ] {
        let [parameters, multiply_adds] = counted(|at| ImageNet::new(at, genotype), &[1, 224, 224, 3]);
        wrong.expect(name, parameters, want);
        if let Some(printed) = printed {
            wrong.expect_printed(name, multiply_adds, 100_000, printed);
        }
    }
}

#[test]
fn operations_have_as_many_parameters() {
    let mut wrong = Wrong::default();
    let count = |build: &dyn Fn(&mut Builder<'_>, Norm)| {
        [Norm::PLAIN, Norm::AFFINE].map(|norm| {
            let mut params = Params::new();
            build(&mut Builder::new(&mut params, 0), norm);
            params.trainable() as u64
        })
    };
    for (name, k, c, sep, dil) in [
        ("3, C4", 3, 4, [104, 120], Some([52, 60])),
        ("3, C16", 3, 16, [800, 864], None),
        ("3, C36", 3, 36, [3240, 3384], Some([1620, 1692])),
        ("5, C4", 5, 4, [232, 248], Some([116, 124])),
        ("5, C36", 5, 36, [4392, 4536], Some([2196, 2268])),
    ] {
        let mut expect = |op: &str, got: [u64; 2], want: [u64; 2]| {
            wrong.expect(&format!("{op}{name}, plain"), got[0], want[0]);
            wrong.expect(&format!("{op}{name}, affine"), got[1], want[1]);
        };
        expect("sep", count(&|at, norm| _ = SepConv::new(at, "op", Form::Image, c, k, 1, norm)), sep);
        if let Some(dil) = dil {
            expect("dil", count(&|at, norm| _ = DilConv::new(at, "op", Form::Image, c, k, 1, norm)), dil);
        }
    }
    let reduce = count(&|at, norm| _ = FactorizedReduce::new(at, "op", Form::Image, 36, 36, norm));
    wrong.expect("factorised reduction", reduce[1], 1368);
}

/// Task, C, and a seed's normal cell, reduction cell, parameters.
type Found = (&'static str, usize, &'static [(&'static str, &'static str, u64)]);

#[rustfmt::skip] // one line a network
const FOUND: &[Found] = &[
    ("cifar100", 36, &[
        ("D5.1 D5.0 / S5.2 S5.0 / S3.0 S5.3 / S3.3 D3.0", "M.1 M.0 / M.1 S5.2 / M.1 S5.2 / A.1 D3.3", 4_109_968),
        ("S3.1 D5.0 / S5.1 S5.0 / S3.2 M.3 / S5.0 S5.2", "M.0 M.1 / S5.0 S5.1 / S3.0 D5.3 / D5.3 D5.4", 4_257_712),
        ("S5.1 S3.0 / S3.2 D5.1 / S5.3 S5.2 / S5.2 S5.3", "S5.1 S3.0 / D5.2 D5.1 / D3.2 S5.3 / S3.4 D5.2", 4_750_840),
    ]),
    ("spherical", 36, &[
        ("D3.0 M.1 / M.0 M.1 / A.0 K.1 / M.1 A.2", "K.1 M.0 / K.1 A.0 / M.1 A.2 / A.1 A.2", 1_654_696),
        ("S3.0 K.1 / M.0 M.1 / M.0 M.3 / K.0 M.2", "A.0 K.1 / A.1 A.0 / M.0 M.1 / A.0 D3.2", 1_836_568),
        ("M.0 M.1 / A.0 M.2 / M.3 M.2 / M.0 M.2", "A.1 K.0 / M.1 D5.0 / M.1 M.0 / M.1 D5.0", 1_511_920),
    ]),
    ("ninapro", 36, &[
        ("S5.1 S3.0 / S5.1 A.2 / S5.1 S5.3 / M.3 M.4", "D3.1 K.0 / S3.0 S3.1 / A.0 S3.1 / A.1 D5.2", 3_621_798),
        ("D5.0 D3.1 / S5.2 M.1 / S5.1 M.2 / M.3 M.4", "D5.0 M.1 / A.0 D5.2 / A.2 A.3 / D3.0 M.4", 2_665_134),
        ("S5.1 D5.0 / D5.2 S3.1 / S5.2 M.3 / D5.4 S5.1", "M.0 S5.1 / M.2 A.0 / M.0 S3.2 / S5.3 M.4", 3_753_342),
    ]),
    ("fsd50k", 16, &[
        ("S5.0 M.1 / D5.0 D3.1 / S5.2 D5.0 / D5.0 S5.4", "M.1 K.0 / M.1 K.0 / M.1 S5.0 / M.1 S5.3", 857_240),
        ("S3.0 M.1 / S5.0 S5.1 / A.0 S5.1 / S5.0 S3.4", "K.1 K.0 / K.1 M.0 / M.0 K.1 / M.0 S5.2", 920_984),
        ("S5.0 S5.1 / A.1 M.2 / M.0 S5.3 / A.0 M.4", "M.0 S3.1 / M.0 K.1 / M.0 K.1 / M.0 S3.2", 660_248),
    ]),
    ("darcy", 36, &[
        ("S5.0 S3.1 / S3.2 S5.1 / S3.1 S3.0 / D5.3 M.0", "", 707_149),
        ("D5.1 S5.0 / S5.1 D5.2 / D5.3 S3.2 / D3.3 D3.2", "", 662_509),
        ("D3.1 D3.0 / D3.2 D3.0 / D5.3 S5.1 / D5.4 M.1", "", 526_429),
    ]),
    ("psicov", 36, &[
        ("A.0 K.1 / A.0 D5.1 / D3.1 A.0 / S5.0 D3.3", "", 465_877),
        ("M.1 S3.0 / S3.1 K.0 / S3.0 D3.3 / D5.1 D5.0", "", 589_717),
        ("D3.0 K.1 / S3.1 K.0 / S5.2 D5.0 / K.0 D3.3", "", 533_557),
    ]),
    ("cosmic", 36, &[
        ("M.0 D5.1 / D3.0 K.2 / S5.2 S5.0 / S3.1 S5.0", "", 626_725),
        ("S3.0 M.1 / A.2 M.0 / A.2 A.3 / S5.0 M.3", "", 366_085),
        ("A.1 S3.0 / A.1 A.2 / M.1 M.2 / M.1 A.3", "", 275_365),
    ]),
    ("ecg", 36, &[
        ("D3.0 D5.1 / D5.1 D5.2 / S5.3 S5.2 / D5.4 D5.0", "S5.0 S5.1 / D5.2 S5.1 / D5.3 D5.2 / D5.3 D3.4", 3_401_176),
        ("D5.0 D5.1 / S5.2 S5.1 / D5.3 D5.2 / K.0 D3.4", "S5.1 S5.0 / S5.2 S5.1 / S5.3 D5.2 / D5.4 S5.2", 3_310_024),
        ("D5.1 D5.0 / D5.2 D3.0 / D5.3 D5.2 / D5.4 S3.0", "S5.1 S5.0 / D5.2 S5.0 / D5.2 D5.3 / D5.4 D5.3", 3_221_680),
    ]),
    ("satellite", 36, &[
        ("D5.0 D5.1 / S5.0 S5.2 / S5.0 D5.2 / S5.0 D5.2", "S3.1 S3.0 / D5.1 D5.2 / D5.3 S5.1 / S5.4 D5.3", 3_789_636),
        ("D5.0 D5.1 / D5.0 D5.2 / D5.0 D5.3 / S5.0 S5.2", "D5.0 A.1 / D5.1 D5.2 / D5.2 D5.3 / D3.3 S3.2", 3_332_580),
        ("D5.0 D5.1 / D5.0 D5.2 / D5.0 A.3 / S5.2 D5.0", "D3.0 M.1 / D5.2 A.0 / D5.3 A.1 / S5.3 D5.2", 2_930_820),
    ]),
    ("deepsea", 36, &[
        ("S5.0 S3.1 / S5.0 S5.1 / D3.0 S5.2 / A.0 M.2", "M.1 M.0 / M.1 M.0 / M.1 M.2 / M.1 S5.0", 3_341_988),
        ("A.0 S3.1 / A.0 A.2 / A.0 S3.2 / A.0 K.2", "D3.0 S5.1 / S3.1 M.0 / S5.0 M.1 / M.0 A.1", 2_257_668),
        ("A.0 S3.1 / D5.0 S3.2 / A.0 S3.3 / D5.0 D3.3", "K.0 A.1 / K.0 S5.1 / K.1 M.0 / S3.0 A.1", 3_115_188),
    ]),
];

#[test]
fn networks_that_the_benchmark_found_have_as_many_parameters() {
    let mut wrong = Wrong::default();
    for &(task, channels, found) in FOUND {
        let facts = tasks::by_name(task).unwrap().facts();
        let one: Vec<usize> = [&[1], facts.input].concat();
        for (i, &(normal, reduce, want)) in found.iter().enumerate() {
            let of = CellsSpec::new(facts.kind, one[one.len() - 1], facts.outputs, genotype(normal, reduce));
            let spec = CellsSpec { channels, ..of };
            wrong.expect(&format!("{task}, network {i}"), counted(|at| Cells::new(at, &spec), &one)[0], want);
        }
    }
}
