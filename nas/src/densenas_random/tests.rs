//! Draws, counts and the choice.

use kernels::rng::{Key, Purpose};
use tasks::{Direction, Facts, Kind};

use super::best;
use super::budget::Budget;
use super::sample::{Sampler, reference_grid, trial_seed};
use super::trials::Trial;
use crate::arch::Form;
use crate::bilevel::Spec;
use crate::densenas::space::Node;
use crate::densenas::{Block, Blocks, Costs, Grid};

fn facts(task: &str) -> &'static Facts {
    tasks::by_name(task).unwrap().facts()
}

fn sampler(task: &str, most: usize, depth_only: bool) -> Sampler {
    let f = facts(task);
    Sampler::new(f, Grid::of(f, 1.0, 1.0), &Form::of(f), most, depth_only)
}

#[test]
fn every_path_and_depth_is_as_likely_as_any_other() {
    let node = |stage, layers| Node { channels: 8 + stage, feature: 1, stage, layers };
    let grid = Grid::new(vec![node(0, 0), node(1, 1), node(1, 0), node(2, 2)], 3, 8);
    // Ways: 1 3, 1 2 3, 2 3. (The tail is one stage on from node 3 alone.)
    assert_eq!(grid.paths(), 3);
    let mut stream = Key::new(0, Purpose::Test).stream(0);
    let mut counts = std::collections::BTreeMap::new();
    let draws = 90_000;
    for _ in 0..draws {
        let path = grid.draw(&mut stream);
        let key: Vec<(usize, usize)> = path.0.iter().map(|s| (s.node, s.stacked())).collect();
        *counts.entry(key).or_insert(0) += 1;
    }
    // Each way a third; depths of node 1 a half, of node 3 a third.
    assert_eq!(counts.len(), 6 + 6 + 3);
    for (path, n) in counts {
        let depths: usize = path.iter().map(|(node, _)| grid.nodes()[*node].layers + 1).product();
        let want = f64::from(draws) / (3 * depths) as f64;
        assert!((f64::from(n) - want).abs() < 5.0 * want.sqrt(), "{path:?}: {n}, not about {want}");
    }
}

#[test]
fn draws_are_small_enough_and_functions_of_seed_and_number() {
    let most = 2_707_076 + super::SLACK;
    let s = sampler("cifar100", most, false);
    let drawn: Vec<Blocks> = (0..200).map(|id| s.network(3, id)).collect();
    assert!(drawn.iter().all(|b| b.parameters(Kind::Point2d, 3, 100) <= most));
    assert_eq!(drawn[7], s.network(3, 7));
    assert_ne!(drawn[7], s.network(4, 7));
    let widths: std::collections::BTreeSet<Vec<usize>> =
        drawn.iter().map(|b| b.blocks.iter().map(|b| b.outputs).collect()).collect();
    assert!(widths.len() > 150, "{} different widths of 200", widths.len());
    assert_ne!(trial_seed(0, 0), trial_seed(0, 1));
}

#[test]
fn the_reference_draws_the_depth_alone() {
    for (task, want) in [
        ("cifar100", &[64, 112, 176, 224][..]),
        ("ninapro", &[64, 112, 176, 224]),
        ("ecg", &[64, 112]),
        ("cosmic", &[32, 56]),
    ] {
        let s = sampler(task, 6_000_000, true);
        let drawn: Vec<Blocks> = (0..30).map(|id| s.network(0, id)).collect();
        assert!(drawn.iter().all(|b| b.blocks.iter().map(|b| b.outputs).eq(want.iter().copied())), "{task}");
        assert!(drawn.iter().any(|b| *b != drawn[0]), "{task}: depths differ");
    }
}

/// The parameters of the networks that the reference's random search chose, each that of the widths it always draws at some
/// depth its grid allows.
#[test]
fn the_references_choices_are_in_its_grid() {
    let mut wrong = Vec::new();
    for (task, chosen) in [
        ("cifar100", [1_816_772, 1_590_532, 1_816_772]),
        ("spherical", [1_590_532, 2_375_044, 2_707_076]),
        ("ninapro", [7_394_226, 6_277_682, 6_716_402]),
        ("fsd50k", [2_396_968, 2_396_968, 2_396_968]),
        ("darcy", [770_481, 1_222_961, 996_721]),
        ("psicov", [1_012_273, 1_238_513, 1_390_769]),
        ("cosmic", [231_257, 193_145, 344_601]),
        ("ecg", [239_876, 188_996, 113_284]),
        ("deepsea", [192_900, 268_612, 268_612]),
        ("satellite", [838_072, 948_920, 575_800]),
    ] {
        let f = facts(task);
        let grid = reference_grid(f, Grid::of(f, 1.0, 1.0));
        let widths: &[usize] = if grid.end() > 7 {
            &[64, 112, 176, 224]
        } else if task == "cosmic" {
            &[32, 56]
        } else {
            &[64, 112]
        };
        let nodes: Vec<usize> =
            widths.iter().map(|w| grid.nodes().iter().position(|n| n.channels == *w).unwrap()).collect();
        let choices: usize = nodes.iter().map(|&n| grid.nodes()[n].layers + 1).product();
        let counts: Vec<usize> = (0..choices)
            .map(|mut c| {
                let (mut from, mut blocks) = (0, Vec::new());
                for &n in &nodes {
                    let depths = grid.nodes()[n].layers + 1;
                    let stride = grid.links(from)[grid.link(from, n)].stride;
                    let (inputs, outputs) = (grid.nodes()[from].channels, grid.nodes()[n].channels);
                    blocks.push(Block { inputs, outputs, stride, stacked: c % depths });
                    c /= depths;
                    from = n;
                }
                let stem = grid.nodes()[0].channels;
                Blocks { stem, blocks }.parameters(f.kind, *f.input.last().unwrap(), f.outputs)
            })
            .collect();
        for want in chosen {
            if !counts.contains(&want) {
                wrong.push(format!("{task}: {want} is none of {counts:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn trials_go_on_until_the_searchs_multiply_adds_are_spent() {
    let f = facts("cifar100");
    let costs = Costs::new(&Grid::of(f, 1.0, 1.0), f.kind, f.input, f.outputs, 1);
    let spec = Spec { epochs: 70, parts: 5, batch: 64, shuffled: true };
    let mut budget = Budget::new(&costs, spec, 40_000, 5);
    // 59 epochs move the architecture, 125 steps of 64 items each.
    let want = 3.0 * (70.0 * 32_000.0 * costs.supernet(0.5) + 59.0 * 125.0 * 64.0 * costs.supernet(1.0));
    assert!((budget.whole - want).abs() < 1e-9 * want);
    budget.spend(1_000_000 * (budget.whole / 3.0 / 400_000.0) as u64 + 2_000_000, 40_000, 10);
    assert!(budget.spent > budget.whole && budget.goes_on(), "at least five");
    (0..4).for_each(|_| budget.spend(1, 1, 1));
    assert!(!budget.goes_on());
    let mut many = Budget::new(&costs, spec, 40_000, 5);
    let mut trials = 0;
    while many.goes_on() {
        many.spend(many.whole as u64 / 3 / 400_000 * 1_000_000 / 100, 40_000, 10);
        trials += 1;
    }
    assert!((100..=102).contains(&trials), "{trials}");
}

#[test]
fn the_best_is_the_first_of_the_best() {
    let trial = |id, metric| {
        let blocks = Blocks { stem: 8, blocks: Vec::new() };
        Trial { id, network: blocks, metric, digest: Some("d".to_owned()) }
    };
    let trials: Vec<Trial> =
        [f64::NAN, 0.5, 0.25, 0.25, 0.75, 0.75].into_iter().enumerate().map(|(i, m)| trial(i, m)).collect();
    assert_eq!(best(&trials, Direction::Lower).unwrap().id, 2);
    assert_eq!(best(&trials, Direction::Higher).unwrap().id, 4);
    assert_eq!(best(&trials[..1], Direction::Lower).unwrap().id, 0);
    assert_eq!(best(&[], Direction::Lower), None);
}

#[test]
fn a_trials_file_reads_back_and_others_are_refused() {
    let network = Blocks { stem: 8, blocks: vec![Block { inputs: 8, outputs: 9, stride: 2, stacked: 1 }] };
    let trial = Trial { id: 2, network: network.clone(), metric: 0.125, digest: Some("ab".to_owned()) };
    let bytes = trial.to_bytes();
    assert_eq!(Trial::parse(&bytes, 2, &network), Ok(trial.clone()));
    let lost = Trial { metric: f64::NAN, digest: None, ..trial };
    assert!(Trial::parse(&lost.to_bytes(), 2, &network).unwrap().metric.is_nan());
    let refused = |bytes: &[u8], id, network: &Blocks| Trial::parse(bytes, id, network).unwrap_err();
    assert!(refused(&bytes, 3, &network).contains("it is trial 2"));
    assert!(refused(&bytes, 2, &Blocks { stem: 8, blocks: Vec::new() }).contains("not the one that the seed draws"));
    assert!(refused(&bytes[1..], 2, &network).contains("no JSON"));
    let text = String::from_utf8(bytes.clone()).unwrap();
    let edit = |from: &str, to: &str| text.replace(from, to).into_bytes();
    assert!(refused(&edit("\"format\":1", "\"format\":2"), 2, &network).contains("format 2"));
    for (from, to) in [("0.125", "0.126"), ("\"ab\"", "null"), ("{", "{ ")] {
        assert!(refused(&edit(from, to), 2, &network).contains("it was changed since it was written"));
    }
    // What a sealed record may still lack.
    let sealed_with = |key: &str, value: serde_json::Value| {
        let mut json = crate::trials::unsealed(&bytes).unwrap();
        json[key] = value;
        crate::trials::sealed(json)
    };
    let null = serde_json::Value::Null;
    assert!(refused(&sealed_with("metric", null.clone()), 2, &network).contains("the metric null is no number"));
    assert!(refused(&sealed_with("digest", null), 2, &network).contains("a metric but no digest"));
}
