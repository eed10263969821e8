//! Sizes, bits, routes, faults.

use kernels::rng::{Key, Purpose};
use kernels::{Tensor as Value, pool};
use nn::{Kind as Entry, Loss, Mode, Tape};

use super::*;
use crate::autodl::tests::{drawn, stream};

fn built(spec: SupernetSpec) -> (Supernet, Params) {
    let mut params = Params::new();
    let net = Supernet::new(&mut Builder::new(&mut params, 0), spec);
    (net, params)
}

fn normal(shape: &[usize], index: u64) -> Value {
    let mut stream = Key::new(0, Purpose::Test).stream(index);
    let mut t = Value::uninit(shape);
    t.data_mut().fill_with(|| stream.normal() as f32);
    t
}

/// Three layers reach three levels, two nodes have all kinds of edges but one that skips a node.
fn small() -> SupernetSpec {
    SupernetSpec { filters: 2, layers: 3, nodes: 2, ..SupernetSpec::new(2, 1) }
}

/// Forward and backward; gives outputs, and a digest of all gradients and running statistics.
fn trained(spec: SupernetSpec, shape: &[usize]) -> (Value, String) {
    let (net, mut params) = built(spec);
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(Key::new(0, Purpose::Dropout)));
    let y = net.forward(&mut pass, &Tensor::constant(normal(shape, 1))).unwrap();
    let target = normal(&y.shape(), 2);
    let loss = Loss::Mse.of(&mut pass, &y, &target).unwrap();
    pass.backward(&loss).unwrap();
    let missing: Vec<&str> = (params.entries().iter())
        .filter(|e| e.kind() == Entry::Parameter && e.grad().is_none_or(|g| g.data().iter().any(|x| !x.is_finite())))
        .map(|e| e.name())
        .collect();
    assert!(missing.is_empty(), "{shape:?}: no gradient for {missing:?}");
    let mut all = Params::new();
    for e in params.entries() {
        let value = if e.kind() == Entry::Parameter { e.grad().unwrap() } else { e.value() };
        all.add(e.name(), value.clone(), Entry::Parameter, e.layout());
    }
    (y.into_value(), all.digest())
}

#[test]
fn outputs_are_as_large_as_inputs_of_any_size() {
    // 37 and 85 are padded to 64 and 96, whose coarsest map is odd; a single image has one value a channel where it is pooled.
    for shape in [[2, 64, 64, 2], [2, 37, 64, 2], [1, 64, 85, 2]] {
        let spec = if shape[2] == 85 { SupernetSpec { layers: 4, ..small() } } else { small() };
        let (y, _) = trained(spec, &shape);
        assert_eq!(y.shape()[..], [shape[0], shape[1], shape[2], 1]);
    }
}

#[test]
fn padding_is_even_and_the_odd_row_comes_first() {
    let mut tape = Tape::new();
    let mut params = Params::new();
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
    let x = Tensor::constant(normal(&[1, 85, 60, 1], 1));
    let (y, crop) = padded(&mut pass, &x).unwrap();
    assert_eq!(y.shape()[..], [1, 96, 64, 1]);
    assert_eq!(crop, Pad::images([-6, -5], [-2, -2]));
    let back = pass.apply("crop", crop, &[&y]).unwrap();
    assert!(back.value().same_bits(x.value()));
}

#[test]
fn threads_do_not_show() {
    let before = pool::threads();
    let mut seen = Vec::new();
    for threads in [1, 2, 5] {
        pool::set_threads(threads);
        let (y, digest) = trained(small(), &[2, 64, 33, 2]);
        seen.push((y.data().to_vec(), digest));
    }
    pool::set_threads(before);
    assert!(seen.windows(2).all(|w| w[0] == w[1]));
}

#[test]
fn steps_into_a_level_weigh_what_decoding_says() {
    let (net, mut params) = built(SupernetSpec { layers: 4, nodes: 1, ..small() });
    let (alphas, betas) = drawn(4, 1, 1.0, &mut stream(3));
    net.set_architecture(&mut params, &alphas, &betas);
    let (_, rounded) = net.architecture_weights(&params);
    let want = crate::autodl::decode::steps(&rounded);
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
    for shared_beta in [false, true] {
        let raw = pass.param(net.betas);
        let steps = Steps::new(&mut pass, &raw, shared_beta).unwrap();
        for layer in 0..4 {
            let own = steps.layer(&mut pass, layer).unwrap();
            for to in 0..LEVELS {
                let from: Vec<usize> = (to.saturating_sub(1)..LEVELS.min(to + 2)).collect();
                let got = steps.ways_into(&mut pass, &own, (layer, to), from.iter().copied()).unwrap();
                assert_eq!(got.shape()[..], [1, from.len()]);
                for (&from, &got) in from.iter().zip(got.value().data()) {
                    // The reference's fault is one number in one layer.
                    let fault = usize::from(shared_beta && (layer, to, from) == (1, 1, 1));
                    let want = want[layer][from][to + 1 - from + fault];
                    assert!((f64::from(got) - want).abs() < 1e-6, "layer {layer}, {from} to {to}: {got}, not {want}");
                }
            }
        }
    }
}

/// Along one level the mixture with one way in and one operation an edge is that architecture alone, but for what steps of the
/// border weigh, which the next cell's batch norms take out. Levels off the path are not 0, for what was there two layers
/// before comes back: they must lead away from it.
#[test]
fn an_architecture_alone_is_a_corner_of_the_mixture() {
    let (net, mut params) = built(small());
    for (level, scale) in [(0, 2.0 / 3.0), (1, 1.0)] {
        let drawn = Architecture::random(3, 2, &mut stream(7));
        let architecture = Architecture { path: vec![level; 3], ..drawn };
        // So far apart that softmax gives 0 and 1.
        let far = 200.0;
        let mut alphas = vec![[0.0; OPERATIONS]; edges(2)];
        alphas.iter_mut().for_each(|e| e[0] = far);
        for (node, pair) in architecture.cell.iter().enumerate() {
            for c in pair {
                let e = crate::gaea::space::edge(node, c.source);
                alphas[e][0] = 0.0;
                alphas[e][c.operation.index()] = far;
            }
        }
        // Levels off the path lead away from it.
        let mut betas = vec![[[0.0, far, 0.0], [0.0, 0.0, far], [0.0, 0.0, far], [0.0, far, 0.0]]; 3];
        let mut from = 0;
        for (layer, &to) in architecture.path.iter().enumerate() {
            betas[layer][from] = [0.0; DIRECTIONS];
            betas[layer][from][to + 1 - from] = far;
            from = to;
        }
        net.set_architecture(&mut params, &alphas, &betas);
        let x = Tensor::constant(normal(&[2, 32, 64, 2], 1));
        let mut tape = Tape::new();
        let mut lattice = |route| {
            let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(Key::new(0, Purpose::Dropout)));
            net.lattice(&mut pass, x.clone(), route).unwrap().map(|x| x.map(Tensor::into_value))
        };
        let (alone, mixed) = (lattice(Route::One(&architecture)), lattice(Route::All));
        assert_eq!(alone.iter().flatten().count(), 1);
        let (alone, mixed) = (alone[level].as_ref().unwrap(), mixed[level].as_ref().unwrap());
        let off = alone.data().iter().zip(mixed.data()).map(|(a, m)| (a * scale - m).abs());
        let greater = |m: f32, x: f32| if x > m { x } else { m };
        let (most, largest) = (off.fold(0.0, greater), mixed.data().iter().map(|x| x.abs()).fold(0.0, greater));
        assert!(largest > 0.5 && most < 5e-3, "level {level}: off by {most} of {largest}");
    }
}

#[test]
fn what_is_held_gets_no_gradient() {
    let (net, mut params) = built(small());
    for held in [net.architecture(), net.weights()] {
        let mut tape = Tape::new();
        let mode = Mode::Train(Key::new(0, Purpose::Dropout));
        let mut pass = Pass::new(&mut tape, &mut params, mode).freezing(held.clone());
        let y = net.forward(&mut pass, &Tensor::constant(normal(&[2, 32, 64, 2], 1))).unwrap();
        let loss = Loss::Mse.of(&mut pass, &y, &normal(&[2, 32, 64, 1], 2)).unwrap();
        pass.backward(&loss).unwrap();
        for (i, e) in params.entries().iter().enumerate().filter(|(_, e)| e.kind() == Entry::Parameter) {
            assert_eq!(e.grad().is_none(), held.contains(&i), "{}", e.name());
        }
    }
}
