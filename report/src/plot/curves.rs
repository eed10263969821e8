//! Learning curves: a small panel a task, lines by row.

use super::legend::legend;
use super::scale::Axis;
use super::style::dashed;
use super::svg::{Canvas, HEAD, shortened, stroke};
use super::{Chart, Form, Panel, empty};

/// Draws panels side by side; `quantity` is what is drawn, with a capital.
pub fn curves(panels: &[Panel], quantity: &str, form: Form) -> Chart {
    let title = format!("Learning curves: {} by epoch", quantity.to_lowercase());
    let drawn = |p: &&Panel| p.series.iter().flat_map(|s| &s.points).any(|p| p.0.is_finite() && p.1.is_finite());
    let panels: Vec<&Panel> = panels.iter().filter(drawn).collect();
    if panels.is_empty() {
        return empty(&title, "no run has written any", form);
    }
    let width = form.width();
    let (columns, high) = match form {
        Form::Wide => (3.min(panels.len().max(2)), 150.0),
        Form::Narrow => (1, 140.0),
    };
    // One kind of axis for all panels, so that shapes can be compared.
    let log = panels.iter().any(|p| Axis::around(values(p), 0.0, 1.0).is_some_and(Axis::is_log))
        && panels.iter().all(|p| values(p).all(|v| v > 0.0));
    let mut canvas = Canvas::default();
    let head = if form == Form::Wide { &title } else { quantity };
    let head = if log { format!("{head} (log scale)") } else { head.to_owned() };
    canvas.text("head", 10.0, 22.0, &shortened(&head, HEAD, width - 16.0));
    let names = panels.iter().flat_map(|p| &p.series).map(|s| (s.name.as_str(), s.look));
    let top = 36.0 + legend(&mut canvas, names, (10.0, 36.0), width - 20.0) + 8.0;
    let wide = (width - 8.0) / columns as f64;
    let tall = high + 62.0;
    for (i, panel) in panels.iter().enumerate() {
        let (x, y) = (4.0 + (i % columns) as f64 * wide, top + (i / columns) as f64 * tall);
        one(&mut canvas, panel, log, [x + 44.0, x + wide - 12.0, y + 20.0, y + 20.0 + high]);
    }
    let rows = panels.len().div_ceil(columns);
    canvas.finish(width, top + rows as f64 * tall, &title)
}

/// What a panel's points are, as far as they are drawn.
fn values(panel: &Panel) -> impl Iterator<Item = f64> + Clone + '_ {
    panel.series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite()).map(|p| p.1)
}

fn one(canvas: &mut Canvas, panel: &Panel, log: bool, [left, right, top, bottom]: [f64; 4]) {
    let points = || panel.series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite());
    let y = if log {
        Axis::around_log(values(panel), bottom, top)
    } else {
        Axis::around_linear(values(panel), bottom, top)
    };
    let Some(y) = y else { return };
    let first = points().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let last = points().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    let x = Axis::linear(first, last, left + 6.0, right - 6.0);
    canvas.text("", left, top - 8.0, &shortened(&panel.title, 12.0, right - left));
    for (value, text) in y.ticks(30.0) {
        let at = y.at(value);
        canvas.line("grid", (left, at), (right, at));
        canvas.text("lesser small end", left - 6.0, at + 4.0, &text);
    }
    // Epochs are whole numbers.
    for (value, text) in x.ticks(34.0).into_iter().filter(|t| t.0.fract() == 0.0) {
        let at = x.at(value);
        canvas.line("axis", (at, bottom), (at, bottom + 4.0));
        let text = text.split('.').next().unwrap_or_default();
        canvas.text("lesser small middle", at, bottom + 16.0, text);
    }
    canvas.path("axis", &[(left, top), (left, bottom), (right, bottom)]);
    canvas.text("lesser small middle", 0.5 * (left + right), bottom + 31.0, "epoch");
    let order = [false, true].into_iter().flat_map(|gaps| panel.series.iter().filter(move |s| dashed(s.look) == gaps));
    for series in order {
        let onto = |p: &(f64, f64)| {
            if p.0.is_finite() && p.1.is_finite() { (x.at(p.0), y.at(p.1)) } else { (f64::NAN, f64::NAN) }
        };
        let line: Vec<_> = series.points.iter().map(onto).collect();
        canvas.path(&stroke(series.look, "thin"), &line);
    }
    // Markers on top of all lines, a few a line, each line's at epochs of its own: what lies upon another is still seen.
    for series in &panel.series {
        let stride = (series.points.len() / 5).max(1);
        let shift = if series.points.len() > 12 { series.look % stride } else { 0 };
        for p in series.points.iter().skip(shift).step_by(stride) {
            if p.0.is_finite() && p.1.is_finite() {
                canvas.mark(series.look, x.at(p.0), y.at(p.1), 0.8);
            }
        }
    }
}
