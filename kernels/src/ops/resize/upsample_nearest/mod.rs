//! Nearest neighbour: images `[N, H, W, C]` and series `[N, L, C]` of another size.
//!
//! # Specification
//! Along an axis of n elements, element o of m takes element floor(o n / m), in integers. Backward: an element of dx is the
//! plain sum from +0 of dy over the outputs that took it, in ascending (oh, ow).

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Resizing of one input; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpsampleNearest {
    /// Height and width of y; of series the second is the length and the first is unused.
    pub size: [usize; 2],
}

const NAME: &str = "upsample_nearest";

/// Sizes, series with height 1.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    n: usize,
    c: usize,
    from: [usize; 2],
    to: [usize; 2],
}

/// The element that output `o` of `m` takes, of `n`.
fn source(o: usize, n: usize, m: usize) -> usize {
    o * n / m
}

/// The outputs, of `m`, that take element `i` of `n`.
fn takers(i: usize, n: usize, m: usize) -> std::ops::Range<usize> {
    (i * m).div_ceil(n)..((i + 1) * m).div_ceil(n)
}

impl UpsampleNearest {
    /// Images of height and width `size`.
    pub fn images(size: [usize; 2]) -> Self {
        Self { size }
    }

    /// Series of a length.
    pub fn series(length: usize) -> Self {
        Self { size: [1, length] }
    }

    fn geometry(&self, x: &Shape) -> Result<Geometry, OpError> {
        let g = match x[..] {
            [n, h, w, c] => Geometry { n, c, from: [h, w], to: self.size },
            [n, l, c] => Geometry { n, c, from: [1, l], to: [1, self.size[1]] },
            _ => return Err(OpError::new(NAME, format!("x {x}"), "give [N, H, W, C] or [N, L, C]")),
        };
        if g.from.contains(&0) || g.to.contains(&0) {
            let what = format!("x {x} to size {:?}", self.size);
            return Err(OpError::new(NAME, what, "all of them are at least 1"));
        }
        Ok(g)
    }
}

impl Op for UpsampleNearest {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input, of images or series; a size of 0.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one, x"));
        };
        let g = self.geometry(x)?;
        Ok(Outputs::one(match x[..].len() {
            3 => x.with(1, g.to[1]),
            _ => x.with(1, g.to[0]).with(2, g.to[1]),
        }))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let g = self.geometry(&inputs[0].shape()).expect("checked when recorded");
        match inputs[0].device() {
            Device::Cpu => cpu::forward(&g, inputs[0].data(), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::forward(&g, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let g = self.geometry(&b.shapes[0]).expect("checked when recorded");
            let mut d = b.room(0);
            match b.device() {
                Device::Cpu => cpu::backward(&g, b.dy().data(), d.data_mut()),
                Device::Cuda(_) => cuda::backward(&g, b.dy(), &mut d),
            }
            dx[0] = Some(d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("resize/upsample_nearest", &super::cases::cases());
    }

    #[test]
    fn takers_are_those_that_take() {
        for (n, m) in (1..15).flat_map(|n| (1..40).map(move |m| (n, m))) {
            for i in 0..n {
                let want: Vec<usize> = (0..m).filter(|&o| source(o, n, m) == i).collect();
                assert_eq!(takers(i, n, m).collect::<Vec<_>>(), want, "{i} of {n} to {m}");
            }
        }
    }

    #[test]
    fn what_has_no_size_is_refused() {
        let e = UpsampleNearest::images([0, 4]).infer(&[Shape::new(&[2, 3, 3, 1])]).unwrap_err().to_string();
        assert!(e.contains("x [2, 3, 3, 1] to size [0, 4]"), "{e}");
        assert!(UpsampleNearest::series(4).infer(&[Shape::new(&[2, 3])]).is_err());
    }
}
