//! Bits against the reference at every level and thread count, and a step of the original.

use super::*;
use crate::Shape;
use crate::check::{Fill, Input, each_way};

/// Rows along the last dimension.
fn step(lr: f64, p: &mut Tensor, g: &Tensor) {
    Exponentiated { rows: &[p.shape().last()], floor: 0.0 }.step(lr, p, g);
}

#[test]
fn every_level_and_thread_count_gives_the_references_bits() {
    let cases: [(Shape, &[usize], f64); 9] = [
        (Shape::scalar(), &[1], 0.0),
        ([1, 1].into(), &[1], 0.0),
        ([14, 8].into(), &[8], 0.0),
        ([14, 8].into(), &[8], 1e-2),
        ([14].into(), &[2, 3, 4, 5], 0.0),
        ([300, 14].into(), &[2, 3, 4, 5], 0.3),
        ([3, 5, 17].into(), &[17], 0.0),
        ([500, 7].into(), &[7], 0.0),
        ([2, 5000].into(), &[5000], 0.0),
    ];
    for (shape, rows, floor) in cases {
        let rule = Exponentiated { rows, floor };
        let start = Input::filled(shape, Fill::Uniform(0.01, 1.0)).tensor(0);
        let g = [1, 2].map(|i| Input::filled(shape, Fill::Scaled(3.0)).tensor(i));
        let mut want = start.data().to_vec();
        g.iter().for_each(|g| reference(&rule, 0.1, &mut want, g.data()));
        each_way(|how| {
            let mut p = start.clone();
            g.iter().for_each(|g| rule.step(0.1, &mut p, g));
            assert!(p.same_bits(&Tensor::from_slice(shape, &want)), "{shape} by {rows:?}, {how}");
        });
    }
}

#[test]
fn a_step_from_the_middle_is_the_originals() {
    let mut p = Tensor::full([8], 0.125);
    step(0.1, &mut p, &Tensor::from_slice([8], &[0.5, -0.2, 0.1, 0.0, 0.0, 0.0, -1.0, 0.3]));
    let want =
        [0.118_354_85, 0.126_936_55, 0.123_185, 0.124_423_03, 0.124_423_03, 0.124_423_03, 0.137_508_72, 0.120_745_78];
    assert!(p.data().iter().zip(want).all(|(p, w): (&f32, f32)| (p - w).abs() < 1e-7), "{p:?}");
}

#[test]
fn large_gradients_do_not_overflow() {
    let mut p = Tensor::full([2], 0.5);
    step(1.0, &mut p, &Tensor::from_slice([2], &[-600.0, -590.0]));
    assert!((p.data()[0] - 1.0).abs() < 1e-4 && p.data()[1] > 0.0, "{p:?}");
}

#[test]
fn what_is_clamped_can_recover() {
    let mut p = Tensor::from_slice([2], &[1.0, 0.0]);
    Exponentiated { rows: &[2], floor: 1e-5 }.step(0.1, &mut p, &Tensor::zeros([2]));
    assert!((p.data()[1] - 1e-5).abs() < 1e-9, "{p:?}");
    step(1.0, &mut p, &Tensor::from_slice([2], &[0.0, -20.0]));
    assert!(p.data()[1] > 0.99, "{p:?}");
}

#[test]
fn each_node_of_edges_is_a_row() {
    let mut p = Tensor::full([14], 1.0);
    Exponentiated { rows: &[2, 3, 4, 5], floor: 0.0 }.step(0.1, &mut p, &Tensor::zeros([14]));
    let want = [2, 3, 4, 5].map(|n| vec![1.0 / n as f32; n]).concat();
    assert_eq!(p.data(), want);
}

#[test]
#[should_panic(expected = "rows of [3] in [14]")]
fn rows_must_fill_the_tensor() {
    Exponentiated { rows: &[3], floor: 0.0 }.step(0.1, &mut Tensor::zeros([14]), &Tensor::zeros([14]));
}
