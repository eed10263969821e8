//! The table of cases.

use super::BatchNorm;
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn plain() -> BatchNorm {
    BatchNorm { affine: false, running: false, ..BatchNorm::default() }
}

fn affine() -> BatchNorm {
    BatchNorm { running: false, ..BatchNorm::default() }
}

fn inputs(op: &BatchNorm, x: Input) -> Vec<Input> {
    let c = x.shape.last();
    let mut all = vec![x];
    if op.affine {
        all.push(Input::filled([c], Fill::Uniform(0.5, 1.5)));
        all.push(Input::normal([c]));
    }
    if op.running {
        all.push(Input::normal([c]).fixed());
        all.push(Input::filled([c], Fill::Uniform(0.5, 2.0)).fixed());
    }
    all
}

fn case(name: &'static str, op: BatchNorm, shape: impl Into<Shape>) -> Case {
    Case::new(name, op, inputs(&op, Input::normal(shape)))
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let all = BatchNorm::default();
    let still = BatchNorm { momentum: 0.0, ..all };
    let eval = BatchNorm { training: false, ..all };
    let relu = |op: BatchNorm| BatchNorm { relu: true, ..op };
    let mut odd: Vec<f32> = (0..3 * 5 * 3).map(|i| (i * i % 17) as f32 - 8.0).collect();
    (odd[4], odd[15], odd[35]) = (f32::NAN, f32::INFINITY, -0.0);
    vec![
        case("images_c1", affine(), [2, 5, 7, 1]),
        case("images_c3_plain", plain(), [3, 4, 5, 3]),
        case("images_c4", affine(), [2, 9, 6, 4]),
        case("images_c16", affine(), [2, 8, 8, 16]),
        case("images_c37", affine(), [2, 3, 5, 37]),
        case("images_c64", affine(), [2, 4, 4, 64]),
        case("images_c100", affine(), [2, 3, 3, 100]),
        case("images_c150_eps", BatchNorm { eps: 1e-3, ..affine() }, [2, 2, 3, 150]),
        case("many_groups_c8", affine(), [5, 32, 67, 8]).bits_only(),
        case("many_groups_c70", affine(), [9, 13, 17, 70]).bits_only(),
        case("wide_cut_at_256", affine(), [2, 3, 600, 3]).bits_only(),
        case("wide_exactly_512", affine(), [2, 2, 512, 5]).bits_only(),
        case("series", affine(), [3, 40, 20]),
        case("series_cut", affine(), [2, 259, 2]),
        case("series_long", affine(), [3, 3001, 33]).bits_only(),
        case("vectors", affine(), [13, 21]),
        // Two values a channel become -1 and 1 whatever x is: the gradient is what eps leaves, and rounding drowns it.
        case("vectors_two", affine(), [2, 5]).bits_only(),
        case("vectors_many", affine(), [700, 130]).bits_only(),
        Case::new("raw_counts", affine(), {
            let x: Vec<f32> = (0..4 * 6 * 6 * 3).map(|i| 10_000.0 + (i * 37 % 101) as f32).collect();
            inputs(&affine(), Input::filled([4, 6, 6, 3], Fill::Exactly(x)))
        })
        .bits_only(),
        Case::new("nan_and_infinity", relu(affine()), {
            inputs(&affine(), Input::filled([3, 5, 3], Fill::Exactly(odd)))
        })
        .bits_only(),
        // Momentum 0 makes the running outputs independent of x, so that differences see what backward promises.
        case("running_still", still, [2, 4, 4, 6]),
        case("running", all, [2, 4, 4, 6]).bits_only(),
        case("running_dense_eval_momentum", BatchNorm { momentum: 0.999, eps: 1e-3, ..all }, [2, 7, 18]).bits_only(),
        case("running_plain", BatchNorm { affine: false, ..all }, [5, 18]).bits_only(),
        case("evaluation", eval, [2, 4, 5, 6]),
        case("evaluation_one_value", eval, [1, 6]),
        case("evaluation_plain", BatchNorm { affine: false, ..eval }, [2, 7, 40]),
        case("evaluation_many", eval, [9, 16, 17, 35]).bits_only(),
        case("relu_c3", relu(affine()), [2, 4, 5, 3]),
        case("relu_c21", relu(affine()), [2, 3, 3, 21]),
        case("relu_plain", relu(plain()), [3, 7, 5]),
        case("relu_c64", relu(affine()), [3, 17, 33, 64]).bits_only(),
        case("relu_c9_groups", relu(affine()), [3, 40, 57, 9]).bits_only(),
        // Large enough that y and dx are stored past the caches; the last period ends early.
        case("relu_c36_past_caches", relu(affine()), [3, 149, 151, 36]).bits_only(),
        // A period that fills no registers.
        case("relu_c261_one_row", relu(affine()), [2, 3, 5, 261]).bits_only(),
        case("relu_running", relu(all), [2, 9, 9, 5]).bits_only(),
        case("relu_evaluation", relu(eval), [2, 3, 4, 19]),
        case("relu_64_32px_b64", relu(all), [64, 32, 32, 64]).timed(),
        case("plain_64_32px_b64", plain(), [64, 32, 32, 64]).timed(),
        case("relu_256_8px_b64", relu(all), [64, 8, 8, 256]).timed(),
        case("series_128_b128", all, [128, 1000, 128]).timed(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::op::Reference;
    use crate::rng::{Key, Purpose};

    /// The fused form is batch norm, then `x < 0 ? 0 : x`, whose gradient is `y <= 0 ? 0 : dy`, to the bit.
    #[test]
    fn relu_is_the_composition() {
        let mut s = Key::new(1, Purpose::Test).stream(0);
        let mut host = |shape: &[usize]| {
            let n = shape.iter().product();
            Host::new(shape, (0..n).map(|_| s.normal() as f32).collect())
        };
        for training in [true, false] {
            let op = BatchNorm { training, ..BatchNorm::default() };
            let mut x = vec![host(&[3, 5, 7, 6]), host(&[6]), host(&[6]), host(&[6]), host(&[6])];
            x[4].data.iter_mut().for_each(|v| *v = *v * *v + 0.1);
            let dy = host(&[3, 5, 7, 6]);
            let mut parts = op.reference(&x);
            for v in &mut parts[0].data {
                *v = if *v < 0.0 { 0.0 } else { *v };
            }
            let fused = BatchNorm { relu: true, ..op };
            assert_eq!(fused.reference(&x), parts);
            let mut g = dy.clone();
            for (g, y) in g.data.iter_mut().zip(&parts[0].data) {
                *g = if *y <= 0.0 { 0.0 } else { *g };
            }
            let up = |g: Host<f32>| if training { vec![Some(g), None, None] } else { vec![Some(g)] };
            let want = op.reference_backward(&x, &parts, &up(g));
            assert_eq!(fused.reference_backward(&x, &parts, &up(dy)), want);
        }
    }
}
