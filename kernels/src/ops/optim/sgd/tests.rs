//! Bits against the reference at every level and thread count, and PyTorch's own numbers.

use super::*;
use crate::check::{Fill, Input, each_way};

fn input(n: usize, index: u64) -> Tensor {
    Input::filled([n], Fill::Normal).tensor(index)
}

#[test]
fn every_level_and_thread_count_gives_the_references_bits() {
    for n in [1, 7, 16, 4_099, 40_000] {
        for momentum in [0.0, 0.9] {
            for weight_decay in [0.0, 5e-4] {
                for nesterov in [false, momentum != 0.0] {
                    let sgd = Sgd { momentum, weight_decay, nesterov };
                    sgd.check().unwrap();
                    let g = [input(n, 1), input(n, 2), input(n, 3)];
                    let mut p = input(n, 0).data().to_vec();
                    let mut b = vec![f32::NAN; n];
                    for (k, g) in g.iter().enumerate() {
                        let buffer = (momentum != 0.0).then_some(&mut b[..]);
                        reference(&sgd, 0.1, &mut p, g.data(), buffer, k == 0);
                    }
                    each_way(|how| {
                        let mut q = input(n, 0);
                        let mut c = Tensor::full([n], f32::NAN);
                        for (k, g) in g.iter().enumerate() {
                            let buffer = (momentum != 0.0).then_some(&mut c);
                            sgd.step(0.1, &mut q, g, buffer, k == 0);
                        }
                        let same = |a: &Tensor, b: &[f32]| a.same_bits(&Tensor::from_slice([n], b));
                        assert!(same(&q, &p) && same(&c, &b), "{sgd:?}, {n} numbers, {how}");
                    });
                }
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sgd = Sgd { momentum: 0.0, weight_decay: 0.0, nesterov: true };
    assert!(sgd.check().unwrap_err().to_string().contains("Nesterov"));
    assert!(Sgd { momentum: f32::NAN, ..sgd }.check().is_err());
    assert!(Sgd { weight_decay: -1.0, nesterov: false, ..sgd }.check().is_err());
}
