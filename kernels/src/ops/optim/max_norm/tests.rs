//! Bits against the reference at every level and thread count, and norms by hand.

use super::*;
use crate::check::{Fill, Input, each_way};

#[test]
fn every_level_and_thread_count_gives_the_references_bits() {
    for (taps, columns) in [(1, 1), (8, 7), (4, 1_024), (8, 3_001), (1, 5_000)] {
        for most in [0.9, 1e-3, 1e6] {
            let rule = MaxNorm::keras(most);
            rule.check().unwrap();
            let input = || Input::filled([taps, columns], Fill::Normal).tensor(0);
            let mut want = input().data().to_vec();
            reference(&rule, &mut want, taps);
            reference(&rule, &mut want, taps);
            each_way(|how| {
                let mut w = input();
                rule.apply(&mut w);
                rule.apply(&mut w);
                let want = Tensor::from_slice([taps, columns], &want);
                assert!(w.same_bits(&want), "{taps} taps of {columns} columns, {most}, {how}");
            });
        }
    }
}

#[test]
fn long_columns_are_cut_and_short_ones_hardly_change() {
    // Columns (3, 4), of norm 5, (0.3, 0.4), (0, 0), (1e-7, 0), and one with NaN.
    let numbers = [3.0, 0.3, 0.0, 1e-7, f32::NAN, 4.0, 0.4, 0.0, 0.0, 1.0];
    let mut w = Tensor::from_slice([2, 5, 1], &numbers);
    MaxNorm::keras(0.9).apply(&mut w);
    let close = |i: usize, want: f32| assert!((w.data()[i] - want).abs() <= 1e-6 * want.abs(), "{i}: {w:?}");
    for (i, want) in [(0, 0.54), (5, 0.72), (1, 0.3), (6, 0.4), (2, 0.0), (7, 0.0), (3, 0.5e-7), (8, 0.0)] {
        close(i, want);
    }
    assert!(w.data()[4].is_nan() && w.data()[9].is_nan());
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert!(MaxNorm::keras(0.0).check().unwrap_err().to_string().contains("norm 0"));
    assert!(MaxNorm { most: 1.0, eps: f32::NAN }.check().is_err());
}
