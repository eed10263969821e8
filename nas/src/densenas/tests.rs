//! Counts, against the reference's.

use nn::{Builder, Params};
use serde_json::{Value as Json, json};
use tasks::{Facts, Kind};

use super::network::{Block, Blocks};
use super::space::{Grid, Node};

fn facts(task: &str) -> &'static Facts {
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
pub(super) fn imagenet() -> Grid {
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
        let grid = Grid::of(f, 1.0, None);
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
    assert!(Blocks::read(&odd).unwrap_err().contains("the network has a member 'width'"));
    assert!(Blocks::read(&json!(null)).unwrap_err().contains("the network is null; give an object"));
}
