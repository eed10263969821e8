//! Axes: where a value lies in pixels, and which values are written beside an axis.

/// The logarithm to base 10 of a positive finite number, by additions, products and one division: the same bits
/// everywhere, right to some 1e-15.
pub fn log10(x: f64) -> f64 {
    debug_assert!(x > 0.0 && x.is_finite(), "{x}");
    // Subnormal numbers are lifted, so that the exponent's field says all.
    let (x, lifted) = if x < f64::MIN_POSITIVE { (x * 18014398509481984.0, 54) } else { (x, 0) };
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023 - lifted;
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | (1023 << 52));
    if m > std::f64::consts::SQRT_2 {
        m /= 2.0;
        exponent += 1;
    }
    // ln m = 2 atanh s, and s is at most 0.172.
    let s = (m - 1.0) / (m + 1.0);
    let mut series = 0.0;
    for k in (0..13).rev() {
        series = series * s * s + 1.0 / f64::from(2 * k + 1);
    }
    (2.0 * s * series + exponent as f64 * std::f64::consts::LN_2) / std::f64::consts::LN_10
}

/// A power of ten, as the decimal reads.
fn pow10(k: i32) -> f64 {
    format!("1e{k}").parse().expect("a number")
}

/// The largest power of ten that is no larger, as its exponent.
fn decade(x: f64) -> i32 {
    let k = log10(x).floor() as i32;
    if pow10(k + 1) <= x { k + 1 } else { k }
}

/// A line of values on a picture.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    lo: f64,
    hi: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Axis {
    /// Values from `lo` to `hi` lie between the pixels `from` and `to`, evenly; an empty span is widened.
    pub fn linear(lo: f64, hi: f64, from: f64, to: f64) -> Self {
        let (lo, hi) = if hi - lo > 0.0 { (lo, hi) } else { (lo - 0.5, lo + 0.5) };
        Self { lo, hi, log: false, from, to }
    }

    /// The same by logarithm; both ends are positive.
    pub fn log(lo: f64, hi: f64, from: f64, to: f64) -> Self {
        let hi = if hi > lo { hi } else { 2.0 * lo };
        Self { lo, hi, log: true, from, to }
    }

    /// The least and the greatest of the finite ones.
    fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let (lo, hi) = values.filter(|v| v.is_finite()).fold(ends, |(l, h), v| (l.min(v), h.max(v)));
        (lo <= hi).then_some((lo, hi))
    }

    /// An axis that holds all of these, with a little air: by logarithm if they are positive and span a factor of 20.
    pub fn around(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Option<Self> {
        let (lo, hi) = Self::ends(values.clone())?;
        if lo > 0.0 && hi / lo >= 20.0 {
            Self::around_log(values, from, to)
        } else {
            Self::around_linear(values, from, to)
        }
    }

    /// An axis by logarithm that holds all of these, which are positive.
    pub fn around_log(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let (lo, hi) = Self::ends(values)?;
        Some(Self::log(lo / 1.15, hi * 1.15, from, to))
    }

    /// An even axis that holds all of these.
    pub fn around_linear(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let (lo, hi) = Self::ends(values)?;
        let air = 0.06 * (hi - lo);
        // Zero is the natural end where the values come near it.
        let low = if lo >= 0.0 && lo - 3.0 * air <= 0.0 { 0.0 } else { lo - air };
        Some(Self::linear(low, hi + air, from, to))
    }

    /// Whether it is by logarithm.
    pub fn is_log(self) -> bool {
        self.log
    }

    /// Where a value lies; what is outside lies at the nearer end.
    pub fn at(self, value: f64) -> f64 {
        let part = if self.log {
            let (lo, hi) = (log10(self.lo), log10(self.hi));
            if value <= self.lo { 0.0 } else { (log10(value.min(self.hi)) - lo) / (hi - lo) }
        } else {
            (value.clamp(self.lo, self.hi) - self.lo) / (self.hi - self.lo)
        };
        self.from + part * (self.to - self.from)
    }

    /// Whether a value is within the ends.
    pub fn holds(self, value: f64) -> bool {
        value >= self.lo && value <= self.hi
    }

    /// Values to write, and how, at least `gap` pixels from one another.
    pub fn ticks(self, gap: f64) -> Vec<(f64, String)> {
        if self.log { self.log_ticks(gap) } else { self.linear_ticks(gap) }
    }

    fn linear_ticks(self, gap: f64) -> Vec<(f64, String)> {
        let room = ((self.to - self.from).abs() / gap).max(1.0);
        let raw = (self.hi - self.lo) / room;
        let k = decade(raw);
        let (step, k) = [1.0, 2.0, 5.0]
            .into_iter()
            .map(|m| (m * pow10(k), k))
            .find(|(s, _)| *s >= raw * (1.0 - 1e-9))
            .unwrap_or((pow10(k + 1), k + 1));
        let decimals = (-k).max(0) as usize;
        let first = (self.lo / step - 1e-9).ceil() as i64;
        let last = (self.hi / step + 1e-9).floor() as i64;
        (first..=last)
            .map(|i| {
                let value = i as f64 * step;
                (value, format!("{value:.decimals$}"))
            })
            .map(|(v, t)| (v, if v == 0.0 { "0".to_owned() } else { t }))
            .collect()
    }

    fn log_ticks(self, gap: f64) -> Vec<(f64, String)> {
        // Over so short a span it is nearly even.
        if self.hi / self.lo < 2.0 {
            return self.linear_ticks(1.2 * gap);
        }
        let sets: [&[f64]; 5] = [
            &[1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
            &[1.0, 2.0, 5.0],
            &[1.0, 3.0],
            &[1.0],
        ];
        let decades = decade(self.lo)..=decade(self.hi);
        let mut best = Vec::new();
        for set in sets {
            let values: Vec<f64> = decades
                .clone()
                .flat_map(|k| set.iter().map(move |m| m * pow10(k)))
                .filter(|v| self.holds(*v) || (v / self.lo - 1.0).abs() < 1e-9)
                .collect();
            best = values;
            if best.windows(2).all(|w| (self.at(w[1]) - self.at(w[0])).abs() >= gap) {
                break;
            }
        }
        // So many decades that even they are too near: every second of them, or third ...
        let least = best.windows(2).map(|w| (self.at(w[1]) - self.at(w[0])).abs()).fold(f64::INFINITY, f64::min);
        let stride = if least < gap { (gap / least.max(1e-3)).ceil() as usize } else { 1 };
        best.into_iter().step_by(stride).map(|v| (v, label(v))).collect()
    }
}

/// A number as it stands beside an axis or a bar: no more digits than it needs, powers of ten where it is far from 1.
pub fn label(v: f64) -> String {
    if v == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&v.abs()) {
        return format!("{v:.0e}");
    }
    let text = format!("{v:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A positive figure in three digits or so: `0.042`, `3.14`, `271`.
pub fn brief(v: f64) -> String {
    if !v.is_finite() {
        return v.to_string();
    }
    let size = v.abs();
    let decimals = match size {
        _ if size >= 99.95 || size == 0.0 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 => 2,
        _ => (1 - decade(size).max(-6)) as usize,
    };
    format!("{v:.decimals$}")
}

/// A number in letters of print: a true minus sign, none where it rounds to zero, words for what is no number.
pub fn number(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(size) if is_zero(size) => size.to_owned(),
        Some(size) => format!("−{size}"),
        None => text,
    }
}

/// The same with its sign, `+` as well.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    if value > 0.0 && !is_zero(&text) { format!("+{text}") } else { text }
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0' || b == b'.')
}

/// A rank: half ranks are common, quarters come of medians of ties.
pub fn rank(value: f64) -> String {
    number(value, if (2.0 * value).fract() == 0.0 { 1 } else { 2 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LOG10_2;

    #[test]
    fn the_logarithm_is_that_of_tables() {
        // What is known without a logarithm.
        for (x, truth) in
            [(1.0, 0.0), (2.0, LOG10_2), (10.0, 1.0), (1e300, 300.0), (1e-310, -310.0), (0.05, -1.0 - LOG10_2)]
        {
            assert!((log10(x) - truth).abs() <= 1e-15 * (1.0 + truth.abs()), "{x}: {}", log10(x));
        }
        let texts = |a: Axis, gap| a.ticks(gap).into_iter().map(|t| t.1).collect::<Vec<_>>().join(" ");
        assert_eq!(texts(Axis::log(1.0, 100.0, 0.0, 400.0), 30.0), "1 2 5 10 20 50 100");
        assert_eq!(texts(Axis::log(1.0, 3.0, 0.0, 500.0), 40.0), "1 1.2 1.4 1.6 1.8 2 2.5 3");
        assert_eq!(
            texts(Axis::log(1.0, 1.5, 0.0, 500.0), 40.0),
            "1.00 1.05 1.10 1.15 1.20 1.25 1.30 1.35 1.40 1.45 1.50"
        );
        assert_eq!(texts(Axis::log(1e-3, 1e9, 0.0, 100.0), 30.0), "0.001 10 100000 1e9");
        assert_eq!(texts(Axis::linear(0.0, 1.0, 300.0, 0.0), 40.0), "0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(texts(Axis::linear(-75.0, 130.0, 0.0, 100.0), 20.0), "-50 0 50 100");
    }

    #[test]
    fn values_lie_between_the_ends() {
        let axis = Axis::log(1.0, 100.0, 10.0, 210.0);
        assert_eq!((axis.at(0.0), axis.at(1.0), axis.at(1e9)), (10.0, 10.0, 210.0));
        assert!((axis.at(10.0) - 110.0).abs() < 1e-9);
        assert!(Axis::around([f64::NAN].into_iter(), 0.0, 1.0).is_none());
        assert!(Axis::around([1.0, 30.0, f64::INFINITY].into_iter(), 0.0, 1.0).is_some_and(Axis::is_log));
        assert_eq!(Axis::around([3.0].into_iter(), 0.0, 8.0).map(|a| a.at(3.0)), Some(4.0));
        assert_eq!([0.0421, 3.256, 27.1, 271.4].map(brief).join(" "), "0.042 3.26 27.1 271");
    }
}
