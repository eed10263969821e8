//! Stand-ins.
use kernels::rng::Key;
use kernels::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};
#[derive(Debug, Clone, Copy)]
pub struct Add;
impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
    }
    fn infer(&self, x: &[Shape]) -> Result<Outputs, OpError> {
        if x[0] == x[1] { Ok(Outputs::one(x[0])) } else { Err(OpError::new("add", "shapes", "fix")) }
    }
    fn saves(&self) -> Saves {
        Saves::NONE
    }
    fn forward(&self, x: &[&Tensor], y: &mut [Tensor]) {
        for (y, (a, b)) in y[0].data_mut().iter_mut().zip(x[0].data().iter().zip(x[1].data())) {
            *y = a + b;
        }
    }
    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        dx[0] = Some(b.dy().clone());
        dx[1] = Some(b.dy().clone());
    }
}
/// d
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    pub p: f32,
    pub key: Key,
    pub index: u64,
}
impl Dropout {
    fn m(&self, n: usize) -> Vec<f32> {
        let mut s = self.key.stream(self.index);
        (0..n).map(|_| if s.uniform() < self.p { 0. } else { 1. / (1. - self.p) }).collect()
    }
}
impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }
    fn infer(&self, x: &[Shape]) -> Result<Outputs, OpError> {
        Ok(Outputs::one(x[0]))
    }
    fn saves(&self) -> Saves {
        Saves::NONE
    }
    fn forward(&self, x: &[&Tensor], y: &mut [Tensor]) {
        let m = self.m(x[0].len());
        for (i, y) in y[0].data_mut().iter_mut().enumerate() {
            *y = x[0].data()[i] * m[i];
        }
    }
    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let m = self.m(b.shapes[0].len());
        let mut g = Tensor::uninit(b.shapes[0]);
        for (i, g) in g.data_mut().iter_mut().enumerate() {
            *g = b.dy().data()[i] * m[i];
        }
        dx[0] = Some(g);
    }
}
pub fn add() -> Add {
    Add
}
pub fn relu() -> kernels::ops::activation::Pointwise<kernels::ops::activation::Relu> {
    kernels::ops::activation::Pointwise::relu()
}
