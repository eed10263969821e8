//! FNO on Darcy Flow: a row beyond the paper's table, by experts of the task's own field. Nothing is searched.
//!
//! It is there to check generator, autograd and training against a published result: a relative L2 of .0108 at 85 x 85
//! points from 1,000 fields in 500 epochs (Li et al., "Fourier Neural Operator for Parametric Partial Differential
//! Equations", 2021).

pub mod network;

pub use network::{Fno, FnoSpec};

use nn::{Builder, Network, Schedule};
use serde_json::{Value, json};
use tasks::{Facts, Kind};

use crate::Error;
use crate::arch::{self, Form, Found};
use crate::method::{Method, Mover, Recipe, SearchStage};
use crate::profile::Values;

/// Epochs at one learning rate, which is halved after them.
const HALVED: usize = 100;

/// The expert's row.
#[derive(Debug, Clone, Copy)]
pub struct Expert;

/// The network at a width (1: the published one), as a file has it.
pub fn described(width: f64) -> Value {
    let FnoSpec { layers, width: channels, modes, padding } = FnoSpec::PUBLISHED;
    let channels = ((channels as f64 * width + 0.5) as usize).max(1);
    json!({"family": "fno", "layers": layers, "width": channels, "modes": modes, "padding": padding})
}

/// Reads the family `fno`: `layers`, `width`, `modes`, `padding`, for images of one answer a pixel.
pub(crate) fn read(net: &Value, form: &Form) -> Result<FnoSpec, Error> {
    arch::only(net, &["layers", "width", "modes", "padding"])?;
    if form.kind != Kind::Dense2d {
        return Err(Error::Arch("family 'fno' gives one answer a pixel; the task does not ask for that".to_owned()));
    }
    let whole = |key, most| arch::whole(net, key, most);
    let spec = FnoSpec {
        layers: whole("layers", 100)?,
        width: whole("width", 4_096)?,
        modes: whole("modes", 4_096)?,
        padding: whole("padding", 4_096)?,
    };
    let (h, w) = (form.input[0] + spec.padding, form.input[1] + spec.padding);
    if spec.modes > h || spec.modes > w / 2 + 1 {
        let what = format!("network.modes is {}, more than {h} x {w} points, padding included, have", spec.modes);
        return Err(Error::Arch(what));
    }
    Ok(spec)
}

/// Builds the family `fno`.
pub(crate) fn build(net: &Value, form: &Form, _: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    Ok(Box::new(Fno::new(at, read(net, form)?, form.channels(), form.outputs)))
}

impl Method for Expert {
    fn name(&self) -> &'static str {
        "fno"
    }

    fn covers(&self, facts: &Facts) -> bool {
        facts.name == "darcy"
    }

    fn families(&self) -> &'static [&'static str] {
        &["fno"]
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        Ok(Found::fixed(described(stage.values.real("width"))))
    }

    fn fixed(&self, _: &Facts, values: &Values) -> Option<Found> {
        Some(Found::fixed(described(values.real("width"))))
    }

    /// Adam, its rate halved every 100 epochs whatever their number: a shorter training is the beginning of the full one.
    fn recipe(&self, _: &Values) -> Recipe {
        Recipe::plain(Mover::Adam { eps: 1e-8 }, Schedule::Step { size: HALVED, gamma: 0.5 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::Params;

    #[test]
    fn parameters_are_as_many_as_the_release_counts() {
        let mut params = Params::new();
        Fno::new(&mut Builder::new(&mut params, 0), FnoSpec::PUBLISHED, 3, 1);
        assert_eq!(params.trainable(), 2_368_001);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let refused = |net: Value, kind, input: &[usize]| {
            read(&net, &Form { kind, input: input.to_vec(), outputs: 1 }).map(|_| ()).unwrap_err().to_string()
        };
        let text = refused(described(1.0), Kind::Dense2d, &[9, 9, 3]);
        assert!(text.contains("modes is 12, more than 18 x 18"), "{text}");
        assert!(refused(described(1.0), Kind::Point2d, &[85, 85, 3]).contains("one answer a pixel"));
        let mut net = described(1.0);
        net["modes"] = 0.into();
        assert!(refused(net, Kind::Dense2d, &[85, 85, 3]).contains("network.modes is 0"));
    }
}
