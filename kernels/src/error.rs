//! The one error of operations: which op, in which layer, what is wrong with which shapes, what to do.

use std::fmt;

/// An operation refused its inputs. Made when the op is recorded, never in backward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpError {
    /// The op's name, as in the vectors (`conv2d`).
    pub op: &'static str,
    /// The layer that recorded it (`blocks.0.conv1`), where there is one.
    pub layer: Option<String>,
    /// What is wrong, with the shapes.
    pub what: String,
    /// What the caller can do.
    pub fix: String,
}

impl OpError {
    /// A refusal: `what` names the shapes, `fix` what to do.
    pub fn new(op: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { op, layer: None, what: what.into(), fix: fix.into() }
    }

    /// Names the layer, unless an inner one did.
    #[must_use]
    pub fn in_layer(mut self, layer: &str) -> Self {
        self.layer.get_or_insert_with(|| layer.to_owned());
        self
    }
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.layer {
            Some(layer) => write!(f, "{} '{}': {}; {}", self.op, layer, self.what, self.fix),
            None => write!(f, "{}: {}; {}", self.op, self.what, self.fix),
        }
    }
}

impl std::error::Error for OpError {}
