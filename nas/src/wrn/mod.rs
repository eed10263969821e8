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
use tasks::{Facts, Kind};

use crate::Error;
use crate::method::{Method, Problem, SearchStage};
use crate::profile::Values;

/// The default row: a fixed network, trained as the benchmark does.
#[derive(Debug, Clone, Copy)]
pub struct Wrn;

fn arch(facts: &Facts, values: &Values) -> Value {
    let network = match facts.kind {
        Kind::Point2d => "wrn-16-4",
        Kind::Dense2d => "wrn-16-4-dense",
        Kind::Series => "resnet-1d",
    };
    json!({"method": "wrn", "rule": "fixed", "network": network, "width": values.width})
}

impl Method for Wrn {
    fn name(&self) -> &'static str {
        "wrn"
    }

    fn covers(&self, _: &Facts) -> bool {
        true
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Value, Error> {
        Ok(arch(stage.problem.facts, stage.values))
    }

    fn fixed(&self, facts: &Facts, values: &Values) -> Option<Value> {
        Some(arch(facts, values))
    }

    fn network(
        &self,
        _: &Value,
        problem: &Problem,
        values: &Values,
        at: &mut Builder<'_>,
    ) -> Result<Box<dyn Network>, Error> {
        let (inputs, outputs, dropout) = (problem.channels(), problem.outputs, values.dropout as f32);
        // At least 8 channels, so that every profile's network is one.
        let scaled = |c: usize| ((c as f64 * values.width + 0.5) as usize).max(8);
        Ok(match problem.facts.kind {
            Kind::Point2d => {
                let corner = problem.quirks.has("corner-pool");
                let pooling = if corner { Pooling::Corner(8) } else { Pooling::Whole };
                let net = Point::new(at, Width::WRN_16_4.scaled(values.width), inputs, outputs, dropout);
                Box::new(net.pooling(pooling))
            }
            Kind::Dense2d => Box::new(Dense::new(at, Width::WRN_16_4.scaled(values.width), inputs, outputs, dropout)),
            Kind::Series => {
                let spec = SeriesSpec { width: scaled(64), ..SeriesSpec::new(inputs, outputs, dropout) };
                Box::new(Series::new(at, spec))
            }
        })
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
