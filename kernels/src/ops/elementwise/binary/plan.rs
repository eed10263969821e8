//! Which number meets which: the broadcast of two shapes, its dimensions merged as far as they go.

use crate::Shape;
use crate::shape::MAX_RANK;

/// The shape of both, or `None` where they do not fit.
pub fn broadcast(a: &Shape, b: &Shape) -> Option<Shape> {
    let rank = a[..].len().max(b[..].len());
    let mut dims = [1; MAX_RANK];
    for (i, d) in dims[..rank].iter_mut().enumerate() {
        *d = match (size(a, rank, i), size(b, rank, i)) {
            (x, y) if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            _ => return None,
        };
    }
    Some(Shape::new(&dims[..rank]))
}

/// Size of dimension `i` of `rank`, the shape's own being the last ones.
fn size(s: &Shape, rank: usize, i: usize) -> usize {
    let missing = rank - s[..].len();
    if i < missing { 1 } else { s[i - missing] }
}

/// The merged dimensions (at least one), and the steps of a and b along each: 0 where the input is broadcast.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    dims: [usize; MAX_RANK],
    steps: [[usize; MAX_RANK]; 2],
    rank: usize,
}

impl Plan {
    /// Of two shapes that broadcast.
    pub fn new(a: &Shape, b: &Shape) -> Self {
        let rank = a[..].len().max(b[..].len());
        let mut dims = [1; MAX_RANK];
        let mut own = [[true; MAX_RANK]; 2];
        let mut n = 0;
        for i in 0..rank {
            let (x, y) = (size(a, rank, i), size(b, rank, i));
            if x == 1 && y == 1 {
                continue;
            }
            let flags = [x != 1 || y == 1, y != 1 || x == 1];
            let d = if flags[0] { x } else { y };
            if n > 0 && own[0][n - 1] == flags[0] && own[1][n - 1] == flags[1] {
                dims[n - 1] *= d;
            } else {
                dims[n] = d;
                (own[0][n], own[1][n]) = (flags[0], flags[1]);
                n += 1;
            }
        }
        let rank = n.max(1);
        let mut steps = [[0; MAX_RANK]; 2];
        for (steps, own) in steps.iter_mut().zip(&own) {
            let mut step = 1;
            for d in (0..rank).rev().filter(|&d| own[d]) {
                steps[d] = step;
                step *= dims[d];
            }
        }
        Self { dims, steps, rank }
    }

    /// Number of merged dimensions.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Their sizes, and the steps of a and b along each.
    pub fn dimensions(&self) -> (&[usize; MAX_RANK], &[[usize; MAX_RANK]; 2]) {
        (&self.dims, &self.steps)
    }

    /// Size of the last dimension.
    pub fn inner(&self) -> usize {
        self.dims[self.rank - 1]
    }

    /// Step of input `i` along the last dimension, 0 or 1.
    pub fn inner_step(&self, i: usize) -> usize {
        self.steps[i][self.rank - 1]
    }

    /// Input `i` is broadcast somewhere.
    pub fn reduces(&self, i: usize) -> bool {
        (0..self.rank).any(|d| self.steps[i][d] == 0)
    }

    /// Offsets into (y, a, b) of row `row`, all rows along the last dimension counted.
    pub fn row(&self, row: usize) -> [usize; 3] {
        let [a, b] = self.place(row, |_| true);
        [row * self.inner(), a, b]
    }

    /// Rows that meet the same number of input `i`, and how many such sets: (reduced, kept).
    pub fn counts(&self, i: usize) -> (usize, usize) {
        let outer = 0..self.rank - 1;
        let product = |kept: bool| -> usize {
            outer.clone().filter(|&d| (self.steps[i][d] != 0) == kept).map(|d| self.dims[d]).product()
        };
        (product(false), product(true))
    }

    /// Offsets into (y, a, b) of the row that is number `reduced` of set `kept` of input `i`.
    pub fn row_of(&self, i: usize, kept: usize, reduced: usize) -> [usize; 3] {
        let own = |d: usize| self.steps[i][d] != 0;
        let (k, r) = (self.place(kept, own), self.place(reduced, |d| !own(d)));
        [self.y_place(kept, own) + self.y_place(reduced, |d| !own(d)), k[0] + r[0], k[1] + r[1]]
    }

    /// Offsets into (a, b) of number `n` among the outer dimensions that `takes` names.
    fn place(&self, mut n: usize, takes: impl Fn(usize) -> bool) -> [usize; 2] {
        let mut at = [0; 2];
        for d in (0..self.rank - 1).rev().filter(|&d| takes(d)) {
            let i = n % self.dims[d];
            n /= self.dims[d];
            at[0] += i * self.steps[0][d];
            at[1] += i * self.steps[1][d];
        }
        at
    }

    /// The same into y.
    fn y_place(&self, mut n: usize, takes: impl Fn(usize) -> bool) -> usize {
        let (mut at, mut step) = (0, self.inner());
        for d in (0..self.rank - 1).rev() {
            if takes(d) {
                at += n % self.dims[d] * step;
                n /= self.dims[d];
            }
            step *= self.dims[d];
        }
        at
    }
}
