use kernels::Tensor as Value;
use kernels::rng::{Key, Purpose};
use nn::{Mode, Params, Tape};

use super::*;

/// Odd and even, small and as the tasks have them.
const SIZES: [usize; 9] = [1, 2, 3, 4, 5, 6, 46, 85, 101];

/// Batch norms that, untrained and in evaluation, change nothing.
const NOTHING: Norm = Norm { eps: 0.0, ..Norm::PLAIN };

fn shape(form: Form, batch: usize, n: usize, c: usize) -> Vec<usize> {
    match form {
        Form::Image => vec![batch, n, n, c],
        Form::Series => vec![batch, n, c],
    }
}

/// What a layer makes of 1, 2, 3, ... in evaluation, all its weights being 1.
fn of_counted(shape: &[usize], build: impl FnOnce(&mut Builder<'_>) -> FactorizedReduce) -> (Vec<usize>, Vec<f32>) {
    let mut params = Params::new();
    let layer = build(&mut Builder::new(&mut params, 0));
    for name in ["op.conv_1.weight", "op.conv_2.weight"] {
        let id = params.find(name).unwrap();
        params.set(id, Value::full(params.value(id).shape(), 1.0));
    }
    let counted: Vec<f32> = (1..=shape.iter().product::<usize>()).map(|i| i as f32).collect();
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
    let y = layer.forward(&mut pass, &Value::from_slice(shape, &counted).into()).unwrap();
    (y.shape()[..].to_vec(), y.value().data().to_vec())
}

#[test]
fn a_factorised_reduction_shifts_by_one_and_reads_zeros_beyond_the_end() {
    for n in SIZES {
        let half = n.div_ceil(2);
        let at = |i: usize, j: usize| if i < n && j < n { (i * n + j + 1) as f32 } else { 0.0 };
        let (size, y) = of_counted(&[1, n, n, 1], |at| FactorizedReduce::new(at, "op", Form::Image, 1, 2, NOTHING));
        assert_eq!(size, [1, half, half, 2], "{n}");
        for i in 0..half {
            for j in 0..half {
                let place = &y[(i * half + j) * 2..][..2];
                assert_eq!(place, [at(2 * i, 2 * j), at(2 * i + 1, 2 * j + 1)], "{i}, {j} of {n}");
            }
        }
        let series = |reference| {
            let build = |at: &mut Builder<'_>| {
                FactorizedReduce::new(at, "op", Form::Series, 1, 2, NOTHING).reference(reference)
            };
            let (size, y) = of_counted(&[1, n, 1], build);
            assert_eq!(size, [1, half, 2], "{n}");
            y
        };
        let places =
            |shift: usize| -> Vec<f32> { (0..half).flat_map(|i| [at(0, 2 * i), at(0, 2 * i + shift)]).collect() };
        assert_eq!(series(false), places(1), "series of {n}");
        assert_eq!(series(true), places(0), "the benchmark's series of {n}");
    }
}

/// Any operation.
type Run = Box<dyn Fn(&mut Pass<'_>, &Tensor) -> Result<Tensor, OpError>>;

#[test]
fn every_operation_halves_every_size_rounding_up() {
    const C: usize = 2;
    type Build = fn(&mut Builder<'_>, Form, usize) -> Run;
    let builds: [(&str, Build); 5] = [
        ("max_pool", |at, form, stride| {
            let layer = Pool::new(at, "op", form, Pooled::Max, stride, Some(Norm::PLAIN.over(C)));
            Box::new(move |pass, x| layer.forward(pass, x))
        }),
        ("avg_pool", |at, form, stride| {
            let layer = Pool::new(at, "op", form, Pooled::Mean, stride, None);
            Box::new(move |pass, x| layer.forward(pass, x))
        }),
        ("sep_conv_5x5", |at, form, stride| {
            let layer = SepConv::new(at, "op", form, C, 5, stride, Norm::AFFINE);
            Box::new(move |pass, x| layer.forward(pass, x))
        }),
        ("dil_conv_3x3", |at, form, stride| {
            let layer = DilConv::new(at, "op", form, C, 3, stride, Norm::PLAIN);
            Box::new(move |pass, x| layer.forward(pass, x))
        }),
        ("dil_conv_5x5", |at, form, stride| {
            let layer = DilConv::new(at, "op", form, C, 5, stride, Norm::AFFINE);
            Box::new(move |pass, x| layer.forward(pass, x))
        }),
    ];
    for form in [Form::Image, Form::Series] {
        for (name, build) in builds {
            for (n, stride) in SIZES.into_iter().flat_map(|n| [(n, 1), (n, 2)]) {
                let mut params = Params::new();
                let run = build(&mut Builder::new(&mut params, 0), form, stride);
                let mut tape = Tape::new();
                let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(Key::new(0, Purpose::Dropout)));
                let x = Value::full(&shape(form, 2, n, C)[..], 1.0);
                let y = run(&mut pass, &x.into()).unwrap();
                assert_eq!(y.shape()[..], shape(form, 2, n.div_ceil(stride), C), "{name} of {n}, stride {stride}");
            }
        }
    }
}

#[test]
fn the_mean_of_a_pool_leaves_padding_out() {
    for (form, n) in [Form::Image, Form::Series].into_iter().flat_map(|f| SIZES.map(|n| (f, n))) {
        let mut params = Params::new();
        let layer = Pool::new(&mut Builder::new(&mut params, 0), "op", form, Pooled::Mean, 2, None);
        let mut tape = Tape::new();
        let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
        let y = layer.forward(&mut pass, &Value::full(&shape(form, 1, n, 1)[..], 3.0).into()).unwrap();
        assert!(y.value().data().iter().all(|&y| y == 3.0), "{form:?} of {n}");
    }
}

#[test]
#[should_panic(expected = "'cells.0.op': 3 outputs are no two halves")]
fn a_factorised_reduction_has_two_equal_halves() {
    let mut params = Params::new();
    FactorizedReduce::new(&mut Builder::new(&mut params, 0).scope("cells.0"), "op", Form::Image, 4, 3, Norm::PLAIN);
}
