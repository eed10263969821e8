//! One element at a time, as the specification says it.

use super::Adam;
use crate::host::Real;

/// Step `t` (from 1) over slices of one length.
pub fn reference<T: Real>(adam: &Adam, lr: f64, t: u32, p: &mut [T], g: &[T], m: &mut [T], v: &mut [T]) {
    let n = adam.numbers(lr, t);
    let of = |x: f32| T::of(x.into());
    for (i, p) in p.iter_mut().enumerate() {
        let mut g = g[i];
        if adam.weight_decay != 0.0 {
            if adam.decoupled {
                *p = T::fma(of(-n.k), *p, *p);
            } else {
                g = T::fma(of(n.wd), *p, g);
            }
        }
        m[i] = T::fma(of(n.c1), g - m[i], m[i]);
        v[i] = T::fma(of(n.c2), g * g - v[i], v[i]);
        *p = T::fma(of(-n.a), m[i] / T::fma(v[i].sqrt(), of(n.r), of(n.eps)), *p);
    }
}
