//! The optimisers on the emulated card: the processor's bits, over several steps, in both orders of a block's threads.

use super::adam::Adam;
use super::exponentiated::Exponentiated;
use super::grad_norm::{Scratch, scale, sum_of_squares};
use super::max_norm::MaxNorm;
use super::rmsprop::{RmsProp, State};
use super::sgd::Sgd;
use crate::check::{Fill, Input, turn};
use crate::cuda::emu::{self, Order};
use crate::device::Choice;
use crate::{Device, Tensor};

const SIZES: [usize; 5] = [1, 7, 256, 4_099, 9_000];

/// Calls `run` on the processor and on the emulated card, and compares every tensor that it gives.
fn same(what: &str, mut run: impl FnMut(Device) -> Vec<Tensor>) {
    let card = Choice::Emulated.open().expect("the emulated card");
    let _turn = turn();
    let want = run(Device::Cpu);
    for order in [Order::Forward, Order::Reverse] {
        emu::set_order(order);
        for (i, (got, want)) in run(card).iter().zip(&want).enumerate() {
            assert_eq!(got.first_difference(want), None, "{what}: tensor {i}, threads {order}");
        }
    }
    emu::set_order(Order::Forward);
}

fn numbers(n: usize, index: u64, device: Device) -> Tensor {
    Input::filled([n], Fill::Normal).tensor(index).to(device)
}

#[test]
fn sgd() {
    for n in SIZES {
        for (momentum, weight_decay, nesterov) in
            [(0.0, 0.0, false), (0.9, 0.0, false), (0.9, 5e-4, true), (0.0, 0.1, false)]
        {
            let rule = Sgd { momentum, weight_decay, nesterov };
            same(&format!("{rule:?}, {n} numbers"), |device| {
                let mut p = numbers(n, 0, device);
                let mut b = Tensor::full_on(device, [n], f32::NAN);
                for k in 0..3 {
                    let buffer = (momentum != 0.0).then_some(&mut b);
                    rule.step(0.1 / (k + 1) as f32, &mut p, &numbers(n, 1 + k, device), buffer, k == 0);
                }
                vec![p, b]
            });
        }
    }
}

#[test]
fn adam() {
    for n in SIZES {
        for rule in [Adam::default(), Adam::w(), Adam { weight_decay: 0.1, ..Adam::default() }] {
            same(&format!("{rule:?}, {n} numbers"), |device| {
                let mut p = numbers(n, 0, device);
                let zeros = || Tensor::full_on(device, [n], 0.0);
                let (mut m, mut v) = (zeros(), zeros());
                for t in 1..4 {
                    rule.step(1e-2, t, &mut p, &numbers(n, t.into(), device), &mut m, &mut v);
                }
                vec![p, m, v]
            });
        }
    }
}

#[test]
fn max_norm() {
    for (shape, most) in [([8, 300], 0.9), ([1, 7], 0.9), ([4, 2_049], 1e-3)] {
        same(&format!("{shape:?}, at most {most}"), |device| {
            let mut w = Input::normal(shape).tensor(0).to(device);
            MaxNorm::keras(most).apply(&mut w);
            MaxNorm::keras(most).apply(&mut w);
            vec![w]
        });
    }
}

#[test]
fn rmsprop() {
    for n in SIZES {
        for (momentum, centered, weight_decay) in
            [(0.0, false, 0.0), (0.9, false, 1e-3), (0.0, true, 0.0), (0.9, true, 1e-3)]
        {
            let rule = RmsProp { momentum, centered, weight_decay, ..RmsProp::default() };
            same(&format!("{rule:?}, {n} numbers"), |device| {
                let mut p = numbers(n, 0, device);
                let zeros = || Tensor::full_on(device, [n], 0.0);
                let (mut v, mut a, mut b) = (zeros(), zeros(), zeros());
                for k in 1..4 {
                    let state = State {
                        square: &mut v,
                        mean: centered.then_some(&mut a),
                        buffer: (momentum != 0.0).then_some(&mut b),
                    };
                    rule.step(1e-2, &mut p, &numbers(n, k, device), state);
                }
                vec![p, v, a, b]
            });
        }
    }
}

#[test]
fn exponentiated_gradient() {
    let cases: [([usize; 2], &[usize], f64); 5] = [
        ([14, 8], &[8], 0.0),
        ([14, 8], &[8], 0.1),
        ([1, 1], &[1], 0.0),
        ([100, 5], &[5], 0.0),
        ([3, 14], &[2, 3, 4, 5], 0.0),
    ];
    for (shape, rows, floor) in cases {
        same(&format!("{shape:?} by {rows:?}"), |device| {
            let mut p = Input::filled(shape, Fill::Uniform(0.1, 1.0)).tensor(0).to(device);
            for k in 1..4 {
                Exponentiated { rows, floor }.step(0.1, &mut p, &Input::normal(shape).tensor(k).to(device));
            }
            vec![p]
        });
    }
}

#[test]
fn norms_and_scaling() {
    let mut scratch = Scratch::default();
    for n in [1, 15, 4_096, 4_097, 40_001] {
        same(&format!("{n} numbers"), |device| {
            let mut x = numbers(n, 0, device);
            let sum = sum_of_squares(&x, &mut scratch).to_bits();
            scale(&mut x, 0.3);
            vec![x, Tensor::from_ints([2], &[sum as i32, (sum >> 32) as i32])]
        });
    }
}
