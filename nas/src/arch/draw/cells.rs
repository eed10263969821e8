//! A cell as a graph: two inputs, four nodes, what each reads and by which operation, and the output.

use super::panel::{Link, Node, Panel};
use super::{class, words};
use crate::gaea::space::{Cell, Genotype, INPUTS, NODES};
use tasks::Kind;

/// The genotype's cells.
pub fn panels(genotype: &Genotype, kind: Kind) -> Vec<Panel> {
    let normal = panel("Normal cell", "", &genotype.normal, false, kind);
    let reduce = |cell| panel("Reduction cell", "/2: stride 2", cell, true, kind);
    std::iter::once(normal).chain(genotype.reduce.as_ref().map(reduce)).collect()
}

fn panel(heading: &'static str, remark: &'static str, cell: &Cell, halves: bool, kind: Kind) -> Panel {
    let mut nodes = vec![Node::new("plain", "cell k − 2"), Node::new("plain", "cell k − 1")];
    nodes.extend((0..NODES).map(|i| Node::new("node", (INPUTS + i).to_string())));
    let output = nodes.len();
    nodes.push(Node::upright("plain", "join"));
    let mut links = Vec::new();
    for (node, choices) in cell.iter().enumerate() {
        for choice in choices {
            let halved = if halves && choice.source < INPUTS { " /2" } else { "" };
            let text = words(choice.operation, kind) + halved;
            let (from, to, class) = (choice.source, INPUTS + node, class(choice.operation));
            links.push(Link { from, to, class, text: Some(text) });
        }
    }
    links.extend((INPUTS..output).map(|from| Link { from, to: output, class: "edge", text: None }));
    Panel::new(heading, remark, nodes, links)
}
