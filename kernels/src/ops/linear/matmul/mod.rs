//! Matrix product `c[.., M, N] = a[.., M, K] b[.., K, N]`; the leading (batch) dimensions broadcast as `NumPy`'s do: they are
//! aligned at their ends, and a size of 1, or none, stands for the other's.
//!
//! Orders: every element of c is one fma chain from +0 over K ascending. Every batch element of c contributes to da (over N
//! ascending) and db (over M ascending) one chain an element, from +0. The contributions to an operand that stands for
//! several batch elements are merged in the fixed tree, in ascending (row-major) order of c's batch elements.

mod batch;
pub mod cases;
mod cpu;
mod cuda;
mod reference;

use batch::Batch;

use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Matrix product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatMul;

/// (M, K, N).
fn sizes(a: Shape, b: Shape) -> [usize; 3] {
    let (r, q) = (a.iter().count(), b.iter().count());
    [a[r - 2], a[r - 1], b[q - 1]]
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let refuse = |what: String, fix: &str| Err(OpError::new("matmul", what, fix));
        let &[a, b] = inputs else { return refuse(format!("{} inputs", inputs.len()), "give a and b") };
        let (r, q) = (a.iter().count(), b.iter().count());
        let batch = if r < 2 || q < 2 { None } else { Batch::new(&a, &b) };
        let Some(batch) = batch else {
            let fix = "give [.., M, K] and [.., K, N] with leading dimensions that broadcast";
            return refuse(format!("a {a} with b {b}"), fix);
        };
        if a[r - 1] != b[q - 2] {
            let what = format!("a {a} has rows of {}, b {b} has {} rows", a[r - 1], b[q - 2]);
            return refuse(what, "make them equal");
        }
        let mut c = if r >= q { a } else { b };
        let rank = r.max(q);
        for (d, &n) in batch.sizes().iter().enumerate() {
            c = c.with(d, n);
        }
        Ok(Outputs::one(c.with(rank - 2, a[r - 2]).with(rank - 1, b[q - 1])))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b11, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::forward(inputs[0], inputs[1], outputs[0].data_mut()),
            Device::Cuda(_) => cuda::forward(inputs[0], inputs[1], &mut outputs[0]),
        }
    }

    fn backward(&self, g: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let (shapes, dy) = ([g.shapes[0], g.shapes[1]], g.dy());
        match g.device() {
            Device::Cpu => {
                if g.wants(0) {
                    dx[0] = Some(cpu::gradient_a(shapes, g.input(1).data(), dy.data()));
                }
                if g.wants(1) {
                    dx[1] = Some(cpu::gradient_b(shapes, g.input(0).data(), dy.data()));
                }
            }
            Device::Cuda(_) => {
                if g.wants(0) {
                    cuda::gradient_a(shapes, g.input(1), dy, dx[0].insert(g.room(0)));
                }
                if g.wants(1) {
                    cuda::gradient_b(shapes, g.input(0), dy, dx[1].insert(g.room(1)));
                }
            }
        }
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let [m, k, n] = sizes(inputs[0], inputs[1]);
        Some(2 * (Batch::new(&inputs[0], &inputs[1])?.len() * m * k * n) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("linear/matmul", &super::cases::cases());
    }

    #[test]
    fn what_does_not_broadcast_is_refused() {
        let says = |a: &[usize], b: &[usize]| MatMul.infer(&[a.into(), b.into()]).unwrap_err().to_string();
        assert!(says(&[2, 3, 4], &[3, 4, 5]).contains("a [2, 3, 4] with b [3, 4, 5]; give"));
        assert!(says(&[4], &[4, 5]).contains("a [4] with b [4, 5]"));
        assert!(says(&[2, 3], &[4, 5]).contains("rows of 3, b [4, 5] has 4 rows"));
        let c = MatMul.infer(&[[2, 1, 4, 6].into(), [3, 6, 5].into()]).unwrap().all()[0];
        assert_eq!(c, Shape::from([2, 3, 4, 5]));
    }
}
