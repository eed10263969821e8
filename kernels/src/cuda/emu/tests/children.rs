//! What the driver reads when it is loaded needs a process of its own: each test starts itself again.

use std::process::{Command, Output};

use cudarc::driver::result;
use cudarc::driver::sys::CUresult;

use super::card::{Card, value};
use crate::cuda::emu;

const CHILD: &str = "NP360_TEST_CHILD";

/// Runs this test in a process with these variables; `None` in that process, which goes on.
fn child(test: &str, variables: &[(&str, &str)]) -> Option<Output> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let program = std::env::current_exe().unwrap();
    let test = format!("cuda::emu::tests::children::{test}");
    let mut command = Command::new(program);
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    Some(command.envs(variables.iter().copied()).output().unwrap())
}

fn everything(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// The child's test passed; the filter did not miss it.
fn passed(out: &Output) {
    let text = everything(out);
    assert!(out.status.success() && text.contains("1 passed"), "{text}");
}

const ADD: &str = r#"
#include "prelude.cuh"
KERNEL(64, add, float* x, const float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] = x[i] + y[i];
}
"#;

#[test]
fn a_small_card() {
    if let Some(out) = child("a_small_card", &[("NP360_EMU_MEMORY", "1000000")]) {
        return passed(&out);
    }
    let card = Card::new();
    // SAFETY: the driver checks what it is asked.
    unsafe {
        let first = result::malloc_sync(600_000).unwrap();
        assert_eq!(result::malloc_sync(600_000).unwrap_err().0, CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        assert_eq!(emu::message(), "600000 bytes asked for, 600000 of 1000000 in use");
        card.free(first).unwrap();
        result::malloc_sync(600_000).unwrap();
    }
}

#[test]
fn work_put_off_shows_who_did_not_wait() {
    if let Some(out) = child("work_put_off_shows_who_did_not_wait", &[("NP360_EMU_DEFER", "1")]) {
        return passed(&out);
    }
    let card = Card::new();
    let f = card.kernel("add", ADD);
    let (x, y) = (card.put(&[1f32]), card.put(&[2f32]));
    card.launch(f, (1, 1, 1), (64, 1, 1), 0, &[value(x), value(y), value(1i32)]).unwrap();
    // SAFETY: pinned memory of one word, a block of one word.
    unsafe {
        let pinned = result::malloc_host(4, 0).unwrap().cast::<f32>();
        *pinned = 0.0;
        let there = std::slice::from_raw_parts_mut(pinned, 1);
        result::memcpy_dtoh_async(there, x, card.stream).unwrap();
        assert_eq!(pinned.read_volatile(), 0.0, "not there yet");
        card.wait().unwrap();
        assert_eq!(pinned.read_volatile(), 3.0);
        // Pinned memory that is written too early spoils the copy that is under way.
        *pinned = 10.0;
        result::memcpy_htod_async(x, std::slice::from_raw_parts(pinned, 1), card.stream).unwrap();
        pinned.write_volatile(20.0);
        assert_eq!(card.get::<f32>(x, 1), [20.0]);
    }
}

/// One process with the sanitizers: `n` numbers are added, in blocks of 100.
fn sanitized(test: &str, n: i32) -> Option<Output> {
    let library = emu::sanitizer().unwrap();
    let variables =
        [("NP360_EMU_SANITIZE", "1"), ("LD_PRELOAD", library.to_str().unwrap()), ("ASAN_OPTIONS", "detect_leaks=0")];
    let out = child(test, &variables);
    if out.is_none() {
        let card = Card::new();
        let f = card.kernel("add", ADD);
        let (x, y) = (card.put(&[1f32; 100]), card.put(&[2f32; 100]));
        card.launch(f, (2, 1, 1), (64, 1, 1), 0, &[value(x), value(y), value(n)]).unwrap();
        assert_eq!(card.get::<f32>(x, 100), [3.0; 100]);
    }
    out
}

#[test]
fn the_sanitizer_passes_what_is_right() {
    if let Some(out) = sanitized("the_sanitizer_passes_what_is_right", 100) {
        passed(&out);
    }
}

#[test]
fn the_sanitizer_finds_an_access_beyond() {
    if let Some(out) = sanitized("the_sanitizer_finds_an_access_beyond", 101) {
        let text = everything(&out);
        assert!(!out.status.success() && text.contains("heap-buffer-overflow"), "{text}");
        assert!(text.contains("tests/add.cu:5"), "{text}");
    }
}
