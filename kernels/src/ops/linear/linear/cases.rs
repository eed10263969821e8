//! The linear layer's table.

use super::Linear;
use crate::check::{Case, Fill, Input};

fn linear(name: &'static str, x: &[usize], o: usize, bias: bool) -> Case {
    let i = x[x.len() - 1];
    let mut inputs = vec![Input::normal(x), Input::filled([i, o], Fill::Scaled(0.3))];
    if bias {
        inputs.push(Input::normal([o]));
    }
    Case::new(name, Linear { bias }, inputs)
}

/// Few and many rows, features and outputs around the tiles' edges; for a card, each size of tile, with rows of four numbers
/// and without.
pub fn cases() -> Vec<Case> {
    vec![
        linear("one_row", &[1, 7], 3, true),
        linear("plain", &[5, 8], 4, false),
        linear("odd", &[6, 17], 33, true),
        linear("wide", &[3, 130], 100, true),
        linear("leading_dims", &[2, 3, 4, 5], 6, true),
        linear("one_output", &[9, 16], 1, true),
        linear("chunks", &[9000, 3], 5, true).bits_only(),
        linear("narrow_tiles", &[16_500, 8], 12, true).bits_only(),
        linear("narrow_tiles_odd", &[16_500, 7], 9, false).bits_only(),
        linear("middle_tiles", &[16_400, 20], 28, false).bits_only(),
        linear("middle_tiles_odd", &[16_400, 17], 19, true).bits_only(),
        linear("wide_tiles", &[16_400, 36], 40, true).bits_only(),
        linear("wide_tiles_odd", &[16_400, 33], 35, false).bits_only(),
        linear("tall_weights", &[20, 5504], 132, false).bits_only(),
        linear("tall_weights_odd", &[20, 5473], 131, false).bits_only(),
        linear("taller_weights", &[37, 8192], 20, false).bits_only(),
        linear("taller_weights_odd", &[37, 8129], 19, false).bits_only(),
        linear("256_to_100_b64", &[64, 256], 100, true).timed(),
        linear("1024_to_1024_b64", &[64, 1024], 1024, true).timed(),
        linear("256_to_1_85px_b2", &[2, 85, 85, 256], 1, true).timed(),
    ]
}
