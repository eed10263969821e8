//! What rows cost: bars from zero, or, where amounts are orders of magnitude apart, points on a logarithmic axis.

use super::scale::{Axis, brief};
use super::svg::{Canvas, HEAD, shortened, stroke};
use super::{Bar, Chart, Form, empty};

const ROW: f64 = 30.0;

/// Draws a line for every row; `title` says of what; the unit stands in full below the axis and short behind figures.
pub fn costs(bars: &[Bar], title: &str, [axis, unit]: [&str; 2], form: Form) -> Chart {
    let bars: Vec<&Bar> = bars.iter().filter(|b| b.amount.is_finite() && b.amount >= 0.0).collect();
    let most = bars.iter().map(|b| b.amount).fold(0.0, f64::max);
    if most == 0.0 {
        return empty(title, "no run has written any", form);
    }
    let least = bars.iter().map(|b| b.amount).filter(|a| *a > 0.0).fold(most, f64::min);
    let log = most / least >= 20.0;
    let width = form.width();
    let (left, right) = match form {
        Form::Wide => (150.0, width - 150.0),
        Form::Narrow => (10.0, width - 70.0),
    };
    // On a phone names stand above their bars.
    let above = if form == Form::Narrow { 16.0 } else { 0.0 };
    let (top, pitch) = (40.0, ROW + above);
    let bottom = top + bars.len() as f64 * pitch;
    let x = if log { Axis::log(least / 1.6, most, left, right) } else { Axis::linear(0.0, most, left, right) };
    let mut canvas = Canvas::default();
    canvas.text("head", 10.0, 22.0, &shortened(title, HEAD, width - 16.0));
    for (value, text) in x.ticks(44.0) {
        let at = x.at(value);
        canvas.line("grid", (at, top), (at, bottom));
        canvas.line("axis", (at, bottom), (at, bottom + 4.0));
        canvas.text("lesser small middle", at, bottom + 17.0, &text);
    }
    for (i, bar) in bars.iter().enumerate() {
        let y = top + i as f64 * pitch + above + 0.5 * ROW;
        let at = x.at(bar.amount);
        match form {
            Form::Wide => canvas.text("end", left - 10.0, y + 4.0, &shortened(&bar.name, 12.0, left - 14.0)),
            Form::Narrow => canvas.text("", left, y - 12.0, &shortened(&bar.name, 12.0, right - left)),
        }
        if log {
            canvas.line(&stroke(bar.look, ""), (left, y), (at, y));
            canvas.mark(bar.look, at, y, 1.3);
        } else {
            canvas.rect(&format!("f{}", bar.look % super::style::COUNT), left, y - 8.0, at - left, 16.0);
        }
        let figure = format!("{} {unit}", brief(bar.amount));
        let note = if bar.note.is_empty() || form == Form::Narrow { figure } else { format!("{figure}, {}", bar.note) };
        canvas.text("", at + 10.0, y + 4.0, &note);
    }
    canvas.path("axis", &[(left, bottom), (right, bottom)]);
    if !log {
        canvas.line("axis", (left, top), (left, bottom));
    }
    let below = if log { format!("{axis} (log scale)") } else { axis.to_owned() };
    canvas.text("lesser small middle", 0.5 * (left + right), bottom + 33.0, &below);
    canvas.finish(width, bottom + 44.0, title)
}
