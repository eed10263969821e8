//! The table of cases.

use super::UpsampleNearest;
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn images(name: &'static str, size: [usize; 2], shape: impl Into<Shape>) -> Case {
    Case::new(name, UpsampleNearest::images(size), [Input::normal(shape)])
}

fn series(name: &'static str, length: usize, shape: impl Into<Shape>) -> Case {
    Case::new(name, UpsampleNearest::series(length), [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let odd = vec![0.0, -0.0, f32::NAN, f32::INFINITY, 1e-40, -2.5];
    vec![
        images("same", [3, 4], [2, 3, 4, 5]),
        images("twice", [6, 8], [2, 3, 4, 5]),
        images("uneven", [7, 5], [2, 3, 4, 17]),
        images("rows_alone", [9, 4], [1, 4, 4, 8]),
        images("columns_alone", [4, 9], [1, 4, 4, 33]),
        images("down", [2, 3], [2, 5, 7, 3]),
        images("one_pixel", [3, 5], [2, 1, 1, 4]),
        images("to_one", [1, 1], [2, 3, 5, 4]),
        images("one_channel", [11, 3], [2, 4, 5, 1]),
        series("series_three_times", 15, [2, 5, 3]),
        series("series_odd", 17, [3, 5, 16]),
        series("series_down", 4, [2, 9, 7]),
        images("large", [64, 67], [3, 31, 33, 19]).bits_only(),
        series("series_large", 5000, [3, 1777, 5]).bits_only(),
        Case::new("nan", UpsampleNearest::images([5, 3]), [Input::filled([1, 3, 2, 1], Fill::Exactly(odd))])
            .bits_only(),
    ]
}
