//! `arch export`: a network for PyTorch, as a folder that needs nothing of this program.

use super::pytorch;
use crate::{Ended, Usage, ui};
use anyhow::{Context, bail};
use nas::arch::outline::Outline;
use nas::arch::{self, Arch};
use nas::run::{CHECKPOINT, RESULT};
use nn::{Builder, Checkpoint, Kind, Params};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// What is written.
const FILES: [&str; 3] = ["network.py", "weights.safetensors", "arch.json"];
/// Parameters of this name are trained beside the network and are no part of its evaluation.
const AUXILIARY: &str = "auxiliary_head.";

/// Where the weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The finished run in this folder.
    Run(PathBuf),
    /// A file with PyTorch's names and layouts.
    File(PathBuf),
    /// Initial values of this seed.
    Initial(u64),
}

impl Source {
    /// What was asked for, else the finished run that the architecture lies in.
    ///
    /// # Errors
    /// If nothing was asked for and there is no such run.
    pub fn of(arch: &Path, weights: Option<&Path>, initial: Option<u64>) -> Result<Self, Usage> {
        let run = arch.parent().unwrap_or(Path::new(""));
        match (weights, initial) {
            (Some(file), _) => Ok(Self::File(file.to_owned())),
            (None, Some(seed)) => Ok(Self::Initial(seed)),
            (None, None) if run.join(CHECKPOINT).exists() && run.join(RESULT).exists() => Ok(Self::Run(run.to_owned())),
            (None, None) => Err(Usage(format!(
                "no weights: beside {} there is no finished run ({CHECKPOINT} and {RESULT}); give --weights \
                 FILE.safetensors, or --initial SEED for weights that nothing has trained",
                arch.display()
            ))),
        }
    }

    /// Puts the weights into a network's parameters; says in words where they are from.
    fn load(&self, params: &mut Params) -> anyhow::Result<String> {
        match self {
            Self::Initial(seed) => Ok(format!("initial values of seed {seed}, untrained")),
            Self::File(path) => {
                let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                by_name(&bytes, params).with_context(|| path.display().to_string())?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Ok(format!("those of the file {}", name.replace(['\\', '"'], "")))
            }
            Self::Run(folder) => {
                let (path, result) = (folder.join(CHECKPOINT), folder.join(RESULT));
                let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let checkpoint = Checkpoint::from_bytes(&bytes).with_context(|| path.display().to_string())?;
                checkpoint.load_params(params).with_context(|| path.display().to_string())?;
                let text = std::fs::read(&result).with_context(|| format!("cannot read {}", result.display()))?;
                let text: Json = serde_json::from_slice(&text).with_context(|| result.display().to_string())?;
                let digest = params.digest();
                if text["digest"] != *digest {
                    bail!(
                        "{}: its digest is {}, that of the weights in {CHECKPOINT} is \"{digest}\": they are of two runs; \
                         give --weights to say which are meant",
                        result.display(),
                        text["digest"]
                    );
                }
                Ok(format!("those of the finished run, seed {}, digest {}", text["seed"], &digest[..16]))
            }
        }
    }
}

/// Loads a file's tensors by name; it has each of the network's, in its shape, and none besides but a training's state.
fn by_name(bytes: &[u8], params: &mut Params) -> anyhow::Result<()> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| anyhow::anyhow!("no safetensors file: {e}"))?;
    let beside = |name: &str| {
        ["optimizer.", "state.", AUXILIARY].iter().any(|s| name.starts_with(s)) || name.ends_with("num_batches_tracked")
    };
    if let Some(name) = file.names().into_iter().find(|n| params.find(n).is_none() && !beside(n)) {
        bail!("the network has no '{}': these are weights of another", name.escape_debug());
    }
    for i in 0..params.entries().len() {
        let entry = &params.entries()[i];
        let (name, shape, layout) = (entry.name().to_owned(), entry.file_shape(), entry.layout());
        let Ok(tensor) = file.tensor(&name) else { bail!("'{name}' is missing: these are weights of another network") };
        if tensor.dtype() != Dtype::F32 || tensor.shape() != &shape[..] {
            bail!("'{name}' is {} {:?}, the network's is F32 {shape}", tensor.dtype(), tensor.shape());
        }
        let (words, _) = tensor.data().as_chunks::<4>();
        let id = params.find(&name).expect("an entry's name");
        let value = params.value_mut(id);
        let (ours, mut words) = (value.shape(), words.iter());
        let data = value.data_mut();
        layout.in_file_order(ours, |at| data[at] = f32::from_le_bytes(*words.next().expect("as many as the shape")));
    }
    Ok(())
}

/// The network with its initial values, without what is trained beside it.
pub(super) fn built(arch: &Arch, seed: u64) -> anyhow::Result<Params> {
    let mut params = Params::new();
    arch::build(&arch.network, &arch.form(), 0.0, &mut Builder::new(&mut params, seed))?;
    Ok(params)
}

/// Parameters and buffers of the network in evaluation.
pub(super) fn evaluated(params: &Params) -> Params {
    let mut kept = Params::new();
    for e in params.entries().iter().filter(|e| !e.name().starts_with(AUXILIARY)) {
        kept.add(e.name(), e.value().clone(), e.kind(), e.layout());
    }
    kept
}

/// Runs the command.
///
/// # Errors
/// If the architecture is not one that is exported, the weights are not its, or the folder holds an export already.
pub fn run(file: &Path, to: &Path, source: Source) -> anyhow::Result<Ended> {
    let arch = Arch::read(file)?;
    let outline = Outline::read(&arch).with_context(|| file.display().to_string())?;
    if let Some(there) = FILES.iter().find(|f| to.join(f).exists()) {
        bail!("{} is there already; give another folder, or move it away", to.join(there).display());
    }
    let seed = if let Source::Initial(seed) = source { seed } else { 0 };
    let mut params = built(&arch, seed).with_context(|| file.display().to_string())?;
    let weights = source.load(&mut params)?;
    let params = evaluated(&params);
    let Some(module) = pytorch::module(&outline, &weights) else {
        bail!("{}: a yardstick is no network to export; 'arch show' says what it is", file.display());
    };
    write(to, &arch, &module, &params)?;
    let trained = params.entries().iter().filter(|e| e.kind() == Kind::Parameter).count();
    ui::line(&format!(
        "{}: {} parameters in {trained} tensors, {} buffers; weights: {weights}",
        to.display(),
        ui::grouped(params.trainable()),
        params.entries().len() - trained
    ));
    Ok(Ended::Well)
}

/// Writes the folder.
pub(super) fn write(to: &Path, arch: &Arch, module: &str, params: &Params) -> anyhow::Result<()> {
    let mut checkpoint = Checkpoint::new(json!({"task": arch.task, "method": arch.method}));
    checkpoint.put_params(params);
    let arch = nn::checkpoint::canonical(&arch.json()) + "\n";
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for (name, bytes) in FILES.iter().zip([module.as_bytes(), &checkpoint.to_bytes(), arch.as_bytes()]) {
        let path = to.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
