//! One element at a time, as the specification says it.

use super::{RmsProp, State};
use crate::host::Real;

/// One step over slices of one length.
pub fn reference<T: Real>(rule: &RmsProp, lr: f64, p: &mut [T], g: &[T], mut state: State<'_, [T]>) {
    let n = rule.numbers(lr);
    let of = |x: f32| T::of(x.into());
    let zero = T::of(0.0);
    for (i, p) in p.iter_mut().enumerate() {
        let g = if rule.weight_decay == 0.0 { g[i] } else { T::fma(of(n.wd), *p, g[i]) };
        let v = &mut state.square[i];
        *v = T::fma(of(n.c), g * g - *v, *v);
        let mut w = *v;
        if let Some(a) = &mut state.mean {
            a[i] = T::fma(of(n.c), g - a[i], a[i]);
            w = T::fma(-a[i], a[i], w);
            w = if w < zero { zero } else { w };
        }
        let mut d = g / (w.sqrt() + of(n.eps));
        if let Some(b) = &mut state.buffer {
            b[i] = T::fma(of(n.momentum), b[i], d);
            d = b[i];
        }
        *p = T::fma(of(-n.lr), d, *p);
    }
}
