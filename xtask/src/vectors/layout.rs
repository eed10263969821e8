//! PyTorch's layouts and ours.

use anyhow::ensure;
use kernels::Shape;

/// How a tensor of the file lies in our memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// The same.
    Plain,
    /// `[N, C, ...]` there, `[N, ..., C]` here; what has fewer than three dimensions stays.
    ChannelsLast,
    /// `[O, I, k...]` there, `[k..., I, O]` here.
    Weight,
    /// Dimension i here is dimension `order[i]` there.
    Order(Vec<usize>),
}

impl Layout {
    /// Our dimensions as PyTorch counts them.
    pub fn order(&self, rank: usize) -> Vec<usize> {
        match self {
            Self::ChannelsLast if rank > 2 => [0].into_iter().chain(2..rank).chain([1]).collect(),
            Self::Weight if rank > 1 => (2..rank).chain([1, 0]).collect(),
            Self::Order(order) => order.clone(),
            _ => (0..rank).collect(),
        }
    }

    /// Where PyTorch's dimension `dim` (negative: from the last) is here.
    ///
    /// # Errors
    /// If a tensor of that rank has none such.
    pub fn dim(&self, rank: usize, dim: i64) -> anyhow::Result<usize> {
        let d = if dim < 0 { dim + rank as i64 } else { dim };
        let at = self.order(rank).iter().position(|&o| o as i64 == d);
        at.ok_or_else(|| anyhow::anyhow!("no dimension {dim} of {rank}"))
    }

    /// Our shape of a tensor of theirs, and where in the file each of our numbers is.
    ///
    /// # Errors
    /// If the layout is for another rank, or the tensor has too many dimensions.
    pub fn ours(&self, theirs: &[usize]) -> anyhow::Result<(Shape, Vec<usize>)> {
        let order = self.order(theirs.len());
        ensure!(order.len() == theirs.len(), "a tensor {theirs:?} cannot be laid out as {order:?}");
        ensure!(theirs.len() <= kernels::shape::MAX_RANK, "a tensor of {} dimensions", theirs.len());
        let sizes: Vec<usize> = order.iter().map(|&o| theirs[o]).collect();
        let strides: Vec<usize> = order.iter().map(|&o| theirs[o + 1..].iter().product()).collect();
        let at = (0..sizes.iter().product()).map(|mut i: usize| {
            let mut flat = 0;
            for d in (0..sizes.len()).rev() {
                flat += i % sizes[d] * strides[d];
                i /= sizes[d];
            }
            flat
        });
        Ok((Shape::new(&sizes), at.collect()))
    }

    /// A tensor of ours as PyTorch has it.
    ///
    /// # Errors
    /// If the layout is for another rank.
    pub fn theirs(&self, ours: &[usize], data: &[f64]) -> anyhow::Result<(Vec<usize>, Vec<f64>)> {
        let order = self.order(ours.len());
        ensure!(order.len() == ours.len(), "a result {ours:?} cannot be laid out as {order:?}");
        let mut shape = vec![0; ours.len()];
        order.iter().zip(ours).for_each(|(&o, &n)| shape[o] = n);
        let (_, at) = self.ours(&shape)?;
        let mut out = vec![0.0; data.len()];
        at.into_iter().zip(data).for_each(|(i, &x)| out[i] = x);
        Ok((shape, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_there_and_back() {
        let data: Vec<f64> = (0..2 * 3 * 4 * 5).map(f64::from).collect();
        for layout in [Layout::Plain, Layout::ChannelsLast, Layout::Weight, Layout::Order(vec![3, 1, 0, 2])] {
            let (shape, at) = layout.ours(&[2, 3, 4, 5]).unwrap();
            let ours: Vec<f64> = at.iter().map(|&i| data[i]).collect();
            assert_eq!(layout.theirs(&shape, &ours).unwrap(), (vec![2, 3, 4, 5], data.clone()), "{layout:?}");
        }
        let (shape, at) = Layout::ChannelsLast.ours(&[2, 3, 4]).unwrap();
        assert_eq!((&shape[..], &at[..5]), (&[2, 4, 3][..], &[0, 4, 8, 1, 5][..]));
        assert_eq!(*Layout::Weight.ours(&[7, 5, 3, 2]).unwrap().0, [3, 2, 5, 7]);
        assert_eq!(*Layout::Weight.ours(&[7, 5]).unwrap().0, [5, 7]);
        assert_eq!(*Layout::Plain.ours(&[]).unwrap().0, [0; 0]);
    }

    #[test]
    fn dimensions_are_counted_as_pytorch_counts_them() {
        let at = |rank, dim| Layout::ChannelsLast.dim(rank, dim).unwrap();
        assert_eq!([at(4, 0), at(4, 1), at(4, 2), at(4, 3), at(4, -1), at(4, -3)], [0, 3, 1, 2, 2, 3]);
        assert_eq!([at(2, 1), at(2, -2), at(3, 1)], [1, 0, 2]);
        assert!(Layout::Plain.dim(2, 2).is_err());
    }
}
