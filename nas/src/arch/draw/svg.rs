//! Writes SVG: shapes and text in classes, whose colours one style sheet gives for light and for dark.

use super::layered::Stretch;
use std::fmt::{Display, Write};

/// Colours of a class of boxes.
struct Colours {
    class: &'static str,
    /// Fill, line and text in light and in dark.
    light: [&'static str; 3],
    dark: [&'static str; 3],
}

/// Classes of boxes: what is inside.
const BOXES: [Colours; 8] = [
    Colours { class: "sep", light: ["#ddf0ff", "#2f81d6", "#0a4a8f"], dark: ["#10283f", "#4493e6", "#9dd0ff"] },
    Colours { class: "dil", light: ["#efe6fd", "#8457d9", "#5a2fb0"], dark: ["#251b3d", "#a07bee", "#d5c2ff"] },
    Colours { class: "max", light: ["#ffeed6", "#d9822b", "#8a4500"], dark: ["#35230f", "#dd8d3e", "#ffc98a"] },
    Colours { class: "avg", light: ["#dff5e3", "#2e9d4e", "#14622c"], dark: ["#10291a", "#3fae60", "#93e3ab"] },
    Colours { class: "skip", light: ["#eceff3", "#8a94a3", "#48515d"], dark: ["#23282f", "#7d8794", "#c3cad3"] },
    Colours { class: "node", light: ["#ffffff", "#48515d", "#1c2128"], dark: ["#1b2027", "#98a2af", "#f0f3f6"] },
    Colours { class: "plain", light: ["#f2f4f7", "#a2abb8", "#1c2128"], dark: ["#1b2027", "#5c6673", "#f0f3f6"] },
    Colours { class: "other", light: ["#fafbfc", "#c6cdd6", "#8a94a3"], dark: ["#14181e", "#363e48", "#6c7683"] },
];

/// Ground, text, lesser text, lines: in light and in dark.
const GROUND: [[&str; 4]; 2] =
    [["#ffffff", "#1c2128", "#626c79", "#8a94a3"], ["#0e1217", "#f0f3f6", "#98a2af", "#7d8794"]];

/// How text is placed at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
}

/// A picture in the making.
#[derive(Debug, Default)]
pub struct Canvas {
    body: String,
}

/// A number with at most one decimal.
fn n(x: f64) -> String {
    let text = format!("{x:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Text with what XML reserves replaced.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// About how wide a text is, on the wide side.
pub fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' => 0.32,
        ' ' | 'f' | 'r' | 't' | '(' | ')' | '-' | '/' => 0.4,
        'm' | 'w' | 'M' | 'W' => 0.9,
        'A'..='Z' | '→' => 0.72,
        _ => 0.6,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// Breaks a text into lines that are no wider.
pub fn wrapped(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(word, size) + 0.4 * size <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

impl Canvas {
    /// Text; `class` is `title`, `label`, `small` or a class of boxes.
    pub fn text(&mut self, class: &str, anchor: Anchor, at: (f64, f64), text: impl Display) {
        let anchor = if anchor == Anchor::Middle { " text-anchor=\"middle\"" } else { "" };
        let (x, y, text) = (n(at.0), n(at.1), escaped(&text.to_string()));
        let _ = writeln!(self.body, "<text class=\"t {class}\" x=\"{x}\" y=\"{y}\"{anchor}>{text}</text>");
    }

    /// Text upwards, its middle there.
    pub fn upright(&mut self, class: &str, at: (f64, f64), text: impl Display) {
        let (x, y, text) = (n(at.0), n(at.1), escaped(&text.to_string()));
        let _ = writeln!(
            self.body,
            "<text class=\"t {class}\" transform=\"translate({x} {y})rotate(-90)\" y=\"4\" text-anchor=\"middle\">{text}</text>"
        );
    }

    /// A box with round corners.
    pub fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), round: f64) {
        let (x, y, w, h, r) = (n(at.0), n(at.1), n(size.0), n(size.1), n(round));
        let _ = writeln!(
            self.body,
            "<rect class=\"b {class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{r}\"/>"
        );
    }

    /// A line along SVG's path `d`, with an arrow's head at its end or not.
    pub fn path(&mut self, class: &str, d: &str, arrow: bool) {
        let head = if arrow { format!(" marker-end=\"url(#{})\"", head(class)) } else { String::new() };
        let _ = writeln!(self.body, "<path class=\"l {class}\" d=\"{d}\"{head}/>");
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64), arrow: bool) {
        self.path(class, &format!("M{} {}L{} {}", n(from.0), n(from.1), n(to.0), n(to.1)), arrow);
    }

    /// A dot.
    pub fn dot(&mut self, class: &str, at: (f64, f64), radius: f64) {
        let (x, y, r) = (n(at.0), n(at.1), n(radius));
        let _ = writeln!(self.body, "<circle class=\"b {class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>");
    }

    /// A curve that leaves and arrives level.
    pub fn bend(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let middle = n((from.0 + to.0) / 2.0);
        let (first, last) = (n(from.1), n(to.1));
        self.path(class, &format!("M{} {first}C{middle} {first} {middle} {last} {} {last}", n(from.0), n(to.0)), false);
    }

    /// A line that sags by so much between its level ends.
    pub fn sag(&mut self, class: &str, from: (f64, f64), to: (f64, f64), dip: f64) {
        let low = n(from.1 + dip * 4.0 / 3.0);
        let [a, b] = [0.2, 0.8].map(|t| n(from.0 + t * (to.0 - from.0)));
        let d = format!("M{} {}C{a} {low} {b} {low} {} {}", n(from.0), n(from.1), n(to.0), n(to.1));
        self.path(class, &d, false);
    }

    /// A stretch of an edge, moved by `by`: level in pairs of points, bent between them.
    pub fn stretch(&mut self, class: &str, stretch: &Stretch, by: (f64, f64), arrow: bool) {
        let at = |i: usize| (stretch[i].0 + by.0, stretch[i].1 + by.1);
        let mut d = format!("M{} {}", n(at(0).0), n(at(0).1));
        for i in 1..stretch.len() {
            let ((x0, y0), (x1, y1)) = (at(i - 1), at(i));
            if i % 2 == 1 || (y0 - y1).abs() < 0.05 {
                let _ = write!(d, "L{} {}", n(x1), n(y1));
            } else {
                let middle = n((x0 + x1) / 2.0);
                let _ = write!(d, "C{middle} {} {middle} {} {} {}", n(y0), n(y1), n(x1), n(y1));
            }
        }
        self.path(class, &d, arrow);
    }

    /// The picture.
    pub fn finish(self, size: (f64, f64), title: &str) -> String {
        let (w, h, title) = (n(size.0.ceil()), n(size.1.ceil()), escaped(title));
        let heads: String = BOXES
            .iter()
            .map(|c| c.class)
            .chain(["edge"])
            .map(|class| {
                format!(
                    "<marker id=\"{}\" viewBox=\"0 0 8 8\" refX=\"7.2\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
                     markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"h {class}\" d=\"M0 .8L7.6 4L0 7.2z\"/></marker>\n",
                    head(class)
                )
            })
            .collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             aria-label=\"{title}\">\n<title>{title}</title>\n<style>\n{}@media (prefers-color-scheme: dark) {{\n{}}}\n</style>\n\
             <defs>\n{heads}</defs>\n<rect class=\"ground\" width=\"{w}\" height=\"{h}\" rx=\"10\"/>\n{}</svg>\n",
            style() + &colours(0),
            colours(1),
            self.body
        )
    }
}

/// The name of a class's arrow head.
fn head(class: &str) -> String {
    format!("head-{}", class.split(' ').next().unwrap_or(class))
}

fn style() -> String {
    "text { font-family: ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; font-size: 12px; }\n\
     .t.title { font-size: 20px; font-weight: 650; }\n\
     .t.label { font-size: 13px; font-weight: 600; }\n\
     .t.small { font-size: 11px; }\n\
     .b { stroke-width: 1.3; }\n\
     .l { fill: none; stroke-width: 1.6; }\n\
     .l.thick { stroke-width: 3; }\n\
     .dashed { stroke-dasharray: 3 3; }\n"
        .to_owned()
}

fn colours(theme: usize) -> String {
    let [ground, text, less, line] = GROUND[theme];
    let mut css = format!(
        ".ground {{ fill: {ground}; }}\n.t {{ fill: {text}; }}\n.t.small {{ fill: {less}; }}\n\
         .l.edge {{ stroke: {line}; }}\n.h.edge {{ fill: {line}; }}\n"
    );
    for c in &BOXES {
        let [fill, line, text] = if theme == 0 { c.light } else { c.dark };
        let class = c.class;
        let _ = writeln!(
            css,
            ".b.{class} {{ fill: {fill}; stroke: {line}; }} .t.{class} {{ fill: {text}; }} .l.{class} {{ stroke: {line}; }} \
             .h.{class} {{ fill: {line}; }}"
        );
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!([1.0, -0.04, 2.25, 10.06].map(n), ["1", "0", "2.2", "10.1"]);
        assert_eq!(escaped("a<b & \"c\">"), "a&lt;b &amp; &quot;c&quot;&gt;");
        assert_eq!(wrapped("one two three", 10.0, 45.0), ["one two", "three"]);
    }
}
