//! One element at a time, as the specification says it.

use super::Sgd;
use crate::host::Real;

/// One step over slices of one length; `buffer` is `None` for momentum 0.
pub fn reference<T: Real>(sgd: &Sgd, lr: f32, p: &mut [T], g: &[T], mut buffer: Option<&mut [T]>, first: bool) {
    let of = |x: f32| T::of(x.into());
    for (i, (p, &g)) in p.iter_mut().zip(g).enumerate() {
        let g = if sgd.weight_decay == 0.0 { g } else { T::fma(of(sgd.weight_decay), *p, g) };
        let d = match &mut buffer {
            None => g,
            Some(b) => {
                b[i] = if first { g } else { T::fma(of(sgd.momentum), b[i], g) };
                if sgd.nesterov { T::fma(of(sgd.momentum), b[i], g) } else { b[i] }
            }
        };
        *p = T::fma(of(-lr), d, *p);
    }
}
