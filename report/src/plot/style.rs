//! How series look: a colour, a dash pattern and a marker each, so that grey print and colour-blind eyes tell them apart.

use std::fmt::Write;

/// A series' look.
struct Look {
    /// In light and in dark; as text on the ground both have a contrast of 4.5 or more.
    colours: [&'static str; 2],
    /// `stroke-dasharray`, empty for a solid line.
    dash: &'static str,
    /// The marker, a path about (0, 0), some 8 pixels wide.
    marker: &'static str,
}

/// Looks by number; more series begin again.
const LOOKS: [Look; 16] = [
    Look { colours: ["#3d4653", "#c9d1db"], dash: "", marker: "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z" },
    Look { colours: ["#b04c00", "#f5a25d"], dash: "7 3", marker: "M-3.4 -3.4h6.8v6.8h-6.8z" },
    Look { colours: ["#0b7285", "#53cfe0"], dash: "2 2.6", marker: "M0 -4.8L4.8 0L0 4.8L-4.8 0z" },
    Look { colours: ["#1f5fd0", "#79b0ff"], dash: "9 3 2 3", marker: "M0 -4.6L4.4 3.4L-4.4 3.4z" },
    Look { colours: ["#b5125c", "#ff7fb4"], dash: "", marker: "M0 4.6L4.4 -3.4L-4.4 -3.4z" },
    Look {
        colours: ["#6a41c2", "#bba4ff"],
        dash: "12 4",
        marker: "M-4.2 -2.4L-2.4 -4.2L0 -1.8L2.4 -4.2L4.2 -2.4L1.8 0L4.2 2.4L2.4 4.2L0 1.8L-2.4 4.2L-4.2 2.4L-1.8 0z",
    },
    Look {
        colours: ["#7d5f00", "#e3c04d"],
        dash: "4 2 1.5 2 1.5 2",
        marker: "M-1.4 -4.4h2.8v3h3v2.8h-3v3h-2.8v-3h-3v-2.8h3z",
    },
    Look { colours: ["#2a7230", "#7fd08a"], dash: "5 2", marker: "M0 -4.6L4.4 -1.4L2.7 3.8L-2.7 3.8L-4.4 -1.4z" },
    Look { colours: ["#5c6571", "#a3adb9"], dash: "1.5 3", marker: "M-4.4 -1.4h8.8v2.8h-8.8z" },
    Look { colours: ["#85603f", "#d6ab85"], dash: "10 2 4 2", marker: "M-1.4 -4.4h2.8v8.8h-2.8z" },
    Look { colours: ["#a3262a", "#ff8f8a"], dash: "3 3", marker: "M-4 -4L4 0L-4 4z" },
    Look { colours: ["#4b6a00", "#b4d35c"], dash: "14 3 3 3", marker: "M4 -4L-4 0L4 4z" },
    Look {
        colours: ["#1a6656", "#6fd6bd"],
        dash: "8 2 2 2 2 2",
        marker: "M-4.4 0L-2.2 -3.8L2.2 -3.8L4.4 0L2.2 3.8L-2.2 3.8z",
    },
    Look { colours: ["#8e3a9d", "#e09bea"], dash: "6 6", marker: "M-4 -4h8L-4 4h8z" },
    Look { colours: ["#5a5f00", "#d6d96a"], dash: "1.5 1.5", marker: "M-4 -4v8L4 -4v8z" },
    Look { colours: ["#2f4f9e", "#9fb8f5"], dash: "16 3", marker: "M0 -5L2.4 0L0 5L-2.4 0z" },
];

/// How many looks there are.
pub const COUNT: usize = LOOKS.len();

/// The marker of a look.
pub fn marker(look: usize) -> &'static str {
    LOOKS[look % COUNT].marker
}

/// Whether a look's line has gaps: drawn last, what it lies upon is still seen through them.
pub fn dashed(look: usize) -> bool {
    !LOOKS[look % COUNT].dash.is_empty()
}

/// Ground, text, lesser text, axis, grid: in light and in dark.
const GROUND: [[&str; 5]; 2] =
    [["#ffffff", "#1b2129", "#57616e", "#8791a0", "#e4e8ee"], ["#12161c", "#eef1f5", "#a6b0bd", "#76818f", "#2a313b"]];

/// The letters of charts: whatever the reader's system has.
pub const LETTERS: &str = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/// What is the same in light and in dark.
fn shapes(css: &mut String, letters: &str) {
    let _ = write!(
        css,
        ".chart text{{font-family:{letters};font-size:12px}}.chart .head{{font-size:14px;font-weight:600}}\
         .chart .small{{font-size:11px}}.chart .end{{text-anchor:end}}.chart .middle{{text-anchor:middle}}\
         .chart .grid{{stroke-width:1;fill:none}}.chart .axis{{stroke-width:1;fill:none}}\
         .chart .leader{{stroke-width:.8;fill:none}}\
         .chart .line{{fill:none;stroke-width:2;stroke-linejoin:round}}.chart .thin{{stroke-width:1.5}}\
         .chart .bar{{fill:none;stroke-width:2.5}}.chart .mark{{stroke-width:1}}.chart .faint{{fill-opacity:.38;stroke:none}}"
    );
    for (i, look) in LOOKS.iter().enumerate().filter(|(_, l)| !l.dash.is_empty()) {
        let _ = write!(css, ".chart .line.l{i}{{stroke-dasharray:{}}}", look.dash);
    }
}

/// The colours of a theme: 0 light, 1 dark.
fn colours(css: &mut String, theme: usize) {
    let [ground, text, lesser, axis, grid] = GROUND[theme];
    let _ = write!(
        css,
        ".chart .ground{{fill:{ground}}}.chart text{{fill:{text}}}.chart .lesser{{fill:{lesser}}}\
         .chart .axis{{stroke:{axis}}}.chart .leader{{stroke:{axis}}}.chart .grid{{stroke:{grid}}}\
         .chart .mark{{stroke:{ground}}}"
    );
    for (i, look) in LOOKS.iter().enumerate() {
        let c = look.colours[theme];
        let _ = write!(css, ".chart .l{i}{{stroke:{c}}}.chart .f{i}{{fill:{c}}}.chart text.f{i}{{fill:{c}}}");
    }
}

/// The style sheet of a picture that is looked at in light or in dark, as the reader's system says; print is light.
pub fn sheet() -> String {
    let mut css = String::new();
    shapes(&mut css, LETTERS);
    colours(&mut css, 0);
    css.push_str("@media screen and (prefers-color-scheme:dark){");
    colours(&mut css, 1);
    css.push('}');
    css
}

/// The style sheet of pixels: light, with the given letters.
pub fn light(letters: &str) -> String {
    let mut css = String::new();
    shapes(&mut css, letters);
    colours(&mut css, 0);
    css
}

/// Lines about letters, in the letters' own colours: makes a light font a regular one.
pub fn outlines() -> String {
    let [_, text, lesser, ..] = GROUND[0];
    let mut css = format!(".chart text{{stroke:{text}}}.chart text.lesser{{stroke:{lesser}}}");
    for (i, look) in LOOKS.iter().enumerate() {
        let _ = write!(css, ".chart text.f{i}{{stroke:{}}}", look.colours[0]);
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, with the curve of sRGB taken as a square: the darker colours then count as brighter than they
    /// are on dark ground and the contrast on white is understated.
    fn luminance(hex: &str) -> f64 {
        let part = |i: usize| f64::from(u8::from_str_radix(&hex[i..i + 2], 16).expect("hex")) / 255.0;
        let [r, g, b] = [part(1), part(3), part(5)].map(|c| c * c);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    #[test]
    fn text_stands_out_in_light_and_in_dark() {
        for (theme, [ground, text, lesser, ..]) in GROUND.iter().enumerate() {
            let series = LOOKS.iter().map(|l| l.colours[theme]);
            for colour in series.chain([*text, *lesser]) {
                let (a, b) = (luminance(ground), luminance(colour));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 4.5, "{colour} on {ground}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn looks_differ_without_colour() {
        for (i, a) in LOOKS.iter().enumerate() {
            for b in &LOOKS[i + 1..] {
                assert_ne!(a.marker, b.marker);
                assert!(a.dash != b.dash || a.dash.is_empty());
            }
        }
    }
}
