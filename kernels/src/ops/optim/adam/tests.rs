//! Bits against the reference at every level and thread count.

use super::*;
use crate::check::{Fill, Input, each_way};

fn input(n: usize, index: u64) -> Tensor {
    Input::filled([n], Fill::Normal).tensor(index)
}

#[test]
fn every_level_and_thread_count_gives_the_references_bits() {
    let plain = Adam::default();
    for adam in [plain, Adam { weight_decay: 1e-2, ..plain }, Adam { beta1: 0.5, ..Adam::w() }] {
        adam.check().unwrap();
        for n in [1, 7, 16, 4_099, 40_000] {
            let g = [input(n, 1), input(n, 2), Tensor::zeros([n])];
            let mut p = input(n, 0).data().to_vec();
            let (mut m, mut v) = (vec![0.0; n], vec![0.0; n]);
            for (t, g) in (1..).zip(&g) {
                reference(&adam, 0.01, t, &mut p, g.data(), &mut m, &mut v);
            }
            each_way(|how| {
                let mut q = input(n, 0);
                let (mut a, mut b) = (Tensor::zeros([n]), Tensor::zeros([n]));
                for (t, g) in (1..).zip(&g) {
                    adam.step(0.01, t, &mut q, g, &mut a, &mut b);
                }
                let same = |a: &Tensor, b: &[f32]| a.same_bits(&Tensor::from_slice([n], b));
                assert!(same(&q, &p) && same(&a, &m) && same(&b, &v), "{adam:?}, {n} numbers, {how}");
            });
        }
    }
}

#[test]
fn the_first_step_goes_a_learning_rate_against_the_sign() {
    let (mut p, g) = (Tensor::zeros([3]), Tensor::from_slice([3], &[5.0, -1e-3, 0.0]));
    let (mut m, mut v) = (Tensor::zeros([3]), Tensor::zeros([3]));
    Adam::default().step(0.1, 1, &mut p, &g, &mut m, &mut v);
    let want = [-0.1, 0.1, 0.0];
    assert!(p.data().iter().zip(want).all(|(p, w)| (p - w).abs() < 2e-6), "{p:?}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let adam = Adam::default();
    assert!(Adam { beta2: 1.0, ..adam }.check().unwrap_err().to_string().contains("beta2 1"));
    assert!(Adam { beta1: f64::NAN, ..adam }.check().is_err());
    assert!(Adam { eps: -1.0, ..adam }.check().is_err());
    assert!(Adam { weight_decay: f64::INFINITY, ..adam }.check().is_err());
}
