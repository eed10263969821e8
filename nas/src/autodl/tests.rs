//! Counts, decoding against brute force, what is refused.

use kernels::rng::{Key, Purpose, Stream};
use nn::{Builder, Params};
use serde_json::{Value as Json, json};

use super::decode::{self, BORDER, Betas};
use super::network::{DeepLab, DeepLabSpec};
use super::space::{self, Architecture, LEVELS};
use super::supernet::{Supernet, SupernetSpec};
use crate::gaea::Operation;
use crate::gaea::space::{Choice, OPERATIONS, edges_into};

pub(super) fn stream(seed: u64) -> Stream {
    Key::new(seed, Purpose::Test).stream(0)
}

/// A stored architecture of the benchmark: name, input channels, level of each layer, (edge, operation) pairs, parameters.
type Stored = (&'static str, usize, [usize; 12], [(usize, usize); 10], u64);

const STORED: [Stored; 5] = [
    (
        "df40_lr0.0025",
        3,
        [0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3],
        [(0, 3), (1, 3), (4, 3), (2, 3), (8, 5), (5, 7), (12, 3), (11, 3), (15, 1), (16, 3)],
        17_277_441,
    ),
    (
        "df40_lr0.025",
        3,
        [1, 1, 1, 0, 1, 2, 3, 3, 3, 3, 3, 3],
        [(1, 5), (0, 5), (4, 7), (2, 4), (7, 4), (8, 7), (10, 5), (13, 7), (17, 5), (14, 4)],
        22_708_161,
    ),
    (
        "prot29_lr0.025",
        57,
        [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [(0, 3), (1, 6), (4, 4), (3, 6), (6, 3), (5, 4), (11, 6), (9, 3), (15, 5), (16, 6)],
        3_303_649,
    ),
    (
        "prot40_lr0.0025",
        57,
        [1, 0, 1, 1, 1, 1, 2, 1, 2, 1, 2, 3],
        [(0, 3), (1, 0), (2, 3), (4, 3), (5, 3), (7, 5), (12, 3), (13, 5), (14, 3), (16, 3)],
        12_840_481,
    ),
    (
        "prot_lr0.025",
        57,
        [1; 12],
        [(0, 3), (1, 0), (2, 3), (4, 4), (8, 5), (5, 4), (9, 4), (12, 5), (14, 4), (17, 4)],
        5_442_209,
    ),
];

/// Operations with their edges.
fn stored(path: &[usize], genotype: &[(usize, usize)]) -> Architecture {
    let choice = |node: usize, (edge, operation): (usize, usize)| Choice {
        operation: Operation::ALL[operation],
        source: edge - edges_into(node).start,
    };
    let cell = genotype.chunks(2).enumerate().map(|(node, pair)| [choice(node, pair[0]), choice(node, pair[1])]);
    Architecture { path: path.to_vec(), cell: cell.collect() }
}

#[test]
fn networks_have_the_benchmarks_parameters() {
    let mut wrong = Vec::new();
    let mut row = |what: &str, got: u64, want: u64| {
        if got != want {
            wrong.push(format!("{what}: {got}, not {want}"));
        }
    };
    for (task, inputs, want) in [("darcy", 3, 11_560_084), ("psicov", 57, 11_569_804), ("cosmic", 1, 11_559_724)] {
        let mut params = Params::new();
        let net = Supernet::new(&mut Builder::new(&mut params, 0), SupernetSpec::new(inputs, 1));
        let scalars: usize = net.architecture().map(|i| params.entries()[i].value().len()).sum();
        let cell = |name: &str| name.strip_prefix("cells.").and_then(|n| n.split('.').next()?.parse::<u64>().ok());
        let cells = params.entries().iter().filter_map(|e| cell(e.name())).max().map_or(0, |n| n + 1);
        row(&format!("{task}, supernet"), params.trainable() as u64, want);
        row(&format!("{task}, architecture scalars"), scalars as u64, 304);
        row(&format!("{task}, cells"), cells, 45);
    }
    for (name, inputs, path, genotype, want) in STORED {
        let spec = DeepLabSpec::new(stored(&path, &genotype), 32);
        // Small ones are built, so that the formula is not alone.
        if want < 6_000_000 {
            let mut params = Params::new();
            DeepLab::new(&mut Builder::new(&mut params, 0), &spec, inputs, 1);
            row(&format!("{name}, built"), params.trainable() as u64, want);
        }
        row(&format!("{name}, by formula"), spec.parameters(inputs, 1), want);
        assert_eq!(DeepLabSpec::read(&spec.json()), Ok(spec), "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_path_is_counted_once() {
    assert_eq!(space::paths(1), 2);
    for layers in 1..7 {
        let all: Vec<Vec<usize>> = (0..space::paths(layers)).map(|i| space::path(layers, i)).collect();
        assert!(all.windows(2).all(|w| w[0] < w[1]), "lexicographic");
        let goes =
            |p: &Vec<usize>| p[0] < 2 && p.windows(2).all(|w| w[0].abs_diff(w[1]) < 2) && p.iter().all(|&l| l < LEVELS);
        let brute = (0..LEVELS.pow(layers as u32))
            .filter(|i| goes(&(0..layers as u32).map(|k| i / LEVELS.pow(k) % LEVELS).collect()))
            .count();
        assert!(all.iter().all(goes) && all.len() == brute, "{layers} layers: {} and {brute}", all.len());
    }
    let drawn = Architecture::random(12, 5, &mut stream(1));
    assert_eq!((drawn.path.len(), drawn.cell.len()), (12, 5));
    let [path, cell] = drawn.json();
    assert_eq!(Architecture::read(&path, &cell), Ok(drawn));
}

/// Architecture weights drawn from a normal times `spread`.
pub(super) fn drawn(layers: usize, nodes: usize, spread: f64, stream: &mut Stream) -> (Vec<[f64; OPERATIONS]>, Betas) {
    let alphas = (0..space::edges(nodes)).map(|_| std::array::from_fn(|_| stream.normal() * spread)).collect();
    let mut layer = || std::array::from_fn(|_| std::array::from_fn(|_| stream.normal() * spread));
    (alphas, (0..layers).map(|_| layer()).collect())
}

#[test]
fn a_levels_directions_are_a_distribution_and_at_the_border_two_thirds_of_one() {
    let (_, betas) = drawn(4, 5, 2.0, &mut stream(0));
    for (raw, layer) in betas.iter().zip(decode::steps(&betas)) {
        for (level, steps) in layer.iter().enumerate() {
            let border = level == 0 || level == LEVELS - 1;
            let sum: f64 = steps.iter().fold(0.0, |s, x| s + x);
            assert!((sum - if border { BORDER } else { 1.0 }).abs() < 1e-12, "level {level}: {steps:?}");
            let lacks = [level == 0, false, level == LEVELS - 1];
            assert!((0..3).all(|d| (steps[d] == 0.0) == lacks[d]), "level {level}: {steps:?}");
            // Ratios are those of the exponentials.
            let there: Vec<usize> = (0..3).filter(|&d| !lacks[d]).collect();
            for pair in there.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let ratio = kernels::math::exp(raw[level][a] - raw[level][b]);
                assert!((steps[a] / steps[b] / ratio - 1.0).abs() < 1e-12);
            }
        }
    }
    assert_eq!(decode::mass(1), 1.0);
}

#[test]
fn the_decoded_path_is_the_best_of_all() {
    for layers in 1..8 {
        for seed in 0..20 {
            let (_, betas) = drawn(layers, 5, 1.5, &mut stream(seed));
            let steps = decode::steps(&betas);
            let product = |path: &[usize]| {
                let pairs = std::iter::once(0).chain(path.iter().copied()).zip(path);
                pairs.zip(&steps).fold(1.0, |p, ((from, &to), s)| p * s[from][to + 1 - from])
            };
            let all = (0..space::paths(layers)).map(|i| space::path(layers, i));
            let best = all.max_by(|a, b| product(a).total_cmp(&product(b))).unwrap();
            assert_eq!(decode::viterbi(&steps), best, "{layers} layers, seed {seed}");
        }
    }
    // Weights of 0: the two directions of the border weigh 1/3 as all others do, so every way is equal; the first candidate
    // of each comparison wins.
    let path = decode::viterbi(&decode::steps(&vec![[[0.0; 3]; LEVELS]; 4]));
    assert_eq!(path, [1, 2, 1, 0], "the finest end, reached from the coarser level while there is one");
}

#[test]
fn the_decoded_cell_is_the_best_of_all_pairs() {
    for seed in 0..20 {
        let (alphas, _) = drawn(1, 5, 1.5, &mut stream(100 + seed));
        let weights = decode::operations(&alphas);
        let cell = decode::cell(&weights);
        for (node, pair) in cell.iter().enumerate() {
            let strength = |source: usize| {
                let w = &weights[edges_into(node).start + source];
                w[1..].iter().fold(0.0, |m: f64, x| m.max(*x))
            };
            let states = 2 + node;
            let sum = |a: usize, b: usize| strength(a) + strength(b);
            let pairs = (0..states).flat_map(|a| (a + 1..states).map(move |b| (a, b)));
            let (a, b) = pairs.max_by(|p, q| sum(p.0, p.1).total_cmp(&sum(q.0, q.1))).unwrap();
            let mut found = [pair[0].source, pair[1].source];
            assert!(strength(found[0]) > strength(found[1]), "the stronger first");
            found.sort_unstable();
            assert_eq!(found, [a, b], "seed {seed}, node {node}");
            for choice in pair {
                let w = &weights[edges_into(node).start + choice.source];
                assert!(w.iter().all(|x| *x <= w[choice.operation.index()]), "the strongest, none included");
            }
        }
    }
    let nones = (0..20).map(|seed| drawn(1, 5, 1.5, &mut stream(100 + seed)).0);
    let nones = nones.flat_map(|alphas| decode::cell(&decode::operations(&alphas)));
    assert!(nones.flatten().any(|c| c.operation == Operation::None), "none is chosen somewhere");
    // Ties: the lower edge, the lower operation.
    let tied = decode::cell(&decode::operations(&vec![[0.0; OPERATIONS]; 20]));
    let choice = |source| Choice { operation: Operation::None, source };
    assert_eq!(tied, vec![[choice(0), choice(1)]; 5]);
}

#[test]
fn operations_follow_their_edges() {
    // The stronger edge has the larger number.
    let mut alphas = vec![[0.0; OPERATIONS]; 20];
    alphas[8][5] = 3.0;
    alphas[5][7] = 2.0;
    let node = decode::architecture(&alphas, &vec![[[0.0; 3]; LEVELS]; 3]).cell[2];
    let choice = |operation, source| Choice { operation, source };
    assert_eq!(node, [choice(Operation::SepConv5, 3), choice(Operation::DilConv5, 0)]);
}

#[test]
fn wrong_content_is_refused_in_words() {
    let good = DeepLabSpec::new(stored(&STORED[1].2, &STORED[1].3), 32).json();
    let with = |pointer: &str, value: Json| {
        let mut json = good.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        DeepLabSpec::read(&json).unwrap_err()
    };
    for (pointer, value, part) in [
        ("/family", json!("cells"), "family is \"cells\", not \"deeplab\""),
        ("/filters", json!(0), "filters is 0; give a whole number from 1 to 4096"),
        ("/head", json!(2.5), "head is 2.5"),
        ("/stem", json!(null), "stem is null"),
        ("/low_level", json!(1 << 20), "low_level is 1048576"),
        ("/dropout", json!([0.5]), "dropout is [0.5]; give two numbers"),
        ("/dropout/1", json!(1.0), "each at least 0 and below 1"),
        ("/path", json!([0, 1]), "give a list of 3 to 64 levels"),
        ("/path", json!("up"), "path is \"up\""),
        ("/path/0", json!(2), "layer 0's level is 2; after 0 give 0 to 1"),
        ("/path/4", json!(3), "layer 4's level is 3; after 0 give 0 to 1"),
        ("/path/11", json!(4), "layer 11's level is 4; after 3 give 2 to 3"),
        ("/cell", json!([]), "cell is []; give a list of 5 nodes"),
        ("/cell/1", json!(7), "node 1 of the cell is 7; give two inputs"),
        ("/cell/1/0", json!(["skip_connect"]), "an input of node 1 is"),
        ("/cell/1/0/0", json!("conv"), "an operation of node 1 is \"conv\"; choose among none, max_pool_3x3"),
        ("/cell/1/0/1", json!(3), "an input of node 1 is state 3; it sees states 0 to 2"),
        ("/cell/0", json!([["skip_connect", 1], ["none", 1]]), "both inputs of node 0 are state 1"),
    ] {
        let said = with(pointer, value);
        assert!(said.contains(part), "{pointer}: {said}");
    }
    let mut odd = good.clone();
    odd["width"] = json!(1);
    assert!(DeepLabSpec::read(&odd).unwrap_err().contains("has a member 'width'"));
    let mut large = good.clone();
    (large["filters"], large["head"]) = (json!(4096), json!(4096));
    assert!(DeepLabSpec::read(&large).unwrap_err().contains("the most is 2^30"));
    assert!(DeepLabSpec::read(&json!(3)).unwrap_err().contains("the network is 3; give an object"));
    assert!(DeepLabSpec::read(&good).is_ok());
}
