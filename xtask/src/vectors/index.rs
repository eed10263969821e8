//! Elements and rows by number.

use kernels::ops::index::{embedding::Embedding, gather::Gather};

use super::layout::Layout;
use super::record::apply;
use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row("gather", |c| {
        let layout = Layout::ChannelsLast;
        let dim = layout.dim(c.shape("x")?.len(), c.integer("dim")?)?;
        apply(c, &[("x", layout.clone()), ("index", layout.clone())], layout, Gather { dim })
    }),
    row("embedding", |c| apply(c, &[("weight", Layout::Plain), ("index", Layout::Plain)], Layout::Plain, Embedding)),
];
