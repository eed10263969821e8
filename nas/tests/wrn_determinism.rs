//! One training step gives the same bits everywhere, an interrupted run goes on as if it had not been.

use kernels::Tensor as Value;
use kernels::check::{each_way, turn};
use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use nas::wrn::{Dense, Point, Series, SeriesSpec, Width};
use nn::{Builder, Checkpoint, Clip, Init, Layout, Mode, Network, Params, Pass, Sgd, Tape, Tensor};
use serde_json::json;

const SMALL: Width = Width { depth: 10, widen: 2 };

type Build = fn(&mut Builder<'_>) -> Box<dyn Network>;

/// Name, network, shape of its input.
const NETWORKS: [(&str, Build, &[usize]); 3] = [
    ("point", |b| Box::new(Point::new(b, SMALL, 3, 5, 0.2)), &[3, 17, 12, 3]),
    ("dense", |b| Box::new(Dense::new(b, SMALL, 1, 1, 0.2)), &[2, 9, 11, 1]),
    ("series", |b| Box::new(Series::new(b, SeriesSpec { width: 16, ..SeriesSpec::new(2, 3, 0.2) })), &[4, 37, 2]),
];

/// A run in hand.
struct Run {
    tape: Tape,
    params: Params,
    net: Box<dyn Network>,
    sgd: Sgd,
    clip: Clip,
    shape: &'static [usize],
}

impl Run {
    fn new(build: Build, shape: &'static [usize]) -> Self {
        let mut params = Params::new();
        let net = build(&mut Builder::new(&mut params, 7));
        let sgd = Sgd::new(Rule { momentum: 0.9, weight_decay: 5e-4, nesterov: true }).unwrap();
        Self { tape: Tape::new(), params, net, sgd, clip: Clip::new(5.0), shape }
    }

    /// Step `n`, with data and gradient of the logits of its own.
    fn step(&mut self, n: u64) {
        let normal = |shape: &[usize], i| {
            Init::Normal(1.0).tensor(shape.into(), Layout::Plain, &mut Key::new(1, Purpose::Test).at(0, n).stream(i))
        };
        let key = Key::new(7, Purpose::Dropout).at(0, n);
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Train(key));
        let y = self.net.forward(&mut pass, &Tensor::constant(normal(self.shape, 0))).unwrap();
        pass.tape.backward_from(&y, normal(&y.shape(), 1)).unwrap();
        pass.finish();
        self.clip.clip(&mut self.params);
        self.sgd.step(&mut self.params, 0.1);
    }

    fn save(&self, steps: u64) -> Vec<u8> {
        let mut c = Checkpoint::new(json!({ "steps": steps }));
        c.put_params(&self.params);
        self.sgd.save(&self.params, &mut c);
        c.to_bytes()
    }

    fn load(&mut self, bytes: &[u8]) -> u64 {
        let c = Checkpoint::from_bytes(bytes).unwrap();
        c.load_params(&mut self.params).unwrap();
        self.sgd.load(&self.params, &c).unwrap();
        c.meta["steps"].as_u64().unwrap()
    }

    fn evaluate(&mut self) -> Value {
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Eval);
        let x = Tensor::constant(Value::full(self.shape, 0.25));
        self.net.forward(&mut pass, &x).unwrap().into_value()
    }
}

#[test]
fn threads_and_simd_levels_do_not_show() {
    for (name, build, shape) in NETWORKS {
        let mut first: Option<(Vec<u8>, Value)> = None;
        each_way(|how| {
            let mut run = Run::new(build, shape);
            (0..2).for_each(|n| run.step(n));
            let got = (run.save(2), run.evaluate());
            let want = first.get_or_insert_with(|| got.clone());
            assert!(got.0 == want.0, "{name}, {how}: the checkpoint differs");
            assert!(got.1.same_bits(&want.1), "{name}, {how}: the evaluation differs");
        });
    }
}

#[test]
fn saved_and_loaded_goes_on_as_if_never_stopped() {
    let _turn = turn();
    for (name, build, shape) in NETWORKS {
        let mut whole = Run::new(build, shape);
        (0..5).for_each(|n| whole.step(n));

        let mut before = Run::new(build, shape);
        (0..2).for_each(|n| before.step(n));
        let bytes = before.save(2);
        let mut after = Run::new(build, shape);
        let steps = after.load(&bytes);
        assert!(after.save(steps) == bytes, "{name}: what was loaded is written again, byte for byte");
        (steps..5).for_each(|n| after.step(n));
        assert!(after.save(5) == whole.save(5), "{name}: the interrupted run differs");
        assert_eq!(after.params.digest(), whole.params.digest(), "{name}");
        assert!(after.evaluate().same_bits(&whole.evaluate()), "{name}");
    }
}

#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let (_, build, shape) = NETWORKS[0];
    let bytes = Run::new(build, shape).save(0);
    let (_, build, shape) = NETWORKS[2];
    let mut other = Run::new(build, shape);
    let error = Checkpoint::from_bytes(&bytes).unwrap().load_params(&mut other.params).unwrap_err().to_string();
    assert!(error.contains("entry 0 is 'conv1.weight' [16, 3, 3, 3] there"), "{error}");
    assert!(error.contains("'layers.0.layers.0.layers.0.weight' [16, 2, 8] here"), "{error}");
}

#[test]
fn a_refusal_names_the_layer() {
    let (_, build, _) = NETWORKS[0];
    let mut run = Run::new(build, &[2, 8, 8, 4]);
    let mut pass = Pass::new(&mut run.tape, &mut run.params, Mode::Eval);
    let x = Tensor::constant(Value::zeros(run.shape));
    let error = run.net.forward(&mut pass, &x).unwrap_err().to_string();
    assert!(error.contains("'conv1'"), "{error}");
}
