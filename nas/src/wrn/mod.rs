//! The wide residual networks of the benchmark: WRN-16-4 for images, its dense form, and the residual network for series.
//!
//! Only the networks; how they are trained is the method's.

pub mod dense;
pub mod point;
pub mod series;
mod trunk;

pub use dense::Dense;
pub use point::{Point, Pooling};
pub use series::{Series, SeriesSpec};
pub use trunk::{Trunk, Width};

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
