//! Table 3 as points: every task's rank and improvement faint, their medians on top.

use super::scale::{Axis, rank as rank_text, signed};
use super::style;
use super::svg::{Canvas, HEAD, shortened};
use super::{Chart, Dots, Form, empty};

const ROW: f64 = 38.0;
/// Improvements below this, in percent, lie at the left end.
const WORST: f64 = -100.0;

/// One of the two columns.
struct Column<'a> {
    title: &'a str,
    axis: Axis,
    /// The median and the points of a row.
    of: fn(&Dots) -> (Option<f64>, &[f64]),
    text: fn(f64) -> String,
    /// What its ends mean.
    ends: [&'a str; 2],
}

/// Draws a line for every row.
pub fn ranks(rows: &[Dots], form: Form) -> Chart {
    let title = match form {
        Form::Wide => "Rank and improvement over default WRN",
        Form::Narrow => "Rank and improvement",
    };
    let ranks = || rows.iter().flat_map(|r| r.ranks.iter().chain([&r.rank])).copied().filter(|v| v.is_finite());
    let Some(last) = ranks().reduce(f64::max) else {
        return empty(title, "no row is ranked", form);
    };
    let width = form.width();
    let gains = rows.iter().flat_map(|r| &r.improvements).copied().filter(|v| v.is_finite());
    let (low, high) = gains.fold((0.0f64, 10.0f64), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = (low.max(WORST), high.min(100.0));
    let tall = rows.len() as f64 * ROW;
    let mut canvas = Canvas::default();
    canvas.text("head", 10.0, 22.0, &shortened(title, HEAD, width - 16.0));
    // Where the two columns begin and end, and their tops: beside one another, or one under the other.
    let (first, second, tops) = match form {
        Form::Wide => ([150.0, 400.0], [478.0, width - 76.0], [62.0, 62.0]),
        Form::Narrow => ([136.0, width - 50.0], [136.0, width - 50.0], [62.0, 62.0 + tall + 84.0]),
    };
    let rank = Column {
        title: "rank",
        axis: Axis::linear(1.0, last.max(2.0), first[0] + 8.0, first[1] - 8.0),
        of: |r| (Some(r.rank), &r.ranks),
        text: rank_text,
        ends: ["better", "worse"],
    };
    let gain = Column {
        title: "improvement over default WRN, %",
        axis: Axis::linear(low, high, second[0] + 8.0, second[1] - 8.0),
        of: |r| (r.improvement, &r.improvements),
        text: |v| signed(v, 1),
        ends: ["worse", "better"],
    };
    for (column, ends, top) in [(rank, first, tops[0]), (gain, second, tops[1])] {
        let names = form == Form::Narrow || ends[0] == first[0];
        draw(&mut canvas, rows, &column, [ends[0], ends[1], top], names);
    }
    canvas.finish(width, tops[1] + tall + 54.0, title)
}

fn draw(canvas: &mut Canvas, rows: &[Dots], column: &Column, [left, right, top]: [f64; 3], names: bool) {
    let axis = column.axis;
    let bottom = top + rows.len() as f64 * ROW;
    canvas.text("lesser", left, top - 10.0, column.title);
    // Whole numbers alone, without what decimals a finer step would give them.
    for (value, text) in axis.ticks(26.0).into_iter().filter(|t| t.0.fract() == 0.0) {
        let text = text.split('.').next().unwrap_or_default();
        let at = axis.at(value);
        canvas.line("grid", (at, top), (at, bottom));
        canvas.text("lesser small middle", at, bottom + 17.0, &text.replace('-', "−"));
    }
    canvas.path("axis", &[(left, bottom), (right, bottom)]);
    canvas.text("lesser small", left, bottom + 34.0, column.ends[0]);
    canvas.text("lesser small end", right, bottom + 34.0, column.ends[1]);
    for (i, row) in rows.iter().enumerate() {
        let y = top + (i as f64 + 0.5) * ROW;
        if i > 0 {
            canvas.line("grid", (left, y - 0.5 * ROW), (right, y - 0.5 * ROW));
        }
        if names {
            canvas.text("end", left - 10.0, y + 4.0, &shortened(&row.name, 12.0, left - 14.0));
        }
        let (median, points) = (column.of)(row);
        let mut points: Vec<f64> = points.iter().copied().filter(|p| !p.is_nan()).collect();
        points.sort_by(f64::total_cmp);
        // What would lie upon one another is stacked about the line.
        let mut from = 0;
        while from < points.len() {
            let at = axis.at(points[from]);
            let same = points[from..].iter().take_while(|p| (axis.at(**p) - at).abs() < 3.0).count();
            for k in 0..same {
                let off = (k as f64 - 0.5 * (same as f64 - 1.0)) * (24.0 / same as f64).min(6.5);
                canvas.dot(row.look, axis.at(points[from + k]), y + 1.0 + off, 3.4);
            }
            from += same;
        }
        if let Some(median) = median.filter(|m| !m.is_nan()) {
            // A bar with the row's mark on top: the points about it are still seen.
            let at = axis.at(median);
            canvas.line(&format!("bar l{}", row.look % style::COUNT), (at, y - 12.0), (at, y + 13.0));
            canvas.mark(row.look, at, y - 11.0, 1.0);
            canvas.text("", right + 8.0, y + 4.0, &(column.text)(median));
        }
    }
}
