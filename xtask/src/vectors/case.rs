//! One file of the vectors: its tensors, its attributes, its tolerances.

use std::path::Path;

use anyhow::{Context, bail};
use kernels::{Shape, Tensor};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::layout::Layout;

/// A tensor as the file has it, in PyTorch's layout; integers as whole numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Sizes.
    pub shape: Vec<usize>,
    /// Row-major.
    pub data: Vec<f64>,
    /// Whether the file has integers: then they must be equal.
    pub whole: bool,
}

/// One file.
pub struct Case {
    /// `family/case`.
    pub name: String,
    /// The op it replays.
    pub op: String,
    attrs: Value,
    rtol: f64,
    rtol_each: Value,
    bytes: Vec<u8>,
}

impl Case {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or is no vector.
    pub fn read(name: String, file: &Path) -> anyhow::Result<Self> {
        Self::parse(name, std::fs::read(file)?)
    }

    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// If they are no vector.
    pub fn parse(name: String, bytes: Vec<u8>) -> anyhow::Result<Self> {
        SafeTensors::deserialize(&bytes)?; // damaged files are refused here, once
        let (_, header) = SafeTensors::read_metadata(&bytes)?;
        let metadata = header.metadata().as_ref().context("no metadata")?;
        let text = |key: &str| metadata.get(key).with_context(|| format!("no metadata '{key}'"));
        let rtol_each = match metadata.get("rtol_each") {
            Some(json) => serde_json::from_str(json).context("rtol_each")?,
            None => Value::Null,
        };
        let attrs = serde_json::from_str(text("attrs")?).context("attrs")?;
        let (op, rtol) = (text("op")?.clone(), text("rtol")?.parse().context("rtol")?);
        Ok(Self { name, op, attrs, rtol, rtol_each, bytes })
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).expect("read before")
    }

    /// A tensor.
    ///
    /// # Errors
    /// If there is none of that name, or of another type than the format has.
    pub fn stored(&self, name: &str) -> anyhow::Result<Stored> {
        let file = self.file();
        let t = file.tensor(name).ok().with_context(|| format!("the file has no '{name}'"))?;
        fn each<const N: usize>(bytes: &[u8], number: fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|b| number(*b)).collect()
        }
        let (data, whole) = match t.dtype() {
            Dtype::F32 => (each(t.data(), |b| f32::from_le_bytes(b).into()), false),
            Dtype::F64 => (each(t.data(), f64::from_le_bytes), false),
            Dtype::I64 => (each(t.data(), |b| i64::from_le_bytes(b) as f64), true),
            other => bail!("'{name}' is {other:?}"),
        };
        Ok(Stored { shape: t.shape().to_vec(), data, whole })
    }

    /// Input `name` in our layout: floats as they are, integers as i32.
    ///
    /// # Errors
    /// If it is not there, or does not fit.
    pub fn input(&self, name: &str, layout: Layout) -> anyhow::Result<Tensor> {
        let t = self.stored(&format!("in.{name}"))?;
        let (shape, at) = layout.ours(&t.shape)?;
        if t.whole {
            let ints: Result<Vec<i32>, _> = at.iter().map(|&i| i32::try_from(t.data[i] as i64)).collect();
            return Ok(Tensor::from_ints(shape, &ints.with_context(|| format!("'{name}' is beyond 32 bits"))?));
        }
        let floats: Vec<f32> = at.iter().map(|&i| t.data[i] as f32).collect();
        Ok(Tensor::from_slice(shape, &floats))
    }

    /// Sizes of input `name`, PyTorch's.
    ///
    /// # Errors
    /// If it is not there.
    pub fn shape(&self, name: &str) -> anyhow::Result<Vec<usize>> {
        let file = self.file();
        let t = file.tensor(&format!("in.{name}")).ok().with_context(|| format!("the file has no 'in.{name}'"))?;
        Ok(t.shape().to_vec())
    }

    /// The file has a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.file().tensor(name).is_ok()
    }

    /// All names that begin so, without the beginning, sorted; `x10` comes after `x9`.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let file = self.file();
        let mut names: Vec<String> =
            file.names().iter().filter_map(|n| n.strip_prefix(prefix)).map(String::from).collect();
        names.sort_by_key(|n| {
            let digits = n.len() - n.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            (n[..n.len() - digits].to_owned(), n[n.len() - digits..].parse::<u64>().unwrap_or(0), n.clone())
        });
        names
    }

    /// An attribute; null if it is left out.
    pub fn attr(&self, key: &str) -> &Value {
        &self.attrs[key]
    }

    /// A number.
    ///
    /// # Errors
    /// If it is left out or no number.
    pub fn number(&self, key: &str) -> anyhow::Result<f64> {
        self.attrs[key].as_f64().with_context(|| format!("no number '{key}' in the attributes"))
    }

    /// A number, or what it is by default.
    ///
    /// # Errors
    /// If it is something else.
    pub fn number_or(&self, key: &str, default: f64) -> anyhow::Result<f64> {
        if self.attrs[key].is_null() { Ok(default) } else { self.number(key) }
    }

    /// A whole number.
    ///
    /// # Errors
    /// If it is left out or no whole number.
    pub fn whole(&self, key: &str) -> anyhow::Result<usize> {
        whole(&self.attrs[key]).with_context(|| format!("no whole number '{key}' in the attributes"))
    }

    /// Whole numbers; a single one counts as a list of one.
    ///
    /// # Errors
    /// If they are left out or something else.
    pub fn wholes(&self, key: &str) -> anyhow::Result<Vec<usize>> {
        list(&self.attrs[key], whole).with_context(|| format!("no whole numbers '{key}' in the attributes"))
    }

    /// The same, signed.
    ///
    /// # Errors
    /// If they are left out or something else.
    pub fn integers(&self, key: &str) -> anyhow::Result<Vec<i64>> {
        list(&self.attrs[key], Value::as_i64).with_context(|| format!("no whole numbers '{key}' in the attributes"))
    }

    /// A whole number that may stand in a list of one.
    ///
    /// # Errors
    /// If it is left out or something else.
    pub fn whole_first(&self, key: &str) -> anyhow::Result<usize> {
        self.wholes(key)?.first().copied().with_context(|| format!("'{key}' is empty"))
    }

    /// The same, signed.
    ///
    /// # Errors
    /// If it is left out or something else.
    pub fn integer(&self, key: &str) -> anyhow::Result<i64> {
        self.integers(key)?.first().copied().with_context(|| format!("'{key}' is empty"))
    }

    /// A pair \[h, w\]; a single number stands for both.
    ///
    /// # Errors
    /// If it is left out or something else.
    pub fn pair(&self, key: &str) -> anyhow::Result<[usize; 2]> {
        match self.wholes(key)?[..] {
            [n] => Ok([n, n]),
            [h, w] => Ok([h, w]),
            _ => bail!("'{key}' is no pair: {}", self.attrs[key]),
        }
    }

    /// A switch; off if it is left out.
    pub fn flag(&self, key: &str) -> bool {
        self.attrs[key] == true
    }

    /// A word.
    ///
    /// # Errors
    /// If it is left out or something else.
    pub fn word(&self, key: &str) -> anyhow::Result<&str> {
        self.attrs[key].as_str().with_context(|| format!("no word '{key}' in the attributes"))
    }

    /// What tensor `name` may be off by: its own tolerance (one for all `gradnorm.*`), else the case's.
    pub fn tolerance(&self, name: &str) -> f64 {
        let key = if name.starts_with("gradnorm.") { "gradnorm" } else { name };
        self.rtol_each[key].as_f64().unwrap_or(self.rtol)
    }
}

fn whole(v: &Value) -> Option<usize> {
    v.as_u64().and_then(|n| usize::try_from(n).ok())
}

fn list<T>(v: &Value, of: fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match v {
        Value::Array(all) => all.iter().map(of).collect(),
        one => Some(vec![of(one)?]),
    }
}

/// What we computed: a name as in the file, sizes and numbers in PyTorch's layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Got {
    /// `out.y`, `grad.x`, `gradnorm.fc.weight`.
    pub name: String,
    /// Sizes; `None` where only the numbers count.
    pub shape: Option<Vec<usize>>,
    /// Row-major.
    pub data: Vec<f64>,
}

impl Got {
    /// Numbers alone.
    pub fn numbers(name: impl Into<String>, data: Vec<f64>) -> Self {
        Self { name: name.into(), shape: None, data }
    }

    /// A tensor of ours.
    ///
    /// # Errors
    /// If the layout does not fit its shape.
    pub fn tensor(name: impl Into<String>, t: &Tensor, layout: Layout) -> anyhow::Result<Self> {
        let ours: Shape = t.shape();
        let (shape, data) = layout.theirs(&ours, &wide(t))?;
        Ok(Self { name: name.into(), shape: Some(shape), data })
    }
}

/// The numbers of a tensor.
pub fn wide(t: &Tensor) -> Vec<f64> {
    match t.dtype() {
        kernels::DType::F32 => t.data().iter().map(|&x| x.into()).collect(),
        kernels::DType::I32 => t.ints().iter().map(|&x| x.into()).collect(),
    }
}
