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
use crate::cuda::Module;

/// A row of the table of ops: family/op, and its cases.
pub struct Row {
    /// `family/op`, the folder's path.
    pub path: &'static str,
    /// The table of cases.
    pub cases: fn() -> Vec<Case>,
    /// Its CUDA kernels.
    pub kernels: &'static Module,
}

/// Every op, one line each.
#[rustfmt::skip] // one line each, also the long ones
pub const TABLE: &[Row] = &[
    Row { path: "activation", cases: activation::cases::cases, kernels: &activation::cuda::KERNELS },
    Row { path: "conv/conv", cases: conv::conv::cases::cases, kernels: &conv::conv::depthwise::cuda::KERNELS },
    Row { path: "conv/conv_transpose", cases: conv::conv_transpose::cases::cases, kernels: &crate::product::cuda::KERNELS },
    Row { path: "conv/separable", cases: conv::separable::cases::cases, kernels: &conv::conv::depthwise::cuda::KERNELS },
    Row { path: "elementwise/binary", cases: elementwise::binary::cases::cases, kernels: &elementwise::binary::cuda::KERNELS },
    Row { path: "elementwise/drop_path", cases: elementwise::drop_path::cases::cases, kernels: &elementwise::drop_path::cuda::KERNELS },
    Row { path: "elementwise/dropout", cases: elementwise::dropout::cases::cases, kernels: &elementwise::dropout::cuda::KERNELS },
    Row { path: "elementwise/weighted_sum", cases: elementwise::weighted_sum::cases::cases, kernels: &elementwise::weighted_sum::cuda::KERNELS },
    Row { path: "index/embedding", cases: index::embedding::cases::cases, kernels: &index::embedding::cuda::KERNELS },
    Row { path: "index/gather", cases: index::gather::cases::cases, kernels: &index::gather::cuda::KERNELS },
    Row { path: "linear/linear", cases: linear::linear::cases::cases, kernels: &crate::product::cuda::KERNELS },
    Row { path: "linear/matmul", cases: linear::matmul::cases::cases, kernels: &crate::product::cuda::KERNELS },
    Row { path: "loss/cross_entropy", cases: loss::cross_entropy::cases::cases, kernels: &loss::cuda::KERNELS },
    Row { path: "loss/pointwise", cases: loss::pointwise::cases::cases, kernels: &loss::cuda::KERNELS },
    Row { path: "loss/relative_l2", cases: loss::relative_l2::cases::cases, kernels: &loss::cuda::KERNELS },
    Row { path: "lstm/lstm", cases: lstm::lstm::cases::cases, kernels: &lstm::cuda::KERNELS },
    Row { path: "lstm/lstm_cell", cases: lstm::lstm_cell::cases::cases, kernels: &lstm::cuda::KERNELS },
    Row { path: "norm/batch_norm", cases: norm::batch_norm::cases::cases, kernels: &norm::batch_norm::cuda::KERNELS },
    Row { path: "pool/adaptive_avg_pool", cases: pool::adaptive_avg_pool::cases::cases, kernels: &pool::cuda::KERNELS },
    Row { path: "pool/avg_pool", cases: pool::avg_pool::cases::cases, kernels: &pool::cuda::KERNELS },
    Row { path: "pool/global_avg_pool", cases: pool::global_avg_pool::cases::cases, kernels: &reduce::cuda::KERNELS },
    Row { path: "pool/max_pool", cases: pool::max_pool::cases::cases, kernels: &pool::cuda::KERNELS },
    Row { path: "reduce/l2_norm", cases: reduce::l2_norm::cases::cases, kernels: &reduce::cuda::KERNELS },
    Row { path: "reduce/mean", cases: reduce::mean::cases::cases, kernels: &reduce::cuda::KERNELS },
    Row { path: "reduce/sum", cases: reduce::sum::cases::cases, kernels: &reduce::cuda::KERNELS },
    Row { path: "reduce/var", cases: reduce::var::cases::cases, kernels: &reduce::cuda::KERNELS },
    Row { path: "resize/upsample_bilinear", cases: resize::upsample_bilinear::cases::cases, kernels: &resize::upsample_bilinear::cuda::KERNELS },
    Row { path: "resize/upsample_nearest", cases: resize::upsample_nearest::cases::cases, kernels: &resize::upsample_nearest::cuda::KERNELS },
    Row { path: "shape/channel_shuffle", cases: shape::channel_shuffle::cases::cases, kernels: &shape::cuda::KERNELS },
    Row { path: "shape/concat", cases: shape::concat::cases::cases, kernels: &shape::cuda::KERNELS },
    Row { path: "shape/pad", cases: shape::pad::cases::cases, kernels: &shape::cuda::KERNELS },
    Row { path: "shape/pad_reflect", cases: shape::pad_reflect::cases::cases, kernels: &shape::cuda::KERNELS },
    Row { path: "shape/permute", cases: shape::permute::cases::cases, kernels: &shape::cuda::KERNELS },
    Row { path: "shape/slice", cases: shape::slice::cases::cases, kernels: &shape::cuda::KERNELS },
    Row { path: "shape/split", cases: shape::split::cases::cases, kernels: &shape::cuda::KERNELS },
    Row { path: "softmax", cases: softmax::cases::cases, kernels: &softmax::cuda::KERNELS },
    Row { path: "spectral/spectral_conv2d", cases: spectral::spectral_conv2d::cases::cases, kernels: &spectral::spectral_conv2d::cuda::KERNELS },
];

/// Kernels that belong to no op of the table: tensors' own, engines that several ops share, optimisers.
pub const SHARED: &[&Module] = &[
    &crate::cuda::basic::KERNELS,
    &crate::cuda::cudnn::KERNELS,
    &crate::product::cuda::KERNELS,
    &conv::conv::pointwise::cuda::KERNELS,
    &conv::conv::winograd::cuda::KERNELS,
    &optim::adam::cuda::KERNELS,
    &optim::exponentiated::cuda::KERNELS,
    &optim::grad_norm::cuda::KERNELS,
    &optim::max_norm::cuda::KERNELS,
    &optim::rmsprop::cuda::KERNELS,
    &optim::sgd::cuda::KERNELS,
];

/// Every module of kernels, once.
pub fn modules() -> Vec<&'static Module> {
    let mut all: Vec<&'static Module> = TABLE.iter().map(|r| r.kernels).chain(SHARED.iter().copied()).collect();
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|m| seen.insert(m.name));
    all
}

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
