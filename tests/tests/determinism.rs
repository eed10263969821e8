//! One training step gives the same bits everywhere, and an interrupted run goes on as if it had not been.

use kernels::Tensor as Value;
use kernels::check::{each_way, turn};
use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use nas::wrn::{Dense, Point, Series, SeriesSpec, Width};
use nn::{Builder, Checkpoint, Clip, Init, Layout, Loss, Mode, Network, Params, Pass, Sgd, Tape, Tensor};
use serde_json::json;

const SMALL: Width = Width { depth: 10, widen: 2 };

type Build = fn(&mut Builder<'_>) -> Box<dyn Network>;

/// A small task.
struct Setting {
    name: &'static str,
    build: Build,
    input: &'static [usize],
    loss: Loss,
    target: &'static [usize],
}

const NETWORKS: [Setting; 3] = [
    Setting {
        name: "point",
        build: |b| Box::new(Point::new(b, SMALL, 3, 5, 0.2)),
        input: &[3, 17, 12, 3],
        loss: Loss::CrossEntropy,
        target: &[3],
    },
    Setting {
        name: "dense",
        build: |b| Box::new(Dense::new(b, SMALL, 1, 1, 0.2)),
        input: &[2, 9, 11, 1],
        loss: Loss::RelativeL2Sum,
        target: &[2, 9, 11, 1],
    },
    Setting {
        name: "series",
        build: |b| Box::new(Series::new(b, SeriesSpec { width: 16, ..SeriesSpec::new(2, 3, 0.2) })),
        input: &[4, 37, 2],
        loss: Loss::BceWithLogits,
        target: &[4, 3],
    },
];

/// A run in hand.
struct Run {
    tape: Tape,
    params: Params,
    net: Box<dyn Network>,
    sgd: Sgd,
    clip: Clip,
    setting: &'static Setting,
}

impl Run {
    fn new(setting: &'static Setting) -> Self {
        let mut params = Params::new();
        let net = (setting.build)(&mut Builder::new(&mut params, 7));
        let sgd = Sgd::new(Rule { momentum: 0.9, weight_decay: 5e-4, nesterov: true }).unwrap();
        Self { tape: Tape::new(), params, net, sgd, clip: Clip::new(5.0), setting }
    }

    /// Step `n`, with data of its own.
    fn step(&mut self, n: u64) {
        let Setting { input, loss, target, .. } = *self.setting;
        let mut stream = Key::new(1, Purpose::Test).at(0, n).stream(0);
        let x = Init::Normal(1.0).tensor(input.into(), Layout::Plain, &mut stream);
        let bits: Vec<i32> = (0..target.iter().product()).map(|_| stream.below(2) as i32).collect();
        let target = match loss {
            Loss::CrossEntropy => Value::from_ints(target, &bits),
            _ => Value::from_slice(target, &bits.iter().map(|&b| b as f32).collect::<Vec<_>>()),
        };
        let key = Key::new(7, Purpose::Dropout).at(0, n);
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Train(key));
        let y = self.net.forward(&mut pass, &Tensor::constant(x)).unwrap();
        let loss = loss.of(&mut pass, &y, &target).unwrap();
        pass.backward(&loss).unwrap();
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
        let x = Tensor::constant(Value::full(self.setting.input, 0.25));
        self.net.forward(&mut pass, &x).unwrap().into_value()
    }
}

#[test]
fn threads_and_simd_levels_do_not_show() {
    for setting in &NETWORKS {
        let name = setting.name;
        let mut first: Option<(Vec<u8>, Value)> = None;
        each_way(|how| {
            let mut run = Run::new(setting);
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
    for setting in &NETWORKS {
        let name = setting.name;
        let mut whole = Run::new(setting);
        (0..5).for_each(|n| whole.step(n));

        let mut before = Run::new(setting);
        (0..2).for_each(|n| before.step(n));
        let bytes = before.save(2);
        let mut after = Run::new(setting);
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
    let bytes = Run::new(&NETWORKS[0]).save(0);
    let mut other = Run::new(&NETWORKS[2]);
    let error = Checkpoint::from_bytes(&bytes).unwrap().load_params(&mut other.params).unwrap_err().to_string();
    assert!(error.contains("entry 0 is 'conv1.weight' [16, 3, 3, 3] there"), "{error}");
    assert!(error.contains("'layers.0.layers.0.layers.0.weight' [16, 2, 8] here"), "{error}");
}

#[test]
fn a_refusal_names_the_layer() {
    let mut run = Run::new(&NETWORKS[0]);
    let mut pass = Pass::new(&mut run.tape, &mut run.params, Mode::Eval);
    let x = Tensor::constant(Value::zeros([2, 8, 8, 4]));
    let error = run.net.forward(&mut pass, &x).unwrap_err().to_string();
    assert!(error.contains("'conv1'"), "{error}");
}
