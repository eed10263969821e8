//! Reads the reference vectors, where they are.
#![allow(dead_code)] // shared by several tests, each of which uses a part

use std::fs;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The folder of a family; `None`, with a line that says so, if the vectors are not on this machine.
#[allow(clippy::print_stderr)] // a skipped test says why
pub fn folder(family: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("NP360_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let at = shared.join("vectors").join(family);
    let there = at.is_dir();
    if !there {
        eprintln!(
            "skipped: no reference vectors at {}; set NP360_SHARED to the folder that holds vectors/",
            at.display()
        );
    }
    there.then_some(at)
}

/// One file.
pub struct Case {
    pub name: String,
    pub op: String,
    pub attrs: Value,
    rtol_each: Value,
    bytes: Vec<u8>,
}

/// The cases of a family whose names begin so, sorted.
pub fn cases(family: &str, prefix: &str) -> Vec<Case> {
    let Some(folder) = folder(family) else { return Vec::new() };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let name = |f: &PathBuf| f.file_stem().unwrap().to_str().unwrap().to_owned();
    let cases: Vec<Case> = files
        .iter()
        .filter(|f| name(f).starts_with(prefix))
        .map(|f| Case::read(name(f), fs::read(f).unwrap()))
        .collect();
    assert!(!cases.is_empty(), "{family} has no case {prefix}*");
    cases
}

impl Case {
    fn read(name: String, bytes: Vec<u8>) -> Self {
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().as_ref().unwrap();
        let json = |key: &str| serde_json::from_str(&metadata[key]).unwrap();
        Self { name, op: metadata["op"].clone(), attrs: json("attrs"), rtol_each: json("rtol_each"), bytes }
    }

    /// Shape and numbers of a tensor; integers as f64.
    pub fn tensor(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let t = file.tensor(name).unwrap_or_else(|e| panic!("{}: {name}: {e}", self.name));
        let data = match t.dtype() {
            Dtype::F32 => t.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect(),
            Dtype::F64 => t.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::I64 => t.data().chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
            other => panic!("{name} is {other:?}"),
        };
        (t.shape().to_vec(), data)
    }

    /// The numbers of an f32 tensor.
    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.tensor(name).1.into_iter().map(|x| x as f32).collect()
    }

    /// All names that begin so, without the beginning.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let mut names: Vec<String> =
            file.names().iter().filter_map(|n| n.strip_prefix(prefix)).map(String::from).collect();
        names.sort();
        names
    }

    /// Compares as the vectors' README says; `Some(line)` if it is off. `by` names the tolerance.
    pub fn off(&self, what: &str, by: &str, got: &[f64], want: &[f64]) -> Option<String> {
        let tol = self.rtol_each[by].as_f64().unwrap_or_else(|| panic!("{}: no tolerance {by}", self.name));
        assert_eq!(got.len(), want.len(), "{}: {what}", self.name);
        let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>().sqrt();
        let finite = || got.iter().zip(want).filter(|(_, w)| w.is_finite());
        let error = norm(&mut finite().map(|(g, w)| g - w));
        let size = norm(&mut finite().map(|(_, w)| *w));
        let bound = if size == 0.0 { tol } else { tol * size };
        let odd = got.iter().zip(want).any(|(g, w)| !(w.is_finite() || g == w || g.is_nan() && w.is_nan()));
        let fine = error <= bound && !odd;
        (!fine).then(|| format!("{}: {what}: off by {error:.2e}, at most {bound:.2e} is allowed", self.name))
    }
}
