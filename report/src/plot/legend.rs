//! A legend: names with a piece of line and a marker, in rows.

use super::svg::{Canvas, shortened, stroke, text_width};

const ROW: f64 = 19.0;
const SAMPLE: f64 = 30.0;

/// Draws names from a corner on; gives the height used. A name and look that came before is left out.
pub fn legend<'a>(
    canvas: &mut Canvas,
    names: impl Iterator<Item = (&'a str, usize)>,
    (left, top): (f64, f64),
    width: f64,
) -> f64 {
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for item in names {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    // The same order in all reports, whichever row the first panel lacks.
    seen.sort_by_key(|item| item.1);
    let (mut x, mut y) = (left, top + 12.0);
    for (name, look) in &seen {
        let name = shortened(name, 12.0, width - SAMPLE - 6.0);
        let wide = SAMPLE + 6.0 + text_width(&name, 12.0);
        if x > left && x + wide > left + width {
            (x, y) = (left, y + ROW);
        }
        canvas.line(&stroke(*look, ""), (x, y - 4.0), (x + SAMPLE, y - 4.0));
        canvas.mark(*look, x + SAMPLE / 2.0, y - 4.0, 1.0);
        canvas.text("", x + SAMPLE + 6.0, y, &name);
        x += wide + 14.0;
    }
    if seen.is_empty() { 0.0 } else { y - top + 7.0 }
}
