//! Max pooling, one number at a time: these lines define the bits.

use super::MaxPool;
use crate::host::{Host, Real};
use crate::op::Reference;

impl Reference for MaxPool {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let (p, shape) = self.plane(&x.shape).expect("inferred");
        let (mut y, mut taps) = (Host::zeros(shape), Host::zeros(shape));
        let [ah, aw] = p.axes;
        for i in 0..y.data.len() {
            let (c, ow, oh) = (i % p.c, i / p.c % aw.out, i / p.c / aw.out % ah.out);
            let n = i / p.c / aw.out / ah.out;
            let mut best: Option<(T, usize)> = None;
            for h in ah.inside(oh) {
                for w in aw.inside(ow) {
                    let v = x.data[p.x(n, h, w) + c];
                    if best.is_none_or(|(b, _)| v > b || (v.is_nan() && !b.is_nan())) {
                        best = Some((v, ah.tap(oh, h) * self.window.kernel[1] + aw.tap(ow, w)));
                    }
                }
            }
            let (v, tap) = best.expect("a window holds a position of x");
            y.data[i] = v;
            taps.data[i] = T::of(tap as f64);
        }
        vec![y, taps]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let (p, _) = self.plane(&inputs[0].shape).expect("inferred");
        let [ah, aw] = p.axes;
        let mut dx = Host::zeros(inputs[0].shape);
        for i in 0..dx.data.len() {
            let (c, w, h, n) = (i % p.c, i / p.c % aw.n, i / p.c / aw.n % ah.n, i / p.c / aw.n / ah.n);
            let mut s = T::of(0.0);
            for oh in (0..ah.out).filter(|&o| ah.inside(o).contains(&h)) {
                for ow in (0..aw.out).filter(|&o| aw.inside(o).contains(&w)) {
                    let tap = ah.tap(oh, h) * self.window.kernel[1] + aw.tap(ow, w);
                    if outputs[1].data[p.y(n, oh, ow) + c] == T::of(tap as f64) {
                        s += dy.data[p.y(n, oh, ow) + c];
                    }
                }
            }
            dx.data[i] = s;
        }
        vec![Some(dx)]
    }
}
