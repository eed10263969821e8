//! A captured step on the emulated card: random ops follow the key and the probability of each replay.

use kernels::cuda::emu;
use kernels::cuda::graph::Graph;
use kernels::cuda::step::Changing;
use kernels::device::Choice;
use kernels::ops::elementwise::{DropPath, Dropout};
use kernels::rng::{Key, Purpose};
use kernels::{Device, Op as _, Tensor};

fn key(step: u64) -> Key {
    Key::new(3, Purpose::Dropout).at(1, step)
}

/// Dropout, then drop-path, as a network records them.
fn masked(x: &Tensor, key: Key, p: f32) -> Tensor {
    let room = || [Tensor::uninit_on(x.device(), x.shape())];
    let (mut y, mut z) = (room(), room());
    Dropout::new(key, 0, 0.25).forward(&[x], &mut y);
    DropPath::new(key, 1, p).forward(&[&y[0]], &mut z);
    let [z] = z;
    z
}

#[test]
fn replays_drop_what_the_processor_drops() {
    if emu::compiler().is_err() {
        return; // nothing to emulate with
    }
    let device = Choice::Emulated.open().unwrap();
    let x = Tensor::from_slice([40, 7], &(0..280).map(|i| 1.0 + i as f32).collect::<Vec<_>>());
    let there = x.to(device);
    masked(&there, key(0), 0.5); // loads the kernels
    let (graph, y) = Graph::capture(|| masked(&there, key(1), 0.5));
    for (step, p) in [(1, 0.5), (2, 0.5), (3, 0.1), (4, 0.9)] {
        graph.launch(|what| match what {
            Changing::Stream(_, index) => Changing::Stream(key(step), index),
            Changing::DropPath(_, index, _) => Changing::DropPath(key(step), index, p),
            other => other,
        });
        let ours = masked(&x, key(step), p);
        assert_eq!(y.to(Device::Cpu).data(), ours.data(), "step {step}, p = {p}");
    }
}
