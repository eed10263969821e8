//! Matrix product `c[.., M, N] = a[.., M, K] b[.., K, N]`; the leading (batch) dimensions are equal.
//!
//! Orders: every element of c, da and db is one fma chain from +0: c over K ascending, da over N ascending, db over M
//! ascending.

pub mod cases;
mod reference;

use crate::product::gather::matmul;
use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Matrix product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatMul;

/// (batch, M, K, N).
fn sizes(a: Shape, b: Shape) -> [usize; 4] {
    let r = a.iter().count();
    [a[..r - 2].iter().product(), a[r - 2], a[r - 1], b[r - 1]]
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let refuse = |what: String, fix: &str| Err(OpError::new("matmul", what, fix));
        let &[a, b] = inputs else { return refuse(format!("{} inputs", inputs.len()), "give a and b") };
        let (r, q) = (a.iter().count(), b.iter().count());
        if r < 2 || r != q || a[..r - 2] != b[..r - 2] {
            return refuse(format!("a {a} with b {b}"), "give [.., M, K] and [.., K, N] with equal leading dimensions");
        }
        if a[r - 1] != b[r - 2] {
            let what = format!("a {a} has rows of {}, b {b} has {} rows", a[r - 1], b[r - 2]);
            return refuse(what, "make them equal");
        }
        Ok(Outputs::one(a.with(r - 1, b[r - 1])))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b11, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let [batch, m, k, n] = sizes(inputs[0].shape(), inputs[1].shape());
        let (a, b, c) = (inputs[0].data(), inputs[1].data(), outputs[0].data_mut());
        for i in 0..batch {
            let to = &mut c[i * m * n..][..m * n];
            matmul(&a[i * m * k..][..m * k], &b[i * k * n..][..k * n], None, [m, k, n], [n, 1], to);
        }
    }

    fn backward(&self, g: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let [batch, m, k, n] = sizes(g.shapes[0], g.shapes[1]);
        let dy = g.dy().data();
        if g.wants(0) {
            let (b, mut d) = (g.input(1).data(), Tensor::uninit(g.shapes[0]));
            for i in 0..batch {
                let to = &mut d.data_mut()[i * m * k..][..m * k];
                matmul(&dy[i * m * n..][..m * n], &b[i * k * n..][..k * n], None, [m, n, k], [1, n], to);
            }
            dx[0] = Some(d);
        }
        if g.wants(1) {
            let (a, mut d) = (g.input(0).data(), Tensor::uninit(g.shapes[1]));
            let mut turned = Tensor::uninit([m * k]);
            for i in 0..batch {
                let at = turned.data_mut();
                for (r, row) in a[i * m * k..][..m * k].chunks_exact(k).enumerate() {
                    row.iter().enumerate().for_each(|(c, v)| at[c * m + r] = *v);
                }
                let to = &mut d.data_mut()[i * k * n..][..k * n];
                matmul(at, &dy[i * m * n..][..m * n], None, [k, m, n], [n, 1], to);
            }
            dx[1] = Some(d);
        }
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let [batch, m, k, n] = sizes(inputs[0], inputs[1]);
        Some(2 * (batch * m * k * n) as u64)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cases() {
        crate::check::table("linear/matmul", &super::cases::cases());
    }
}
