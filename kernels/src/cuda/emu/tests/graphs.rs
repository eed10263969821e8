//! Captured work is recorded, and replayed as it was asked for.

use cudarc::driver::result;
use cudarc::driver::sys::{self, CUresult};

use super::card::{Card, value};
use super::kernels::bits;
use crate::cuda::emu;

const STEP: &str = r#"
#include "prelude.cuh"
KERNEL(64, step, float* x, const float* rate, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] = np_fma(x[i], *rate, 0.25f);
}
"#;

fn begin(card: &Card) {
    let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
    // SAFETY: the stream lives.
    unsafe { result::stream::begin_capture(card.stream, mode) }.unwrap();
}

#[test]
fn record_and_replay() {
    let card = Card::new();
    let f = card.kernel("step", STEP);
    let n = 100;
    let x: Vec<f32> = (0..n).map(|i| i as f32 / 7.0).collect();
    let (at, rate, copy) = (card.put(&x), card.put(&[0.5f32]), card.put(&vec![0f32; n]));
    let work = || {
        let arguments = [value(at), value(rate), value(n as i32)]; // gone when the graph is replayed
        card.launch(f, (2, 1, 1), (64, 1, 1), 0, &arguments).unwrap();
        // SAFETY: both blocks have the size.
        unsafe { result::memcpy_dtod_async(copy, at, 4 * n, card.stream) }.unwrap();
        // SAFETY: as above.
        unsafe { sys::cuMemsetD32Async(at, 7f32.to_bits(), 1, card.stream) }.result().unwrap();
    };
    begin(&card);
    work();
    // SAFETY: the stream captures.
    let graph = unsafe { result::stream::end_capture(card.stream) }.unwrap();
    assert_eq!(bits(&card.get(at, n)), bits(&x), "nothing was done while the stream captured");
    let mut nodes = 0;
    // SAFETY: the graph lives; a null pointer asks for the number alone.
    unsafe { sys::cuGraphGetNodes(graph, std::ptr::null_mut(), &raw mut nodes) }.result().unwrap();
    assert_eq!(nodes, 3);
    // SAFETY: the graph lives.
    let exec = unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) }.unwrap();
    // SAFETY: what was made of the graph does not need it any more.
    unsafe { result::graph::destroy(graph) }.unwrap();

    let replay = || {
        // SAFETY: graph and stream live.
        unsafe { result::graph::launch(exec, card.stream) }.unwrap();
        (bits(&card.get(at, n)), bits(&card.get(copy, n)))
    };
    let eager = || {
        work();
        (bits(&card.get(at, n)), bits(&card.get(copy, n)))
    };
    let start = |r: f32| {
        // SAFETY: the blocks have the sizes.
        unsafe {
            result::memcpy_htod_sync(at, &x).unwrap();
            result::memcpy_htod_sync(rate, &[r]).unwrap();
        }
    };
    for r in [0.5, 0.75] {
        start(r);
        let replayed = [replay(), replay()];
        start(r);
        assert_eq!(replayed, [eager(), eager()], "rate {r}");
    }
    // SAFETY: no replay is under way.
    unsafe { result::graph::exec_destroy(exec) }.unwrap();
}

#[test]
fn waiting_spoils_a_capture() {
    let card = Card::new();
    let x = card.put(&[1f32]);
    begin(&card);
    // SAFETY: the stream lives.
    let status = || unsafe { result::stream::is_capturing(card.stream) }.unwrap();
    assert_eq!(status(), sys::CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_ACTIVE);
    // SAFETY: a block of one word.
    let error = unsafe { result::memcpy_dtoh_sync(&mut [0f32], x) }.unwrap_err();
    assert_eq!(error.0, CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    let error = card.wait().unwrap_err();
    assert_eq!(error.0, CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    assert_eq!(emu::message(), "cuStreamSynchronize waits while a stream captures");
    assert_eq!(status(), sys::CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_INVALIDATED);
    // SAFETY: the stream lives.
    let error = unsafe { result::stream::end_capture(card.stream) }.unwrap_err();
    assert_eq!(error.0, CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    card.wait().unwrap();
    assert_eq!(card.get::<f32>(x, 1), [1.0]);
}
