//! Cutout: one square of an image is blanked, in training alone.

use kernels::Tensor;
use kernels::rng::Key;

/// Blanks one square of each image of a batch `[N, H, W, C]`, or one stretch of each series `[N, L, C]`: `side` rows and columns around a centre drawn uniformly over the
/// image (rows first) from stream n of `key`, cut at the border, filled with 0, which after normalisation is the mean
/// (originals: DARTS, `cnn/utils.py`; arXiv 1708.04552). The square begins `side / 2` before its centre.
///
/// # Panics
/// If the batch is neither.
pub fn cutout(x: &mut Tensor, key: Key, side: usize) {
    let [n, h, w, c] = match x.shape()[..] {
        [n, h, w, c] => [n, h, w, c],
        [n, l, c] => [n, 1, l, c],
        _ => panic!("cutout of {}, which are neither images nor series", x.shape()),
    };
    let data = x.data_mut();
    for i in 0..n {
        let mut stream = key.stream(i as u64);
        let mut range = |size: usize| {
            let centre = stream.below(size as u64) as usize;
            centre.saturating_sub(side / 2)..(centre + side - side / 2).min(size)
        };
        let (rows, columns) = (range(h), range(w));
        for row in rows {
            data[((i * h + row) * w + columns.start) * c..((i * h + row) * w + columns.end) * c].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::Purpose;

    #[test]
    fn one_square_an_image_is_blank_and_a_sample_does_not_depend_on_its_batch() {
        let key = Key::new(0, Purpose::Augment).at(3, 1);
        let blanked = |n: usize, side: usize| {
            let mut x = Tensor::full([n, 9, 7, 2], 1.0);
            cutout(&mut x, key, side);
            x.data().to_vec()
        };
        let x = blanked(200, 4);
        let mut counts = [0; 2];
        for image in x.chunks(9 * 7 * 2) {
            let zeros: Vec<usize> = (0..63).filter(|p| image[2 * p] == 0.0).collect();
            assert!(zeros.iter().all(|p| image[2 * p + 1] == 0.0));
            let (rows, columns): (Vec<usize>, Vec<usize>) = zeros.iter().map(|p| (p / 7, p % 7)).unzip();
            let span = |v: &[usize]| v.iter().max().unwrap() - v.iter().min().unwrap() + 1;
            assert_eq!(span(&rows) * span(&columns), zeros.len(), "a rectangle");
            assert!(span(&rows) <= 4 && span(&columns) <= 4 && zeros.len() >= 4);
            counts[usize::from(zeros.len() == 16)] += 1;
        }
        assert!(counts[0] > 20 && counts[1] > 20, "some are cut at the border: {counts:?}");
        assert_eq!(blanked(3, 4)[..], x[..3 * 126]);
        assert!(blanked(2, 40).iter().all(|&x| x == 0.0));
    }
}
