//! Complex Fourier transforms in f64, eight at a time.
//!
//! One transform a lane: the lanes never mix, and nothing is contracted or reordered, so the bits are the same at every SIMD
//! level. A transform of length N is Stockham's: for each factor p of N, in the order 4, 2, 3, 5, 7, one pass of p-point
//! transforms whose sums are written out in [`pass_odd`], [`pass_2`] and [`pass_4`], then a multiplication by the roots of
//! unity, which come from [`kernels::math`].

use std::ops::{Add, Mul, Neg, Sub};

use kernels::math;

/// Transforms side by side.
pub(crate) const LANES: usize = 8;

/// One number of each of the transforms side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes(pub(crate) [f64; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    fn zip(self, o: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(o.0) {
            *a = f(*a, b);
        }
        Self(out)
    }
}

impl Add for Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        self.zip(o, |a, b| a + b)
    }
}

impl Sub for Lanes {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        self.zip(o, |a, b| a - b)
    }
}

impl Mul<f64> for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: f64) -> Self {
        self.zip(self, |a, _| a * o)
    }
}

impl Neg for Lanes {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.zip(self, |a, _| -a)
    }
}

/// A complex number of each lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Complex {
    pub(crate) re: Lanes,
    pub(crate) im: Lanes,
}

impl Complex {
    pub(crate) const ZERO: Self = Self { re: Lanes::ZERO, im: Lanes::ZERO };

    #[inline(always)]
    fn plus(self, o: Self) -> Self {
        Self { re: self.re + o.re, im: self.im + o.im }
    }

    #[inline(always)]
    fn minus(self, o: Self) -> Self {
        Self { re: self.re - o.re, im: self.im - o.im }
    }

    #[inline(always)]
    fn scaled(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    /// Times -i.
    #[inline(always)]
    fn turned(self) -> Self {
        Self { re: self.im, im: -self.re }
    }

    #[inline(always)]
    fn times(self, (c, s): (f64, f64)) -> Self {
        Self { re: self.re * c - self.im * s, im: self.re * s + self.im * c }
    }
}

/// What a transform of one length needs to know.
#[derive(Debug)]
pub(crate) struct Fourier {
    factors: Vec<usize>,
    /// exp(-2 pi i k / N), cosine and sine.
    roots: Vec<(f64, f64)>,
}

/// Room for the transforms side by side.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) now: Vec<Complex>,
    next: Vec<Complex>,
}

impl Fourier {
    /// Of length `len`.
    ///
    /// # Panics
    /// If it has a prime factor above 7.
    pub(crate) fn new(len: usize) -> Self {
        let (mut rest, mut factors) = (len, Vec::new());
        for p in [4, 2, 3, 5, 7] {
            while rest > 0 && rest.is_multiple_of(p) {
                factors.push(p);
                rest /= p;
            }
        }
        assert!(rest == 1, "a transform of length {len}: 2, 3, 5 and 7 may be its factors");
        let roots = (0..len)
            .map(|k| {
                let angle = 2.0 * std::f64::consts::PI * k as f64 / len as f64;
                (math::cos(angle), -math::sin(angle))
            })
            .collect();
        Self { factors, roots }
    }

    /// Room for its transforms.
    pub(crate) fn room(&self) -> Room {
        let empty = vec![Complex::ZERO; self.roots.len()];
        Room { now: empty.clone(), next: empty }
    }

    /// Transforms what is in the room: `y[k] = sum_t x[t] exp(-2 pi i t k / N)`. Inside a dispatched loop it is fast.
    #[inline(always)]
    pub(crate) fn transform(&self, room: &mut Room) {
        let (f, mut n, mut s) = (self, self.roots.len(), 1);
        for &p in &f.factors {
            let (x, y) = (&room.now[..], &mut room.next[..]);
            match p {
                2 => pass_2(f, n, s, x, y),
                4 => pass_4(f, n, s, x, y),
                3 => pass_odd::<3>(f, n, s, x, y),
                5 => pass_odd::<5>(f, n, s, x, y),
                _ => pass_odd::<7>(f, n, s, x, y),
            }
            std::mem::swap(&mut room.now, &mut room.next);
            n /= p;
            s *= p;
        }
    }
}

/// Two-point transforms: the sum, and the difference times a root.
#[inline(always)]
fn pass_2(f: &Fourier, n: usize, s: usize, x: &[Complex], y: &mut [Complex]) {
    let m = n / 2;
    for q in 0..m {
        let w = f.roots[q * s];
        for k in 0..s {
            let (a, b) = (x[k + s * q], x[k + s * (q + m)]);
            y[k + s * 2 * q] = a.plus(b);
            y[k + s * (2 * q + 1)] = a.minus(b).times(w);
        }
    }
}

/// Four-point transforms as two and two.
#[inline(always)]
fn pass_4(f: &Fourier, n: usize, s: usize, x: &[Complex], y: &mut [Complex]) {
    let m = n / 4;
    for q in 0..m {
        let w: [(f64, f64); 3] = std::array::from_fn(|t| f.roots[q * (t + 1) * s]);
        for k in 0..s {
            let a: [Complex; 4] = std::array::from_fn(|r| x[k + s * (q + m * r)]);
            let (even, odd) = (a[0].plus(a[2]), a[1].plus(a[3]));
            let (skew, turn) = (a[0].minus(a[2]), a[1].minus(a[3]).turned());
            let to = k + s * 4 * q;
            y[to] = even.plus(odd);
            y[to + s] = skew.plus(turn).times(w[0]);
            y[to + 2 * s] = even.minus(odd).times(w[1]);
            y[to + 3 * s] = skew.minus(turn).times(w[2]);
        }
    }
}

/// P-point transforms, P an odd prime. With h = (P - 1) / 2, the sums and differences of `a[r]` and `a[P - r]`, r = 1..=h:
/// output 0 is `a[0]` plus the sums, r ascending; outputs t and P - t are u -+ i v, u = `a[0]` + the sums times
/// cos(2 pi r t / P), v = the differences times sin(2 pi r t / P), both r ascending. Then outputs are multiplied by roots.
#[inline(always)]
fn pass_odd<const P: usize>(f: &Fourier, n: usize, s: usize, x: &[Complex], y: &mut [Complex]) {
    let (m, half, step) = (n / P, P / 2, f.roots.len() / P);
    let wheel: [(f64, f64); P] = std::array::from_fn(|r| f.roots[r * step]);
    for q in 0..m {
        let w: [(f64, f64); P] = std::array::from_fn(|t| f.roots[q * t * s]);
        for k in 0..s {
            let a: [Complex; P] = std::array::from_fn(|r| x[k + s * (q + m * r)]);
            let to = k + s * P * q;
            let (mut sums, mut differences) = ([Complex::ZERO; P], [Complex::ZERO; P]);
            let mut all = a[0];
            for r in 1..=half {
                sums[r] = a[r].plus(a[P - r]);
                differences[r] = a[r].minus(a[P - r]);
                all = all.plus(sums[r]);
            }
            y[to] = all;
            for t in 1..=half {
                let (c, s_minus) = wheel[t];
                let (mut u, mut v) = (a[0].plus(sums[1].scaled(c)), differences[1].scaled(-s_minus));
                for r in 2..=half {
                    let (c, s_minus) = wheel[r * t % P];
                    u = u.plus(sums[r].scaled(c));
                    v = v.plus(differences[r].scaled(-s_minus));
                }
                let v = v.turned();
                y[to + s * t] = u.plus(v).times(w[t]);
                y[to + s * (P - t)] = u.minus(v).times(w[P - t]);
            }
        }
    }
}
