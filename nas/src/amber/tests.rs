//! The controller against numbers worked out by hand, and as a learner.

use kernels::rng::{Key, Purpose};
use kernels::{math, pool};
use nn::{Checkpoint, ParamId, Params};
use serde_json::json;

use super::controller::{Controller, Probabilities};
use super::policy::UNITS;
use super::reinforce::Reinforce;
use super::space::{LAYERS, OPERATIONS, Sequence};

fn key(episode: u64) -> Key {
    Key::new(3, Purpose::Search).at(episode, 0)
}

fn uniform(layers: usize, count: u64) -> Vec<Sequence> {
    (0..count).map(|i| Sequence::draw(layers, &mut Key::new(5, Purpose::Test).stream(i))).collect()
}

/// The same controller in f64, a sum at a time, from this project's description alone.
struct Plain {
    /// In the order in which the controller makes them.
    weights: Vec<Vec<f64>>,
}

impl Plain {
    fn of(params: &Params) -> Self {
        let numbers = |e: &nn::Entry| e.value().data().iter().map(|&x| f64::from(x)).collect();
        Self { weights: params.entries().iter().map(numbers).collect() }
    }

    /// `x W`, W of `columns` columns.
    fn times(&self, x: &[f64], w: usize, columns: usize) -> Vec<f64> {
        let w = &self.weights[w];
        (0..columns).map(|o| x.iter().enumerate().fold(0.0, |s, (k, x)| s + x * w[k * columns + o])).collect()
    }

    fn step(&self, x: &[f64], h: &mut [f64], c: &mut [f64]) {
        let sigmoid = |a: f64| 1.0 / (1.0 + math::exp(-a));
        let (a, b) = (self.times(x, 1, 4 * UNITS), self.times(h, 2, 4 * UNITS));
        for u in 0..UNITS {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| a[gate * UNITS + u] + b[gate * UNITS + u]);
            c[u] = sigmoid(f) * c[u] + sigmoid(i) * math::tanh(g);
            h[u] = sigmoid(o) * math::tanh(c[u]);
        }
    }

    /// (log-probability, mean penalty) of an architecture.
    fn look(&self, s: &Sequence) -> (f64, f64) {
        let squash = |x: f64| 1.5 * math::tanh(x / 2.0);
        let sigmoid = |a: f64| 1.0 / (1.0 + math::exp(-a));
        let (mut h, mut c, mut x) = (vec![0.0; UNITS], vec![0.0; UNITS], self.weights[0].clone());
        let (mut log, mut penalty, mut anchors) = (0.0, 0.0, Vec::<Vec<f64>>::new());
        for (layer, (&operation, skips)) in s.operations.iter().zip(&s.skips).enumerate() {
            self.step(&x, &mut h, &mut c);
            let logits: Vec<f64> = self.times(&h, 4, OPERATIONS.len()).into_iter().map(squash).collect();
            log += logits[operation] - math::ln(logits.iter().fold(0.0, |s, &l| s + math::exp(l)));
            x = self.weights[3][operation * UNITS..][..UNITS].to_vec();
            if layer > 0 {
                self.step(&x, &mut h, &mut c);
                let (mut of_layer, mut sum, mut count) = (0.0, vec![0.0; UNITS], 0.0);
                for (anchor, &skip) in anchors.iter().zip(skips) {
                    let (a, b) = (self.times(anchor, 5, UNITS), self.times(&h, 6, UNITS));
                    let q = (0..UNITS).fold(0.0, |s, u| s + self.weights[7][u] * math::tanh(a[u] + b[u]));
                    let t = squash(q);
                    log += math::ln(sigmoid(if skip { 2.0 * t } else { -2.0 * t }));
                    let (no, yes) = (sigmoid(-t), sigmoid(t));
                    of_layer += no * math::ln(no / 0.6) + yes * math::ln(yes / 0.4);
                    if skip {
                        count += 1.0;
                        sum.iter_mut().zip(anchor).for_each(|(s, a)| *s += a);
                    }
                }
                penalty += of_layer / layer as f64;
                x = sum.into_iter().map(|s| s / (1.0 + count)).collect();
            }
            anchors.push(h.clone());
        }
        (log, if s.layers() > 1 { penalty / (s.layers() - 1) as f64 } else { 0.0 })
    }

    fn loss(&self, batch: &[Sequence], advantages: &[f32]) -> f64 {
        let n = batch.len() as f64;
        let each = batch.iter().zip(advantages).map(|(s, &a)| (self.look(s), f64::from(a)));
        each.fold(0.0, |sum, ((log, penalty), a)| sum - log * a + penalty / n)
    }
}

/// A controller whose numbers are large enough to matter.
fn shaken(layers: usize, seed: u64, by: f32) -> Controller {
    let mut c = Controller::new(layers, seed);
    for i in 0..c.params().entries().len() {
        c.params_mut().value_mut(ParamId(i)).data_mut().iter_mut().for_each(|x| *x *= by);
    }
    c
}

#[test]
fn it_has_the_published_number_of_parameters() {
    for layers in [1, 4, LAYERS] {
        assert_eq!(Controller::new(layers, 0).params().trainable(), 41_984);
    }
    let c = Controller::new(LAYERS, 1);
    let all = c.params().entries().iter().flat_map(|e| e.value().data()).copied();
    let (low, high) = all.fold((0.0, 0.0), |(l, h), x| (if x < l { x } else { l }, if x > h { x } else { h }));
    assert!((-0.1..-0.0999).contains(&low) && (0.0999..=0.1).contains(&high), "{low} {high}");
}

#[test]
fn scores_and_loss_are_the_plain_ones() {
    for (layers, by) in [(1, 1.0), (2, 3.0), (5, 1.0), (5, 4.0)] {
        let mut c = shaken(layers, 7, by);
        let batch = uniform(layers, 6);
        let plain = Plain::of(c.params());
        for (s, got) in batch.iter().zip(c.score(&batch).unwrap()) {
            let want = plain.look(s).0;
            assert!((f64::from(got) - want).abs() < 2e-5 * want.abs(), "{s}: {got} {want}");
        }
        let advantages = [0.5, -1.0, 2.0, 0.25, -0.125, 0.0];
        let (got, want) = (f64::from(c.gradients(&batch, &advantages).unwrap()), plain.loss(&batch, &advantages));
        assert!((got - want).abs() < 1e-5 * (1.0 + want.abs()), "{layers} layers: {got} {want}");
    }
}

#[test]
fn gradients_are_those_of_the_plain_loss() {
    let (mut c, batch, advantages) = (shaken(4, 9, 3.0), uniform(4, 3), [1.5, -0.5, 0.75]);
    c.gradients(&batch, &advantages).unwrap();
    let mut plain = Plain::of(c.params());
    let mut stream = Key::new(1, Purpose::Test).stream(0);
    for id in 0..plain.weights.len() {
        let name = c.params().name(ParamId(id)).to_owned();
        let gradient = c.params().grad(ParamId(id)).unwrap_or_else(|| panic!("{name} has no gradient")).data().to_vec();
        let largest = gradient.iter().fold(0.0f64, |m, g| if f64::from(g.abs()) > m { g.abs().into() } else { m });
        assert!(largest > 1e-4, "{name}: nothing flows");
        for _ in 0..24 {
            let at = stream.below(gradient.len() as u64) as usize;
            let x = plain.weights[id][at];
            let mut moved = |by: f64| {
                plain.weights[id][at] = x + by;
                plain.loss(&batch, &advantages)
            };
            let want = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            plain.weights[id][at] = x;
            let got = f64::from(gradient[at]);
            assert!((got - want).abs() < 2e-5 * (largest + want.abs()), "{name}[{at}]: {got} {want}");
        }
    }
}

#[test]
fn no_operation_passes_its_cap_and_no_skip() {
    // e^1.5 / (e^1.5 + 6 e^-1.5), and sigmoid(3).
    let (cap, skip_cap) = (0.769_96, 0.952_574);
    let batch = uniform(6, 8);
    let Probabilities { operations, skips } = shaken(6, 2, 40.0).probabilities(&batch[..1]).unwrap();
    let most = operations.iter().flatten().fold(0.0, |m, &p| if p > m { p } else { m });
    let sharpest = skips.iter().flatten().map(|p| (p - 0.5).abs() + 0.5).fold(0.0, |m, p| if p > m { p } else { m });
    assert!(most > 0.5 && most < cap + 1e-4, "{most}");
    assert!(sharpest > 0.9 && sharpest < skip_cap + 1e-4, "{sharpest}");
    for p in &operations {
        assert!((p.iter().fold(0.0, |s, p| s + p) - 1.0).abs() < 1e-12);
    }
    // From 0, nothing is preferred.
    let fresh = shaken(6, 2, 0.0).probabilities(&batch).unwrap();
    assert!(fresh.operations.iter().flatten().all(|p| (p - 1.0 / 7.0).abs() < 1e-12));
    assert!(fresh.skips.iter().flatten().all(|p| (p - 0.5).abs() < 1e-12));
}

#[test]
fn the_skip_prior_draws_it_to_three_skips_in_ten() {
    let (mut c, batch) = (Controller::new(3, 4), uniform(3, 4));
    for _ in 0..400 {
        c.update(&batch, &[0.0; 4]).unwrap();
    }
    // Sigmoid of each logit is at the target, .4; the softmax of both, sigmoid(2 ln(.4 / .6)), is not.
    let want = 0.16 / (0.16 + 0.36);
    let skips = c.probabilities(&batch).unwrap().skips;
    assert!(skips.iter().flatten().all(|p| (p - want).abs() < 0.002), "{skips:?}, not {want}");
}

#[test]
fn what_is_drawn_is_scored_to_the_same_bits_in_any_batch() {
    let mut c = shaken(LAYERS, 6, 2.0);
    let (batch, log) = c.sample_scored(key(1), 33);
    assert!(batch.iter().all(|s| s.layers() == LAYERS && s.is_valid()));
    assert_eq!(c.score(&batch).unwrap(), log);
    assert_eq!(c.score(&batch[7..9]).unwrap(), log[7..9]);
    assert_eq!(c.sample(key(1), 5), batch[..5]);
    assert_ne!(c.sample(key(2), 5), batch[..5]);
    assert_eq!(c.sample(key(1), 0), []);
}

#[test]
fn it_draws_by_its_probabilities() {
    let mut c = shaken(2, 8, 6.0);
    let batch = c.sample(key(0), 4000);
    let Probabilities { operations, skips } = c.probabilities(&batch).unwrap();
    for (o, p) in operations[0].iter().enumerate() {
        let share = batch.iter().filter(|s| s.operations[0] == o).count() as f64 / 4000.0;
        assert!((share - p).abs() < 0.03, "operation {o}: {share}, not {p}");
    }
    let share = batch.iter().filter(|s| s.skips[1][0]).count() as f64 / 4000.0;
    assert!((share - skips[1][0]).abs() < 0.03, "{share}, not {}", skips[1][0]);
}

/// Episodes of 20 updates within which it must have learnt; 10 to 13 are taken.
const EPISODES: u64 = 20;

#[test]
fn it_learns_which_operations_are_worth_something() {
    let planted = [4, 1, 6];
    for seed in 0..5 {
        let (mut c, mut rule) = (Controller::new(planted.len(), seed), Reinforce::default());
        let mut of_planted = vec![0.0; planted.len()];
        let learnt = (1..=EPISODES).find(|&episode| {
            let key = Key::new(seed, Purpose::Search).at(episode, 0);
            let batch = c.sample(key, 40);
            let right = |s: &Sequence| s.operations.iter().zip(planted).filter(|(o, p)| *o == p).count() as f64;
            let rewards: Vec<f64> = batch.iter().map(|s| right(s) / planted.len() as f64).collect();
            rule.episode(&mut c, key, &batch, &rewards).unwrap();
            let p = c.probabilities(&batch).unwrap().operations;
            of_planted = p.iter().zip(planted).map(|(p, o)| p[o]).collect();
            of_planted.iter().all(|p| *p > 0.9 * 0.77)
        });
        assert!(learnt.is_some(), "seed {seed}: {of_planted:?} after {EPISODES} episodes");
    }
}

/// Two episodes; gives what would be saved.
fn two_episodes(c: &mut Controller, rule: &mut Reinforce, from: u64) -> Vec<u8> {
    for episode in from..from + 2 {
        let batch = c.sample(key(episode), 9);
        let rewards: Vec<f64> = batch.iter().map(|s| s.operations[1] as f64 / 7.0).collect();
        rule.episode(c, key(episode), &batch, &rewards).unwrap();
    }
    file(c, rule)
}

fn file(c: &Controller, rule: &Reinforce) -> Vec<u8> {
    let mut file = Checkpoint::new(json!({}));
    c.save(&mut file);
    rule.save(&mut file);
    file.to_bytes()
}

fn small() -> Reinforce {
    Reinforce::new(2, 4)
}

#[test]
fn it_goes_on_from_a_checkpoint_to_the_same_bits() {
    let (mut c, mut rule) = (Controller::new(3, 0), small());
    // Before the first update, too.
    let first = Checkpoint::from_bytes(&file(&c, &rule)).unwrap();
    let bytes = two_episodes(&mut c, &mut rule, 0);
    let (mut again, mut its_rule) = (Controller::new(3, 1), small());
    again.load(&first).unwrap();
    its_rule.load(&first).unwrap();
    assert_eq!(its_rule.baseline(), None);
    assert!(two_episodes(&mut again, &mut its_rule, 0) == bytes);

    let (mut other, mut other_rule) = (Controller::new(3, 2), small());
    let saved = Checkpoint::from_bytes(&bytes).unwrap();
    other.load(&saved).unwrap();
    other_rule.load(&saved).unwrap();
    assert_eq!(other_rule, rule);
    assert!(two_episodes(&mut other, &mut other_rule, 2) == two_episodes(&mut c, &mut rule, 2));
    let e = other.load(&Checkpoint::new(json!({}))).unwrap_err().to_string();
    assert!(e.contains("state.controller.start"), "{e}");
    assert!(other_rule.load(&Checkpoint::new(json!({}))).unwrap_err().to_string().contains("controller.baseline"));
}

#[test]
fn threads_do_not_show() {
    let with = |threads| {
        pool::set_threads(threads);
        two_episodes(&mut Controller::new(4, 0), &mut small(), 0)
    };
    assert!(with(1) == with(2));
}

#[test]
fn the_baseline_is_the_episode_before_and_advantages_are_clipped() {
    let (mut c, mut rule) = (Controller::new(2, 0), small());
    let batch = c.sample(key(0), 4);
    let first = rule.episode(&mut c, key(0), &batch, &[1.0, 2.0, 3.0, 6.0]).unwrap();
    assert_eq!((first.reward, first.baseline), (3.0, 3.0));
    let second = rule.episode(&mut c, key(1), &batch, &[5.0; 4]).unwrap();
    assert_eq!((second.reward, second.baseline, rule.baseline()), (5.0, 3.0, Some(5.0)));
    // Beyond 10 there is nothing more to be had.
    let after = |reward: f64| {
        let (mut c, mut rule) = (Controller::new(2, 0), rule.clone());
        rule.episode(&mut c, key(2), &batch, &[reward; 4]).unwrap();
        c.params().digest()
    };
    assert_eq!(after(15.0), after(1000.0));
    assert_ne!(after(15.0), after(14.0));
}

#[test]
fn what_is_not_of_its_space_is_refused_in_words() {
    let mut c = Controller::new(3, 0);
    let before = c.params().digest();
    let (good, bad) = (uniform(3, 2), uniform(4, 2));
    let says = |e: crate::Error, words: &str| assert!(e.to_string().contains(words), "{e}");
    says(c.update(&bad, &[0.0; 2]).unwrap_err(), "architecture 0 of 2");
    says(c.update(&good, &[0.0; 3]).unwrap_err(), "2 architectures and 3 advantages");
    says(c.update(&[], &[]).unwrap_err(), "0 architectures and 0 advantages");
    says(c.update(&good, &[0.0, f32::NAN]).unwrap_err(), "the loss of 2 architectures is NaN");
    let mut odd = good.clone();
    odd[1].operations[0] = 7;
    says(c.score(&odd).unwrap_err(), "architecture 1 of 2");
    says(c.probabilities(&[]).unwrap_err(), "at least one");
    let mut rule = small();
    says(
        rule.episode(&mut c, key(0), &good, &[1.0, f64::INFINITY]).unwrap_err(),
        "the reward of architecture 1 is inf",
    );
    says(rule.episode(&mut c, key(0), &good, &[1.0]).unwrap_err(), "2 architectures and 1 rewards");
    assert_eq!((c.params().digest(), rule.baseline()), (before, None));
}
