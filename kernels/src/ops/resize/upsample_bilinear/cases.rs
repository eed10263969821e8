//! The table of cases.

use super::UpsampleBilinear;
use crate::check::{Case, Fill, Input};
use crate::ops::label;

/// Everything that is checked of it, corners aligned and not.
pub fn cases() -> Vec<Case> {
    let odd = [0.0, -0.0, f32::NAN, f32::INFINITY, 1e-40, -1e30, 3.0, -2.5];
    let mut all = Vec::new();
    for align_corners in [false, true] {
        let name = |s: &str| label(format!("{s}{}", if align_corners { "_corners" } else { "" }));
        let op = |size| UpsampleBilinear { size, align_corners };
        let case = |s, size, shape: [usize; 4]| Case::new(name(s), op(size), [Input::normal(shape)]);
        all.extend([
            case("same", [3, 4], [2, 3, 4, 5]),
            case("twice", [6, 8], [2, 3, 4, 5]),
            case("uneven", [7, 5], [2, 3, 4, 17]),
            case("rows_alone", [9, 4], [1, 4, 4, 8]),
            case("columns_alone", [4, 9], [1, 4, 4, 33]),
            case("down", [2, 3], [2, 5, 7, 3]),
            case("down_skips", [2, 2], [1, 11, 9, 2]),
            case("up_and_down", [8, 2], [1, 3, 5, 4]),
            case("one_pixel", [3, 5], [2, 1, 1, 4]),
            case("to_one", [1, 1], [2, 3, 4, 4]),
            case("one_channel", [11, 13], [2, 4, 5, 1]),
            case("one_row", [1, 17], [2, 1, 6, 9]),
            case("large", [64, 67], [3, 31, 33, 19]).bits_only(),
            case("large_one_channel", [127, 300], [2, 64, 151, 1]).bits_only(),
            case("large_down", [33, 21], [2, 100, 111, 7]).bits_only(),
        ]);
        let special: Vec<f32> = (0..3 * 4 * 2).map(|i| odd[i * 3 % 8]).collect();
        let input = Input::filled([1, 3, 4, 2], Fill::Exactly(special));
        all.push(Case::new(name("nan"), op([5, 9]), [input]).bits_only());
    }
    all
}
