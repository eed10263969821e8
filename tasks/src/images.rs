//! What the image tasks share: stores of 8-bit pictures, and pickled pictures with class numbers.

use std::path::Path;

use safetensors::Dtype;

use crate::error::grouped;
use crate::formats::pickle::Object;
use crate::store::SplitWriter;
use crate::{Error, Facts, Sizes};

/// Writes one split: `x` u8 `[N, h, w, c]`, then `y` i32 `[N]`.
pub(crate) fn write_split(
    split: &mut SplitWriter,
    shape: &[usize; 3],
    labels: &[i32],
    mut picture: impl FnMut(usize, &mut [u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut pixels = vec![0u8; shape.iter().product()];
    split.tensor("x", Dtype::U8, shape)?;
    for i in 0..labels.len() {
        picture(i, &mut pixels)?;
        split.push(&pixels)?;
    }
    split.tensor("y", Dtype::I32, &[])?;
    split.push(labels)
}

/// Planes one after the other to channels side by side: `[c, h * w]` to `[h * w, c]`.
pub(crate) fn interleave(planes: &[u8], channels: usize, to: &mut [u8]) {
    let pixels = planes.len() / channels;
    for (p, pixel) in to.chunks_exact_mut(channels).enumerate() {
        for (c, v) in pixel.iter_mut().enumerate() {
            *v = planes[c * pixels + p];
        }
    }
}

/// Class numbers: a list or an array of integers, one of each of `n` images, none negative.
pub(crate) fn labels(object: Object<'_>, name: &str, n: usize, fix: &str) -> Result<Vec<i32>, Error> {
    let wrong = |what: String| Error::invalid(what, fix);
    let numbers: Vec<Option<i64>> = match (object.array(), object.items()) {
        (Some(array), _) => (0..array.len()).map(|i| array.integer(i)).collect(),
        (None, Some(items)) => items.map(Object::integer).collect(),
        (None, None) => return Err(wrong(format!("'{name}' is {}, not a list of classes", object.what()))),
    };
    if numbers.len() != n {
        return Err(wrong(format!("'{name}' has {} classes for {n} images", numbers.len())));
    }
    let class = |(i, l): (usize, Option<i64>)| {
        let class = l.and_then(|l| i32::try_from(l).ok()).filter(|l| (0..=MOST_CLASSES).contains(l));
        class.ok_or_else(|| match l {
            Some(l) => wrong(format!("'{name}' has the class {l} at item {i}; classes go from 0 to {MOST_CLASSES}")),
            None => wrong(format!("'{name}' has something else than an integer at item {i}")),
        })
    };
    numbers.into_iter().enumerate().map(class).collect()
}

/// More classes than any such data have; a larger number is damage.
const MOST_CLASSES: i32 = 9_999;

/// One more than the largest class.
pub(crate) fn classes(labels: &[&[i32]]) -> usize {
    labels.iter().flat_map(|l| l.iter()).max().map_or(0, |&l| l as usize + 1)
}

/// The last items of training that validate: the published share of `n`.
pub(crate) fn validation(n: usize, published: Sizes, path: &Path) -> Result<usize, Error> {
    let val = n * published.val / (published.train + published.val);
    if val > 0 && val < n {
        return Ok(val);
    }
    let what = format!("has {n} training images, too few to keep a share for validation");
    Err(Error::invalid(what, "give at least 5").at(path))
}

/// A notice where sizes or classes are not the published ones, or a class is missing in a split.
pub(crate) fn notices(facts: &Facts, sizes: Sizes, classes: usize, splits: [&[i32]; 3]) -> Vec<String> {
    let published = facts.sizes;
    let mut notices = Vec::new();
    let mut gap = |have: usize, want: usize, what: &str| {
        if have != want {
            notices.push(format!("{} of {} {what}", grouped(have as u64), grouped(want as u64)));
        }
    };
    gap(sizes.train + sizes.val, published.train + published.val, "training images");
    gap(sizes.test, published.test, "test images");
    if classes != facts.outputs {
        notices.push(format!("{classes} classes instead of {}", facts.outputs));
    }
    for (name, labels) in ["training", "validation", "test"].iter().zip(splits) {
        let seen = labels.iter().collect::<std::collections::BTreeSet<_>>().len();
        if seen < classes {
            notices.push(format!("{name} holds {seen} of {classes} classes"));
        }
    }
    notices
}
