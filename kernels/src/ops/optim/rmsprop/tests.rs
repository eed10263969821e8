//! Bits against the reference at every level and thread count.

use super::*;
use crate::check::{Fill, Input, each_way};

fn input(n: usize, index: u64) -> Tensor {
    Input::filled([n], Fill::Normal).tensor(index)
}

#[test]
fn every_level_and_thread_count_gives_the_references_bits() {
    for (momentum, centered, weight_decay) in
        [(0.0, false, 0.0), (0.0, true, 1e-3), (0.9, false, 0.0), (0.9, true, 0.1)]
    {
        let rule = RmsProp { momentum, centered, weight_decay, ..RmsProp::default() };
        rule.check().unwrap();
        for n in [1, 7, 16, 4_099, 40_000] {
            // Twice the same gradient: where rounding may take the deviation below 0.
            let g = [input(n, 1), input(n, 1), input(n, 2), Tensor::zeros([n])];
            let mut p = input(n, 0).data().to_vec();
            let (mut v, mut a, mut b) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            for g in &g {
                let mean = centered.then_some(&mut a[..]);
                let buffer = (momentum != 0.0).then_some(&mut b[..]);
                reference(&rule, 0.01, &mut p, g.data(), State { square: &mut v[..], mean, buffer });
            }
            each_way(|how| {
                let mut q = input(n, 0);
                let [mut w, mut c, mut d] = [(); 3].map(|()| Tensor::zeros([n]));
                for g in &g {
                    let (mean, buffer) = (centered.then_some(&mut c), (momentum != 0.0).then_some(&mut d));
                    rule.step(0.01, &mut q, g, State { square: &mut w, mean, buffer });
                }
                let same = |a: &Tensor, b: &[f32]| a.same_bits(&Tensor::from_slice([n], b));
                let all = [(&q, &p), (&w, &v), (&c, &a), (&d, &b)];
                assert!(all.iter().all(|(a, b)| same(a, b)), "{rule:?}, {n} numbers, {how}");
            });
        }
    }
}

#[test]
fn a_gradient_that_never_changes_gives_no_nan() {
    let rule = RmsProp { centered: true, alpha: 0.5, ..RmsProp::default() };
    let (mut p, g) = (Tensor::zeros([64]), input(64, 3));
    let (mut v, mut a) = (Tensor::zeros([64]), Tensor::zeros([64]));
    for _ in 0..100 {
        rule.step(1e-9, &mut p, &g, State { square: &mut v, mean: Some(&mut a), buffer: None });
    }
    assert!(p.data().iter().all(|p| p.is_finite()));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let rule = RmsProp::default();
    assert!(RmsProp { alpha: 1.0, ..rule }.check().unwrap_err().to_string().contains("alpha 1"));
    assert!(RmsProp { momentum: -0.1, ..rule }.check().is_err());
    assert!(RmsProp { eps: f64::NAN, ..rule }.check().is_err());
}
