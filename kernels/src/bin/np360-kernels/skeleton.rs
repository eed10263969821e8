//! `new`: the folder of an op that doubles its input and passes every check, to be changed into something.

use std::fs;
use std::path::Path;

use super::Refusal;

/// A file to be written, below `kernels/src/ops`, and its text.
pub type File = (String, String);

/// Writes the folder and the lines that name it; gives the files.
pub fn write(ops: &Path, path: &str) -> Result<Vec<String>, Refusal> {
    let (family, _) = names(path)?;
    if ops.join(path).exists() {
        return Err(Refusal(1, format!("kernels/src/ops/{path} is there already")));
    }
    let read = |file: &str| fs::read_to_string(ops.join(file));
    let fault = |what: &str, e: std::io::Error| Refusal(1, format!("kernels/src/ops/{what}: {e}"));
    let table = read("mod.rs").map_err(|e| fault("mod.rs", e))?;
    let files = plan(path, &table, read(&format!("{family}/mod.rs")).ok().as_deref())?;
    for (file, text) in &files {
        let to = ops.join(file);
        let folder = to.parent().unwrap_or(ops);
        fs::create_dir_all(folder).and_then(|()| fs::write(&to, text)).map_err(|e| fault(file, e))?;
    }
    Ok(files.into_iter().map(|f| f.0).collect())
}

fn names(path: &str) -> Result<(&str, &str), Refusal> {
    let proper = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_lowercase())
            && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    match path.split_once('/') {
        Some((f, o)) if proper(f) && proper(o) => Ok((f, o)),
        _ => Err(Refusal::usage(format!("'{path}': give FAMILY/OP, lower case, such as pool/median_pool"))),
    }
}

/// All files of a new op: its six, and the two that name it. `table` is the text of `ops/mod.rs`, `family` that of the
/// family's `mod.rs`, if there is one.
pub fn plan(path: &str, table: &str, family: Option<&str>) -> Result<Vec<File>, Refusal> {
    let (group, op) = names(path)?;
    let fill = |text: &str| text.replace("PATH", path).replace("TYPE", &camel(op)).replace("OP", op);
    let mut files: Vec<File> = [("mod", MOD), ("reference", REFERENCE), ("cpu", CPU), ("cases", CASES)]
        .map(|(name, text)| (format!("{path}/{name}.rs"), fill(text)))
        .into();
    files.push((format!("{path}/cuda.rs"), fill(CUDA)));
    files.push((format!("{path}/kernel.cu"), fill(KERNEL)));
    let module = |name: &str| format!("pub mod {name};");
    let family =
        family.map_or_else(|| "//! A family of ops: say what they have in common.\n\n".to_owned(), str::to_owned);
    files.push((format!("{group}/mod.rs"), insert(&family, &module(op), "pub mod ")));
    let mut table = table.to_owned();
    if !table.lines().any(|l| l == module(group)) {
        table = insert(&table, &module(group), "pub mod ");
    }
    let row = format!(
        "    Row {{ path: \"{path}\", cases: {group}::{op}::cases::cases, kernels: &{group}::{op}::cuda::KERNELS }},"
    );
    files.push(("mod.rs".to_owned(), insert(&table, &row, "    Row { path: ")));
    Ok(files)
}

/// Puts a line among those that begin alike, in alphabetical order; at the end if there is none.
fn insert(text: &str, line: &str, like: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let alike = |l: &&str| l.starts_with(like);
    let next = lines.iter().position(|l| alike(l) && *l > line);
    let at = next.or_else(|| lines.iter().rposition(alike).map(|i| i + 1)).unwrap_or(lines.len());
    lines.insert(at, line);
    lines.join("\n") + "\n"
}

fn camel(name: &str) -> String {
    let word = |w: &str| w[..1].to_ascii_uppercase() + &w[1..];
    name.split('_').filter(|w| !w.is_empty()).map(word).collect()
}

const MOD: &str = r#"//! OP: say what it computes.
//!
//! # Specification
//! x `[...]` -> y `[...]`, `y = 2 x`. No sums, so no order. Backward: `dx = 2 dy`.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// OP: say what its parameters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TYPE;

const NAME: &str = "OP";

impl Op for TYPE {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        match inputs {
            [x] => Ok(Outputs::one(*x)),
            _ => Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one, x")),
        }
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::twice(inputs[0].data(), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::twice(inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let mut g = b.room(0);
            match b.device() {
                Device::Cpu => cpu::twice(b.dy().data(), g.data_mut()),
                Device::Cuda(_) => cuda::twice(b.dy(), &mut g),
            }
            dx[0] = Some(g);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("PATH", &super::cases::cases());
    }

    #[test]
    fn wrong_inputs_are_refused() {
        assert!(TYPE.infer(&[]).is_err());
    }
}
"#;

const REFERENCE: &str = r#"//! Defines the bits of OP, one number at a time.

use super::TYPE;
use crate::host::{Host, Real};
use crate::op::Reference;

fn twice<T: Real>(x: &Host<T>) -> Host<T> {
    Host::new(x.shape, x.data.iter().map(|&x| x + x).collect())
}

impl Reference for TYPE {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        vec![twice(&inputs[0])]
    }

    fn reference_backward<T: Real>(
        &self,
        _: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        vec![dy[0].as_ref().map(twice)]
    }
}
"#;

const CPU: &str = r#"//! OP, fast: vectorised and threaded.

use crate::simd::Simd;
use crate::{dispatch, pool};

/// Numbers a task.
const CHUNK: usize = 1 << 14;

pub(super) fn twice(x: &[f32], y: &mut [f32]) {
    pool::chunks_mut(y, CHUNK, |i, y| twice_chunk(&x[i * CHUNK..][..y.len()], y));
}

dispatch! {
    fn twice_chunk(x: &[f32], y: &mut [f32]) = twice_body;
}

#[inline(always)]
fn twice_body<S: Simd>(x: &[f32], y: &mut [f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = x + x);
}
"#;

const CUDA: &str = r#"//! OP on a card: launches of its kernels.

use crate::Tensor;
use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("PATH", include_str!("kernel.cu"));

pub(super) fn twice(x: &Tensor, y: &mut Tensor) {
    let n = x.len();
    KERNELS.kernel("twice").over(n, 256).arg(x).arg(y).arg(n).launch();
}
"#;

const KERNEL: &str = r#"// OP: one thread a number.

#include "prelude.cuh"

// y = 2 x, n numbers.
KERNEL(256, twice, const float* __restrict__ x, float* __restrict__ y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] + x[i];
}
"#;

const CASES: &str = r#"//! The table of cases.

use super::TYPE;
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, shape: impl Into<Shape>) -> Case {
    Case::new(name, TYPE, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let odd = vec![0.0, -0.0, f32::NAN, f32::INFINITY, 1e-45, f32::MAX];
    vec![
        case("small", [2, 3, 4, 5]),
        case("odd", [3, 37]),
        case("empty", [0, 3]).bits_only(),
        case("chunks", [3, 9001]).bits_only(),
        Case::new("edges", TYPE, [Input::filled([odd.len()], Fill::Exactly(odd))]).bits_only(),
        case("64_32px_b64", [64, 32, 32, 64]).timed(),
    ]
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "//! Ops.\n\npub mod conv;\npub mod pool;\n\npub const TABLE: &[Row] = &[\n    \
        Row { path: \"conv/conv\", cases: conv::conv::cases::cases, kernels: &conv::conv::cuda::KERNELS },\n    \
        Row { path: \"pool/max_pool\", cases: pool::max_pool::cases::cases, kernels: &pool::cuda::KERNELS },\n];\n";

    fn text<'a>(files: &'a [File], name: &str) -> &'a str {
        &files.iter().find(|f| f.0 == name).unwrap().1
    }

    #[test]
    fn an_op_of_a_family_that_is_there() {
        let family = Some("//! Pooling.\n\npub mod avg_pool;\npub mod max_pool;\nmod mean;\n");
        let files = plan("pool/median_pool", TABLE, family).ok().unwrap();
        assert_eq!(files.len(), 8);
        assert!(text(&files, "pool/mod.rs").ends_with("max_pool;\npub mod median_pool;\nmod mean;\n"));
        let table = text(&files, "mod.rs");
        assert_eq!(table.matches("pub mod pool;").count(), 1);
        assert!(
            table.ends_with(
                "cases: pool::median_pool::cases::cases, kernels: &pool::median_pool::cuda::KERNELS },\n];\n"
            )
        );
        assert!(text(&files, "pool/median_pool/mod.rs").contains("pub struct MedianPool;"));
        assert!(text(&files, "pool/median_pool/mod.rs").contains("table(\"pool/median_pool\""));
        for (name, text) in &files {
            assert!(["OP", "TYPE", "PATH"].iter().all(|w| !text.contains(w)), "{name}");
        }
    }

    #[test]
    fn an_op_of_a_new_family() {
        let files = plan("index/gather", TABLE, None).ok().unwrap();
        assert!(text(&files, "index/mod.rs").ends_with("\n\npub mod gather;\n"));
        let table = text(&files, "mod.rs");
        assert!(table.contains("pub mod conv;\npub mod index;\npub mod pool;\n"));
        assert!(table.find("index/gather").unwrap() < table.find("pool/max_pool").unwrap());
    }

    #[test]
    fn what_is_there_or_no_name_is_refused() {
        let ops = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
        assert!(write(&ops, "conv/conv").is_err_and(|e| e.0 == 1 && e.1.contains("there already")));
        for wrong in ["pool", "pool/", "Pool/x", "pool/max/pool", "../x", "pool/2d", ""] {
            assert!(plan(wrong, TABLE, None).is_err_and(|e| e.0 == 2), "{wrong}");
        }
    }
}
