//! The third level of gradient check: a whole f32 tape, with fan-out, diamonds and reuse, against the same graph of f64
//! references. (What one op gets right alone is asked in `np360-kernels`; here it is how contributions meet.)

use autograd::gradcheck::{Step, graph};
use autograd::{Tape, Tensor};
use kernels::ops::activation::Pointwise;
use kernels::ops::conv::conv::Conv;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::linear::linear::Linear;
use kernels::ops::norm::batch_norm::BatchNorm;
use kernels::ops::pool::global_avg_pool::GlobalAvgPool;
use kernels::ops::shape::concat::Concat;
use kernels::rng::{Key, Purpose};
use kernels::{Shape, Tensor as Value};

fn normal(shape: impl Into<Shape>, index: u64) -> Value {
    let shape = shape.into();
    let mut s = Key::new(3, Purpose::Test).stream(index);
    let data: Vec<f32> = (0..shape.len()).map(|_| 0.5 * s.normal() as f32).collect();
    Value::from_slice(shape, &data)
}

/// `inputs` and `steps` end in some shape; its gradient is random. Every gradient within 8 eps of its norm times the number
/// of ops it passed.
fn check(what: &str, inputs: &[Value], steps: &[Step], last: impl Into<Shape>) {
    let up = normal(last, 99);
    for (i, (got, want)) in graph(inputs, steps, &up).unwrap().iter().enumerate() {
        let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
        let off = norm(&mut got.data().iter().zip(&want.data).map(|(&a, &b)| f64::from(a) - b));
        let all = norm(&mut want.data.iter().copied());
        let eps = off / all / f64::from(f32::EPSILON);
        assert!(all > 0.0 && eps <= 8.0 * steps.len() as f64, "{what}: gradient of input {i} is off by {eps:.1} eps");
    }
}

fn padded(stride: usize, dilation: usize, groups: usize) -> Conv {
    let p = [dilation, dilation];
    Conv { stride: [stride; 2], padding: [p, p], dilation: [dilation; 2], groups, bias: false }
}

#[test]
fn diamonds_fan_out_and_reuse_over_a_grid_of_convolutions() {
    let bn = BatchNorm { training: true, momentum: 0.1, eps: 1e-5, affine: true, running: false, relu: true };
    for stride in [1, 2] {
        for dilation in [1, 2] {
            for groups in [1, 2, 6] {
                for (h, w) in [(7, 6), (5, 5)] {
                    let conv = padded(stride, dilation, groups);
                    let inputs = [
                        normal([2, h, w, 6], 0),
                        normal([3, 3, 6 / groups, 6], 1), // used by three convolutions
                        normal([6], 2),
                        normal([6], 3),
                        normal([12, 4], 4),
                    ];
                    let even = padded(1, dilation, groups);
                    let steps = [
                        Step::new(conv, &[0, 1]),               // 5
                        Step::new(bn, &[5, 2, 3]),              // 6: fans out three ways
                        Step::new(even, &[6, 1]),               // 7
                        Step::new(even, &[7, 1]),               // 8
                        Step::new(Binary::add(), &[8, 6]),      // 9: the diamond closes
                        Step::new(Binary::mul(), &[9, 9]),      // 10: one value twice
                        Step::new(Concat { dim: 3 }, &[10, 6]), // 11
                        Step::new(GlobalAvgPool, &[11]),        // 12
                        Step::new(Linear { bias: false }, &[12, 4]),
                    ];
                    check(
                        &format!("stride {stride}, dilation {dilation}, groups {groups}, {h}x{w}"),
                        &inputs,
                        &steps,
                        [2, 4],
                    );
                }
            }
        }
    }
}

#[test]
fn series_with_asymmetric_padding_and_a_broadcast_gate() {
    let same8 = Conv { padding: [[0, 0], [3, 4]], bias: true, ..Conv::default() };
    let inputs = [normal([3, 19, 2], 0), normal([8, 2, 5], 1), normal([5], 2), normal([1, 1, 5], 3)];
    let steps = [
        Step::new(same8, &[0, 1, 2]),      // 4
        Step::new(Pointwise::relu(), &[4]),  // 5
        Step::new(Binary::mul(), &[5, 3]), // 6: broadcast over N and L
        Step::new(Binary::sub(), &[6, 4]), // 7
        Step::new(Binary::add(), &[7, 3]), // 8: the gate again
    ];
    check("series", &inputs, &steps, [3, 19, 5]);
}

#[test]
fn the_order_of_accumulation_is_the_reverse_of_the_tape() {
    // Three contributions to one leaf whose f32 sum depends on their order.
    let mut tape = Tape::new();
    let x = tape.leaf(Value::scalar(1.0));
    let scaled = |tape: &mut Tape, by: f32| {
        let by = Tensor::constant(Value::scalar(by));
        tape.apply(Binary::mul(), &[&x, &by]).unwrap()
    };
    let (a, b, c) = (scaled(&mut tape, 1e-8), scaled(&mut tape, -1.0), scaled(&mut tape, 1.0));
    let ab = tape.apply(Binary::add(), &[&a, &b]).unwrap();
    let abc = tape.apply(Binary::add(), &[&ab, &c]).unwrap();
    tape.backward(&abc).unwrap();
    assert_eq!(tape.grad(&x).unwrap().item(), 1e-8, "1, then -1, then 1e-8");
    assert_ne!((1e-8 + -1.0) + 1.0f32, 1e-8);
}

#[test]
fn wrong_shapes_are_refused_when_recorded_and_old_tensors_too() {
    let mut tape = Tape::new();
    let (x, w) = (tape.leaf(normal([1, 4, 4, 3], 0)), tape.leaf(normal([3, 3, 5, 2], 1)));
    let e = tape.apply(Conv::default(), &[&x, &w]).unwrap_err().in_layer("stem");
    assert_eq!(
        e.to_string(),
        "conv2d 'stem': input [1, 4, 4, 3] has 3 channels, weight [3, 3, 5, 2] expects 5; \
         pass as many channels as the layer was built for"
    );
    assert!(tape.is_empty());
    let e = tape.backward(&x).unwrap_err().to_string();
    assert!(e.contains("the loss has shape [1, 4, 4, 3]"), "{e}");
    tape.clear();
    let e = tape.apply(Pointwise::relu(), &[&x]).unwrap_err().to_string();
    assert!(e.contains("before the tape was cleared"), "{e}");
}
