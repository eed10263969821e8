//! Writes SVG: shapes and text in classes, whose colours a style sheet gives.

use super::style;
use std::fmt::Write;

/// A finished picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

/// A picture in the making.
#[derive(Debug, Default)]
pub struct Canvas {
    body: String,
}

/// A number with at most two decimals; what is no number is 0, so that a picture never breaks.
fn n(x: f64) -> String {
    if !x.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text with what XML and HTML reserve replaced, and without the control characters that XML forbids.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// About how wide a text is, on the wide side: fonts of systems differ.
pub fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' => 0.3,
        ' ' | 'f' | 'r' | 't' | '(' | ')' | '-' | '/' => 0.38,
        'm' | 'w' | 'M' | 'W' => 0.9,
        'A'..='Z' => 0.7,
        c if (c as u32) >= 0x1100 => 1.0,
        _ => 0.58,
    };
    text.chars().map(em).fold(0.0, |a, b| a + b) * size
}

/// The size by which a heading is measured: it is bold.
pub const HEAD: f64 = 16.5;

/// A text in lines that are no wider than `most`.
pub fn wrapped(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + 0.38 * size <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(shortened(word, size, most)),
        }
    }
    lines
}

/// A text that is no wider than `most`: its end replaced by an ellipsis if it is.
pub fn shortened(text: &str, size: f64, most: f64) -> String {
    if text_width(text, size) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if text_width(&kept, size) + text_width(&c.to_string(), size) + 0.58 * size > most {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

impl Canvas {
    /// A text whose baseline begins at a point; classes `end` and `middle` place it otherwise.
    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(self.body, "<text{class} x=\"{}\" y=\"{}\">{}</text>", n(x), n(y), escaped(text));
    }

    /// A text that runs upwards, its middle at a point.
    pub fn upwards(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let (x, y) = (n(x), n(y));
        let _ = writeln!(
            self.body,
            "<text class=\"{class} middle\" x=\"{x}\" y=\"{y}\" transform=\"rotate(-90 {x} {y})\">{}</text>",
            escaped(text)
        );
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ =
            writeln!(self.body, "<path class=\"{class}\" d=\"M{} {}L{} {}\"/>", n(from.0), n(from.1), n(to.0), n(to.1));
    }

    /// A line through points; a point that is no number breaks it.
    pub fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut d = String::new();
        let mut pen = 'M';
        for (x, y) in points {
            if x.is_finite() && y.is_finite() {
                let _ = write!(d, "{pen}{} {}", n(*x), n(*y));
                pen = 'L';
            } else {
                pen = 'M';
            }
        }
        if !d.is_empty() {
            let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{d}\"/>");
        }
    }

    /// A filled rectangle.
    pub fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            n(x),
            n(y),
            n(width.max(0.0)),
            n(height.max(0.0))
        );
    }

    /// A faint dot of a series.
    pub fn dot(&mut self, look: usize, x: f64, y: f64, radius: f64) {
        let i = look % style::COUNT;
        let _ =
            writeln!(self.body, "<circle class=\"f{i} faint\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>", n(x), n(y), n(radius));
    }

    /// The marker of a series.
    pub fn mark(&mut self, look: usize, x: f64, y: f64, scale: f64) {
        let scale = if scale == 1.0 { String::new() } else { format!(" scale({})", n(scale)) };
        let _ = writeln!(
            self.body,
            "<path class=\"f{} mark\" transform=\"translate({} {}){scale}\" d=\"{}\"/>",
            look % style::COUNT,
            n(x),
            n(y),
            style::marker(look)
        );
    }

    /// The picture, with a title for those who hear it.
    pub fn finish(self, width: f64, height: f64, title: &str) -> Chart {
        Chart { width, height, title: title.to_owned(), body: self.body }
    }
}

/// The class of a series' line.
pub fn stroke(look: usize, more: &str) -> String {
    let i = look % style::COUNT;
    if more.is_empty() { format!("line l{i}") } else { format!("line l{i} {more}") }
}

impl Chart {
    /// Width and height in pixels.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// What the picture shows, in a sentence.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// A file of its own, with a style sheet.
    pub(super) fn standalone(&self, css: &str) -> String {
        let (w, h) = (n(self.width), n(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" role=\"img\">\n<title>{}</title>\n<style>{css}</style>\n\
             <rect class=\"ground\" width=\"{w}\" height=\"{h}\"/>\n{}</svg>\n",
            escaped(&self.title),
            self.body
        )
    }

    /// The picture as a file that follows the reader's light or dark.
    pub fn svg(&self) -> String {
        self.standalone(&style::sheet())
    }

    /// The picture as an element of a page, which has the style sheet of [`style::sheet`] once for all.
    pub fn inline(&self, class: &str) -> String {
        let (w, h) = (n(self.width), n(self.height));
        format!(
            "<svg class=\"chart {class}\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             aria-label=\"{}\">\n{}</svg>\n",
            escaped(&self.title),
            self.body
        )
    }
}
