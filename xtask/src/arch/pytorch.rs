//! The text of a network in PyTorch: one file that needs torch alone.

use nas::amber::space::OPERATIONS;
use nas::arch::DEFINITION;
use nas::arch::outline::{Network, Outline};
use nas::densenas::network::Blocks;
use nas::fno::FnoSpec;
use nas::gaea::space::{Cell, Choice};

use crate::ui;

const HEAD: &str = include_str!("pytorch/head.py");
const TAIL: &str = include_str!("pytorch/tail.py");
const WRN: &str = include_str!("pytorch/wrn.py");
const RESNET1D: &str = include_str!("pytorch/resnet1d.py");
const CELLS: &str = include_str!("pytorch/cells.py");
const FACTORIZED: &str = include_str!("pytorch/factorized.py");
const BRANCHES: &str = include_str!("pytorch/branches.py");
const FNO: &str = include_str!("pytorch/fno.py");
const BLOCKS: &str = include_str!("pytorch/blocks.py");
const DEEPLAB: &str = include_str!("pytorch/deeplab.py");

/// A template and what its `@WORDS@` stand for.
struct Text {
    text: String,
    words: Vec<(&'static str, String)>,
}

impl Text {
    fn new(template: &str) -> Self {
        Self { text: template.to_owned(), words: Vec::new() }
    }

    fn put(&mut self, word: &'static str, value: impl ToString) {
        self.words.push((word, value.to_string()));
    }

    fn filled(self) -> String {
        self.words.iter().fold(self.text, |text, (word, value)| text.replace(&format!("@{word}@"), value))
    }
}

/// The module `network.py`; `weights` says where they come from. None for yardsticks, which have no layers to speak of.
pub fn module(outline: &Outline, weights: &str) -> Option<String> {
    let mut body = body(outline)?;
    body.put("INPUTS", outline.form.channels());
    body.put("OUTPUTS", outline.form.outputs);
    let d = if outline.series() { "1d" } else { "2d" };
    let body = ["Conv", "BatchNorm", "MaxPool", "AvgPool"]
        .iter()
        .fold(body.filled(), |text, layer| text.replace(&format!("nn.{layer}_d("), &format!("nn.{layer}{d}(")));
    Some(format!("{}{body}{TAIL}", head(outline, weights)))
}

/// The docstring and the imports.
fn head(outline: &Outline, weights: &str) -> String {
    let mut text = Text::new(HEAD);
    let places = outline.places().iter().map(usize::to_string).collect::<Vec<_>>();
    let axes = if outline.series() { "N, C, L" } else { "N, C, H, W" };
    text.put("TITLE", format!("The network that the method '{}' has for the task '{}'.", outline.method, outline.task));
    text.put("INPUT", format!("{axes} = N, {}, {}", outline.form.channels(), places.join(", ")));
    let outputs = outline.form.outputs;
    text.put(
        "OUTPUT",
        if outline.dense() { format!("N, {outputs}, H, W: an answer a pixel.") } else { format!("N, {outputs}.") },
    );
    text.put("READ", read(&outline.task));
    // A rule is free text: it must not end the docstring.
    text.put("RULE", outline.rule.replace('\\', "/").replace('"', "'"));
    let (p, m) = (ui::grouped(outline.parameters as usize), ui::grouped(outline.multiply_adds as usize));
    text.put("COUNTS", format!("{p} parameters, {m} multiply-adds\n({}).", wrapped(DEFINITION)));
    text.put("WEIGHTS", weights);
    text.filled()
}

/// What a task does between its stored items and the network, which is no part of the network.
fn read(task: &str) -> &'static str {
    match task {
        "darcy" => {
            "\nThe network reads what the program makes of a field: each node standardised with its mean and deviation over the fitted\n\
             fields, then the two coordinates; its output times the targets' deviation plus their mean, node by node, is the pressure.\n\
             Those numbers are fitted on the data at each run and are not in this folder.\n"
        }
        "spherical" => {
            "\nThe network reads pictures whose channels are standardised with their means and deviations over the fitted pictures.\n\
             Those numbers are fitted on the data at each run and are not in this folder.\n"
        }
        _ => "\nThe network reads items as the task stores them (`cargo xtask data export` writes them for Python).\n",
    }
}

/// Broken into lines of the docstring.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if lines.last().is_some_and(|l| l.len() + word.len() > 110) {
            lines.push(String::new());
        }
        let line = lines.last_mut().expect("one at least");
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.join("\n")
}

/// What is special to the family.
fn body(outline: &Outline) -> Option<Text> {
    let pooled = |layer: &str| {
        if outline.dense() {
            format!("self.{layer}(x.movedim(1, -1)).movedim(-1, 1)")
        } else {
            format!("self.{layer}(x.flatten(2).mean(2))")
        }
    };
    match &outline.network {
        Network::Wrn { depth, widen, corner } => {
            let mut text = Text::new(WRN);
            text.put(
                "HEAD",
                match corner {
                    Some(n) => format!("self.fc(x[:, :, :{n}, :{n}].flatten(2).mean(2))"),
                    None => pooled("fc"),
                },
            );
            text.put("DEPTH", depth);
            text.put("WIDEN", widen);
            text.put("BLOCKS", (depth - 4) / 6);
            for (word, c) in [("C1", 16), ("C2", 32), ("C3", 64)] {
                text.put(word, c * widen);
            }
            text.put("STRIDE", if outline.dense() { 1 } else { 2 });
            Some(text)
        }
        Network::Resnet1d { width } => {
            let mut text = Text::new(RESNET1D);
            text.put("C1", width);
            text.put("C2", 2 * width);
            Some(text)
        }
        Network::Fno(FnoSpec { layers, width, modes, padding }) => {
            let mut text = Text::new(FNO);
            for (word, n) in [("LAYERS", layers), ("WIDTH", width), ("MODES", modes), ("PADDING", padding)] {
                text.put(word, n);
            }
            Some(text)
        }
        Network::Blocks(Blocks { stem, blocks }) => {
            let mut text = Text::new(BLOCKS);
            text.put("HEAD", pooled("classifier"));
            text.put("STEM", stem);
            text.put("WIDTH", blocks.last().map_or(*stem, |b| b.outputs));
            let lines = blocks.iter().map(|b| {
                format!("            Block({}, {}, stride={}, stacked={}),", b.inputs, b.outputs, b.stride, b.stacked)
            });
            text.put("BLOCKS", lines.collect::<Vec<_>>().join("\n"));
            Some(text)
        }
        Network::Branches(net) => {
            let (stages, sequence) = (&net.stages, &net.sequence);
            let layers = 0..sequence.layers();
            let mut text = Text::new(BRANCHES);
            let lines = sequence.operations.iter().map(|&o| format!("    \"{}\",", OPERATIONS[o]));
            text.put("OPERATIONS", lines.collect::<Vec<_>>().join("\n"));
            let added = |row: &Vec<bool>| (0..row.len()).filter(|&j| row[j]).collect::<Vec<_>>();
            text.put("SKIPS", format!("{:?}", sequence.skips.iter().map(added).collect::<Vec<_>>()));
            text.put("WIDTHS", format!("{:?}", layers.clone().map(|i| stages.width(i)).collect::<Vec<_>>()));
            text.put("ENDS", format!("{:?}", layers.filter(|&i| stages.ends(i)).collect::<Vec<_>>()));
            text.put("MOMENTUM", net.momentum);
            text.put("EPS", format!("{:?}", net.eps));
            text.put("DENSE", net.dense);
            text.put("LENGTH", stages.last_length(outline.places()[0]));
            Some(text)
        }
        Network::Cells { channels, layers, genotype, momentum, eps, .. } => {
            let mut text = Text::new(CELLS);
            text.put("HEAD", pooled("classifier"));
            text.put("NORMAL", cell(&genotype.normal));
            text.put("MOMENTUM", momentum);
            text.put("EPS", format!("{eps:?}"));
            text.put("CHANNELS", channels);
            cells_of(&mut text, outline, genotype.reduce.as_ref(), *layers);
            text.put("LAYERS", layers);
            Some(text)
        }
        Network::DeepLab(net) => {
            let mut text = Text::new(DEEPLAB);
            let list = |numbers: Vec<String>| numbers.join(", ");
            text.put("PATH", list(net.architecture.path.iter().map(usize::to_string).collect()));
            text.put("CELL", pairs(&net.architecture.cell));
            for (word, value) in
                [("FILTERS", net.filters), ("STEM", net.stem), ("HEAD", net.head), ("LOW_LEVEL", net.low_level)]
            {
                text.put(word, value);
            }
            text.put("DROPOUT", list(net.dropout.iter().map(f64::to_string).collect()));
            Some(text)
        }
        Network::Constant | Network::Linear => None,
    }
}

/// What differs between cells of which some halve the size, and those of which none does.
fn cells_of(text: &mut Text, outline: &Outline, reduce: Option<&Cell>, layers: usize) {
    let Some(reduce) = reduce else {
        // As the benchmark places them: the operations of a dense network have PyTorch's batch norms.
        text.put("OPERATION_NORM", "{\"momentum\": 0.1, \"eps\": 1e-5}");
        for (word, value) in [
            ("REDUCE", ""),
            ("FACTORIZED", ""),
            ("SKIP", "nn.Identity()"),
            ("PREPROCESS0", "        self.preprocess0 = ReluConvBn(inputs[0], channels, PREPROCESS_NORM)"),
            ("REDUCING", ", none of which halves the size"),
            ("REDUCES", "False"),
            ("GENOTYPE", "NORMAL"),
        ] {
            text.put(word, value);
        }
        return;
    };
    let shifted = if outline.series() {
        "F.pad(x, (0, x.shape[2] % 2))[:, :, 1:]"
    } else {
        "F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))[:, :, 1:, 1:]"
    };
    text.put("FACTORIZED", format!("{}\n\n", FACTORIZED.trim_end().replace("@SHIFTED@", shifted)));
    text.put("OPERATION_NORM", "PREPROCESS_NORM");
    text.put("REDUCE", format!("REDUCE = [\n{}\n]", cell(reduce)));
    text.put("SKIP", "nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, OPERATION_NORM)");
    text.put(
        "PREPROCESS0",
        "        preprocess0 = FactorizedReduce if after_reduction else ReluConvBn\n        \
         self.preprocess0 = preprocess0(inputs[0], channels, PREPROCESS_NORM)",
    );
    let [first, second] = [layers / 3, 2 * layers / 3];
    text.put("REDUCING", format!(" of which numbers {first} and {second} halve the size"));
    text.put("REDUCES", format!("i in ({first}, {second})"));
    text.put("GENOTYPE", "REDUCE if reduces else NORMAL");
}

/// A cell's nodes, a line each.
fn cell(cell: &Cell) -> String {
    let node = |[a, b]: &[nas::gaea::space::Choice; 2]| {
        format!("    (\"{}\", {}), (\"{}\", {}),", a.operation, a.source, b.operation, b.source)
    };
    cell.iter().map(node).collect::<Vec<_>>().join("\n")
}

/// The same with the inputs of a node in brackets.
fn pairs(cell: &[[Choice; 2]]) -> String {
    let node = |[a, b]: &[Choice; 2]| {
        format!("    [(\"{}\", {}), (\"{}\", {})],", a.operation, a.source, b.operation, b.source)
    };
    cell.iter().map(node).collect::<Vec<_>>().join("\n")
}
