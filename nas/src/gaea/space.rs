//! The cell space of DARTS: eight operations on fourteen edges, and the genotypes that are chosen from it.
//!
//! A cell has two inputs (states 0 and 1) and four nodes (states 2 to 5). Node i sums over edges from every earlier state;
//! edges are counted node by node, within a node by source: 0-1, 2-4, 5-8, 9-13.

use std::fmt;
use std::ops::Range;

use kernels::rng::Stream;
use serde_json::{Value as Json, json};

/// States that a cell is given.
pub const INPUTS: usize = 2;
/// Nodes of a cell.
pub const NODES: usize = 4;
/// Edges of a cell.
pub const EDGES: usize = 14;
/// Operations on an edge of the supernet.
pub const OPERATIONS: usize = 8;

/// What an edge may do; the order is that of architecture weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Zero. It takes part in a search and is never chosen.
    None,
    /// 3x3 maximum.
    MaxPool3,
    /// 3x3 mean over the places that there are.
    AvgPool3,
    /// The input itself; halved by a factorised reduction.
    Skip,
    /// Twice ReLU, depthwise 3x3, pointwise, batch norm.
    SepConv3,
    /// The same with 5x5.
    SepConv5,
    /// ReLU, depthwise 3x3 with dilation 2, pointwise, batch norm.
    DilConv3,
    /// The same with 5x5.
    DilConv5,
}

impl Operation {
    /// All, in order.
    pub const ALL: [Self; OPERATIONS] = [
        Self::None,
        Self::MaxPool3,
        Self::AvgPool3,
        Self::Skip,
        Self::SepConv3,
        Self::SepConv5,
        Self::DilConv3,
        Self::DilConv5,
    ];

    /// Its place in the order.
    pub fn index(self) -> usize {
        self as usize
    }

    /// PyTorch's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::MaxPool3 => "max_pool_3x3",
            Self::AvgPool3 => "avg_pool_3x3",
            Self::Skip => "skip_connect",
            Self::SepConv3 => "sep_conv_3x3",
            Self::SepConv5 => "sep_conv_5x5",
            Self::DilConv3 => "dil_conv_3x3",
            Self::DilConv5 => "dil_conv_5x5",
        }
    }

    /// The operation of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The edges into node `node` (from 0), by source.
pub fn edges_into(node: usize) -> Range<usize> {
    let first = node * (node + 3) / 2;
    first..first + INPUTS + node
}

/// The edge from state `source` to node `node`.
pub fn edge(node: usize, source: usize) -> usize {
    debug_assert!(source < INPUTS + node);
    edges_into(node).start + source
}

/// One of the two inputs of a node in a genotype.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Choice {
    /// What is done.
    pub operation: Operation,
    /// To which state.
    pub source: usize,
}

/// The chosen inputs of the four nodes, the stronger first.
pub type Cell = [[Choice; 2]; NODES];

/// What a search finds: a cell that keeps the size, and one that halves it (none where nothing is halved).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Genotype {
    /// Keeps the size.
    pub normal: Cell,
    /// Halves it.
    pub reduce: Option<Cell>,
}

/// The content of a genotype is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("genotype, {place}: {what}; {fix}")]
pub struct GenotypeError {
    place: String,
    what: String,
    fix: &'static str,
}

impl GenotypeError {
    fn new(place: impl Into<String>, what: impl Into<String>, fix: &'static str) -> Self {
        Self { place: place.into(), what: what.into(), fix }
    }
}

/// A value in words that fit a line.
fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Chooses by weights: `operations[e][o]` of operation o on edge e, `edges[e]` of the edge itself.
///
/// The strength of an operation is the product of both (exact, where both are f32 numbers). Each node keeps the two edges whose strongest operation
/// other than none is strongest, and on them that operation. Of equals the lower index wins, of edges and of operations.
pub fn derive(operations: &[[f64; OPERATIONS]; EDGES], edges: &[f64; EDGES]) -> Cell {
    let strongest = |e: usize| {
        let strength = |o: Operation| operations[e][o.index()] * edges[e];
        let first = (Operation::ALL[1], strength(Operation::ALL[1]));
        Operation::ALL[2..].iter().fold(first, |best, &o| if strength(o) > best.1 { (o, strength(o)) } else { best })
    };
    std::array::from_fn(|node| {
        let mut best: Vec<(Choice, f64)> = (edges_into(node).enumerate())
            .map(|(source, e)| {
                let (operation, strength) = strongest(e);
                (Choice { operation, source }, strength)
            })
            .collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable
        [best[0].0, best[1].0]
    })
}

/// A cell drawn uniformly: two different sources for a node, then an operation other than none for each.
fn draw_cell(stream: &mut Stream) -> Cell {
    std::array::from_fn(|node| {
        let states = (INPUTS + node) as u64;
        let first = stream.below(states);
        let second = stream.below(states - 1);
        let second = second + u64::from(second >= first);
        [first, second].map(|source| Choice {
            operation: Operation::ALL[1 + stream.below(OPERATIONS as u64 - 1) as usize],
            source: source as usize,
        })
    })
}

impl Genotype {
    /// A genotype drawn uniformly; with a reduction cell where `reduce` says so.
    pub fn random(stream: &mut Stream, reduce: bool) -> Self {
        Self { normal: draw_cell(stream), reduce: reduce.then(|| draw_cell(stream)) }
    }

    /// `{"normal": [[["sep_conv_3x3", 0], ["skip_connect", 1]], ...], "reduce": [...] or null}`, four nodes a cell.
    pub fn to_json(&self) -> Json {
        let cell = |cell: &Cell| -> Json {
            cell.iter().map(|n| n.iter().map(|c| json!([c.operation.name(), c.source])).collect::<Json>()).collect()
        };
        json!({"normal": cell(&self.normal), "reduce": self.reduce.as_ref().map(cell)})
    }

    /// Reads what [`Genotype::to_json`] writes.
    ///
    /// # Errors
    /// If anything is missing or too much, names an unknown operation or none, or a state that a node cannot see.
    pub fn from_json(value: &Json) -> Result<Self, GenotypeError> {
        const FIX: &str = r#"give {"normal": cell, "reduce": cell or null}"#;
        let Some(members) = value.as_object() else {
            return Err(GenotypeError::new("as a whole", format!("{} is no object", short(value)), FIX));
        };
        if let Some(name) = members.keys().find(|k| !["normal", "reduce"].contains(&k.as_str())) {
            return Err(GenotypeError::new("as a whole", format!("there is no member '{name}'"), FIX));
        }
        let member = |name: &str| {
            members.get(name).ok_or_else(|| GenotypeError::new("as a whole", format!("'{name}' is missing"), FIX))
        };
        let reduce = member("reduce")?;
        Ok(Self {
            normal: read_cell("normal", member("normal")?)?,
            reduce: if reduce.is_null() { None } else { Some(read_cell("reduce", reduce)?) },
        })
    }
}

/// An array of exactly `N`.
fn exactly<'a, const N: usize>(
    value: &'a Json,
    place: &str,
    what: &str,
    fix: &'static str,
) -> Result<&'a [Json; N], GenotypeError> {
    let array = value.as_array().and_then(|a| <&[Json; N]>::try_from(&a[..]).ok());
    array.ok_or_else(|| GenotypeError::new(place, format!("{} is no list of {what}", short(value)), fix))
}

fn read_cell(name: &str, value: &Json) -> Result<Cell, GenotypeError> {
    let nodes = exactly::<NODES>(value, name, "four nodes", "give one entry a node")?;
    let mut cell = [[Choice { operation: Operation::Skip, source: 0 }; 2]; NODES];
    for (node, (choices, value)) in cell.iter_mut().zip(nodes).enumerate() {
        let place = format!("{name}, node {node}");
        let pair = exactly::<2>(value, &place, "two inputs", "each node has two inputs, [operation, source]")?;
        for (choice, value) in choices.iter_mut().zip(pair) {
            *choice = read_choice(&place, node, value)?;
        }
        if choices[0].source == choices[1].source {
            let what = format!("both inputs are state {}", choices[0].source);
            return Err(GenotypeError::new(place, what, "choose two different states"));
        }
    }
    Ok(cell)
}

fn read_choice(place: &str, node: usize, value: &Json) -> Result<Choice, GenotypeError> {
    const SOURCE: &str = "a node sees the cell's inputs 0 and 1 and the nodes before it, from 2 on";
    let [operation, source] = exactly::<2>(value, place, "operation and source", "give [\"sep_conv_3x3\", 0]")?;
    let wrong = |what: String| {
        GenotypeError::new(
            place,
            what,
            "choose among max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3, sep_conv_5x5, dil_conv_3x3, dil_conv_5x5",
        )
    };
    let operation = operation.as_str().and_then(Operation::parse).ok_or_else(|| {
        let known = short(operation);
        wrong(format!("there is no operation {known}"))
    })?;
    if operation == Operation::None {
        return Err(wrong("'none' is never chosen".to_owned()));
    }
    let states = (INPUTS + node) as u64;
    match source.as_u64() {
        Some(s) if s < states => Ok(Choice { operation, source: s as usize }),
        _ => Err(GenotypeError::new(place, format!("{} is none of its {states} states", short(source)), SOURCE)),
    }
}

/// For people: `normal: 2 = sep_conv_3x3(0) + skip_connect(1), 3 = ...`, a line a cell.
impl fmt::Display for Genotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = [("normal", Some(&self.normal)), ("reduce", self.reduce.as_ref())];
        for (i, (name, cell)) in cells.iter().filter_map(|(n, c)| Some((n, (*c)?))).enumerate() {
            write!(f, "{}{name}:", if i > 0 { "\n" } else { "" })?;
            for (node, [a, b]) in cell.iter().enumerate() {
                let comma = if node > 0 { "," } else { "" };
                write!(f, "{comma} {} = {}({}) + {}({})", node + INPUTS, a.operation, a.source, b.operation, b.source)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::{Key, Purpose};

    fn stream(i: u64) -> Stream {
        Key::new(0, Purpose::Test).stream(i)
    }

    #[test]
    fn edges_are_counted_node_by_node() {
        let all: Vec<usize> = (0..NODES).flat_map(edges_into).collect();
        assert!(all.iter().copied().eq(0..EDGES));
        assert_eq!((0..NODES).map(|n| edges_into(n).len()).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert_eq!((edge(0, 1), edge(1, 0), edge(2, 3), edge(3, 4)), (1, 2, 8, 13));
    }

    #[test]
    fn operations_have_names_both_ways() {
        for (i, o) in Operation::ALL.into_iter().enumerate() {
            assert_eq!((o.index(), Operation::parse(o.name())), (i, Some(o)));
        }
        assert_eq!(Operation::parse("sep_conv_7x7"), None);
    }

    #[test]
    fn of_equals_the_lower_index_wins() {
        let cell = derive(&[[0.125; OPERATIONS]; EDGES], &[0.25; EDGES]);
        let first = |source| Choice { operation: Operation::MaxPool3, source };
        assert_eq!(cell, [[first(0), first(1)]; NODES]);
    }

    #[test]
    fn none_is_never_chosen_and_edges_count() {
        let mut operations = [[0.0; OPERATIONS]; EDGES];
        let mut edges = [0.5; EDGES];
        operations.iter_mut().for_each(|row| row[0] = 1.0);
        operations[edge(1, 1)][Operation::DilConv5.index()] = 0.2;
        operations[edge(1, 2)][Operation::Skip.index()] = 0.3;
        operations[edge(1, 0)][Operation::SepConv3.index()] = 0.25;
        let at = |c: Choice| (c.operation, c.source);
        let node = derive(&operations, &edges)[1];
        assert_eq!(node.map(at), [(Operation::Skip, 2), (Operation::SepConv3, 0)]);
        edges[edge(1, 1)] = 1.0;
        let node = derive(&operations, &edges)[1];
        assert_eq!(node.map(at), [(Operation::DilConv5, 1), (Operation::Skip, 2)]);
        // Where nothing but none has weight: the first operation of the first edges.
        assert_eq!(derive(&operations, &edges)[0].map(at), [(Operation::MaxPool3, 0), (Operation::MaxPool3, 1)]);
    }

    #[test]
    fn genotypes_survive_json() {
        for i in 0..50 {
            let g = Genotype::random(&mut stream(i), i % 2 == 0);
            assert_eq!(Genotype::from_json(&g.to_json()), Ok(g));
        }
    }

    #[test]
    fn drawn_genotypes_cover_the_space() {
        let mut seen = std::collections::BTreeSet::new();
        for i in 0..400 {
            for (node, pair) in Genotype::random(&mut stream(i), false).normal.iter().enumerate() {
                assert_ne!(pair[0].source, pair[1].source);
                seen.extend(pair.map(|c| (edge(node, c.source), c.operation)));
            }
        }
        assert_eq!(seen.len(), EDGES * (OPERATIONS - 1));
    }

    #[test]
    fn wrong_genotypes_are_refused_in_words() {
        let good = Genotype::random(&mut stream(0), true).to_json();
        let mut wrong = Vec::new();
        let mut expect = |change: &dyn Fn(&mut Json), words: &str| {
            let mut bad = good.clone();
            change(&mut bad);
            let said = Genotype::from_json(&bad).map_or_else(|e| e.to_string(), |_| "accepted".to_owned());
            if !said.contains(words) {
                wrong.push(format!("{said}\n  does not say: {words}"));
            }
        };
        expect(&|g| *g = json!(3), "3 is no object");
        expect(&|g| _ = g.as_object_mut().unwrap().remove("reduce"), "'reduce' is missing");
        expect(&|g| g["normale"] = json!(1), "no member 'normale'");
        expect(&|g| g["normal"] = Json::Null, "normal: null is no list of four nodes");
        expect(&|g| _ = g["reduce"].as_array_mut().unwrap().pop(), "is no list of four nodes");
        expect(&|g| g["normal"][2] = json!([1, 2, 3]), "normal, node 2: [1,2,3] is no list of two inputs");
        expect(&|g| g["normal"][0][1] = json!("skip_connect"), "is no list of operation and source");
        expect(&|g| g["normal"][0][0] = json!(["sep_conv_7x7", 0]), "there is no operation \"sep_conv_7x7\"");
        expect(&|g| g["normal"][0][0] = json!(["none", 0]), "'none' is never chosen");
        expect(&|g| g["reduce"][1][0] = json!(["skip_connect", 3]), "3 is none of its 3 states");
        expect(&|g| g["reduce"][1][0] = json!(["skip_connect", -1]), "-1 is none of its 3 states");
        expect(&|g| g["reduce"][1][0] = json!(["skip_connect", 0.5]), "0.5 is none of its 3 states");
        let twice = json!([["skip_connect", 1], ["max_pool_3x3", 1]]);
        expect(&|g| g["normal"][3] = twice.clone(), "both inputs are state 1");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn people_read_a_line_a_cell() {
        let pair = [(Operation::SepConv3, 0), (Operation::Skip, 1)];
        let cell = [pair.map(|(operation, source)| Choice { operation, source }); NODES];
        let text = Genotype { normal: cell, reduce: Some(cell) }.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("normal: 2 = sep_conv_3x3(0) + skip_connect(1), 3 = sep"), "{text}");
        assert!(lines.len() == 2 && lines[1].starts_with("reduce: 2 = "), "{text}");
    }
}
