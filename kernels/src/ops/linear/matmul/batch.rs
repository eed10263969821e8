//! Which matrices of a and b make which matrix of c.

use crate::Shape;
use crate::shape::MAX_RANK;

/// The batch dimensions of a product, and how a and b take part in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    sizes: [usize; MAX_RANK],
    rank: usize,
    /// Matrices from one number of a dimension to the next; 0 where the operand is broadcast.
    strides: [[usize; MAX_RANK]; 2],
}

impl Batch {
    /// Of two operands of at least two dimensions; `None` if they do not broadcast.
    pub fn new(a: &Shape, b: &Shape) -> Option<Self> {
        let (r, q) = (a[..].len() - 2, b[..].len() - 2);
        let rank = r.max(q);
        let mut batch = Self { sizes: [1; MAX_RANK], rank, strides: [[0; MAX_RANK]; 2] };
        let mut matrices = [1, 1];
        for i in 0..rank {
            // From the innermost one.
            let size = |s: &Shape, n: usize| if i < n { s[n - 1 - i] } else { 1 };
            let both = [size(a, r), size(b, q)];
            let d = rank - 1 - i;
            batch.sizes[d] = match both {
                [x, y] if x == y || y == 1 => x,
                [1, y] => y,
                _ => return None,
            };
            for o in 0..2 {
                batch.strides[o][d] = if both[o] == 1 { 0 } else { matrices[o] };
                matrices[o] *= both[o];
            }
        }
        Some(batch)
    }

    /// Sizes of the batch dimensions.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// Matrices of c.
    pub fn len(&self) -> usize {
        self.sizes().iter().product()
    }

    /// The matrix of operand `o` (0 = a, 1 = b) that takes part in matrix `i` of c.
    pub fn operand(&self, o: usize, mut i: usize) -> usize {
        let mut at = 0;
        for d in (0..self.rank).rev() {
            at += i % self.sizes[d] * self.strides[o][d];
            i /= self.sizes[d];
        }
        at
    }

    /// How many numbers lie between the matrices, of `len`, of operand `o` that neighbours in each dimension of c use.
    pub fn apart(&self, o: usize, len: usize) -> [usize; MAX_RANK] {
        self.strides[o].map(|s| s * len)
    }

    /// The same of c's own matrices.
    pub fn results(&self, len: usize) -> [usize; MAX_RANK] {
        let mut next = len;
        let mut apart = [0; MAX_RANK];
        for d in (0..self.rank).rev() {
            apart[d] = next;
            next *= self.sizes[d];
        }
        apart
    }

    /// The same of the contributions to operand `o`: rows of `width` numbers, each the operand's shape, as many as it has
    /// repeats.
    pub fn contributions(&self, o: usize, len: usize, width: usize) -> [usize; MAX_RANK] {
        let (mut apart, mut next) = (self.apart(o, len), width);
        for d in (0..self.rank).rev().filter(|&d| self.strides[o][d] == 0) {
            apart[d] = next;
            next *= self.sizes[d];
        }
        apart
    }

    /// How many matrices of c one of operand `o` takes part in.
    pub fn repeats(&self, o: usize) -> usize {
        (0..self.rank).filter(|&d| self.strides[o][d] == 0).map(|d| self.sizes[d]).product()
    }

    /// The matrix of c that is number `j`, ascending, of those in which matrix `i` of operand `o` takes part.
    pub fn use_of(&self, o: usize, mut i: usize, mut j: usize) -> usize {
        let (mut at, mut stride) = (0, 1);
        for d in (0..self.rank).rev() {
            let from = if self.strides[o][d] == 0 { &mut j } else { &mut i };
            at += *from % self.sizes[d] * stride;
            *from /= self.sizes[d];
            stride *= self.sizes[d];
        }
        at
    }

    /// Innermost matrices of c, in a row, that one matrix of b makes with neighbours of a: one product of taller matrices.
    pub fn tall(&self) -> usize {
        let one = |d: &usize| self.strides[1][*d] == 0 && (self.strides[0][*d] > 0 || self.sizes[*d] == 1);
        (0..self.rank).rev().take_while(one).map(|d| self.sizes[d]).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_those_that_take_part_ascending() {
        for (a, b) in [
            (&[2, 1, 4, 6][..], &[3, 6, 5][..]),
            (&[4, 6], &[2, 3, 6, 5]),
            (&[2, 3, 4, 6], &[6, 5]),
            (&[2, 1, 3, 4, 6], &[1, 4, 1, 6, 5]),
            (&[1, 1, 4, 6], &[1, 6, 5]),
        ] {
            let (a, b) = (Shape::new(a), Shape::new(b));
            let batch = Batch::new(&a, &b).unwrap();
            for (o, s) in [a, b].iter().enumerate() {
                let matrices = s[..s[..].len() - 2].iter().product();
                for i in 0..matrices {
                    let want: Vec<usize> = (0..batch.len()).filter(|&c| batch.operand(o, c) == i).collect();
                    let got: Vec<usize> = (0..batch.repeats(o)).map(|j| batch.use_of(o, i, j)).collect();
                    assert_eq!(got, want, "{a} {b} operand {o} matrix {i}");
                }
            }
            let tall = batch.tall();
            for c in 0..batch.len() {
                let first = c / tall * tall;
                assert_eq!(batch.operand(1, c), batch.operand(1, first));
                assert_eq!(batch.operand(0, c), batch.operand(0, first) + c - first, "{a} {b}");
            }
        }
    }
}
