//! Which positions an output covers, along one axis.

use std::ops::Range;

/// One axis: `n` positions, `out` outputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub n: usize,
    pub out: usize,
    pub rule: Rule,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Output o covers `kernel` positions from o * stride - left.
    Window { kernel: usize, stride: usize, left: usize, right: usize, include_pad: bool },
    /// Output o covers floor(o n / out) to ceil((o + 1) n / out).
    Adaptive,
}

impl Axis {
    /// One output that covers all.
    pub fn whole(n: usize) -> Self {
        Self::adaptive(n, 1)
    }

    pub fn adaptive(n: usize, out: usize) -> Self {
        Self { n, out, rule: Rule::Adaptive }
    }

    pub fn window(
        n: usize,
        kernel: usize,
        stride: usize,
        [left, right]: [usize; 2],
        ceil_mode: bool,
        include_pad: bool,
    ) -> Self {
        let room = n + left + right - kernel;
        let mut out = if ceil_mode { room.div_ceil(stride) } else { room / stride } + 1;
        if (out - 1) * stride >= n + left {
            out -= 1;
        }
        Self { n, out, rule: Rule::Window { kernel, stride, left, right, include_pad } }
    }

    /// Positions that output `o` covers; never none.
    #[inline(always)]
    pub fn inside(&self, o: usize) -> Range<usize> {
        match self.rule {
            Rule::Window { kernel, stride, left, .. } => {
                (o * stride).saturating_sub(left)..(o * stride + kernel - left).min(self.n)
            }
            Rule::Adaptive => o * self.n / self.out..((o + 1) * self.n).div_ceil(self.out),
        }
    }

    /// Number of position `i` within the window of output `o`, padding included.
    #[inline(always)]
    pub fn tap(&self, o: usize, i: usize) -> usize {
        match self.rule {
            Rule::Window { stride, left, .. } => i + left - o * stride,
            Rule::Adaptive => i - o * self.n / self.out,
        }
    }

    /// What a mean over output `o` divides by.
    #[inline(always)]
    pub fn count(&self, o: usize) -> usize {
        match self.rule {
            Rule::Window { kernel, stride, left, right, include_pad: true } => {
                kernel.min(self.n + left + right - o * stride)
            }
            _ => self.inside(o).len(),
        }
    }

    /// Outputs that cover position `i`.
    #[inline(always)]
    pub fn covering(&self, i: usize) -> Range<usize> {
        match self.rule {
            Rule::Window { kernel, stride, left, .. } => {
                let end = ((i + left) / stride + 1).min(self.out);
                (i + left + 1).saturating_sub(kernel).div_ceil(stride).min(end)..end
            }
            Rule::Adaptive => i * self.out / self.n..((i + 1) * self.out).div_ceil(self.n),
        }
    }

    /// Kernel, stride and left padding, where windows slide.
    #[inline(always)]
    pub fn sliding(&self) -> Option<(usize, usize, usize)> {
        match self.rule {
            Rule::Window { kernel, stride, left, .. } => Some((kernel, stride, left)),
            Rule::Adaptive => None,
        }
    }

    /// Size of the largest window.
    pub fn kernel(&self) -> usize {
        match self.rule {
            Rule::Window { kernel, .. } => kernel,
            Rule::Adaptive => self.n,
        }
    }
}

/// Outputs of sliding windows below `out` whose tap `k` lies in positions `at`.
#[inline(always)]
pub(super) fn reaching((stride, left, out): (usize, usize, usize), k: usize, at: Range<usize>) -> Range<usize> {
    let from = |p: usize| (p + left).saturating_sub(k).div_ceil(stride).min(out);
    from(at.start)..from(at.end)
}

/// Both axes of `n` samples of `c` channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane {
    pub n: usize,
    pub c: usize,
    /// h and w.
    pub axes: [Axis; 2],
}

impl Plane {
    /// Where pixel (h, w) of sample n starts in x.
    #[inline(always)]
    pub fn x(&self, n: usize, h: usize, w: usize) -> usize {
        ((n * self.axes[0].n + h) * self.axes[1].n + w) * self.c
    }

    /// Where output (h, w) of sample n starts in y.
    #[inline(always)]
    pub fn y(&self, n: usize, h: usize, w: usize) -> usize {
        ((n * self.axes[0].out + h) * self.axes[1].out + w) * self.c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covering_is_the_inverse_of_inside() {
        let mut axes = Vec::new();
        for n in 1..12 {
            axes.extend((1..15).map(|out| Axis::adaptive(n, out)));
            for (k, s, left, right) in (0..600).map(|i| (1 + i % 5, 1 + i / 5 % 4, i / 20 % 5, i / 100 % 5)) {
                if left < k && right < k && n + left + right >= k {
                    axes.push(Axis::window(n, k, s, [left, right], false, true));
                    axes.push(Axis::window(n, k, s, [left, right], true, false));
                }
            }
        }
        for a in axes {
            for o in 0..a.out {
                assert!(!a.inside(o).is_empty() && a.count(o) > 0, "{a:?} {o}");
            }
            for i in 0..a.n {
                let want: Vec<usize> = (0..a.out).filter(|&o| a.inside(o).contains(&i)).collect();
                assert_eq!(a.covering(i).collect::<Vec<_>>(), want, "{a:?} {i}");
            }
            let Some((kernel, stride, left)) = a.sliding() else { continue };
            for (k, lo) in (0..kernel).flat_map(|k| (0..=a.n).map(move |lo| (k, lo))) {
                let at = |o: usize| (o * stride + k) as isize - left as isize;
                let range = lo as isize..a.n as isize;
                let want: Vec<usize> = (0..a.out).filter(|&o| range.contains(&at(o))).collect();
                let got: Vec<usize> = reaching((stride, left, a.out), k, lo..a.n).collect();
                assert_eq!(got, want, "{a:?} {k} {lo}");
            }
        }
    }
}
