//! An architecture as a row of stages: what the text form lists and the drawing stacks.

use crate::amber::stages::{REDUCTION, Stages};
use crate::arch::outline::{Network, Outline};
use crate::autodl::DeepLabSpec;
use crate::autodl::space::LOW_LEVEL;
use crate::densenas::network::Blocks;

/// Layers in a row with one width and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What it is.
    pub name: String,
    /// Layers, blocks or cells.
    pub layers: usize,
    /// Channels of its output.
    pub channels: usize,
    /// How the channels come about, where they are a product.
    pub product: Option<String>,
    /// Height and width, or length, of its output.
    pub size: Vec<usize>,
    /// The class of its boxes.
    pub class: &'static str,
}

impl Stage {
    /// The channels, and how they come about.
    pub fn width(&self) -> String {
        self.product.clone().unwrap_or_else(|| self.channels.to_string())
    }
}

/// A size for people: `32 × 32`.
pub fn size(size: &[usize]) -> String {
    size.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

/// The stages up to the head, and the head in words.
pub fn stages(outline: &Outline) -> (Vec<Stage>, String) {
    let mut size = outline.places().to_vec();
    let mut all = Vec::new();
    let mut add = |name: String, layers: usize, channels: usize, by: usize, class: &'static str| {
        size.iter_mut().for_each(|n| *n = n.div_ceil(by));
        all.push(Stage { name, layers, channels, product: None, size: size.clone(), class });
    };
    let dense = outline.dense();
    let halved = |halved: bool| if halved { 2 } else { 1 };
    let mut pooled = "mean".to_owned();
    match &outline.network {
        Network::Wrn { depth, widen, corner } => {
            add("stem".to_owned(), 1, 16, 1, "plain");
            for g in 0..3 {
                add(format!("group {}", g + 1), (depth - 4) / 6, (16 << g) * widen, halved(g > 0 && !dense), "sep");
            }
            if corner.is_some() {
                pooled = "mean of the corner".to_owned();
            }
        }
        Network::Resnet1d { width } => {
            for (stage, channels) in [*width, 2 * width, 2 * width].into_iter().enumerate() {
                add(format!("stage {}", stage + 1), 3, channels, 1, "sep");
            }
        }
        Network::Fno(f) => {
            add("linear".to_owned(), 1, f.width, 1, "plain");
            add(format!("layers 0–{}", f.layers - 1), f.layers, f.width, 1, "sep");
            all[1].size.iter_mut().for_each(|n| *n += f.padding);
        }
        Network::Constant => pooled = "1".to_owned(),
        Network::Linear => pooled = "norm".to_owned(),
        Network::DeepLab(net) => return (deeplab(net, outline.places()), "bilinear, 1×1 conv a place".to_owned()),
        Network::Blocks(Blocks { stem, blocks }) => {
            add("stem".to_owned(), 1, *stem, 1, "plain");
            for (i, b) in blocks.iter().enumerate() {
                add(format!("block {i}"), 1 + b.stacked, b.outputs, b.stride, "sep");
            }
        }
        Network::Branches(net) => {
            let Stages { layers, widths } = &net.stages;
            add("stem".to_owned(), 1, widths[0], 1, "plain");
            for (s, (&layers, &width)) in layers.iter().zip(widths).enumerate() {
                add(format!("stage {}", s + 1), layers, width, if s > 0 { REDUCTION } else { 1 }, "sep");
            }
            pooled = format!("linear {}, ReLU", net.dense);
        }
        Network::Cells { channels, layers, genotype, .. } => {
            add("stem".to_owned(), 1, 3 * channels, 1, "plain");
            let reductions = if genotype.reduce.is_some() { vec![layers / 3, 2 * layers / 3] } else { Vec::new() };
            let (mut c, mut from) = (*channels, 0);
            for to in reductions.iter().copied().chain([*layers]) {
                if to > from {
                    add(cells(from, to), to - from, 4 * c, 1, "sep");
                }
                if to < *layers {
                    c *= 2;
                    add(format!("cell {to} /2"), 1, 4 * c, 2, "max");
                }
                from = to + 1;
            }
            all.iter_mut().skip(1).for_each(|s| s.product = Some(format!("4 × {}", s.channels / 4)));
        }
    }
    let outputs = outline.form.outputs;
    let head = if dense && pooled == "mean" {
        let between = if matches!(outline.network, Network::Fno(_)) { "linear 128, GELU, " } else { "" };
        format!("{between}linear {outputs} a place")
    } else {
        format!("{pooled}, linear {outputs}")
    };
    (all, head)
}

/// The stems, runs of layers on one level, the pyramid and the decoder; maps are of the padded input.
fn deeplab(net: &DeepLabSpec, places: &[usize]) -> Vec<Stage> {
    let padded: Vec<usize> = places.iter().map(|n| n.next_multiple_of(32)).collect();
    let at = |level: usize| -> Vec<usize> { padded.iter().map(|n| n >> (2 + level)).collect() };
    let stage = |name: &str, layers, channels, size, class| Stage {
        name: name.to_owned(),
        layers,
        channels,
        product: None,
        size,
        class,
    };
    let mut all = vec![stage("stems", 3, 2 * net.stem, at(0), "plain")];
    let (path, nodes) = (&net.architecture.path, net.architecture.cell.len());
    let mut from = 0;
    for run in path.chunk_by(|a, b| a == b) {
        let (level, to) = (run[0], from + run.len());
        let c = net.filters << level;
        let own = stage(&cells(from, to), run.len(), nodes * c, at(level), "sep");
        all.push(Stage { product: Some(format!("{nodes} × {c}")), ..own });
        from = to;
    }
    let last = path.last().copied().unwrap_or(0);
    all.push(stage("pyramid", 1, net.head, at(last), "avg"));
    all.push(stage("decoder", 2, net.head, at(path[LOW_LEVEL]), "dil"));
    all
}

fn cells(from: usize, to: usize) -> String {
    if to - from == 1 { format!("cell {from}") } else { format!("cells {from}–{}", to - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::outline::tests::{arch, darts_v2};
    use serde_json::{Value as Json, json};

    fn sizes(kind: &str, network: Json) -> Vec<(String, usize, usize, usize)> {
        let outline = Outline::read(&arch(kind, network)).unwrap();
        stages(&outline).0.into_iter().map(|s| (s.name, s.layers, s.channels, s.size[0])).collect()
    }

    #[test]
    fn stages_have_the_networks_widths_and_sizes() {
        let stage = |name: &str, layers, channels, size| (name.to_owned(), layers, channels, size);
        assert_eq!(
            sizes("point2d", darts_v2()),
            [
                stage("stem", 1, 108, 32),
                stage("cells 0–5", 6, 144, 32),
                stage("cell 6 /2", 1, 288, 16),
                stage("cells 7–12", 6, 288, 16),
                stage("cell 13 /2", 1, 576, 8),
                stage("cells 14–19", 6, 576, 8)
            ]
        );
        let blocks = json!([{"inputs": 32, "outputs": 56, "stride": 2, "stacked": 0}, {"inputs": 56, "outputs": 96, "stride": 2, "stacked": 1}]);
        assert_eq!(
            sizes("series", json!({"family": "blocks", "stem": 32, "blocks": blocks})),
            [stage("stem", 1, 32, 1000), stage("block 0", 1, 56, 500), stage("block 1", 2, 96, 250)]
        );
        let wrn = json!({"family": "wrn", "depth": 16, "widen": 4, "pooling": "whole"});
        assert_eq!(sizes("point2d", wrn.clone())[3], stage("group 3", 2, 256, 8));
        assert_eq!(sizes("dense2d", wrn)[3], stage("group 3", 2, 256, 85));
    }

    #[test]
    fn two_cells_both_reduce() {
        let mut two = darts_v2();
        two["layers"] = json!(2);
        let names: Vec<String> = sizes("point2d", two).into_iter().map(|s| s.0).collect();
        assert_eq!(names, ["stem", "cell 0 /2", "cell 1 /2"]);
    }
}
