//! The table of cases.

use super::Slice;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, op: Slice, shape: impl Into<Shape>) -> Case {
    Case::new(name, op, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let end = Slice::END;
    vec![
        case("whole", Slice::new(&[]), [3, 4]),
        case("channels", Slice::along(3, 2, 7, 1), [2, 3, 4, 9]),
        case("channels_step", Slice::along(3, 1, end, 3), [2, 3, 4, 9]),
        case("columns_step", Slice::along(2, 1, 6, 2), [2, 3, 7, 5]),
        case("rows", Slice::along(1, 1, 3, 1), [2, 4, 3, 5]),
        case("batch_step", Slice::along(0, 0, end, 4), [9, 5]),
        case("all_by_two", Slice::new(&[(0, end, 1), (1, end, 2), (0, 5, 2), (1, 2, 1)]), [2, 5, 6, 3]),
        case("one_element", Slice::new(&[(1, 2, 1), (2, 3, 5)]), [2, 3]),
        case("shifted_reduce", Slice::new(&[(0, end, 1), (1, end, 2), (1, end, 2)]), [2, 8, 6, 20]),
        case("long_line", Slice::along(1, 1, end, 2), [2, 50_001, 2]).bits_only(),
        case("large", Slice::new(&[(0, end, 1), (1, 300, 1), (0, end, 1)]), [7, 301, 33]).bits_only(),
        case("large_step", Slice::new(&[(0, end, 1), (1, 300, 2), (3, 30, 1)]), [9, 301, 33]).bits_only(),
    ]
}
