//! SIMD levels, chosen once a process; every level gives the same bits.
//!
//! Kernels are written once over [`Simd`] (or as plain loops that the compiler vectorises) and compiled for every level
//! by [`dispatch!`](crate::dispatch). Lanes always run along the output, so the width never changes the order of a sum.

mod lanes;

#[cfg(target_arch = "x86_64")]
pub use lanes::{Avx2, Avx512};
pub use lanes::{Scalar, Simd};

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// What the processor is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// One lane, `fma` by library call: right and slow, for processors without FMA.
    Soft = 1,
    /// One lane with hardware FMA.
    Scalar = 2,
    /// 8 lanes.
    Avx2 = 3,
    /// 16 lanes (F, VL, BW, DQ).
    Avx512 = 4,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 4] = [Self::Soft, Self::Scalar, Self::Avx2, Self::Avx512];

    /// Its name, as `NP360_SIMD` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this processor can.
    pub fn available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Soft => true,
            Self::Scalar => is_x86_feature_detected!("fma"),
            Self::Avx2 => is_x86_feature_detected!("fma") && is_x86_feature_detected!("avx2"),
            Self::Avx512 => {
                Self::Avx2.available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
            }
        };
        #[cfg(not(target_arch = "x86_64"))]
        return matches!(self, Self::Scalar | Self::Soft);
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

static LEVEL: AtomicU8 = AtomicU8::new(0);

/// Chooses the level: `NP360_SIMD` if set, else the highest available. Call it first, to refuse early.
///
/// # Errors
/// If `NP360_SIMD` is none of the names, or asks for what this processor lacks; or if the processor has no FMA.
pub fn init() -> Result<Level, String> {
    let level = match std::env::var("NP360_SIMD") {
        Ok(name) => {
            let level = Level::ALL
                .into_iter()
                .find(|l| l.name() == name)
                .ok_or_else(|| format!("NP360_SIMD={name}: choose scalar, avx2, avx512 or soft"))?;
            if !level.available() {
                return Err(format!("NP360_SIMD={name}: this processor has no such instructions; unset it"));
            }
            level
        }
        Err(_) => Level::ALL.into_iter().rev().find(|l| l.available()).filter(|l| *l > Level::Soft).ok_or(
            "this processor has no fused multiply-add, on which every result rests; set NP360_SIMD=soft for the same bits, slowly",
        )?,
    };
    LEVEL.store(level as u8, Relaxed);
    Ok(level)
}

/// The level in force.
///
/// # Panics
/// If it was not chosen and [`init`] refuses.
pub fn level() -> Level {
    match LEVEL.load(Relaxed) {
        1 => Level::Soft,
        2 => Level::Scalar,
        3 => Level::Avx2,
        4 => Level::Avx512,
        _ => init().unwrap_or_else(|e| panic!("{e}")),
    }
}

/// Forces a level, for checks that compare them.
///
/// # Panics
/// If the processor cannot.
pub fn force(level: Level) {
    assert!(level.available(), "this processor has no {level}");
    LEVEL.store(level as u8, Relaxed);
}

/// Compiles `body::<S, ..>` for every level and calls the one in force.
///
/// `dispatch! { /// Docs. pub fn name[F: Bound](x: &[f32], y: &mut [f32], f: F) = body; }` where
/// `#[inline(always)] fn body<S: Simd, F: Bound>(..)`; the brackets may be left out.
#[macro_export]
macro_rules! dispatch {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident $([$($g:ident : $b:path),* $(,)?])? ($($a:ident : $t:ty),* $(,)?) $(-> $r:ty)? = $body:ident;)+) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$($($g: $b),*)?>($($a: $t),*) $(-> $r)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx512<$($($g: $b),*)?>($($a: $t),*) $(-> $r)? { $body::<$crate::simd::Avx512, $($($g),*)?>($($a),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2<$($($g: $b),*)?>($($a: $t),*) $(-> $r)? { $body::<$crate::simd::Avx2, $($($g),*)?>($($a),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "fma")]
            #[allow(clippy::too_many_arguments)]
            fn scalar<$($($g: $b),*)?>($($a: $t),*) $(-> $r)? { $body::<$crate::simd::Scalar, $($($g),*)?>($($a),*) }
            match $crate::simd::level() {
                // SAFETY: a level is in force only if the processor has its instructions.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512 => unsafe { avx512($($a),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx2 => unsafe { avx2($($a),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Scalar => unsafe { scalar($($a),*) },
                _ => $body::<$crate::simd::Scalar, $($($g),*)?>($($a),*),
            }
        }
    )+};
}
