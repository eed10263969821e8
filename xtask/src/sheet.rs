//! The contact sheet: a few items of a task's training data, drawn.

use anyhow::Context;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use tasks::{Dataset, Kind, Split};

/// A picture in RGB.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

type Colour = [u8; 3];
const PAPER: Colour = [255, 255, 255];
const FRAME: Colour = [222, 226, 230];
const INK: Colour = [73, 80, 87];
const LINE: Colour = [25, 113, 194];

/// Places down and across, and the space between them.
const ROWS: usize = 5;
const COLUMNS: usize = 6;
const GAP: usize = 10;
/// Height of the caption above a place.
const CAPTION: usize = 9;

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: PAPER.repeat(width * height) }
    }

    fn put(&mut self, x: usize, y: usize, c: Colour) {
        if x < self.width && y < self.height {
            self.pixels[3 * (y * self.width + x)..][..3].copy_from_slice(&c);
        }
    }

    fn frame(&mut self, [x, y, w, h]: [usize; 4]) {
        for i in 0..w {
            self.put(x + i, y, FRAME);
            self.put(x + i, y + h - 1, FRAME);
        }
        for i in 0..h {
            self.put(x, y + i, FRAME);
            self.put(x + w - 1, y + i, FRAME);
        }
    }

    /// A whole number in digits of 3 x 5 dots.
    fn number(&mut self, x: usize, y: usize, n: usize) {
        // Rows of three dots, top first.
        const DIGITS: [[u8; 5]; 10] = [
            [7, 5, 5, 5, 7],
            [2, 6, 2, 2, 7],
            [7, 1, 7, 4, 7],
            [7, 1, 7, 1, 7],
            [5, 5, 7, 1, 1],
            [7, 4, 7, 1, 7],
            [7, 4, 7, 5, 7],
            [7, 1, 1, 1, 1],
            [7, 5, 7, 5, 7],
            [7, 5, 7, 1, 7],
        ];
        for (i, d) in n.to_string().bytes().enumerate() {
            for (r, bits) in DIGITS[usize::from(d - b'0')].iter().enumerate() {
                for c in (0..3).filter(|c| bits >> (2 - c) & 1 == 1) {
                    self.put(x + 4 * i + c, y + r, INK);
                }
            }
        }
    }

    /// A line through the points of a series, from its least to its largest number.
    fn series(&mut self, [x, y, w, h]: [usize; 4], data: &[f32]) {
        let (low, high) = range(data);
        let at =
            |v: f32| y + h - 2 - ((f64::from(v - low) / f64::from(high - low) * (h - 3) as f64) as usize).min(h - 3);
        let column = |i: usize| x + 1 + i * (w - 3) / (data.len() - 1).max(1);
        for i in 1..data.len() {
            let (mut from, mut to) = (at(data[i - 1]), at(data[i]));
            let (a, b) = (column(i - 1), column(i));
            if b <= a + 1 {
                if from > to {
                    std::mem::swap(&mut from, &mut to);
                }
                (from..=to).for_each(|y| self.put(b, y, LINE));
            } else {
                let steps = (b - a).max(from.abs_diff(to)).max(1);
                for s in 0..=steps {
                    let y = (from as f64 + (to as f64 - from as f64) * s as f64 / steps as f64 + 0.5) as usize;
                    self.put(a + s * (b - a) / steps, y, LINE);
                }
            }
        }
    }

    /// DNA `[bases, 4]` in lines, a dot wide each base, blank where it is unknown; below, a box a label, full where it is 1.
    fn dna(&mut self, [x, y, w, h]: [usize; 4], bases: &[f32], labels: &[f32]) {
        const COLOURS: [Colour; 4] = [[47, 158, 68], [245, 159, 0], [25, 113, 194], [224, 49, 49]];
        let length = bases.len() / 4;
        let lines = length.div_ceil(w);
        let pitch = ((h - 8) / lines.max(1)).max(1);
        for (i, base) in bases.chunks_exact(4).enumerate() {
            if let Some(channel) = base.iter().position(|&v| v == 1.0) {
                let top = i / w * pitch;
                (top..top + pitch.saturating_sub(2).max(1)).for_each(|r| self.put(x + i % w, y + r, COLOURS[channel]));
            }
        }
        let each = (w / labels.len().max(1)).max(2);
        for (k, &label) in labels.iter().enumerate().take(w / each) {
            let colour = if label == 1.0 { INK } else { FRAME };
            (0..each - 1).for_each(|i| (h - 6..h).for_each(|r| self.put(x + k * each + i, y + r, colour)));
        }
    }

    /// A field `[h, w]`, nearest neighbour, dark for low.
    fn field(&mut self, place: [usize; 4], data: &[f32], size: [usize; 2]) {
        self.field_between(place, data, size, range(data));
    }

    /// A picture `[h, w, 3]` in its own colours, its least number dark, its largest bright.
    fn picture(&mut self, [x, y, w, h]: [usize; 4], data: &[f32], [rows, columns]: [usize; 2]) {
        let (low, high) = range(data);
        for i in 0..h {
            for j in 0..w {
                let at = 3 * (i * rows / h * columns + j * columns / w);
                let level = |v: f32| ((v - low) / (high - low) * 255.0) as u8;
                self.put(x + j, y + i, [0, 1, 2].map(|c| level(data[at + c])));
            }
        }
    }

    /// The same, dark at `low` and below, pale at `high` and above.
    fn field_between(
        &mut self,
        [x, y, w, h]: [usize; 4],
        data: &[f32],
        [rows, columns]: [usize; 2],
        (low, high): (f32, f32),
    ) {
        for i in 0..h {
            for j in 0..w {
                let v = data[i * rows / h * columns + j * columns / w];
                self.put(x + j, y + i, shade(f64::from(v - low) / f64::from(high - low)));
            }
        }
    }

    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(())
    }
}

/// Least and largest finite number, a little apart.
fn range(data: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for &v in data.iter().filter(|v| v.is_finite()) {
        low = if v < low { v } else { low };
        high = if v > high { v } else { high };
    }
    if low < high { (low, high) } else { (low - 1.0, low + 1.0) }
}

/// A field and the range to draw it in. Where a few numbers outshine all others (stars), it is stretched: the logarithm of
/// how far each stands above the faintest, in units of how far half of them do.
fn stretched(data: &[f32]) -> (Vec<f32>, (f32, f32)) {
    let (least, most) = range(data);
    let mut sorted: Vec<f32> = data.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied().unwrap_or(least);
    let (faint, middle, bright) = (at(2), at(50), at(98));
    let outshone = bright - faint < 0.5 * (most - least) && middle - faint < 0.05 * (most - least);
    if middle <= faint || !outshone {
        return (data.to_vec(), (least, most));
    }
    let seen = |v: f32| kernels::math::single::ln_1p(((v - faint) / (middle - faint)).clamp(0.0, f32::MAX));
    (data.iter().map(|&v| seen(v)).collect(), (-0.5, 0.8 * seen(most)))
}

/// Dark blue over teal and yellow-green to pale yellow.
fn shade(t: f64) -> Colour {
    const STOPS: [[f64; 3]; 5] =
        [[31., 26., 76.], [47., 90., 139.], [38., 145., 140.], [128., 200., 96.], [250., 240., 150.]];
    let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) } * 4.0;
    let i = (t as usize).min(3);
    std::array::from_fn(|c| (STOPS[i][c] + (STOPS[i + 1][c] - STOPS[i][c]) * (t - i as f64)) as u8)
}

/// Items to show: as many of each class as fit, in class order; without classes, spread over the split.
fn chosen(split: &Split) -> Vec<u32> {
    let (n, places) = (split.len(), ROWS * COLUMNS);
    if !split.has_classes() {
        return (0..places.min(n)).map(|i| (i * n / places.min(n)) as u32).collect();
    }
    let looked: Vec<u32> = (0..n.min(20_000)).map(|i| (i * n / n.min(20_000)) as u32).collect();
    let mut by_class: Vec<(i32, u32)> = Vec::new();
    for part in looked.chunks(1024) {
        by_class.extend(split.batch(part).1.ints().iter().copied().zip(part.iter().copied()));
    }
    by_class.sort_unstable();
    let mut classes: Vec<Vec<u32>> = Vec::new();
    let mut last = None;
    for (class, item) in by_class {
        if last != Some(class) {
            classes.push(Vec::new());
            last = Some(class);
        }
        classes.last_mut().expect("pushed above").push(item);
    }
    let each = (places / classes.len().max(1)).max(1);
    let mut items: Vec<u32> =
        classes.iter().flat_map(|c| (0..each.min(c.len())).map(|i| c[i * c.len() / each.min(c.len())])).collect();
    items.truncate(places);
    items
}

/// Draws the sheet of a dataset's training items.
///
/// # Errors
/// If it cannot be written.
pub fn draw(set: &Dataset, path: &Path) -> anyhow::Result<()> {
    let split = set.train();
    let items = chosen(&split);
    anyhow::ensure!(!items.is_empty(), "there is no training item to draw");
    let (x, y) = split.batch(&items);
    let kind = set.facts().kind;
    let each: usize = split.input().iter().product();
    let channels = split.input().last().copied().unwrap_or(1);
    let (w, h) = match kind {
        Kind::Series => (150, 80),
        Kind::Point2d => (100, 100),
        Kind::Dense2d => (170 + 2, 85),
    };
    let rows = items.len().div_ceil(COLUMNS);
    let mut canvas = Canvas::new(COLUMNS * (w + GAP) + GAP, rows * (h + CAPTION + GAP) + GAP);
    for (i, &item) in items.iter().enumerate() {
        let (left, top) = (GAP + i % COLUMNS * (w + GAP), GAP + i / COLUMNS * (h + CAPTION + GAP));
        let place = [left, top + CAPTION, w, h];
        // Of many features of a pixel the first of the last three: PSICOV's couplings.
        let channel = if channels > 4 { channels - 3 } else { 0 };
        let data: Vec<f32> = x.data()[i * each..][..each].iter().copied().skip(channel).step_by(channels).collect();
        canvas.number(left, top + 1, if split.has_classes() { y.ints()[i] as usize } else { item as usize });
        match kind {
            Kind::Series if channels == 4 && !split.has_classes() => {
                let labels: usize = split.target().iter().product();
                canvas.dna(place, &x.data()[i * each..][..each], &y.data()[i * labels..][..labels]);
            }
            Kind::Series => {
                canvas.frame(place);
                canvas.series(place, &data);
            }
            Kind::Point2d if channels == 3 => {
                canvas.picture(place, &x.data()[i * each..][..each], [split.input()[0], split.input()[1]]);
            }
            // A spectrogram has its low frequencies at the bottom.
            Kind::Point2d if !split.has_classes() => {
                let size = [split.input()[0], split.input()[1]];
                let upside_down: Vec<f32> = data.chunks_exact(size[1]).rev().flatten().copied().collect();
                canvas.field(place, &upside_down, size);
            }
            Kind::Point2d => canvas.field(place, &data, [split.input()[0], split.input()[1]]),
            Kind::Dense2d => {
                let size = [split.input()[0], split.input()[1]];
                let half = (w - 2) / 2;
                let (seen, between) = stretched(&data);
                canvas.field_between([left, top + CAPTION, half, h], &seen, size, between);
                if !split.has_classes() {
                    let target: usize = split.target().iter().product();
                    let step = split.target().get(2).copied().unwrap_or(1);
                    let field: Vec<f32> = y.data()[i * target..][..target].iter().copied().step_by(step).collect();
                    canvas.field([left + half + 2, top + CAPTION, half, h], &field, size);
                }
            }
        }
    }
    canvas.write(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_run_from_dark_to_pale_and_bear_odd_numbers() {
        let sum = |t| shade(t).iter().map(|&c| u32::from(c)).sum::<u32>();
        assert!((0..4).all(|i| sum(f64::from(i) / 4.0) < sum(f64::from(i + 1) / 4.0)));
        assert_eq!(shade(f64::NAN), shade(0.0));
        assert_eq!(range(&[f32::NAN, 2.0, 1.0]), (1.0, 2.0));
        assert_eq!(range(&[3.0]), (2.0, 4.0));
        let even: Vec<f32> = (0..100).map(|v| v as f32).collect();
        assert_eq!(stretched(&even), (even.clone(), (0.0, 99.0)));
        assert_eq!(stretched(&[3.0, 12.0, 3.0]).0, [3.0, 12.0, 3.0]);
        let mut stars = even;
        stars[7] = 1e6;
        let (seen, (_, high)) = stretched(&stars);
        // Half of them stand at ln 2, in sight beside the star.
        assert!(seen[50] > 0.6 && high < 10.0 && seen[7] > high, "{seen:?} {high}");
    }

    #[test]
    fn a_sheet_holds_every_class() {
        let scratch = tempfile::tempdir().unwrap();
        let task = tasks::by_name("satellite").unwrap();
        let sizes = tasks::Sizes { train: 300, val: 10, test: 10 };
        task.generate(sizes, 0, scratch.path(), &tasks::Silent).unwrap();
        let set = Dataset::open(scratch.path(), task).unwrap();
        let items = chosen(&set.train());
        let labels = set.train().batch(&items).1;
        let mut classes: Vec<i32> = labels.ints().to_vec();
        classes.dedup();
        assert_eq!(classes.len(), 24);
        let png = scratch.path().join("sheet.png");
        draw(&set, &png).unwrap();
        let decoder = png::Decoder::new(std::io::BufReader::new(File::open(png).unwrap()));
        let info = decoder.read_info().unwrap();
        assert_eq!(info.info().width as usize, COLUMNS * (150 + GAP) + GAP);
    }
}
