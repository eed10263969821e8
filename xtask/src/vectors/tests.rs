//! A folder of our own: what passes, what fails, what is not supported, and how it is said.

use super::*;
use safetensors::{Dtype, tensor::TensorView};
use std::collections::BTreeMap;

/// The bytes of a case of `op` with f32 (`in.`, `up.`) and f64 tensors of one dimension.
fn case(op: &str, attrs: &str, tensors: &[(&str, &[f64])]) -> Vec<u8> {
    let bytes: Vec<(String, Dtype, Vec<u8>, usize)> = tensors
        .iter()
        .map(|(name, data)| {
            let single = name.starts_with("in.") || name.starts_with("up.");
            let bytes = data.iter().flat_map(|x| match single {
                true => (*x as f32).to_le_bytes().to_vec(),
                false => x.to_le_bytes().to_vec(),
            });
            ((*name).to_owned(), if single { Dtype::F32 } else { Dtype::F64 }, bytes.collect(), data.len())
        })
        .collect();
    let views = bytes.iter().map(|(n, d, b, len)| (n.clone(), TensorView::new(*d, vec![*len], b).unwrap()));
    let metadata = [("op", op), ("attrs", attrs), ("source", "by hand"), ("rtol", "1e-6"), ("rtol_each", "{}")];
    let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    safetensors::serialize(views.collect::<BTreeMap<_, _>>(), Some(metadata)).unwrap()
}

#[test]
fn verdicts() {
    let x: &[f64] = &[-1.0, 0.0, 2.0];
    let relu = |y: &[f64], dx: &[f64]| {
        let all: [(&str, &[f64]); 4] = [("in.x", x), ("up.y", &[1.0, 1.0, 3.0]), ("out.y", y), ("grad.x", dx)];
        replay(&Case::parse("activation/relu".to_owned(), case("relu", "{}", &all)).unwrap())
    };
    assert_eq!(relu(&[0.0, 0.0, 2.0], &[0.0, 0.0, 3.0]), Verdict::Passed);
    let Verdict::Failed(what) = relu(&[0.0, 0.0, 2.1], &[0.0, 1.0, 3.0]) else { panic!("passed") };
    assert!(what.starts_with("out.y is off by 4.76e-2 of its norm, 1.0e-6 is allowed; grad.x"), "{what}");
    let odd = Case::parse("a/b".to_owned(), case("antigravity", "{}", &[("in.x", x)])).unwrap();
    assert_eq!(replay(&odd), Verdict::NotSupported("op 'antigravity'".to_owned()));
    let gelu = case("gelu", r#"{"approximate": "quick"}"#, &[("in.x", x), ("out.y", x)]);
    let said = replay(&Case::parse("a/gelu".to_owned(), gelu).unwrap());
    assert_eq!(said, Verdict::NotSupported("approximate quick".to_owned()));
    let missing = replay(&Case::parse("a/sum".to_owned(), case("sum", "{}", &[("out.y", x)])).unwrap());
    assert_eq!(missing, Verdict::Failed("the file has no 'in.x'".to_owned()));
}

#[test]
fn a_folder_of_any_cases() {
    let scratch = tempfile::tempdir().unwrap();
    let family = scratch.path().join("activation");
    std::fs::create_dir(&family).unwrap();
    let all: [(&str, &[f64]); 2] = [("in.x", &[1.0]), ("out.y", &[1.0])];
    std::fs::write(family.join("one.safetensors"), case("relu", "{}", &all)).unwrap();
    std::fs::write(family.join("broken.safetensors"), b"no tensors").unwrap();
    let index = r#"{"cases": [{"file": "activation/one.safetensors"}, {"file": "norm/lost.safetensors"}]}"#;
    std::fs::write(scratch.path().join("index.json"), index).unwrap();
    let mut seen = Vec::new();
    let mut note = |name: &str, v: &Verdict| seen.push((name.to_owned(), *v == Verdict::Passed));
    folder(scratch.path(), &Selection::default(), &mut note).unwrap();
    folder(scratch.path(), &Selection::new(&["activation/o*".to_owned()], &[]), &mut note).unwrap();
    let expected =
        [("activation/broken", false), ("activation/one", true), ("norm/lost", false), ("activation/one", true)];
    assert_eq!(seen, expected.map(|(n, p)| (n.to_owned(), p)));
    assert!(folder(scratch.path(), &Selection::new(&["conv2d".to_owned()], &[]), |_, _| {}).is_err());
    assert!(files(&scratch.path().join("none")).is_err());
}

#[test]
fn ops_have_one_row() {
    let mut names: Vec<&str> = FAMILIES.iter().flat_map(|r| r.iter()).map(|r| r.op).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
