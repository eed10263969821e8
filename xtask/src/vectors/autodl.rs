//! Auto-DeepLab's networks: the supernet with the reference's rules, derived ones from the folders of its architectures.

use nas::autodl::{Architecture, DeepLab, DeepLabSpec, Rules, Supernet, SupernetSpec};
use nas::gaea::Operation;
use nas::gaea::space::{Choice, edges_into};
use nn::{Builder, Network};

use super::{Case, unsupported};

/// The supernet of the case's size.
pub(super) fn supernet(case: &Case, at: &mut Builder<'_>) -> anyhow::Result<Box<dyn Network>> {
    let spec = SupernetSpec {
        filters: case.whole("filter_multiplier")?,
        layers: case.whole("num_layers")?,
        nodes: case.whole("step")?,
        rules: Rules::REFERENCE,
        ..SupernetSpec::new(case.whole("in_channels")?, 1)
    };
    if case.whole("block_multiplier")? != spec.nodes {
        return Err(unsupported("cells that give other than all of their nodes"));
    }
    Ok(Box::new(Supernet::new(at, spec)))
}

/// Edges and operations by their numbers, in the order of the file.
type Genotype = [(usize, usize); 10];

/// What the reference stores of `df40_lr0.0025`: level of each layer, genotype.
const DARCY: ([usize; 12], Genotype) = (
    [0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3],
    [(0, 3), (1, 3), (4, 3), (2, 3), (8, 5), (5, 7), (12, 3), (11, 3), (15, 1), (16, 3)],
);

/// The cell as the reference runs it: it goes through a node's edges in ascending order, and through its operations in the
/// order of the file, so that operations of a pair whose stronger edge comes later are exchanged.
fn exchanged(genotype: &Genotype) -> Vec<[Choice; 2]> {
    let node = |(node, pair): (usize, &[(usize, usize)])| {
        let mut sources = [pair[0].0, pair[1].0].map(|e| e - edges_into(node).start);
        sources.sort_unstable();
        std::array::from_fn(|i| Choice { operation: Operation::ALL[pair[i].1], source: sources[i] })
    };
    genotype.chunks(2).enumerate().map(node).collect()
}

/// The network of an architecture.
pub(super) fn derived(case: &Case, at: &mut Builder<'_>) -> anyhow::Result<Box<dyn Network>> {
    let (path, genotype) = match case.word("arch")? {
        "df40_lr0.0025" => DARCY,
        other => return Err(unsupported(format!("the architecture '{other}'"))),
    };
    let architecture = Architecture { path: path.to_vec(), cell: exchanged(&genotype) };
    let spec = DeepLabSpec {
        stem: case.whole("initial_fm")? / 2,
        head: case.whole("head_width")?,
        low_level: 48,
        dropout: [0.0; 2],
        ..DeepLabSpec::new(architecture, case.whole("filter_multiplier")?)
    };
    Ok(Box::new(DeepLab::new(at, &spec, case.whole("in_channels")?, 1)))
}
