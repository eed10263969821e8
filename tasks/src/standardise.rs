//! Standardising a series by itself.

/// Minus its mean, over its standard deviation (of the population), both in f64 and summed in the order of time; a constant
/// series becomes zeros.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn standardise(series: &[f64], out: &mut [f32]) {
    assert_eq!(series.len(), out.len());
    let n = series.len() as f64;
    let mut sum = 0.0;
    for &v in series {
        sum += v;
    }
    let mean = sum / n;
    let mut squares = 0.0;
    for &v in series {
        squares += (v - mean) * (v - mean);
    }
    let std = (squares / n).sqrt();
    // The mean of equal numbers may differ from them by a rounding; what is left is noise, not a shape.
    if std == 0.0 || series.iter().all(|&v| v == series[0]) {
        out.fill(0.0);
        return;
    }
    for (o, &v) in out.iter_mut().zip(series) {
        *o = ((v - mean) / std) as f32;
    }
}
