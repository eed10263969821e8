//! Elements by their numbers.
//!
//! Indices are integer tensors. One outside the dimension that it points into makes its output NaN, and no gradient flows
//! from there; [`check_indices`] refuses it beforehand.

pub mod embedding;
pub mod gather;

pub use embedding::Embedding;
pub use gather::Gather;

use crate::{OpError, Tensor};

/// Numbers a task should at least touch.
const TASK: usize = 1 << 14;

/// Refuses indices that are not among `0 .. size`; call it on indices that come from outside.
///
/// # Errors
/// Names the first one.
pub fn check_indices(op: &'static str, index: &Tensor, size: usize) -> Result<(), OpError> {
    match index.ints().iter().position(|&i| inside(i, size).is_none()) {
        None => Ok(()),
        Some(i) => Err(OpError::new(
            op,
            format!("index number {i} of shape {} is {}, and there are {size}", index.shape(), index.ints()[i]),
            format!("indices go from 0 to {}", size as i64 - 1),
        )),
    }
}

/// The index, if it is among `0 .. size`.
fn inside(index: i32, size: usize) -> Option<usize> {
    usize::try_from(index).ok().filter(|&i| i < size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_out_of_range_are_named() {
        let t = |v: &[i32]| check_indices("gather", &Tensor::from_ints([v.len()], v), 3);
        assert!(t(&[0, 1, 2]).is_ok());
        assert!(
            t(&[0, 3]).unwrap_err().to_string().contains("gather: index number 1 of shape [2] is 3, and there are 3")
        );
        assert!(t(&[-1]).is_err());
    }
}
