//! A cell as a graph: two inputs, its nodes, what each reads and by which operation, and the output.

use super::panel::{Link, Node, Panel};
use super::{class, words};
use crate::gaea::Operation;
use crate::gaea::space::{Cell, Choice, Genotype, INPUTS};
use tasks::Kind;

/// The genotype's cells.
pub fn panels(genotype: &Genotype, kind: Kind) -> Vec<Panel> {
    let normal = panel("Normal cell", "", &genotype.normal, false, kind);
    let reduce = |cell: &Cell| panel("Reduction cell", "/2: stride 2", cell, true, kind);
    std::iter::once(normal).chain(genotype.reduce.as_ref().map(reduce)).collect()
}

/// One cell of any number of nodes. What does nothing is not drawn.
pub fn panel(heading: &'static str, remark: &'static str, cell: &[[Choice; 2]], halves: bool, kind: Kind) -> Panel {
    let mut nodes = vec![Node::new("plain", "cell k − 2"), Node::new("plain", "cell k − 1")];
    nodes.extend((0..cell.len()).map(|i| Node::new("node", (INPUTS + i).to_string())));
    let output = nodes.len();
    nodes.push(Node::upright("plain", "join"));
    let mut links = Vec::new();
    for (node, choices) in cell.iter().enumerate() {
        for choice in choices.iter().filter(|c| c.operation != Operation::None) {
            let halved = if halves && choice.source < INPUTS { " /2" } else { "" };
            let text = words(choice.operation, kind) + halved;
            let (from, to, class) = (choice.source, INPUTS + node, class(choice.operation));
            links.push(Link { from, to, class, text: Some(text) });
        }
    }
    links.extend((INPUTS..output).map(|from| Link { from, to: output, class: "edge", text: None }));
    Panel::new(heading, remark, nodes, links)
}
