//! The table of pointwise functions: a row each.

#![allow(clippy::manual_clamp)] // comparisons are written out: they say what becomes of NaN and -0

use std::fmt::Debug;

use super::Pointwise;
use crate::math;

/// A pointwise function and its gradient, in both precisions.
pub trait Row: Copy + Debug + Send + Sync + 'static {
    /// Name, as in the vectors.
    const NAME: &'static str;
    /// Backward reads y; else x.
    const SAVES_OUTPUT: bool;
    /// f(x) in f32.
    fn y32(self, x: f32) -> f32;
    /// f(x) in f64.
    fn y64(self, x: f64) -> f64;
    /// Gradient from the saved x or y, and dy, in f32.
    fn dx32(self, v: f32, dy: f32) -> f32;
    /// The same in f64.
    fn dx64(self, v: f64, dy: f64) -> f64;
    /// Parameters that make sense.
    ///
    /// # Errors
    /// Says what they must be.
    fn check(self) -> Result<(), String>;
    /// Its f32 functions are its own, not the f64 ones rounded.
    const SINGLE: bool;
    /// f32 over slices with 16 lanes, where the row has a form of its own that the compiler does not find; whether it has.
    /// Called where AVX-512 is in force, and nowhere else.
    #[inline(always)]
    fn y512(self, _x: &[f32], _y: &mut [f32]) -> bool {
        false
    }
    /// The same of the gradient.
    #[inline(always)]
    fn dx512(self, _v: &[f32], _dy: &[f32], _dx: &mut [f32]) -> bool {
        false
    }
    /// Name of its kernel: the row's type.
    const KERNEL: &'static str;
    /// Name of its gradient's kernel.
    const GRADIENT: &'static str;
    /// Its parameters, as the kernels take them.
    fn parameters(self) -> [f32; 2];
}

/// A row's kernels: name, whether it is wide, f of x, and the gradient from the saved v and dy; p and q are its parameters.
pub(super) struct Text {
    pub name: &'static str,
    pub wide: bool,
    pub f: &'static str,
    pub df: &'static str,
}

/// Each row: f and its gradient in Rust, then both as CUDA expressions (`x`; `v`, the saved x or y, and `dy`; parameters `p`
/// and `q`, all of the row's type). `narrow` expressions are compiled in f32 and in f64 (`T` is which), `wide` ones in f64 alone, their f32 value being
/// that, rounded once; `single` ones have f32 functions of their own, which are the specification there. `saves x` or `saves y` says what the gradient reads.
macro_rules! rows {
    ($($(#[$meta:meta])* $width:ident $(($f32:path, $df32:path; $y512:path, $dx512:path))? $Row:ident { $($p:ident),* } $name:literal saves $v:ident;
        f |$s:ident, $x:ident| $f:expr; df |$sv:ident, $dy:ident| $df:expr;
        cuda $cuda_f:literal, $cuda_df:literal;
        $([needs $cond:expr, $must:literal];)?)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $Row {
            $(#[allow(missing_docs)] pub $p: f32,)*
        }

        impl Row for $Row {
            const NAME: &'static str = $name;
            const SAVES_OUTPUT: bool = rows!(@saves $v);
            #[inline(always)]
            fn y64(self, $x: f64) -> f64 {
                #[allow(dead_code)]
                type T = f64;
                let $s = self;
                $f
            }
            #[inline(always)]
            fn dx64(self, $sv: f64, $dy: f64) -> f64 {
                #[allow(dead_code)]
                type T = f64;
                let $s = self;
                $df
            }
            rows!(@$width [$($f32, $df32)?] $s, $x, $f, $sv, $dy, $df);
            const SINGLE: bool = rows!(@has $($f32)?);
            $(
                #[cfg(target_arch = "x86_64")]
                #[inline(always)]
                fn y512(self, x: &[f32], y: &mut [f32]) -> bool {
                    // SAFETY: AVX-512 is in force.
                    unsafe { $y512(x, y) };
                    true
                }
                #[cfg(target_arch = "x86_64")]
                #[inline(always)]
                fn dx512(self, v: &[f32], dy: &[f32], dx: &mut [f32]) -> bool {
                    // SAFETY: as above.
                    unsafe { $dx512(v, dy, dx) };
                    true
                }
            )?
            fn check(self) -> Result<(), String> {
                $(
                    let $s = self;
                    let makes_sense: bool = $cond; // false for NaN
                    if !makes_sense {
                        return Err(format!(concat!($must, ", not {:?}"), self));
                    }
                )?
                Ok(())
            }
            const KERNEL: &'static str = stringify!($Row);
            const GRADIENT: &'static str = concat!(stringify!($Row), "_gradient");
            #[allow(unused_mut, unused_assignments, unused_variables)] // rows have none, one or two
            fn parameters(self) -> [f32; 2] {
                let (mut all, mut n) = ([0.0; 2], 0);
                $(
                    all[n] = self.$p;
                    n += 1;
                )*
                all
            }
        }
    )+

        /// The kernels of every row.
        pub(super) const TEXTS: &[Text] = &[
            $(Text { name: stringify!($Row), wide: rows!(@wide $width), f: $cuda_f, df: $cuda_df },)+
        ];
    };
    (@wide narrow) => { false };
    (@wide wide) => { true };
    (@wide single) => { false };
    (@has) => { false };
    (@has $f32:path) => { true };
    (@saves x) => { false };
    (@saves y) => { true };
    (@narrow [] $s:ident, $x:ident, $f:expr, $sv:ident, $dy:ident, $df:expr) => {
        #[inline(always)]
        fn y32(self, $x: f32) -> f32 {
            #[allow(dead_code)]
            type T = f32;
            let $s = self;
            $f
        }
        #[inline(always)]
        fn dx32(self, $sv: f32, $dy: f32) -> f32 {
            #[allow(dead_code)]
            type T = f32;
            let $s = self;
            $df
        }
    };
    (@wide [] $s:ident, $x:ident, $f:expr, $sv:ident, $dy:ident, $df:expr) => {
        #[inline(always)]
        fn y32(self, x: f32) -> f32 {
            self.y64(x.into()) as f32
        }
        #[inline(always)]
        fn dx32(self, v: f32, dy: f32) -> f32 {
            self.dx64(v.into(), dy.into()) as f32
        }
    };
    (@single [$f32:path, $df32:path] $s:ident, $x:ident, $f:expr, $sv:ident, $dy:ident, $df:expr) => {
        #[inline(always)]
        fn y32(self, x: f32) -> f32 {
            $f32(x)
        }
        #[inline(always)]
        fn dx32(self, v: f32, dy: f32) -> f32 {
            $df32(v, dy)
        }
    };
}

rows! {
    /// `max(x, 0)`; -0 and NaN pass. The gradient's mask is the output's, so the output alone is kept.
    narrow Relu {} "relu" saves y;
        f |_s, x| if x < 0.0 { 0.0 } else { x };
        df |y, dy| if y <= 0.0 { 0.0 } else { dy };
        cuda "x < (T)0 ? (T)0 : x",
            "v <= (T)0 ? (T)0 : dy";
    /// x cut to 0 .. 6; gradient 0 at both kinks.
    narrow Relu6 {} "relu6" saves y;
        f |_s, x| if x < 0.0 { 0.0 } else if x > 6.0 { 6.0 } else { x };
        df |y, dy| if (y <= 0.0) | (y >= 6.0) { 0.0 } else { dy };
        cuda "x < (T)0 ? (T)0 : x > (T)6 ? (T)6 : x",
            "v <= (T)0 || v >= (T)6 ? (T)0 : dy";
    /// `slope x` where x is not above 0; gradient `slope` at the kink.
    narrow LeakyRelu { slope } "leaky_relu" saves y;
        f |s, x| if x > 0.0 { x } else { x * T::from(s.slope) };
        df |y, dy| if y > 0.0 { dy } else { dy * T::from(s.slope) };
        cuda "x > (T)0 ? x : x * p",
            "v > (T)0 ? dy : dy * p";
        [needs s.slope >= 0.0, "the slope must be at least 0"];
    /// The logistic function.
    wide Sigmoid {} "sigmoid" saves y;
        f |_s, x| math::sigmoid(x);
        df |y, dy| dy * (y * (1.0 - y));
        cuda "np_sigmoid(x)",
            "dy * (v * (1.0 - v))";
    /// The hyperbolic tangent.
    wide Tanh {} "tanh" saves y;
        f |_s, x| math::tanh(x);
        df |y, dy| dy * (1.0 - y * y);
        cuda "np_tanh(x)",
            "dy * (1.0 - v * v)";
    /// `e^x`.
    wide Exp {} "exp" saves y;
        f |_s, x| math::exp(x);
        df |y, dy| dy * y;
        cuda "np_exp(x)",
            "dy * v";
    /// The natural logarithm.
    wide Log {} "log" saves x;
        f |_s, x| math::ln(x);
        df |x, dy| dy / x;
        cuda "np_ln(x)",
            "dy / v";
    /// `x Phi(x)`, Phi the normal distribution's: `erfc(-x / sqrt 2) / 2`. In f32: [`math::single::gelu`].
    single(math::single::gelu, math::single::gelu_gradient; math::gelu::wide::gelu, math::gelu::wide::gelu_gradient) Gelu {} "gelu" saves x;
        f |_s, x| x * normal_below(x);
        df |x, dy| dy * (normal_below(x) + x * (INV_SQRT_TAU * math::exp(-0.5 * x * x)));
        cuda "npf_gelu(x)",
            "npf_gelu_gradient(v, dy)";
    /// Its approximation `x / 2 (1 + tanh u) = x sigmoid(2 u)`, `u = sqrt(2 / pi) (x + 0.044715 x^3)`.
    wide GeluTanh {} "gelu" saves x;
        f |_s, x| x * math::sigmoid(TWICE_SQRT_2_PI * (x + 0.044715 * (x * x * x)));
        df |x, dy| {
            let p = math::sigmoid(TWICE_SQRT_2_PI * (x + 0.044715 * (x * x * x)));
            dy * (p + x * (p * (1.0 - p)) * (TWICE_SQRT_2_PI * (1.0 + 0.134145 * (x * x))))
        };
        cuda "x * np_sigmoid(inside_tanh(x))",
            "gelu_tanh_gradient(v, dy)";
    /// `ln(1 + e^(beta x)) / beta`; x itself where `beta x` is above the threshold.
    wide Softplus { beta, threshold } "softplus" saves x;
        f |s, x| {
            let (beta, threshold) = (f64::from(s.beta), f64::from(s.threshold));
            let u = beta * x;
            let y = math::ln_1p(math::exp(u)) / beta;
            if u > threshold { x } else { y }
        };
        df |x, dy| {
            let (beta, threshold) = (f64::from(s.beta), f64::from(s.threshold));
            let u = beta * x;
            let g = dy * math::sigmoid(u);
            if u > threshold { dy } else { g }
        };
        cuda "p * x > q ? x : np_ln_1p(np_exp(p * x)) / p",
            "p * v > q ? dy : dy * np_sigmoid(p * v)";
        [needs s.beta > 0.0, "beta must be above 0"];
}

const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
const TWICE_SQRT_2_PI: f64 = 1.595_769_121_605_730_7;

/// The share of a standard normal below x.
#[inline(always)]
fn normal_below(x: f64) -> f64 {
    0.5 * math::erfc(-std::f64::consts::FRAC_1_SQRT_2 * x)
}

impl Pointwise<Relu> {
    /// `x < 0 ? 0 : x`.
    pub fn relu() -> Self {
        Self(Relu {})
    }
}

impl Pointwise<Relu6> {
    /// x cut to 0 .. 6.
    pub fn relu6() -> Self {
        Self(Relu6 {})
    }
}

impl Pointwise<LeakyRelu> {
    /// `x > 0 ? x : slope x`.
    pub fn leaky_relu(slope: f32) -> Self {
        Self(LeakyRelu { slope })
    }
}

impl Pointwise<Sigmoid> {
    /// The logistic function.
    pub fn sigmoid() -> Self {
        Self(Sigmoid {})
    }
}

impl Pointwise<Tanh> {
    /// The hyperbolic tangent.
    pub fn tanh() -> Self {
        Self(Tanh {})
    }
}

impl Pointwise<Exp> {
    /// `e^x`.
    pub fn exp() -> Self {
        Self(Exp {})
    }
}

impl Pointwise<Log> {
    /// The natural logarithm.
    pub fn log() -> Self {
        Self(Log {})
    }
}

impl Pointwise<Gelu> {
    /// GELU by the error function (`approximate = none`).
    pub fn gelu() -> Self {
        Self(Gelu {})
    }
}

impl Pointwise<GeluTanh> {
    /// GELU by tanh (`approximate = tanh`).
    pub fn gelu_tanh() -> Self {
        Self(GeluTanh {})
    }
}

impl Pointwise<Softplus> {
    /// Softplus; PyTorch's defaults are 1 and 20.
    pub fn softplus(beta: f32, threshold: f32) -> Self {
        Self(Softplus { beta, threshold })
    }
}
