//! The public reference vectors through the runner of `cargo xtask vectors`: whatever is supported is right.

use np360_tests::vectors::folder;
use xtask::vectors::{Selection, Verdict};

/// Replays what the patterns name; gives how many passed and how many are not supported.
///
/// # Panics
/// If any is wrong.
fn replay(only: &[&str], skip: &[&str]) -> Option<(usize, usize)> {
    let folder = folder()?;
    let own = |all: &[&str]| all.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
    let (mut passed, mut unsupported, mut wrong) = (0, 0, Vec::new());
    xtask::vectors::folder(&folder, &Selection::new(&own(only), &own(skip)), |name, verdict| match verdict {
        Verdict::Passed => passed += 1,
        Verdict::NotSupported(_) => unsupported += 1,
        Verdict::Failed(what) => wrong.push(format!("{name}: {what}")),
    })
    .unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Some((passed, unsupported))
}

#[test]
fn every_op_that_is_built() {
    let Some((passed, _)) = replay(&[], &["networks"]) else { return };
    assert!(passed >= 250, "only {passed} pass");
}

#[test]
fn the_wrn_networks_train_and_evaluate_alike() {
    let Some(counts) = replay(&["networks/wrn*", "networks/resnet1d*"], &[]) else { return };
    assert_eq!(counts, (5, 0));
}

#[test]
fn every_network_that_is_built() {
    replay(&["networks"], &["networks/wrn*", "networks/resnet1d*"]);
}
