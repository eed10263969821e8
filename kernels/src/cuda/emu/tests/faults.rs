//! What is wrong is an error that says what and where.

use cudarc::driver::result;
use cudarc::driver::sys::{self, CUresult};

use super::card::{Card, value};
use super::kernels::bits;
use crate::cuda::emu::{self, Order};

/// One kernel by name and body, run over blocks of 64 threads with one pointer; the driver's message.
fn failure(card: &Card, name: &str, body: &str) -> String {
    let text = format!("#include \"prelude.cuh\"\nKERNEL(64, {name}, float* x) {{\n{body}\n}}\n");
    let f = card.kernel(name, &text);
    let x = card.put(&[0f32; 64]);
    let error = card.launch(f, (2, 1, 1), (64, 1, 1), 0, &[value(x)]).unwrap_err();
    assert_eq!(error.0, CUresult::CUDA_ERROR_LAUNCH_FAILED, "{name}");
    card.free(x).unwrap();
    emu::message()
}

const MIRROR: &str = r#"
#include "prelude.cuh"
KERNEL(64, mirror, float* x, int careful) {
    SHARED(float, s, 64);
    int t = threadIdx.x;
    s[t] = x[t];
    if (careful) __syncthreads();
    x[t] = s[63 - t];
}
"#;

#[test]
fn a_missing_barrier_shows_in_the_orders() {
    let card = Card::new();
    let f = card.kernel("mirror", MIRROR);
    let x: Vec<f32> = (0..64).map(|i| i as f32).collect();
    let run = |order, careful: i32| {
        emu::set_order(order);
        let at = card.put(&x);
        card.launch(f, (1, 1, 1), (64, 1, 1), 0, &[value(at), value(careful)]).unwrap();
        bits(&card.get(at, 64))
    };
    assert_eq!(run(Order::Forward, 1), run(Order::Reverse, 1));
    assert_ne!(run(Order::Forward, 0), run(Order::Reverse, 0));
}

#[test]
fn divergent_barriers() {
    let card = Card::new();
    let said = failure(&card, "apart", "if (threadIdx.x < 10)\n__syncthreads();\nelse\n__syncthreads();");
    assert!(said.contains("tests/apart.cu:4") && said.contains("tests/apart.cu:6"), "{said}");

    let said = failure(&card, "stuck", "if (threadIdx.x < 40) __syncthreads();\nelse __syncwarp();");
    assert!(said.contains("deadlock: of 64 live threads 40 wait at the barrier of tests/stuck.cu:3"), "{said}");
    assert!(said.contains("24 at an exchange of their warp (tests/stuck.cu:4)"), "{said}");

    // Threads that have ended are not waited for, as on a card; and the card goes on after an error.
    let f = card.kernel("early", "#include \"prelude.cuh\"\nKERNEL(64, early, float* x) { if (threadIdx.x > 40) return; __syncthreads(); x[threadIdx.x] = 1; }");
    let x = card.put(&[0f32; 64]);
    card.launch(f, (1, 1, 1), (64, 1, 1), 0, &[value(x)]).unwrap();
    assert_eq!(card.get::<f32>(x, 64).iter().sum::<f32>(), 41.0);
}

#[test]
fn exchanges_and_shared_arrays() {
    let card = Card::new();
    let said = failure(&card, "mask", "x[0] = __shfl_sync(0xffffu, x[0], 0);");
    assert!(said.contains("mask 0000ffff at tests/mask.cu:3"), "{said}");
    let said = failure(&card, "late", "__syncthreads();\nSHARED(float, s, 4);\nx[0] = s[0];");
    assert!(said.contains("declared behind a barrier, at tests/late.cu:4"), "{said}");
    let said = failure(
        &card,
        "uneven",
        "if (threadIdx.x < 3) { SHARED(float, a, 4); x[0] = a[0]; } else { SHARED(float, b, 5); x[0] = b[0]; }",
    );
    assert!(said.contains("different shared arrays"), "{said}");
    let said = failure(&card, "large", "SHARED(float, s, 13000);\nx[0] = s[0];");
    assert!(said.contains("52000 bytes of static shared memory"), "{said}");
    if std::env::var_os("NP360_EMU_SANITIZE").is_none() {
        let said = failure(&card, "beyond", "SHARED(float, s, 64);\ns[threadIdx.x + 1] = 0;");
        assert!(said.contains("beyond the end of a shared array") && said.contains("kernel beyond, block ("), "{said}");
    }
}

#[test]
fn launches_beyond_the_limits() {
    let card = Card::new();
    let f = card.kernel("limits", "#include \"prelude.cuh\"\nKERNEL(128, limits, float* x) { DYN_SHARED(float, s); x[threadIdx.x] = s[threadIdx.x]; }");
    let x = card.put(&[0f32; 128]);
    let launch = |grid, block, shared| {
        let code = card.launch(f, grid, block, shared, &[value(x)]).err().map(|e| e.0);
        (code, emu::message())
    };
    assert_eq!(launch((1, 1, 1), (128, 1, 1), 512), (None, String::new()));
    assert!(card.get::<f32>(x, 128).iter().all(|v| v.is_nan()), "shared memory is poisoned");
    let bad = |what: (Option<CUresult>, String), code, text: &str| {
        assert_eq!(what.0, Some(code), "{}", what.1);
        assert!(what.1.contains(text), "{}", what.1);
    };
    bad(launch((1, 1, 1), (256, 1, 1), 0), CUresult::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "launch bounds say 128");
    bad(launch((1, 1, 1), (1025, 1, 1), 0), CUresult::CUDA_ERROR_INVALID_VALUE, "more than 1024 threads");
    bad(launch((1, 65_536, 1), (32, 1, 1), 0), CUresult::CUDA_ERROR_INVALID_VALUE, "65535");
    bad(launch((0, 1, 1), (32, 1, 1), 0), CUresult::CUDA_ERROR_INVALID_VALUE, "nothing");
    bad(launch((1, 1, 1), (32, 1, 1), 50 << 10), CUresult::CUDA_ERROR_INVALID_VALUE, "49152 are allowed");
    let most = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    // SAFETY: the function is a handle of a loaded module.
    let allow = |bytes| unsafe { result::function::set_function_attribute(f, most, bytes) };
    allow(50 << 10).unwrap();
    assert_eq!(launch((1, 1, 1), (32, 1, 1), 50 << 10).0, None);
    assert_eq!(allow(228 << 10).unwrap_err().0, CUresult::CUDA_ERROR_INVALID_VALUE);
}

#[test]
fn memory_is_poisoned_and_bounded() {
    let card = Card::new();
    // SAFETY: the driver checks every address of this test.
    unsafe {
        let at = result::malloc_sync(400).unwrap();
        assert!(card.get::<f32>(at, 100).iter().all(|v| v.is_nan()), "what was never written is NaN");
        let mut words = [0f32; 101];
        let error = result::memcpy_dtoh_sync(&mut words, at).unwrap_err();
        assert_eq!(error.0, CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(emu::message(), "a copy from the card of 404 bytes ends 4 bytes beyond a block of 400");
        assert!(result::memcpy_htod_async(at + 4, &words[..100], card.stream).is_err());
        assert!(emu::message().contains("ends 4 bytes beyond"));
        assert!(result::memcpy_dtod_async(at + 1, at, 400, card.stream).is_err());
        assert!(sys::cuMemsetD32Async(at, 0, 101, card.stream).result().is_err());
        assert!(result::memcpy_htod_sync(at - 64, &words[..1]).is_err());
        assert!(emu::message().contains("where no block of the card is"));
        assert!(card.free(at + 4).is_err());
        card.free(at).unwrap();
        assert!(result::memcpy_htod_sync(at, &words[..1]).is_err(), "a block that was freed");

        let error = result::malloc_sync(17 << 30).unwrap_err();
        assert_eq!(error.0, CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        let (free, total) = result::mem_get_info().unwrap();
        assert!(free <= total && total == 16 << 30);
    }
}

#[test]
fn a_kernel_beyond_its_block_is_seen_when_somebody_waits() {
    if std::env::var_os("NP360_EMU_SANITIZE").is_some() {
        return; // the sanitizer ends the process at the access
    }
    let card = Card::new();
    let f = card.kernel("spill", "#include \"prelude.cuh\"\nKERNEL(64, spill, float* x, int n) { x[n] = 1; }");
    for (n, said) in [(64, "beyond the end of a block of 256 bytes"), (-1, "before the beginning")] {
        let x = card.put(&[0f32; 64]);
        card.launch(f, (1, 1, 1), (1, 1, 1), 0, &[value(x), value(n)]).unwrap();
        assert_eq!(card.wait().unwrap_err().0, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
        assert!(emu::message().contains(said));
        assert_eq!(card.free(x).unwrap_err().0, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    }
}
