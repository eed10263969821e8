//! Line by line, number by number.

use super::Softmax;
use crate::host::{Host, Real};
use crate::math;
use crate::math::sum::long;
use crate::op::Reference;

impl Softmax {
    /// Indices of each line's numbers.
    fn indices(&self, x: &Host<impl Real>) -> Vec<Vec<usize>> {
        let [outside, length, step] = self.lines(&x.shape).expect("infer has seen the shape");
        let start = |l: usize| l / step.max(1) * length * step + l % step.max(1);
        (0..outside * step).map(|l| (0..length).map(|k| start(l) + k * step).collect()).collect()
    }
}

impl Reference for Softmax {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let mut y = Host::zeros(x.shape);
        for line in self.indices(x) {
            let v: Vec<f64> = line.iter().map(|&i| x.data[i].f64()).collect();
            let m = v.iter().fold(v[0], |m, &x| if x > m { x } else { m });
            let e: Vec<f64> = v.iter().map(|x| math::exp(x - m)).collect();
            let s = long(e.len(), |k| e[k]);
            for (k, &i) in line.iter().enumerate() {
                y.data[i] = T::of(if self.log { (v[k] - m) - math::ln(s) } else { e[k] * (1.0 / s) });
            }
        }
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let mut dx = Host::zeros(dy.shape);
        for line in self.indices(&inputs[0]) {
            let y: Vec<f64> = line.iter().map(|&i| outputs[0].data[i].f64()).collect();
            let g: Vec<f64> = line.iter().map(|&i| dy.data[i].f64()).collect();
            let s = long(line.len(), |k| if self.log { g[k] } else { y[k] * g[k] });
            for (k, &i) in line.iter().enumerate() {
                dx.data[i] = T::of(if self.log { g[k] - math::exp(y[k]) * s } else { y[k] * (g[k] - s) });
            }
        }
        vec![Some(dx)]
    }
}
