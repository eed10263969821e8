//! The speed mode against an emulated cuDNN on the emulated card: descriptors, the tables of algorithms, workspaces, and
//! what stays with our own kernels. Numbers are compared within a tolerance: the mode promises none of our bits.

use std::sync::{Mutex, PoisonError};

use kernels::cuda::graph::Graph;
use kernels::cuda::{Mode, cudnn, emu, set_mode};
use kernels::device::Choice;
use kernels::memory;
use kernels::ops::conv::conv::{Conv, Geometry};
use kernels::rng::{Key, Purpose};
use kernels::{Backward, Device, Op, Shape, Tensor};

/// Runs a test in speed mode, unless there is no C++ compiler. The mode and the memory's counters are the process's, so
/// one test at a time.
fn on_card(test: impl FnOnce(Device)) {
    static ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    if emu::compiler().is_ok() {
        let device = Choice::Emulated.open().unwrap();
        assert_eq!(cudnn::version().unwrap().to_string(), "9.21.0");
        set_mode(Mode::Speed);
        test(device);
    }
}

/// A convolution with its inputs (x, w, perhaps a bias) and the gradient of its output.
struct Case {
    g: Geometry,
    inputs: Vec<Tensor>,
    dy: Tensor,
}

fn random(shape: impl Into<Shape>, index: u64) -> Tensor {
    let mut stream = Key::new(7, Purpose::Test).stream(index);
    let mut t = Tensor::zeros(shape);
    t.data_mut().iter_mut().for_each(|v| *v = stream.normal() as f32);
    t
}

impl Case {
    fn new(conv: Conv, x: impl Into<Shape>, w: impl Into<Shape>) -> Self {
        let (x, w) = (x.into(), w.into());
        let g = conv.geometry(x, w).unwrap();
        let mut inputs = vec![random(x, 0), random(w, 1)];
        if conv.bias {
            inputs.push(random([g.k], 2));
        }
        let shapes: Vec<Shape> = inputs.iter().map(Tensor::shape).collect();
        let dy = random(conv.infer(&shapes).unwrap().all()[0], 3);
        Self { g, inputs, dy }
    }

    /// Output, input gradient, weight gradient: by our kernels on the processor.
    fn ours(&self) -> [Tensor; 3] {
        let inputs: Vec<&Tensor> = self.inputs.iter().collect();
        let mut y = [Tensor::zeros(self.dy.shape())];
        self.g.conv.forward(&inputs, &mut y);
        let shapes: Vec<Shape> = self.inputs.iter().map(Tensor::shape).collect();
        let saved: Vec<Option<Tensor>> = self.inputs.iter().cloned().map(Some).collect();
        let wants = [true, true];
        let dy = [Some(self.dy.clone())];
        let b = Backward { shapes: &shapes, inputs: &saved, outputs: &[], dy: &dy, wants: &wants };
        let mut dx = vec![None; self.inputs.len()];
        self.g.conv.backward(&b, &mut dx);
        let [y] = y;
        [y, dx[0].take().unwrap(), dx[1].take().unwrap()]
    }

    /// The same through cuDNN; `None` where it leaves the shape to us.
    fn cudnn(&self, device: Device) -> [Option<Tensor>; 3] {
        let there: Vec<Tensor> = self.inputs.iter().map(|t| t.to(device)).collect();
        let (x, w, dy) = (&there[0], &there[1], &self.dy.to(device));
        let room = |like: &Tensor| Tensor::full_on(device, like.shape(), f32::NAN); // what was there must not matter
        let (mut y, mut dx, mut dw) = (room(dy), room(x), room(w));
        let done = [
            cudnn::forward(&self.g, x, w, there.get(2), &mut y),
            cudnn::input_gradient(&self.g, dy, w, &mut dx),
            cudnn::weight_gradient(&self.g, x, dy, &mut dw),
        ];
        let mut all = [y, dx, dw].into_iter();
        done.map(|done| all.next().filter(|_| done).map(|t| t.to(Device::Cpu)))
    }
}

/// Within 1e-5 of the largest number: f32 sums in another order, the largest of them over some thousand terms.
fn close(got: &Tensor, ours: &Tensor, what: &str) {
    let most = ours.data().iter().map(|v| v.abs()).fold(0f32, |m, v| if v > m { v } else { m });
    for (i, (g, o)) in got.data().iter().zip(ours.data()).enumerate() {
        assert!((g - o).abs() <= 1e-5 * most, "{what}, element {i}: {g}, and ours is {o}");
    }
}

fn pads(n: usize) -> [[usize; 2]; 2] {
    [[n, n], [n, n]]
}

#[test]
fn convolutions_are_ours_within_rounding() {
    let plain = Conv { padding: pads(1), ..Conv::default() };
    let cases: [(&str, Case); 7] = [
        ("3x3", Case::new(plain, [2, 9, 7, 8], [3, 3, 8, 12])),
        ("3x3 where ours is Winograd's", Case::new(plain, [2, 8, 8, 32], [3, 3, 32, 40])),
        ("bias, 1x1", Case::new(Conv { bias: true, ..Conv::default() }, [3, 5, 5, 33], [1, 1, 33, 35])),
        ("stride", Case::new(Conv { stride: [2, 2], ..plain }, [2, 9, 8, 4], [3, 3, 4, 6])),
        ("groups", Case::new(Conv { groups: 3, ..plain }, [2, 6, 6, 12], [3, 3, 4, 6])),
        ("series", Case::new(Conv { padding: [[0, 0], [3, 3]], ..Conv::default() }, [4, 40, 5], [7, 5, 9])),
        (
            "unequal sides",
            Case::new(
                Conv { stride: [1, 2], padding: [[2, 2], [0, 0]], ..Conv::default() },
                [1, 6, 11, 3],
                [5, 3, 3, 2],
            ),
        ),
    ];
    on_card(|device| {
        for (name, case) in &cases {
            let ours = case.ours();
            for ((got, ours), part) in case.cudnn(device).iter().zip(&ours).zip(["y", "dx", "dw"]) {
                let got = got.as_ref().unwrap_or_else(|| panic!("{name}: cuDNN takes {part}"));
                close(got, ours, &format!("{name}, {part}"));
            }
        }
    });
}

#[test]
fn what_cudnn_does_not_take_is_left_to_our_kernels() {
    let plain = Conv { padding: pads(1), ..Conv::default() };
    let takes = |conv, x: [usize; 4], w: [usize; 4], device| Case::new(conv, x, w).cudnn(device).map(|t| t.is_some());
    on_card(|device| {
        let sides = Conv { padding: [[0, 1], [1, 1]], ..plain };
        assert_eq!(takes(sides, [1, 4, 4, 2], [3, 3, 2, 2], device), [false; 3], "another padding on each side");
        let depthwise = Conv { groups: 4, ..plain };
        assert_eq!(takes(depthwise, [1, 4, 4, 4], [3, 3, 1, 4], device), [false; 3], "depthwise");
        // The emulated cuDNN refuses this one algorithm, and the table has no other.
        let dilated = Conv { dilation: [2, 2], padding: pads(2), ..plain };
        assert_eq!(takes(dilated, [1, 6, 6, 4], [3, 3, 4, 4], device), [true, true, false], "dilated");
        set_mode(Mode::Exact);
        assert_eq!(takes(plain, [1, 4, 4, 2], [3, 3, 2, 2], device), [false; 3], "the exact mode");
    });
}

#[test]
fn workspaces_grow_with_the_shape_and_are_kept() {
    on_card(|device| {
        let conv = Conv { padding: pads(1), ..Conv::default() };
        let asked = || memory::card_usage().2;
        let mut last = 0;
        for n in [1, 2, 8, 32] {
            let case = Case::new(conv, [n, 6, 6, 24], [3, 3, 24, 24]);
            assert!(case.cudnn(device).iter().all(Option::is_some));
            let grown = asked();
            assert!(grown > last, "a larger batch works in more memory");
            assert!(case.cudnn(device).iter().all(Option::is_some));
            assert_eq!(asked(), grown, "the same again asks for nothing");
            last = grown;
        }
    });
}

#[test]
fn a_captured_convolution_computes_again_when_it_is_replayed() {
    on_card(|device| {
        let case = Case::new(Conv { padding: pads(1), ..Conv::default() }, [2, 6, 6, 8], [3, 3, 8, 8]);
        let (mut x, w) = (case.inputs[0].to(device), case.inputs[1].to(device));
        let run = |x: &Tensor| {
            let mut y = Tensor::uninit_on(device, case.dy.shape());
            assert!(cudnn::forward(&case.g, x, &w, None, &mut y));
            y
        };
        run(&x);
        let (graph, y) = Graph::capture(|| run(&x));
        for index in [10, 11] {
            let new = random(x.shape(), index);
            x.assign(&new.to(device));
            graph.launch(|changing| changing);
            let other = Case { inputs: vec![new, case.inputs[1].clone()], dy: case.dy.clone(), g: case.g };
            close(&y.to(Device::Cpu), &other.ours()[0], "replayed");
        }
    });
}
