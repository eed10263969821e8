//! What processes that make runs for this one are told: the same command line, of one run.

use crate::cli::BenchArgs;
use anyhow::Context;
use std::path::Path;

/// The flags of `bench` that say what is run and where it lies, with paths that hold in any folder. Not among them: words,
/// seeds and threads, which are each child's own; what concerns this process alone (`--fresh`, `--json`, `--lock`, the engine).
///
/// # Errors
/// If the folder we are in is gone.
pub fn flags(args: &BenchArgs) -> anyhow::Result<Vec<String>> {
    let here = |path: &Path| -> anyhow::Result<String> {
        let path = std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))?;
        let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        Ok(text.to_owned())
    };
    let mut flags = Vec::new();
    let mut give = |name: &str, value: String| flags.extend([name.to_owned(), value]);
    give("--profile", args.profile.name().to_owned());
    args.set.iter().for_each(|set| give("--set", set.clone()));
    if let Some(arch) = &args.arch {
        give("--arch", here(arch)?);
    }
    give("--protocol", args.protocol.clone());
    args.quirk.iter().for_each(|quirk| give("--quirk", quirk.clone()));
    give("--device", args.device.to_string());
    give("--mode", args.mode.to_string());
    give("--data", here(&args.data)?);
    give("--out", here(&args.out)?);
    give("--checkpoint-seconds", args.checkpoint_seconds.to_string());
    flags.push("--part".to_owned());
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn parsed(words: &[String]) -> BenchArgs {
        match Cli::try_parse_from(words).unwrap().command {
            Command::Bench(args) => *args,
            _ => unreachable!(),
        }
    }

    /// A flag that is added to `bench` is either handed on, or named here.
    #[test]
    fn a_child_is_asked_for_the_same() {
        let line = "xtask bench darcy gaea --profile smoke --set epochs=3 --set lr=1e-3 --protocol published \
                    --quirk double-symmetry --device emu --mode speed --data d --out o --checkpoint-seconds 0.5 --seeds 1,2";
        let asked = parsed(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let words = ["xtask", "bench", "darcy", "gaea", "--seeds", "1,2"].map(str::to_owned);
        let child = parsed(&[words.to_vec(), flags(&asked).unwrap()].concat());
        let here = std::env::current_dir().unwrap();
        let expected = format!("{asked:?}")
            .replace("data: \"d\"", &format!("data: {:?}", here.join("d")))
            .replace("part: false", "part: true")
            .replace("out: \"o\"", &format!("out: {:?}", here.join("o")));
        assert_eq!(format!("{child:?}"), expected);
    }
}
