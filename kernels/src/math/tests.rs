//! The functions against std (within an ulp) and against fixtures of many digits.

#![allow(clippy::disallowed_methods)] // std is the oracle here

use crate::math::{self, single};
use crate::rng::{Key, Purpose};

/// Distance in units of the last place; 0 for two NaNs.
fn ulps(a: f64, b: f64) -> u64 {
    if a.is_nan() && b.is_nan() {
        return 0;
    }
    let key = |x: f64| {
        let b = x.to_bits() as i64;
        if b < 0 { i64::MIN.wrapping_sub(b) } else { b }
    };
    key(a).abs_diff(key(b))
}

/// Numbers of every size: uniform bits, uniform on small intervals, and the edges.
fn inputs() -> Vec<f64> {
    let mut s = Key::new(7, Purpose::Test).stream(1);
    let mut x: Vec<f64> = (0..20_000).map(|_| f64::from_bits(s.word64())).collect();
    for scale in [1e-3, 0.3, 1.0, 3.0, 10.0, 30.0, 800.0, 1e5, 1e9] {
        x.extend((0..20_000).map(|_| scale * (2.0 * s.uniform64() - 1.0)));
    }
    let edges = [0.0, 5e-324, 1e-310, f64::MIN_POSITIVE, 1e-20, 0.5, 1.0, 2.0, 1e22, 709.8, 745.2, 1e300, f64::MAX];
    x.extend(edges.iter().flat_map(|&e| [e, -e]));
    x.extend([f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
    x
}

#[test]
fn doubles_are_within_an_ulp_of_std() {
    let sigmoid = |x: f64| if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) };
    type Function = fn(f64) -> f64;
    let table: [(&str, Function, Function, u64); 9] = [
        ("exp", math::exp, f64::exp, 1),
        ("expm1", math::expm1, f64::exp_m1, 1),
        ("ln", math::ln, f64::ln, 1),
        ("ln_1p", math::ln_1p, f64::ln_1p, 1),
        ("sin", math::sin, f64::sin, 1),
        ("cos", math::cos, f64::cos, 1),
        ("tan", math::tan, f64::tan, 1),
        ("tanh", math::tanh, f64::tanh, 2), // the oracle itself errs by more than one
        ("sigmoid", math::sigmoid, sigmoid, 3), // likewise
    ];
    for (name, ours, std, allowed) in table {
        let (mut worst, mut at) = (0, 0.0);
        for x in inputs() {
            let d = ulps(ours(x), std(x));
            // Where results are subnormal the oracle's two roundings do not count.
            if d > worst {
                (worst, at) = (d, x);
            }
        }
        assert!(worst <= allowed, "{name}({at:e}): {:e} is {worst} ulps off {:e}", ours(at), std(at));
    }
}

#[test]
fn functions_of_two_numbers_are_within_an_ulp_of_std() {
    let x = inputs();
    let mut s = Key::new(8, Purpose::Test).stream(1);
    for i in 0..200_000 {
        let (a, b) = (x[s.below(x.len() as u64) as usize], x[s.below(x.len() as u64) as usize]);
        let b = if i % 3 == 0 { (8.0 * b) as i16 as f64 } else { b };
        for (name, ours, std) in [
            ("atan2", math::atan2(a, b), a.atan2(b)),
            ("pow", math::pow(a, b), a.powf(b)),
            ("pow", math::pow(a.abs(), b), a.abs().powf(b)),
        ] {
            assert!(ulps(ours, std) <= 1, "{name}({a:e}, {b:e}): {ours:e}, std {std:e}");
        }
    }
}

#[test]
fn special_values() {
    let same = |a: f64, b: f64| assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{a:e}, not {b:e}");
    for f in [math::sin, math::tan, math::tanh, math::expm1, math::ln_1p, math::erf] {
        same(f(0.0), 0.0);
        same(f(-0.0), -0.0);
        assert!(f(f64::NAN).is_nan());
    }
    let inf = f64::INFINITY;
    same(math::exp(inf), inf);
    same(math::exp(-inf), 0.0);
    same(math::exp(710.0), inf);
    same(math::ln(-0.0), -inf);
    same(math::ln(inf), inf);
    same(math::ln(-1e-320), f64::NAN);
    same(math::ln_1p(-1.0), -inf);
    same(math::sigmoid(-inf), 0.0);
    same(math::sigmoid(inf), 1.0);
    same(math::tanh(-inf), -1.0);
    same(math::erf(-inf), -1.0);
    same(math::erfc(-inf), 2.0);
    same(math::sin(inf), f64::NAN);
    for y in [0.0, -0.0, 3.0, -3.0, inf, -inf] {
        for x in [0.0, -0.0, 2.0, -2.0, inf, -inf] {
            same(math::atan2(y, x), y.atan2(x));
            same(math::pow(y, x), y.powf(x));
        }
    }
}

#[test]
fn the_error_functions_match_many_digits() {
    for (x, erf, erfc, erfc_minus) in [
        (0.0, 0.0, 1.0, 1.0),
        (1e-300, 1.1283791670955126e-300, 1.0, 1.0),
        (0.0078125, 0.008815282895179188, 0.9911847171048208, 1.0088152828951793),
        (0.1, 0.1124629160182849, 0.887537083981715, 1.1124629160182848),
        (0.375, 0.4041169094348223, 0.5958830905651777, 1.4041169094348223),
        (0.4999, 0.5204119951613866, 0.4795880048386134, 1.5204119951613866),
        (0.5, 0.5204998778130465, 0.4795001221869535, 1.5204998778130465),
        (0.71, 0.6846655502174442, 0.31533444978255576, 1.6846655502174444),
        (0.9999, 0.8426592780487595, 0.15734072195124052, 1.8426592780487594),
        (1.0, 0.8427007929497149, 0.15729920705028513, 1.8427007929497148),
        (1.3, 0.9340079449406524, 0.06599205505934755, 1.9340079449406524),
        (2.0, 0.9953222650189527, 0.004677734981047266, 1.9953222650189528),
        (2.75, 0.9998993780778803, 0.00010062192211963683, 1.9998993780778804),
        (3.9, 0.9999999652077514, 3.4792248597231765e-08, 1.9999999652077514),
        (5.1, 0.9999999999994507, 5.49382021755532e-13, 1.9999999999994507),
        (6.0, 1.0, 2.1519736712498913e-17, 2.0),
        (10.0, 1.0, 2.088487583762545e-45, 2.0),
        (20.0, 1.0, 5.395865611607901e-176, 2.0),
        (26.0, 1.0, 5.663192408856143e-296, 2.0),
        (27.1, 1.0, 2.33e-321, 2.0),
    ] {
        for (name, got, want) in [
            ("erf", math::erf(x), erf),
            ("erf of minus", -math::erf(-x), erf),
            ("erfc", math::erfc(x), erfc),
            ("erfc of minus", math::erfc(-x), erfc_minus),
        ] {
            assert!(ulps(got, want) <= 1 || (got - want).abs() < 1e-322, "{name}({x}): {got:e}, {want:e}");
        }
    }
}

#[test]
fn singles_are_the_correctly_rounded_value() {
    type Row = (&'static str, fn(f32) -> f32, fn(f64) -> f64);
    let sigmoid = |x: f64| if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) };
    let table: [Row; 8] = [
        ("exp", single::exp, f64::exp),
        ("tanh", single::tanh, f64::tanh),
        ("sigmoid", single::sigmoid, sigmoid),
        ("expm1", single::expm1, f64::exp_m1),
        ("ln", single::ln, f64::ln),
        ("ln_1p", single::ln_1p, f64::ln_1p),
        ("sin", single::sin, f64::sin),
        ("cos", single::cos, f64::cos),
    ];
    for (name, ours, std) in table {
        let mut mismatches = 0;
        for bits in (0..=u32::MAX).step_by(65_521) {
            let x = f32::from_bits(bits);
            let (got, want) = (ours(x), std(x.into()) as f32);
            if got.to_bits() != want.to_bits() && !(got.is_nan() && want.is_nan()) {
                mismatches += 1;
                assert!(got.to_bits().abs_diff(want.to_bits()) <= 1, "{name}({x:e}): {got:e}, {want:e}");
            }
        }
        assert!(mismatches <= 1, "{name}: {mismatches} of 65,552 differ from std's f64 rounded");
    }
}
