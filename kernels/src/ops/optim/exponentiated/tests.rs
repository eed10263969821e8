//! Bits against the reference at every level and thread count, and a step of the original.

use super::*;
use crate::Shape;
use crate::check::{Fill, Input, each_way};

#[test]
fn every_level_and_thread_count_gives_the_references_bits() {
    for shape in [Shape::scalar(), [1, 1].into(), [14, 8].into(), [3, 5, 17].into(), [500, 7].into(), [2, 5000].into()]
    {
        let start = Input::filled(shape, Fill::Uniform(0.01, 1.0)).tensor(0);
        let g = [1, 2].map(|i| Input::filled(shape, Fill::Scaled(3.0)).tensor(i));
        let mut want = start.data().to_vec();
        g.iter().for_each(|g| reference(0.1, &mut want, g.data(), shape.last()));
        each_way(|how| {
            let mut p = start.clone();
            g.iter().for_each(|g| step(0.1, &mut p, g));
            assert!(p.same_bits(&Tensor::from_slice(shape, &want)), "{shape}, {how}");
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
