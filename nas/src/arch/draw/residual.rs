//! The residual layer that a network is made of.

use super::panel::{Link, Node, Panel};
use crate::arch::outline::{Network, Outline};

/// The layer of the outline's family; cells have none.
pub fn panel(outline: &Outline) -> Option<Panel> {
    let k = if outline.series() { "conv 3" } else { "conv 3×3" };
    let (heading, remark, chain, shortcut): (_, _, &[&str], _) = match &outline.network {
        Network::Wrn { .. } => (
            "Block",
            "a 1×1 convolution of the first activation is the shortcut where widths differ",
            &["norm, ReLU", k, "norm, ReLU", k, "+"],
            "shortcut",
        ),
        Network::Resnet1d { .. } => (
            "Stage",
            "convolutions keep the length; the last stage's shortcut is its input",
            &["conv 8, norm, ReLU", "conv 5, norm, ReLU", "conv 3, norm", "+", "ReLU"],
            "conv 1, norm",
        ),
        Network::Blocks { .. } => (
            "Layer",
            "the shortcut is a convolution of 1 and a norm where the width or size changes",
            &[k, "norm, ReLU", k, "norm", "+", "ReLU"],
            "shortcut",
        ),
        Network::Fno(_) => (
            "Layer",
            "the spectral convolution sees the whole field, the other each place alone; no GELU after the last layer",
            &["conv, spectral", "+", "GELU"],
            "conv 1×1",
        ),
        Network::Cells { .. } | Network::DeepLab(_) | Network::Branches(_) | Network::Constant | Network::Linear => {
            return None;
        }
    };
    let word = |w: &&str| Node::new(if w.starts_with("conv") { "sep" } else { "node" }, *w);
    let mut nodes = vec![Node::new("plain", "x")];
    nodes.extend(chain.iter().map(word));
    let plus = 1 + chain.iter().position(|w| *w == "+")?;
    let mut links: Vec<Link> =
        (1..nodes.len()).map(|to| Link { from: to - 1, to, class: "edge", text: None }).collect();
    links.push(Link { from: 0, to: plus, class: "skip", text: Some(shortcut.to_owned()) });
    Some(Panel::new(heading, remark, nodes, links))
}
