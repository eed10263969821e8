//! A performance profile: for every row the share of tasks on which its error is within tau of the best.

use super::legend::legend;
use super::scale::Axis;
use super::style::dashed;
use super::svg::{Canvas, HEAD, shortened, stroke, wrapped};
use super::{Chart, Form, Panel, empty, spread};

/// Corners of a step function up to the right end of the axis.
fn steps(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for (tau, share) in points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()) {
        match out.last().copied() {
            Some((_, before)) if before != *share => out.extend([(*tau, before), (*tau, *share)]),
            None => out.extend([(1.0, 0.0), (*tau, 0.0), (*tau, *share)]),
            Some(_) => {}
        }
    }
    if let Some((_, last)) = out.last().copied() {
        out.push((end, last));
    }
    out.dedup();
    // Nothing is drawn before the first step, if that is at the left end.
    if out.len() > 1 && out[0] == (1.0, 0.0) && out[1].0 == 1.0 {
        out.remove(0);
    }
    out
}

/// Draws `panel`; its points are (tau, share) at tau of 1 and more, ascending.
pub fn profile(panel: &Panel, tasks: usize, form: Form) -> Chart {
    let title = format!("Performance profile · {}", panel.title);
    let taus = panel.series.iter().flat_map(|s| &s.points).map(|p| p.0).filter(|t| t.is_finite() && *t >= 1.0);
    let Some(most) = taus.reduce(f64::max) else {
        return empty(&title, "no figures to compare", form);
    };
    let end = (most * 1.06).max(1.25);
    let mut canvas = Canvas::default();
    let width = form.width();
    let (left, right, mut top, height) = match form {
        Form::Wide => (58.0, width - 176.0, 40.0, 300.0),
        Form::Narrow => (44.0, width - 10.0, 32.0, 230.0),
    };
    match form {
        Form::Wide => canvas.text("head", left, 22.0, &shortened(&title, HEAD, width - left - 10.0)),
        Form::Narrow => {
            for (i, line) in wrapped(&panel.title, HEAD, width - 12.0).iter().enumerate() {
                canvas.text("head", 6.0, 18.0 + 18.0 * i as f64, line);
                top = 32.0 + 18.0 * i as f64;
            }
            let names = panel.series.iter().map(|s| (s.name.as_str(), s.look));
            top += legend(&mut canvas, names, (6.0, top), width - 12.0) + 6.0;
        }
    }
    let bottom = top + height;
    let x = Axis::log(1.0, end, left, right);
    // A little air above and below: lines at 0 and at 1 stay whole.
    let y = Axis::linear(0.0, 1.0, bottom - 4.0, top + 4.0);
    axes(&mut canvas, (x, y), [left, right, top, bottom], form);
    let tasks = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
    canvas.upwards("lesser small", 14.0, 0.5 * (top + bottom), &format!("share of the {tasks} within τ of the best"));
    let beside = match form {
        Form::Wide => "τ: error relative to the best row of the task (log scale)",
        Form::Narrow => "τ: error relative to the best (log scale)",
    };
    canvas.text("lesser small middle", 0.5 * (left + right), bottom + 36.0, beside);

    let corners: Vec<Vec<(f64, f64)>> = panel.series.iter().map(|s| steps(&s.points, end)).collect();
    let onto = |p: &(f64, f64)| (x.at(p.0), y.at(p.1));
    for gaps in [false, true] {
        for (series, corners) in panel.series.iter().zip(&corners).filter(|(s, _)| dashed(s.look) == gaps) {
            let line: Vec<_> = corners.iter().map(onto).collect();
            canvas.path(&stroke(series.look, ""), &line);
        }
    }
    for (series, corners) in panel.series.iter().zip(&corners) {
        let mut before = 0.0;
        for corner in corners.iter().take(corners.len().saturating_sub(1)) {
            if corner.1 != before {
                let (px, py) = onto(corner);
                canvas.mark(series.look, px, py, 1.0);
                before = corner.1;
            }
        }
    }
    if form == Form::Wide {
        labels(&mut canvas, panel, &corners, y, [right, width, top, bottom]);
    }
    canvas.finish(width, bottom + 48.0, &title)
}

fn axes(canvas: &mut Canvas, (x, y): (Axis, Axis), [left, right, top, bottom]: [f64; 4], form: Form) {
    for (value, text) in y.ticks(40.0) {
        let at = y.at(value);
        canvas.line("grid", (left, at), (right, at));
        canvas.text("lesser small end", left - 8.0, at + 4.0, &text);
    }
    for (value, text) in x.ticks(if form == Form::Wide { 44.0 } else { 34.0 }) {
        let at = x.at(value);
        canvas.line("grid", (at, top), (at, bottom));
        canvas.line("axis", (at, bottom), (at, bottom + 5.0));
        canvas.text("lesser small middle", at, bottom + 18.0, &text);
    }
    canvas.path("axis", &[(left, top), (left, bottom), (right, bottom)]);
}

/// Names at the ends of the lines, apart from one another.
fn labels(
    canvas: &mut Canvas,
    panel: &Panel,
    corners: &[Vec<(f64, f64)>],
    y: Axis,
    [right, width, top, bottom]: [f64; 4],
) {
    // By the share that a line ends at, then by when it came there: who came first stands higher.
    let mut order: Vec<(f64, f64, usize)> = corners
        .iter()
        .enumerate()
        .filter_map(|(i, c)| {
            let end = c.last()?.1;
            let since = c.iter().find(|p| p.1 == end)?.0;
            Some((y.at(end), since, i))
        })
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
    let wanted: Vec<f64> = order.iter().map(|o| o.0).collect();
    let places = spread(&wanted, 19.0, top + 4.0, bottom - 4.0);
    for ((end, _, i), at) in order.iter().zip(places) {
        let series = &panel.series[*i];
        canvas.path("leader", &[(right + 2.0, *end), (right + 12.0, at), (right + 16.0, at)]);
        canvas.line(&stroke(series.look, ""), (right + 18.0, at), (right + 42.0, at));
        canvas.mark(series.look, right + 30.0, at, 1.0);
        canvas.text(
            &format!("f{}", series.look % super::style::COUNT),
            right + 48.0,
            at + 4.0,
            &shortened(&series.name, 12.0, width - right - 48.0),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_made_where_the_share_changes() {
        let drawn = steps(&[(1.0, 0.25), (1.5, 0.25), (2.0, 1.0), (3.0, 1.0)], 3.2);
        assert_eq!(drawn, [(1.0, 0.0), (1.0, 0.25), (2.0, 0.25), (2.0, 1.0), (3.2, 1.0)][1..]);
        assert_eq!(steps(&[(1.0, 0.0), (2.0, 0.5)], 3.0), [(1.0, 0.0), (2.0, 0.0), (2.0, 0.5), (3.0, 0.5)]);
        assert_eq!(steps(&[], 3.0), []);
    }
}
