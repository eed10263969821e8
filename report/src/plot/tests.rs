use super::*;

fn series(name: &str, look: usize, points: &[(f64, f64)]) -> Series {
    Series { name: name.to_owned(), look, points: points.to_vec() }
}

/// Charts of every kind and form of ordinary data, and of data that lack everything or hold what breaks XML and axes.
pub fn charts() -> Vec<Chart> {
    let nasty = "a<b>&\"c\"'\u{7}]]>";
    let plain = Panel {
        title: "all tasks".to_owned(),
        series: vec![
            series("WRN default", 0, &[(1.0, 0.2), (1.3, 0.2), (2.0, 0.7), (7.5, 1.0)]),
            series("DARTS GAEA", 4, &[(1.0, 0.6), (1.3, 0.8), (2.0, 0.9), (7.5, 1.0)]),
            series(nasty, 11, &[(1.0, 0.2), (1.3, 0.3), (2.0, 0.9), (7.5, 0.9)]),
        ],
    };
    let broken = Panel {
        title: nasty.to_owned(),
        series: vec![
            series("nothing", 0, &[]),
            series("NaN", 1, &[(1.0, f64::NAN), (f64::INFINITY, 1.0), (f64::NAN, f64::NEG_INFINITY)]),
            series("zero", 25, &[(1.0, 0.0), (2.0, 0.0), (3.0, 1e9), (4.0, -1.0)]),
        ],
    };
    let none = Panel { title: "none".to_owned(), series: vec![] };
    let bar = |name: &str, look, amount| Bar { name: name.to_owned(), look, amount, note: "10 tasks".to_owned() };
    let dots = |name: &str, rank, ranks: &[f64], improvements: &[f64]| Dots {
        name: name.to_owned(),
        look: 3,
        rank,
        ranks: ranks.to_vec(),
        improvement: improvements.first().copied(),
        improvements: improvements.to_vec(),
    };
    let mut out = Vec::new();
    for form in [Form::Wide, Form::Narrow] {
        for panel in [&plain, &broken, &none] {
            out.push(profile(panel, 10, form));
        }
        out.push(curves(&[plain.clone(), broken.clone(), none.clone()], "Training loss", form));
        out.push(curves(&[], "Training loss", form));
        out.push(costs(
            &[bar("wrn", 0, 3.5), bar(nasty, 1, 7.0), bar("inf", 2, f64::INFINITY)],
            "Hours",
            ["hours", "h"],
            form,
        ));
        out.push(costs(
            &[bar("wrn", 0, 0.01), bar(nasty, 1, 900.0), bar("free", 2, 0.0)],
            "Hours",
            ["hours", "h"],
            form,
        ));
        out.push(costs(&[], "Hours", ["hours", "h"], form));
        let rows = [
            dots("WRN default", 1.5, &[1.0, 1.0, 2.0, 6.0], &[0.0, 0.0]),
            dots(nasty, f64::NAN, &[f64::NAN, 3.0], &[f64::NEG_INFINITY, -900.0, 1e9, f64::NAN]),
            dots("none", 7.0, &[], &[]),
        ];
        out.push(ranks(&rows, form));
        out.push(ranks(&[], form));
    }
    out
}

#[test]
fn pictures_are_well_formed_and_need_nothing_else() {
    for chart in charts() {
        let svg = chart.svg();
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{}: {e}\n{svg}", chart.title()));
        assert_eq!(svg.matches("http").count(), 1, "the name space alone");
        assert!(!svg.contains("NaN") || chart.title().contains("NaN") || svg.contains(">NaN<"));
        for node in document.descendants().filter(|n| n.is_element()) {
            assert!(!["image", "use", "script", "a", "foreignObject"].contains(&node.tag_name().name()));
            for a in node.attributes() {
                assert!(!["href", "onload", "src"].contains(&a.name()));
                let numbers = ["d", "x", "y", "width", "height", "cx", "cy", "r", "transform", "viewBox"];
                if numbers.contains(&a.name()) {
                    assert!(!a.value().contains("NaN") && !a.value().contains("inf"), "{}", a.value());
                }
            }
        }
        roxmltree::Document::parse(&chart.inline("wide")).expect("well-formed");
    }
}

#[test]
fn nothing_is_drawn_outside_the_picture() {
    for chart in charts() {
        let svg = chart.svg();
        let (width, height) = chart.size();
        for node in roxmltree::Document::parse(&svg).expect("well-formed").descendants() {
            for (name, most) in [("x", width), ("y", height), ("cx", width), ("cy", height)] {
                if let Some(v) = node.attribute(name) {
                    let v: f64 = v.parse().expect("a number");
                    assert!(v >= 0.0 && v <= most, "{}: {name} = {v} of {most}", chart.title());
                }
            }
        }
    }
}

#[test]
fn pixels_hold_a_picture() {
    // PNG of some: wide ones, with and without data.
    for chart in charts().into_iter().take(10) {
        let png = chart.png();
        let mut reader = ::png::Decoder::new(std::io::Cursor::new(&png)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a picture");
        let (w, h) = chart.size();
        assert_eq!((f64::from(info.width), f64::from(info.height)), ((2.0 * w).ceil(), (2.0 * h).ceil()));
        let dark = pixels.chunks(4).filter(|p| p[0] < 100 && p[1] < 110 && p[2] < 120 && p[3] == 255).count();
        assert!(dark > 500, "{}: {dark} dark pixels", chart.title());
        assert_eq!(png, chart.png());
    }
}

#[test]
fn letters_that_charts_use_are_in_the_fonts() {
    // A tofu would be drawn for a missing letter: that of a private one, whose picture no other letter has.
    let picture = |c: char| {
        let mut canvas = Canvas::default();
        canvas.text("", 10.0, 20.0, &c.to_string());
        canvas.finish(40.0, 30.0, "").png()
    };
    let missing = picture('\u{e0ff}');
    for c in "τ±≤Å←→−…·×≥µé".chars() {
        assert_ne!(picture(c), missing, "{c}");
        assert_ne!(picture(c), picture(' '), "{c}");
    }
}

#[test]
fn labels_stay_apart_and_near() {
    let places = spread(&[10.0, 11.0, 12.0, 80.0, 99.0], 10.0, 0.0, 100.0);
    assert_eq!(places, [1.0, 11.0, 21.0, 80.0, 99.0]);
    let crowded = spread(&[100.0; 4], 10.0, 0.0, 100.0);
    assert_eq!(crowded, [70.0, 80.0, 90.0, 100.0]);
    assert_eq!(spread(&[], 10.0, 0.0, 100.0), [0.0; 0]);
}

#[test]
fn names_are_escaped_and_shortened() {
    let svg = charts()[0].svg();
    assert!(svg.contains("a&lt;b&gt;&amp;&quot;c&quot;&#39;\u{fffd}]]&gt;"), "{svg}");
    assert!(svg::shortened("an endless name of a row", 12.0, 80.0).ends_with('…'));
    assert_eq!(svg::shortened("short", 12.0, 80.0), "short");
}
