//! Cases: groups of 1, 2, 3 and more columns, registers full and not, shared terms, chunks that end early.

use super::WeightedSum;
use crate::check::{Case, Fill, Input};

/// `terms`: `s` is shared, `x` is not.
fn case(name: &'static str, lead: &[usize], groups: usize, q: usize, first: usize, terms: &str) -> Case {
    let shared = terms.bytes().enumerate().filter(|(_, b)| *b == b's').fold(0, |all, (t, _)| all | 1 << t);
    let term = |b: u8| Input::normal(&[lead, &[if b == b's' { q } else { groups * q }]].concat()[..]);
    let mut inputs = vec![Input::normal([groups, first + terms.len()])];
    inputs.extend(terms.bytes().map(term));
    Case::new(name, WeightedSum { first, shared }, inputs)
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let edge = "sssxxxx";
    let values = vec![1.0, f32::NAN, f32::INFINITY, -0.0, 0.0, -0.0, 2.0, 1e-45, -1e-45, f32::MAX, 3.0, -0.0];
    let mut odd = case("nan_and_zeros", &[3], 2, 2, 1, "xs").bits_only();
    odd.inputs[1] = Input::filled([3, 4], Fill::Exactly(values));
    vec![
        case("one_term", &[3, 5], 1, 1, 0, "x"),
        case("node_of_two", &[2, 3, 3], 1, 4, 0, "xx"),
        case("node_of_five_c37", &[2, 3, 3], 1, 37, 0, "xxxxx"),
        case("edges_1_q4", &[2, 5, 5], 1, 4, 1, edge),
        case("edges_2_q8", &[2, 3, 5], 2, 8, 1, edge),
        case("edges_3_q4", &[2, 5, 5], 3, 4, 1, edge),
        case("edges_4_q4", &[2, 5, 5], 4, 4, 1, edge),
        case("edges_4_q16", &[2, 3, 3], 4, 16, 1, edge),
        case("edges_5_q3", &[2, 3, 4], 5, 3, 2, "xsx"),
        case("edges_2_q1", &[2, 5, 5], 2, 1, 1, edge),
        case("edges_4_q1", &[3, 13, 17], 4, 1, 1, edge).bits_only(),
        case("edges_2_q9", &[3, 4], 2, 9, 0, "sx"),
        case("all_shared", &[3, 4], 3, 5, 0, "ss"),
        case("sixteen_terms", &[7], 2, 3, 0, "xxxxxxxxxxxxxxxx"),
        case("chunk_exactly_q4", &[256], 2, 4, 0, "xs"),
        case("chunks_q1", &[3, 201], 1, 1, 0, "xx"),
        case("chunks_q4", &[3, 13, 17], 3, 4, 1, edge).bits_only(),
        case("chunks_q7", &[3, 13, 17], 3, 7, 1, edge).bits_only(),
        case("chunks_q16", &[2, 19, 17], 3, 16, 1, edge).bits_only(),
        case("chunks_c100", &[2, 19, 17], 1, 100, 0, "xx").bits_only(),
        odd,
        case("edges_4_q4_32px_b32", &[32, 32, 32], 4, 4, 1, edge).timed(),
        case("edges_3_q4_32px_b32", &[32, 32, 32], 3, 4, 1, edge).timed(),
        case("edges_4_q16_8px_b32", &[32, 8, 8], 4, 16, 1, edge).timed(),
    ]
}
