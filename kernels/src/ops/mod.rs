//! Every operation: one folder each, by family; and the table that lists them.
//!
//! A folder holds `mod.rs` (specification, shapes, forward and backward side by side), `reference.rs` (defines the
//! bits), `cpu.rs` (the fast version) and `cases.rs` (one table for every check). `docs/adding-an-op.md` walks through
//! one.

pub mod activation;
pub mod conv;
pub mod elementwise;
pub mod index;
pub mod linear;
pub mod loss;
pub mod lstm;
pub mod norm;
pub mod optim;
pub mod pool;
pub mod reduce;
pub mod resize;
pub mod shape;
pub mod softmax;
pub mod spectral;

use crate::check::Case;

/// A row of the table of ops: family/op, and its cases.
pub struct Row {
    /// `family/op`, the folder's path.
    pub path: &'static str,
    /// The table of cases.
    pub cases: fn() -> Vec<Case>,
}

/// Every op, one line each.
pub const TABLE: &[Row] = &[
    Row { path: "activation", cases: activation::cases::cases },
    Row { path: "conv/conv", cases: conv::conv::cases::cases },
    Row { path: "conv/conv_transpose", cases: conv::conv_transpose::cases::cases },
    Row { path: "elementwise/binary", cases: elementwise::binary::cases::cases },
    Row { path: "elementwise/dropout", cases: elementwise::dropout::cases::cases },
    Row { path: "index/embedding", cases: index::embedding::cases::cases },
    Row { path: "index/gather", cases: index::gather::cases::cases },
    Row { path: "linear/linear", cases: linear::linear::cases::cases },
    Row { path: "linear/matmul", cases: linear::matmul::cases::cases },
    Row { path: "loss/cross_entropy", cases: loss::cross_entropy::cases::cases },
    Row { path: "loss/pointwise", cases: loss::pointwise::cases::cases },
    Row { path: "loss/relative_l2", cases: loss::relative_l2::cases::cases },
    Row { path: "lstm/lstm", cases: lstm::lstm::cases::cases },
    Row { path: "lstm/lstm_cell", cases: lstm::lstm_cell::cases::cases },
    Row { path: "norm/batch_norm", cases: norm::batch_norm::cases::cases },
    Row { path: "pool/adaptive_avg_pool", cases: pool::adaptive_avg_pool::cases::cases },
    Row { path: "pool/avg_pool", cases: pool::avg_pool::cases::cases },
    Row { path: "pool/global_avg_pool", cases: pool::global_avg_pool::cases::cases },
    Row { path: "pool/max_pool", cases: pool::max_pool::cases::cases },
    Row { path: "reduce/l2_norm", cases: reduce::l2_norm::cases::cases },
    Row { path: "reduce/mean", cases: reduce::mean::cases::cases },
    Row { path: "reduce/sum", cases: reduce::sum::cases::cases },
    Row { path: "reduce/var", cases: reduce::var::cases::cases },
    Row { path: "resize/upsample_bilinear", cases: resize::upsample_bilinear::cases::cases },
    Row { path: "resize/upsample_nearest", cases: resize::upsample_nearest::cases::cases },
    Row { path: "shape/channel_shuffle", cases: shape::channel_shuffle::cases::cases },
    Row { path: "shape/concat", cases: shape::concat::cases::cases },
    Row { path: "shape/pad", cases: shape::pad::cases::cases },
    Row { path: "shape/pad_reflect", cases: shape::pad_reflect::cases::cases },
    Row { path: "shape/permute", cases: shape::permute::cases::cases },
    Row { path: "shape/slice", cases: shape::slice::cases::cases },
    Row { path: "softmax", cases: softmax::cases::cases },
    Row { path: "spectral/spectral_conv2d", cases: spectral::spectral_conv2d::cases::cases },
];

/// The name of a case that a loop makes; shapes in it become `3x5x7`.
pub(crate) fn label(name: String) -> &'static str {
    let name = name.replace(['[', ']'], "").replace(", ", "x");
    Box::leak(name.into_boxed_str()) // tables are built a few times a process
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut all: Vec<&str> = TABLE.iter().map(|r| r.path).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), TABLE.len());
    }

    #[test]
    fn every_folder_with_cases_is_listed() {
        let ops = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
        let (mut folders, mut found) = (vec![ops.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            if folder.join("cases.rs").exists() {
                found.push(folder.strip_prefix(&ops).unwrap().to_str().unwrap().to_owned());
            }
            let inside = folder.read_dir().unwrap().map(|e| e.unwrap().path());
            folders.extend(inside.filter(|p| p.is_dir()));
        }
        found.sort();
        assert_eq!(found, TABLE.iter().map(|r| r.path).collect::<Vec<_>>());
    }

    #[test]
    fn cases_are_unique_within_an_op() {
        for row in TABLE {
            let mut names: Vec<&str> = (row.cases)().iter().map(|c| c.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{}", row.path);
        }
    }
}
