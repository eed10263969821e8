//! Pixels of a chart, with a font of the program's own: the same on a machine without any.

use super::{Chart, style};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use std::sync::{Arc, OnceLock};

/// The fonts, and the name of the first.
fn fonts() -> &'static (Arc<fontdb::Database>, String) {
    static FONTS: OnceLock<(Arc<fontdb::Database>, String)> = OnceLock::new();
    FONTS.get_or_init(|| {
        let mut db = fontdb::Database::new();
        db.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        db.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
        let name = db.faces().next().expect("a font").families[0].0.clone();
        db.set_sans_serif_family(name.clone());
        (Arc::new(db), name)
    })
}

impl Chart {
    /// The picture as a PNG at twice its size, in light.
    ///
    /// # Panics
    /// If the picture is no SVG: a fault of this crate.
    pub fn png(&self) -> Vec<u8> {
        const SCALE: f32 = 2.0;
        let (db, letters) = fonts();
        // The font is a light one: a thin line of the same colour about letters makes it a regular one.
        let mut css = style::light(&format!("'{letters}'"));
        css.push_str(".chart text{stroke-width:.3}.chart .head{stroke-width:.6}");
        css.push_str(&style::outlines());
        let options = Options { fontdb: db.clone(), font_family: letters.clone(), ..Options::default() };
        let tree = Tree::from_str(&self.standalone(&css), &options).expect("a chart is well-formed SVG");
        let (w, h) = self.size();
        let mut pixels = Pixmap::new((w as f32 * SCALE).ceil() as u32, (h as f32 * SCALE).ceil() as u32)
            .expect("a chart has a size");
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
        pixels.encode_png().expect("pixels are encoded")
    }
}
