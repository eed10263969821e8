//! Every function at a stride, what the sweep must notice, and how it goes on.

use kernels::math::single;

use super::functions::ROUNDED_ONCE;
use super::*;

/// A prime, so that every exponent and every low bit is met.
const STRIDE: u64 = 65_521;

fn levels() -> Vec<Level> {
    Level::ALL.into_iter().filter(|&l| l > Level::Soft && l.available()).collect()
}

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("np360-ulp-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn swept(row: &Row, stride: u64) -> Tally {
    let (levels, mut tally) = (levels(), Tally::default());
    Sweep { row, stride, levels: &levels }.run(&mut tally, |_| true);
    tally
}

#[test]
fn every_function_keeps_its_promises_at_a_stride() {
    for row in TABLE {
        let tally = swept(row, STRIDE);
        assert!(tally.done > 15_000 && tally.ulp > 0.49, "{}: {tally:?}", row.name);
        // A function of f32's own may round the other way where it is almost a tie.
        let exact = row.bound > ROUNDED_ONCE || tally.misrounded == 0;
        assert!(well(row, &tally) && exact, "{}: {tally:?}", row.name);
    }
}

#[test]
fn a_wrong_function_is_noticed() {
    let off = Row { ours: |x, _, y| y.iter_mut().zip(x).for_each(|(y, &x)| *y = single::exp(x).next_up()), ..TABLE[0] };
    let tally = swept(&off, STRIDE);
    assert!(!well(&off, &tally) && tally.misrounded > 10_000, "{tally:?}");
    let by_level = |x: &[f32], _: &[f32], y: &mut [f32]| {
        y.copy_from_slice(x);
        if kernels::simd::level() == Level::Scalar {
            y[3] = 1.0;
        }
    };
    let other = Row { ours: by_level, truth: |x, _| x, ..TABLE[0] };
    let tally = swept(&other, STRIDE);
    assert_eq!(tally.differing, if levels().len() > 1 { (1u64 << 32).div_ceil(STRIDE).div_ceil(1 << 13) } else { 0 });
}

#[test]
fn a_stopped_sweep_goes_on_to_the_same_end() {
    let (folder, levels) = (Folder::new("stop"), levels());
    let sweep = Sweep { row: &TABLE[0], stride: 1024, levels: &levels };
    let state = State::new(&folder.0, &sweep);
    let mut stops = 0;
    loop {
        let mut tally = state.load().ok().unwrap();
        if tally.done == sweep.len() {
            break;
        }
        sweep.run(&mut tally, |_| false);
        assert!(state.save(&tally).is_ok());
        stops += 1;
    }
    assert_eq!(stops, 4);
    assert_eq!(state.load().ok().unwrap(), swept(&TABLE[0], 1024));
    assert_eq!(finish(&sweep, &state).ok().unwrap(), swept(&TABLE[0], 1024));
}

#[test]
fn the_state_of_another_sweep_is_refused() {
    let (folder, levels) = (Folder::new("other"), levels());
    let old = Sweep { row: &TABLE[0], stride: 4096, levels: &levels };
    assert!(State::new(&folder.0, &old).save(&Tally { done: 7, ..Tally::default() }).is_ok());
    // The same function with other values, on other levels; and a torn file.
    let changed = Row { ours: |_, _, y| y.fill(1.0), ..TABLE[0] };
    for other in [Sweep { row: &changed, ..old }, Sweep { levels: &[], ..old }] {
        assert!(State::new(&folder.0, &other).load().is_err_and(|e| e.0 == 2 && e.1.contains("--fresh")));
    }
    let state = State::new(&folder.0, &old);
    assert!(state.load().is_ok_and(|t| t.done == 7));
    std::fs::write(folder.0.join("exp-stride-4096.txt"), "np360 ulp 1\n").unwrap();
    assert!(state.load().is_err_and(|e| e.0 == 2));
    assert!(state.forget().is_ok() && state.load().is_ok_and(|t| t.done == 0));
}

#[test]
fn options_are_read_or_refused() {
    let words = |s: &str| s.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let o = options(&words("exp pow --stride 16 --fresh --state there")).ok().unwrap();
    assert_eq!((o.functions, o.stride, o.fresh, o.state), (words("exp pow"), 16, true, PathBuf::from("there")));
    for wrong in ["--stride", "--stride 0", "--nope", "--threads 99"] {
        assert!(options(&words(wrong)).is_err_and(|e| e.0 == 2), "{wrong}");
    }
    assert!(rows(&words("exq")).is_err_and(|e| e.1.contains("ln_1p")));
    assert_eq!(rows(&[]).ok().unwrap().len(), TABLE.len());
}
