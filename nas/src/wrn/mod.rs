//! The default WRN row: WRN-16-4 for images, its dense form, and the residual network for series. Nothing is searched.

pub mod dense;
pub mod point;
pub mod series;
mod trunk;

pub use dense::Dense;
pub use point::{Point, Pooling};
pub use series::{Series, SeriesSpec};
pub use trunk::{Trunk, Width};

use nn::{Builder, Network};
use serde_json::{Value, json};
use tasks::{Facts, Kind, Quirks};

use crate::Error;
use crate::arch::{self, Form, Found};
use crate::method::{Method, Recipe, SearchStage};
use crate::profile::Values;

/// The default row: a fixed network, trained as the benchmark does.
#[derive(Debug, Clone, Copy)]
pub struct Wrn;

/// The network of a kind of task at a width (1: the benchmark's).
pub fn described(kind: Kind, width: f64, quirks: &Quirks) -> Value {
    if kind == Kind::Series {
        // At least 8 channels, so that every profile's network is one.
        return json!({"family": "resnet1d", "width": ((64.0 * width + 0.5) as usize).max(8)});
    }
    let Width { depth, widen } = Width::WRN_16_4.scaled(width);
    let mut network = json!({"family": "wrn", "depth": depth, "widen": widen});
    if kind == Kind::Point2d {
        network["pooling"] = if quirks.has("corner-pool") { 8.into() } else { "whole".into() };
    }
    network
}

/// Builds the family `wrn`: `depth`, `widen`, and for one answer an image `pooling` (`whole`, or rows and columns of the
/// corner that is averaged).
pub(crate) fn wide(net: &Value, form: &Form, dropout: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    let width = Width { depth: arch::whole(net, "depth", 1_000)?, widen: arch::whole(net, "widen", 64)? };
    if width.depth < 10 || width.depth % 6 != 4 {
        return Err(Error::Arch(format!("network.depth is {}, not 6 n + 4 with n of at least 1", width.depth)));
    }
    let (inputs, outputs) = (form.channels(), form.outputs);
    match form.kind {
        Kind::Series => Err(Error::Arch("family 'wrn' is for images; series have family 'resnet1d'".to_owned())),
        Kind::Dense2d => {
            arch::only(net, &["depth", "widen"])?;
            Ok(Box::new(Dense::new(at, width, inputs, outputs, dropout)))
        }
        Kind::Point2d => {
            arch::only(net, &["depth", "widen", "pooling"])?;
            let pooling = match &net["pooling"] {
                Value::String(s) if s == "whole" => Pooling::Whole,
                Value::Number(_) => Pooling::Corner(arch::whole(net, "pooling", 1 << 16)?),
                other => {
                    return Err(Error::Arch(format!(
                        "network.pooling is {other}, neither \"whole\" nor a number of rows"
                    )));
                }
            };
            Ok(Box::new(Point::new(at, width, inputs, outputs, dropout).pooling(pooling)))
        }
    }
}

/// Builds the family `resnet1d`: `width`, the channels of the first stage.
pub(crate) fn resnet1d(
    net: &Value,
    form: &Form,
    dropout: f32,
    at: &mut Builder<'_>,
) -> Result<Box<dyn Network>, Error> {
    arch::only(net, &["width"])?;
    if form.kind != Kind::Series {
        return Err(Error::Arch("family 'resnet1d' is for series; images have family 'wrn'".to_owned()));
    }
    let width = arch::whole(net, "width", 4_096)?;
    Ok(Box::new(Series::new(at, SeriesSpec { width, ..SeriesSpec::new(form.channels(), form.outputs, dropout) })))
}

impl Method for Wrn {
    fn name(&self) -> &'static str {
        "wrn"
    }

    fn covers(&self, _: &Facts) -> bool {
        true
    }

    fn families(&self) -> &'static [&'static str] {
        &["wrn", "resnet1d"]
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        let problem = stage.problem;
        Ok(Found::fixed(described(problem.facts.kind, stage.values.real("width"), &problem.quirks)))
    }

    fn fixed(&self, facts: &Facts, values: &Values) -> Option<Found> {
        Some(Found::fixed(described(facts.kind, values.real("width"), &Quirks::default())))
    }

    fn recipe(&self, values: &Values) -> Recipe {
        Recipe::benchmark_steps(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::{Builder, Params};

    fn count(build: impl FnOnce(&mut Builder<'_>)) -> usize {
        let mut params = Params::new();
        build(&mut Builder::new(&mut params, 0));
        params.trainable()
    }

    #[test]
    fn parameters_are_as_many_as_the_benchmark_counts() {
        let (mut wrong, w) = (Vec::new(), Width::WRN_16_4);
        let mut expect = |what: &str, got: usize, want: usize| {
            if got != want {
                wrong.push(format!("{what}: {got}, not {want}"));
            }
        };
        for (what, inputs, classes, want) in [
            ("ten classes", 3, 10, 2_748_890),
            ("cifar100, spherical", 3, 100, 2_772_020),
            ("ninapro", 1, 18, 2_750_658),
            ("fsd50k", 1, 200, 2_797_432),
        ] {
            expect(what, count(|b| _ = Point::new(b, w, inputs, classes, 0.0)), want);
        }
        for (what, inputs, want) in [("darcy", 3, 2_746_577), ("psicov", 57, 2_754_353), ("cosmic", 1, 2_746_289)] {
            expect(what, count(|b| _ = Dense::new(b, w, inputs, 1, 0.0)), want);
        }
        for (what, inputs, classes, want) in
            [("ecg", 1, 4, 504_260), ("satellite", 1, 24, 506_840), ("deepsea", 4, 36, 510_116)]
        {
            expect(what, count(|b| _ = Series::new(b, SeriesSpec::new(inputs, classes, 0.0))), want);
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
