//! What makes layers.

use std::fmt::Display;

use kernels::rng::{Key, Purpose};
use kernels::{Shape, Tensor};

use crate::{Init, Kind, Layout, ParamId, Params};

/// Makes layers in a [`Params`], with names below a scope and initial values from a seed.
///
/// The numbers of an entry come from stream (seed, `Purpose::Init`, index = its [`ParamId`]), so they depend on the order
/// in which a network is built and on nothing else.
pub struct Builder<'a> {
    params: &'a mut Params,
    seed: u64,
    scope: String,
    /// Convolutions begin with Kaiming's normal by fan-in, unless they ask for another.
    pub(super) kaiming: bool,
}

impl<'a> Builder<'a> {
    /// At the root.
    pub fn new(params: &'a mut Params, seed: u64) -> Self {
        Self { params, seed, scope: String::new(), kaiming: false }
    }

    /// The same with convolutions that begin with Kaiming's normal by fan-in (I / groups x kernel) where they ask for nothing
    /// else; biases keep PyTorch's default.
    pub fn kaiming_normal(&mut self) -> Builder<'_> {
        Builder { params: self.params, seed: self.seed, scope: self.scope.clone(), kaiming: true }
    }

    /// The same below a name: `builder.scope("block1.layer.0")`.
    pub fn scope(&mut self, name: impl Display) -> Builder<'_> {
        let scope = format!("{}{name}.", self.scope);
        Builder { params: self.params, seed: self.seed, scope, kaiming: self.kaiming }
    }

    /// The full name of `name` here.
    pub fn path(&self, name: impl Display) -> String {
        format!("{}{name}", self.scope)
    }

    /// What was built so far.
    pub fn params(&self) -> &Params {
        self.params
    }

    /// Adds a parameter; `shape` is ours.
    ///
    /// # Panics
    /// As [`Params::add`].
    pub fn parameter(&mut self, name: impl Display, shape: impl Into<Shape>, layout: Layout, init: Init) -> ParamId {
        let index = self.params.entries().len() as u64;
        let mut stream = Key::new(self.seed, Purpose::Init).stream(index);
        let value = init.tensor(shape.into(), layout, &mut stream);
        self.params.add(format!("{}{name}", self.scope), value, Kind::Parameter, layout)
    }

    /// Adds a parameter that begins with these numbers.
    ///
    /// # Panics
    /// As [`Params::add`].
    pub fn parameter_of(&mut self, name: impl Display, value: Tensor, layout: Layout) -> ParamId {
        self.params.add(format!("{}{name}", self.scope), value, Kind::Parameter, layout)
    }

    /// Adds a buffer.
    ///
    /// # Panics
    /// As [`Params::add`].
    pub fn buffer(&mut self, name: impl Display, value: Tensor) -> ParamId {
        self.params.add(format!("{}{name}", self.scope), value, Kind::Buffer, Layout::Plain)
    }
}
