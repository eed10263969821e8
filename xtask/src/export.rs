//! `data export`: a task's data as one .npz.

use crate::{Ended, ui};
use anyhow::{Context, bail};
use npyz::npz::NpzWriter;
use npyz::{AutoSerialize, WriterBuilder};
use safetensors::Dtype;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use tasks::store::Stored;
use tasks::{Dataset, Part, Task};

type Writer = NpzWriter<BufWriter<File>>;

/// Writes `<split>_<tensor>` for every tensor of every split, under a temporary name first.
///
/// # Errors
/// If the data are not there, or the file cannot be written.
pub fn npz(task: &'static dyn Task, to: Option<&Path>, data: &Path) -> anyhow::Result<Ended> {
    let name = task.facts().name;
    let set = Dataset::open(data, task)?;
    let to = to.map_or_else(|| PathBuf::from(format!("{name}.npz")), Path::to_path_buf);
    let half = to.with_extension("npz.tmp");
    let wrote = write(&data.join(name), &half).and_then(|n| {
        std::fs::rename(&half, &to)?;
        Ok(n)
    });
    let arrays = wrote
        .inspect_err(|_| drop(std::fs::remove_file(&half)))
        .with_context(|| format!("cannot write {}", to.display()))?;
    ui::line(&format!("{name}: {arrays} arrays of {} data in {}", set.provenance().name(), to.display()));
    Ok(Ended::Well)
}

fn write(folder: &Path, to: &Path) -> anyhow::Result<usize> {
    let file = File::create(to)?;
    let mut npz = NpzWriter::new(BufWriter::new(file));
    let mut arrays = 0;
    for part in Part::ALL {
        let stored = Stored::open(folder, part)?;
        for name in stored.names() {
            let (Some((dtype, shape)), Some(bytes)) = (stored.tensor_type(&name), stored.bytes(&name)) else {
                continue;
            };
            let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
            let array = format!("{}_{name}", part.name());
            match dtype {
                Dtype::F32 => add(&mut npz, &array, &shape, bytes, f32::from_le_bytes)?,
                Dtype::F64 => add(&mut npz, &array, &shape, bytes, f64::from_le_bytes)?,
                Dtype::I64 => add(&mut npz, &array, &shape, bytes, i64::from_le_bytes)?,
                Dtype::I32 => add(&mut npz, &array, &shape, bytes, i32::from_le_bytes)?,
                Dtype::I16 => add(&mut npz, &array, &shape, bytes, i16::from_le_bytes)?,
                Dtype::U8 => add(&mut npz, &array, &shape, bytes, u8::from_le_bytes)?,
                other => bail!("tensor '{name}' is {other}, which .npz export does not write"),
            }
            arrays += 1;
        }
    }
    drop(npz);
    File::open(to)?.sync_all()?;
    Ok(arrays)
}

fn add<T: AutoSerialize, const N: usize>(
    npz: &mut Writer,
    name: &str,
    shape: &[u64],
    bytes: &[u8],
    number: fn([u8; N]) -> T,
) -> anyhow::Result<()> {
    let mut array = npz.array(name, Default::default())?.default_dtype().shape(shape).begin_nd()?;
    let (numbers, _) = bytes.as_chunks::<N>();
    array.extend(numbers.iter().map(|b| number(*b)))?;
    Ok(array.finish()?)
}
