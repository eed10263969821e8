//! Cases of add, sub, mul, div: equal shapes, scalars, every pattern of broadcasting, sums across chunks.

use super::Binary;
use crate::check::{Case, Fill, Input};
use crate::op::Op;
use crate::ops::label;

/// The table.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let patterns: [(&str, &[usize], &[usize]); 15] = [
        ("equal", &[3, 5, 7], &[3, 5, 7]),
        ("channel", &[2, 3, 17], &[17]),
        ("channel_left", &[17], &[2, 3, 17]),
        ("scalar", &[4, 9], &[]),
        ("scalar_left", &[], &[33]),
        ("one_element", &[1, 1], &[1]),
        ("outer", &[5, 1], &[1, 19]),
        ("outer_left", &[1, 8], &[16, 1]),
        ("gate", &[2, 3, 2, 5], &[2, 1, 1, 5]),
        ("mask", &[2, 3, 4, 5], &[2, 3, 4, 1]),
        ("middle", &[2, 3, 4], &[3, 1]),
        ("ladder", &[3, 1, 4, 1], &[2, 1, 15]),
        ("rows_513", &[513, 3], &[3]),
        ("rows_1100", &[11, 100, 2], &[1, 1, 2]),
        ("runs", &[6, 700], &[6, 1]),
    ];
    for (name, a, b) in patterns {
        for op in [Binary::add(), Binary::sub(), Binary::mul(), Binary::div()] {
            all.push(Case::new(
                label(format!("{}_{name}", op.name())),
                op,
                [Input::normal(a), Input::filled(b, Fill::Uniform(0.5, 2.0))],
            ));
        }
    }
    // Sums over several chunks, columns over several blocks, many runs.
    let long: [(&str, &[usize], &[usize]); 6] = [
        ("scalar_9001", &[9001], &[1]),
        ("runs_4097", &[3, 4097], &[3, 1]),
        ("runs_of_runs", &[3, 2, 4100], &[2, 1]),
        ("columns_1025", &[3, 1025], &[1025]),
        ("rows_1537", &[1537, 9], &[9]),
        ("short_runs", &[5000, 3], &[5000, 1]),
    ];
    for (name, a, b) in long {
        for op in [Binary::add(), Binary::sub(), Binary::mul(), Binary::div()] {
            let b = Input::filled(b, Fill::Uniform(0.5, 2.0));
            all.push(Case::new(label(format!("{}_{name}", op.name())), op, [Input::normal(a), b]).bits_only());
        }
    }
    for (name, b) in [("64_32px_b64", &[64, 32, 32, 64][..]), ("64_32px_b64_channel", &[64])] {
        for op in [Binary::add(), Binary::mul()] {
            let inputs = [Input::normal([64, 32, 32, 64]), Input::normal(b)];
            all.push(Case::new(label(format!("{}_{name}", op.name())), op, inputs).timed());
        }
    }
    let edges = vec![0.0, -0.0, 1.0, -2.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-45, f32::MAX];
    for op in [Binary::add(), Binary::sub(), Binary::mul(), Binary::div()] {
        let n = edges.len();
        let a = Input::filled([n, 1], Fill::Exactly(edges.clone()));
        let b = Input::filled([1, n], Fill::Exactly(edges.clone()));
        all.push(Case::new(label(format!("{}_edges", op.name())), op, [a, b]).bits_only());
        all.push(
            Case::new(label(format!("{}_empty", op.name())), op, [Input::normal([0, 3]), Input::normal([3])])
                .bits_only(),
        );
        all.push(
            Case::new(label(format!("{}_empty_last", op.name())), op, [Input::normal([2, 0]), Input::normal([2, 1])])
                .bits_only(),
        );
    }
    all
}
