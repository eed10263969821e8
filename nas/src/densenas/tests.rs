//! Counts, against the reference's.

use autograd::Tape;
use kernels::Tensor as Value;
use kernels::rng::{Key, Purpose, Stream};
use nn::{Builder, Mode, Network, Params, Pass, Tensor};
use serde_json::{Value as Json, json};
use tasks::{Facts, Kind};

use super::cost::{CostTerm, Costs};
use super::network::{Block, Blocks};
use super::relaxed::Relaxed;
use super::space::{Grid, Node, Operation, Path, Stop};
use super::supernet::{Route, Rules, Supernet};
use super::viterbi;

pub(super) fn facts(task: &str) -> &'static Facts {
    tasks::by_name(task).unwrap().facts()
}

/// Channels of a task's input.
fn inputs(task: &str) -> usize {
    *facts(task).input.last().unwrap()
}

/// `32-64/1, 64-112+2/2`: head from a to b, stacked blocks, stride (1 where it is left out).
fn blocks(text: &str) -> Blocks {
    let block = |word: &str| {
        let (word, stride) = word.split_once('/').unwrap_or((word, "1"));
        let (widths, stacked) = word.split_once('+').unwrap_or((word, "0"));
        let (a, b) = widths.split_once('-').unwrap();
        let n = |s: &str| s.parse::<usize>().unwrap();
        Block { inputs: n(a), outputs: n(b), stride: n(stride), stacked: n(stacked) }
    };
    let blocks: Vec<Block> = text.split(", ").map(block).collect();
    Blocks { stem: blocks[0].inputs, blocks }
}

/// The ImageNet grid of the original release.
fn imagenet() -> Grid {
    let stages: [(&[usize], usize, usize); 7] = [
        (&[32], 112, 0),
        (&[48, 56, 64], 56, 0),
        (&[72, 96, 112], 28, 5),
        (&[128, 144, 160, 176], 14, 15),
        (&[192, 208, 224], 14, 5),
        (&[240, 256, 272, 288], 7, 5),
        (&[480, 496, 512], 7, 1),
    ];
    let mut nodes = Vec::new();
    for (stage, (widths, feature, layers)) in stages.into_iter().enumerate() {
        nodes.extend(widths.iter().map(|&channels| Node { channels, feature, stage, layers }));
    }
    Grid::new(nodes, 7, 512)
}

#[test]
fn links_are_as_many_as_the_original_has() {
    let grid = imagenet();
    let links: Vec<usize> = (0..grid.end()).map(|i| grid.links(i).len()).collect();
    assert_eq!(links, [3, 5, 4, 3, 6, 5, 4, 6, 5, 4, 3, 6, 5, 4, 6, 5, 4, 3, 3, 2, 1]);
    assert_eq!(grid.scalars(), 397);
}

#[test]
fn grids_have_the_benchmarks_weights_and_paths() {
    for task in tasks::all() {
        let f = task.facts();
        let grid = Grid::of(f, 1.0, 1.0);
        let wide = f.kind == Kind::Point2d || f.name == "satellite";
        assert_eq!((grid.scalars(), grid.paths()), if wide { (285, 5145) } else { (75, 49) }, "{}", f.name);
        let mut ways: Vec<Vec<usize>> = (0..grid.paths()).map(|i| grid.way(i)).collect();
        ways.sort();
        ways.dedup();
        assert_eq!(ways.len() as u64, grid.paths(), "{}: every way once", f.name);
    }
}

#[test]
fn derived_networks_have_the_benchmarks_parameters() {
    let mut wrong = Vec::new();
    for (task, text, want) in DERIVED {
        let (f, spec) = (facts(task), blocks(text));
        let mut params = Params::new();
        spec.build(f.kind, inputs(task), f.outputs, &mut Builder::new(&mut params, 0));
        let (got, formula) = (params.trainable(), spec.parameters(f.kind, inputs(task), f.outputs));
        if got != want || formula != want {
            wrong.push(format!("{task} {text}: {got} built, {formula} by formula, not {want}"));
        }
        assert_eq!(Blocks::read(&spec.json()), Ok(spec));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of the reference's configuration files.
const DERIVED: [(&str, &str, usize); 28] = [
    ("cifar100", "32-64/1, 64-112/2, 112-176+2/2, 176-224/1", 2_707_076),
    ("cifar100", "32-64/1, 64-112/2, 112-176+1/2, 176-192/1", 1_969_284),
    ("cifar100", "32-64/1, 64-112/2, 112-176/2, 176-192/1", 1_411_012),
    ("cifar100", "32-64/1, 64-112/2, 112-176+1/2, 176-224/1", 2_148_804),
    ("spherical", "32-64/2, 64-112+1/2, 112-176/1, 176-192/1", 1_637_252),
    ("spherical", "32-64/2, 64-72+1/2, 72-160+1/1, 160-224/1", 1_887_252),
    ("spherical", "32-64/2, 64-112+1/2, 112-144+1/1, 144-224/1", 1_990_724),
    ("ninapro", "32-64/1, 64-112/2, 112-176+5/2, 176-224+2/1", 6_170_994),
    ("ninapro", "32-64/1, 64-112+3/2, 112-176+6/2, 176-224+2/1", 7_407_986),
    ("ninapro", "32-64/1, 64-112+2/2, 112-176+8/2, 176-224/1", 6_490_162),
    ("fsd50k", "32-64/2, 64-72/2, 72-176/2, 176-224/1", 1_449_976),
    ("fsd50k", "32-64/2, 64-96/2, 96-176/2, 176-224/1", 1_544_008),
    ("darcy", "32-64, 64-96", 203_713),
    ("darcy", "32-64, 64-96, 96-112", 424_817),
    ("darcy", "32-64+1, 64-96, 96-112", 498_801),
    ("psicov", "32-64, 64-72+3, 72-112+3", 1_321_217),
    ("psicov", "32-48, 48-112+1", 446_545),
    ("psicov", "32-48, 48-96+1, 96-112+2", 1_022_417),
    ("cosmic", "32-56, 56-80+2", 380_833),
    ("cosmic", "16-32, 32-36", 38_141),
    ("ecg", "32-56/2, 56-96+1/2", 122_868),
    ("ecg", "32-56/2, 56-112+1/2", 156_628),
    ("ecg", "32-48/2, 48-72/2", 43_604),
    ("deepsea", "32-64/2, 64-96+2/2", 188_964),
    ("satellite", "32-64/2, 64-72/2, 72-176/2, 176-192/1", 451_656),
    ("satellite", "32-64/2, 64-72/2, 72-176+2/2, 176-208/1", 855_720),
    ("satellite", "32-64/2, 64-72/2, 72-176+8/2, 176-192/1", 1_944_136),
    // The widths that the reference's random search always draws, without stacked blocks.
    ("cifar100", "32-64/1, 64-112/2, 112-176/2, 176-224/1", 1_590_532),
];

#[test]
fn wrong_content_is_refused_in_words() {
    let good = blocks("32-64/2, 64-112+1/2").json();
    let with = |pointer: &str, value: Json| {
        let mut json = good.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        Blocks::read(&json).unwrap_err()
    };
    let mut odd = good.clone();
    odd["width"] = json!(1);
    assert!(with("/family", json!("cells")).contains("family is \"cells\""));
    assert!(with("/stem", json!(0)).contains("stem is 0; give a whole number from 1"));
    assert!(with("/stem", json!(30)).contains("block 0 reads 32 channels, but the stem has 30"));
    assert!(with("/blocks", json!(3)).contains("blocks are 3; give a list"));
    assert!(with("/blocks/1", json!([])).contains("block 1 is []; give an object"));
    assert!(with("/blocks/1/inputs", json!(63)).contains("block 1 reads 63 channels, but block 0 gives 64"));
    assert!(with("/blocks/1/stride", json!(3)).contains("block 1's stride is 3; give a whole number from 1 to 2"));
    assert!(with("/blocks/0/outputs", json!(64.5)).contains("block 0's outputs is 64.5"));
    assert!(with("/blocks/0/stacked", json!(-1)).contains("block 0's stacked is -1"));
    assert!(with("/blocks/0/stacked", json!(1u64 << 40)).contains("from 0 to 4096"));
    // 112 -> 4096 and 4096 times 4096 -> 4096.
    assert!(
        with("/blocks/1", json!({"inputs": 64, "outputs": 4096, "stride": 1, "stacked": 4096}))
            .contains("the most is 2^30")
    );
    assert!(Blocks::read(&odd).unwrap_err().contains("the network has a member 'width'"));
    assert!(Blocks::read(&json!(null)).unwrap_err().contains("the network is null; give an object"));
}

/// A grid of 3 stages and 6 blocks, small enough to go through all of it: 12 ways.
pub(super) fn small() -> Grid {
    let node = |channels, feature, stage, layers| Node { channels, feature, stage, layers };
    let nodes = vec![
        node(8, 8, 0, 0),
        node(9, 4, 1, 1),
        node(10, 4, 1, 0),
        node(11, 4, 1, 1),
        node(12, 2, 2, 2),
        node(14, 2, 2, 1),
    ];
    Grid::new(nodes, 3, 14)
}

/// Every path with every choice of operations.
pub(super) fn every_path(grid: &Grid) -> Vec<Path> {
    let mut all = Vec::new();
    for way in (0..grid.paths()).map(|i| grid.way(i)) {
        let layers: usize = way.iter().map(|&n| grid.nodes()[n].layers).sum();
        for bits in 0..1usize << layers {
            let mut bits = (0..layers).map(|l| Operation::ALL[bits >> l & 1]);
            let stop = |&node: &usize| Stop { node, stack: bits.by_ref().take(grid.nodes()[node].layers).collect() };
            all.push(Path(way.iter().map(stop).collect()));
        }
    }
    all
}

/// Architecture weights drawn from a normal times `spread`.
fn drawn(grid: &Grid, spread: f64, stream: &mut Stream) -> Relaxed {
    let mut w = Relaxed::zeros(grid);
    w.links.iter_mut().flatten().for_each(|x| *x = stream.normal() * spread);
    w.stacks.iter_mut().flatten().flatten().for_each(|x| *x = stream.normal() * spread);
    w
}

pub(super) fn stream(seed: u64) -> Stream {
    Key::new(seed, Purpose::Test).stream(0)
}

#[test]
fn expected_costs_are_the_mean_over_all_paths() {
    let grid = small();
    let costs = Costs::new(&grid, Kind::Point2d, &[16, 16, 3], 10, 1);
    let paths = every_path(&grid);
    for seed in 0..5 {
        let weights = drawn(&grid, 1.0, &mut stream(seed));
        let p = weights.softmaxed(0.9);
        let total: f64 = paths.iter().map(|path| p.probability(&grid, path)).sum();
        let mean: f64 = paths.iter().map(|path| p.probability(&grid, path) * costs.path(&grid, path)).sum();
        let (cost, gradient) = costs.expected(&grid, &p, 0.9);
        assert!((total - 1.0).abs() < 1e-12 && (cost - mean).abs() < 1e-12 * mean, "{total} {cost} {mean}");

        let at = |w: &Relaxed| costs.expected(&grid, &w.softmaxed(0.9), 0.9).0;
        let check = |got: f64, change: &dyn Fn(&mut Relaxed, f64)| {
            let moved = |by: f64| {
                let mut w = weights.clone();
                change(&mut w, by);
                at(&w)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((got - difference).abs() < 1e-8 * cost, "{got} {difference}");
        };
        for i in 0..grid.end() {
            (0..grid.links(i).len()).for_each(|j| check(gradient.links[i][j], &|w, by| w.links[i][j] += by));
            for l in 0..grid.nodes()[i].layers {
                (0..2).for_each(|o| check(gradient.stacks[i][l][o], &|w, by| w.stacks[i][l][o] += by));
            }
        }
    }
}

/// The cost list of the reference's own counter, as its vectors have it.
#[test]
fn costs_are_the_references_multiply_adds() {
    let node = |channels, feature, stage, layers| Node { channels, feature, stage, layers };
    let nodes = vec![node(8, 8, 0, 0), node(8, 4, 1, 1), node(12, 4, 1, 2), node(16, 2, 2, 1)];
    let costs = Costs::new(&Grid::new(nodes, 3, 20), Kind::Point2d, &[16, 16, 1], 7, 2);
    let pair = |basic: f64| [basic, basic / 10.0];
    let want = Costs {
        fixed: 0.004608 + 0.00014,
        links: vec![vec![0.019456, 0.036096], vec![0.036096, 0.014336], vec![0.016896], vec![0.00128]],
        stacks: vec![vec![], vec![pair(0.018432)], vec![pair(0.041472); 2], vec![pair(0.018432)]],
    };
    assert_eq!(costs, want);
}

#[test]
fn a_paths_cost_is_what_its_network_computes() {
    for (kind, input, outputs) in
        [(Kind::Point2d, &[13, 10, 2][..], 5), (Kind::Dense2d, &[13, 10, 2], 1), (Kind::Series, &[21, 2], 5)]
    {
        let grid = small();
        let costs = Costs::new(&grid, kind, input, outputs, 1);
        let shape: Vec<usize> = std::iter::once(1).chain(input.iter().copied()).collect();
        for path in [every_path(&grid).first().unwrap(), every_path(&grid).last().unwrap()] {
            let blocks = grid.derive(path);
            let mut params = Params::new();
            let net = blocks.build(kind, 2, outputs, &mut Builder::new(&mut params, 0));
            let mut tape = Tape::new();
            let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
            net.forward(&mut pass, &Tensor::constant(Value::zeros(&shape[..]))).unwrap();
            let computed = pass.tape.flops() / 2;
            assert_eq!(blocks.multiply_adds(kind, input, outputs), computed, "{kind:?} {blocks:?}");
            // The supernet's path has the tail beside it, and skips that are not free.
            let skips = path.0.iter().map(|s| {
                let skipped = s.stack.iter().filter(|o| **o == Operation::Skip).count() as f64;
                skipped * costs.stacks[s.node].first().map_or(0.0, |pair| pair[1])
            });
            let last = path.0.last().unwrap().node;
            let width = grid.nodes()[last].channels;
            let answers = if kind == Kind::Dense2d { 4 * 3 } else { 1 };
            let classifier = (answers * outputs) as f64 * (grid.tail() as f64 - width as f64);
            let tail = costs.links[last].last().unwrap();
            let expected = computed as f64 / 1e6 + skips.sum::<f64>() + tail + classifier / 1e6;
            let cost = costs.path(&grid, path);
            assert!((cost - expected).abs() < 1e-9 * cost, "{kind:?}: {cost}, not {expected}");
        }
    }
}

#[test]
fn the_supernet_computes_what_its_cost_says() {
    let (grid, input) = (small(), [13, 10, 2]);
    let costs = Costs::new(&grid, Kind::Point2d, &input, 5, 1);
    let mut params = Params::new();
    let net = Supernet::new(grid.clone(), Rules::CORRECTED, Kind::Point2d, 2, 5, &mut Builder::new(&mut params, 0));
    let mut flops = |route: Route<'_>| {
        let mut tape = Tape::new();
        let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
        net.forward(&mut pass, &Tensor::constant(Value::zeros([1, 13, 10, 2])), route).unwrap();
        pass.tape.flops() as f64 / 2e6
    };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b, "{a}, not {b}");
    near(flops(Route::All), costs.supernet(1.0));
    let all = |o: Operation| grid.nodes().iter().map(|n| vec![o; n.layers]).collect::<Vec<_>>();
    near(flops(Route::Sampled(&all(Operation::Basic))), costs.supernet(1.0));
    near(flops(Route::Sampled(&all(Operation::Skip))), costs.supernet(0.0));
}

#[test]
fn the_derived_path_is_the_likeliest() {
    let grid = small();
    for seed in 0..50 {
        let p = drawn(&grid, 1.0, &mut stream(seed)).softmaxed(1.0);
        let mut links = p.clone();
        links.stacks.iter_mut().flatten().for_each(|pair| *pair = [1.0; 2]);
        let path = |i| Path(grid.way(i).iter().map(|&node| Stop { node, stack: p.likelier(node) }).collect());
        let paths: Vec<Path> = (0..grid.paths()).map(path).collect();
        let product = |path: &&Path| links.probability(&grid, path);
        let best = paths.iter().max_by(|a, b| product(a).total_cmp(&product(b))).unwrap();
        assert_eq!(&viterbi::derive(&grid, &p), best, "seed {seed}");
    }
}

#[test]
fn of_equal_paths_the_first_predecessor_wins() {
    // All links equal: 2 x 2 x 1; the nodes of a stage are tied.
    let node = |channels, stage| Node { channels, feature: 1, stage, layers: 1 };
    let grid = Grid::new(vec![node(8, 0), node(8, 1), node(8, 2), node(8, 3)], 4, 8);
    let mut p = Relaxed::zeros(&grid).softmaxed(1.0);
    assert_eq!(viterbi::derive(&grid, &p).0.iter().map(|s| s.node).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(viterbi::derive(&grid, &p).0.iter().all(|s| s.stack == [Operation::Basic]), "the first of a tie");
    p.stacks[2][0] = [0.4, 0.6];
    assert_eq!(viterbi::derive(&grid, &p).0[1].stack, [Operation::Skip]);

    // The reference's space with weights near 0: every search that has learnt nothing derives these widths.
    let widths = |task: &str| {
        let grid = Grid::of(facts(task), 1.0, 1.0);
        let path = viterbi::derive(&grid, &Relaxed::zeros(&grid).softmaxed(1.0));
        path.0.iter().map(|s| grid.nodes()[s.node].channels).collect::<Vec<_>>()
    };
    assert_eq!(widths("cifar100"), [64, 112, 176, 224]);
    assert_eq!((widths("ecg"), widths("darcy"), widths("cosmic")), (vec![64, 112], vec![64, 112], vec![32, 56]));
}

#[test]
fn supernets_have_the_benchmarks_parameters() {
    let of = |grid: &Grid, kind, inputs, outputs| Supernet::parameters(grid, kind, inputs, outputs);
    let grid = small();
    for kind in [Kind::Point2d, Kind::Dense2d, Kind::Series] {
        let mut params = Params::new();
        let net = Supernet::new(grid.clone(), Rules::CORRECTED, kind, 3, 5, &mut Builder::new(&mut params, 0));
        let scalars: usize = net.architecture().map(|i| params.entries()[i].value().len()).sum();
        assert_eq!((params.trainable(), scalars), of(&grid, kind, 3, 5), "{kind:?}");
    }
    let mut wrong = Vec::new();
    for (task, want) in [
        ("cifar100", 59_881_185),
        ("spherical", 59_881_185),
        ("ninapro", 59_862_159),
        ("fsd50k", 59_903_109),
        ("darcy", 4_727_964),
        ("psicov", 4_743_516),
        ("cosmic", 1_182_020),
        ("ecg", 1_655_535),
        ("deepsea", 1_659_439),
        ("satellite", 20_654_613),
    ] {
        let f = facts(task);
        let got = of(&Grid::of(f, 1.0, 1.0), f.kind, inputs(task), f.outputs).0;
        if got != want {
            wrong.push(format!("{task}: {got}, not {want}"));
        }
    }
    let (all, scalars) = of(&imagenet(), Kind::Point2d, 3, 100);
    if (all - scalars, scalars) != (178_131_268, 397) {
        wrong.push(format!("the original's: {} + {scalars}, not 178131268 + 397", all - scalars));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_cost_term_is_a_logarithm() {
    let term = CostTerm::PUBLISHED;
    assert!((term.of(3500.0) - 0.2).abs() < 1e-15 && term.of(1.0) == 0.0);
    let difference = (term.of(100.0 + 1e-4) - term.of(100.0 - 1e-4)) / 2e-4;
    assert!((term.slope(100.0) - difference).abs() < 1e-9);
}
