//! Kernels give the bits of plain loops, in both orders of threads.

use super::card::{Card, value};
use crate::cuda::emu::{self, Order};
use crate::math::fma;

const AFFINE: &str = r#"
#include "prelude.cuh"
KERNEL(256, affine, const float* __restrict__ x, float* __restrict__ y, float a, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = np_fma(a, x[i], 1.0f) / __fsqrt_rn(x[i]);
}
"#;

const GEMM: &str = r#"
#include "prelude.cuh"
// C[m, n] = A[m, k] B[k, n], 16 x 16 threads.
KERNEL(256, gemm, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c, int m, int n, int k) {
    SHARED(float, as, 16 * 17);
    SHARED(float, bs, 16 * 16);
    int tx = threadIdx.x, ty = threadIdx.y;
    int row = blockIdx.y * 16 + ty, col = blockIdx.x * 16 + tx;
    float sum = 0.0f;
    for (int k0 = 0; k0 < k; k0 += 16) {
        as[ty * 17 + tx] = row < m && k0 + tx < k ? a[(size_t)row * k + k0 + tx] : 0.0f;
        bs[ty * 16 + tx] = col < n && k0 + ty < k ? b[(size_t)(k0 + ty) * n + col] : 0.0f;
        __syncthreads();
        int most = min(16, k - k0);
        for (int i = 0; i < most; ++i) sum = np_fma(as[ty * 17 + i], bs[i * 16 + tx], sum);
        __syncthreads();
    }
    if (row < m && col < n) c[(size_t)row * n + col] = sum;
}
"#;

/// Numbers of all sizes, by a multiplicative generator.
pub fn numbers(n: usize, seed: u32) -> Vec<f32> {
    let mut s = seed;
    let mut next = || {
        s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (s >> 8) as f32 / 16_777_216.0
    };
    (0..n).map(|_| (next() - 0.5) * 4.0).collect()
}

/// Their bits.
pub fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn elementwise() {
    let card = Card::new();
    let x: Vec<f32> = numbers(10_000, 1).iter().map(|v| v.abs()).collect();
    let f = card.kernel("affine", AFFINE);
    let expected: Vec<f32> = x.iter().map(|v| fma(1.5, *v, 1.0) / v.sqrt()).collect();
    for order in [Order::Forward, Order::Reverse] {
        emu::set_order(order);
        let (a, b) = (card.put(&x), card.put(&vec![0f32; x.len()]));
        let arguments = [value(a), value(b), value(1.5f32), value(x.len() as i32)];
        card.launch(f, (40, 1, 1), (256, 1, 1), 0, &arguments).unwrap();
        assert_eq!(bits(&card.get(b, x.len())), bits(&expected), "{order}");
    }
}

#[test]
fn tiled_product() {
    let card = Card::new();
    let (m, n, k) = (70, 50, 45);
    let (a, b) = (numbers(m * k, 2), numbers(k * n, 3));
    let mut expected = vec![0f32; m * n];
    for (e, (i, j)) in expected.iter_mut().zip((0..m).flat_map(|i| (0..n).map(move |j| (i, j)))) {
        *e = (0..k).fold(0.0, |s, l| fma(a[i * k + l], b[l * n + j], s));
    }
    let f = card.kernel("gemm", GEMM);
    for order in [Order::Forward, Order::Reverse] {
        emu::set_order(order);
        let (pa, pb, pc) = (card.put(&a), card.put(&b), card.put(&vec![0f32; m * n]));
        let arguments = [value(pa), value(pb), value(pc), value(m as i32), value(n as i32), value(k as i32)];
        card.launch(f, (4, 5, 1), (16, 16, 1), 0, &arguments).unwrap();
        assert_eq!(bits(&card.get(pc, m * n)), bits(&expected), "{order}");
    }
}

const ROWS: &str = r#"
#include "prelude.cuh"
// The sum of each row of 256 columns: a tree in each warp, then one over the warps.
KERNEL(256, rows, const float* __restrict__ x, float* __restrict__ sums) {
    DYN_SHARED(float, part);
    int t = threadIdx.x, lane = t & 31, warp = t >> 5;
    float s = x[blockIdx.x * 256 + t];
    for (int d = 16; d > 0; d >>= 1) s = s + __shfl_down_sync(0xffffffffu, s, d);
    if (lane == 0) part[warp] = s;
    __syncthreads();
    if (t < 32) {
        s = lane < 8 ? part[lane] : 0.0f;
        for (int d = 4; d > 0; d >>= 1) s = s + __shfl_down_sync(0xffffffffu, s, d);
        if (lane == 0) sums[blockIdx.x] = s;
    }
}
"#;

#[test]
fn sums_by_shuffles() {
    let card = Card::new();
    let rows = 37;
    let x = numbers(rows * 256, 4);
    let tree = |v: &[f32]| {
        let mut v = v.to_vec();
        let mut d = v.len() / 2;
        while d > 0 {
            for i in 0..d {
                v[i] += v[i + d];
            }
            d /= 2;
        }
        v[0]
    };
    let expected: Vec<f32> = x
        .chunks(256)
        .map(|row| {
            let warps: Vec<f32> = row.chunks(32).map(tree).collect();
            tree(&warps)
        })
        .collect();
    let f = card.kernel("rows", ROWS);
    for order in [Order::Forward, Order::Reverse] {
        emu::set_order(order);
        let (a, b) = (card.put(&x), card.put(&vec![0f32; rows]));
        card.launch(f, (rows as u32, 1, 1), (256, 1, 1), 8 * 4, &[value(a), value(b)]).unwrap();
        assert_eq!(bits(&card.get(b, rows)), bits(&expected), "{order}");
    }
}

const VOTES: &str = r#"
#include "prelude.cuh"
// 70 threads, two warps and six lanes.
KERNEL(70, votes, int* out) {
    int t = threadIdx.x;
    int* o = out + 10 * t;
    o[0] = (int)__ballot_sync(0xffffffffu, t % 3 == 0);
    o[1] = __any_sync(0xffffffffu, t == 64);
    o[2] = __all_sync(0xffffffffu, t >= 32);
    o[3] = __shfl_sync(0xffffffffu, t, 2);
    o[4] = __shfl_xor_sync(0xffffffffu, t, 1);
    o[5] = __shfl_up_sync(0xffffffffu, t, 3, 8);
    __syncwarp();
    o[6] = __syncthreads_count(t % 2);
    o[7] = __syncthreads_or(t == 69);
    o[8] = __syncthreads_and(t != 69);
    o[9] = (int)__shfl_sync(0xffffffffu, (long long)t << 3, 1, 4);
}
"#;

#[test]
fn votes_and_exchanges() {
    let card = Card::new();
    let f = card.kernel("votes", VOTES);
    for order in [Order::Forward, Order::Reverse] {
        emu::set_order(order);
        let out = card.put(&[0i32; 700]);
        card.launch(f, (1, 1, 1), (70, 1, 1), 0, &[value(out)]).unwrap();
        for (t, got) in card.get::<i32>(out, 700).chunks(10).enumerate() {
            let (warp, lane) = (t / 32 * 32, t % 32);
            let ballot: u32 = (0..32).filter(|l| warp + l < 70 && (warp + l) % 3 == 0).map(|l| 1u32 << l).sum();
            let expected = [
                ballot as i32,
                i32::from(warp == 64),
                i32::from(warp >= 32),
                warp as i32 + 2,
                (t ^ 1) as i32,
                (if lane % 8 >= 3 { t - 3 } else { t }) as i32,
                35,
                1,
                0,
                ((t / 4 * 4 + 1) << 3) as i32,
            ];
            assert_eq!(got, expected, "thread {t}, {order}");
        }
    }
}

const INTRINSICS: &str = r#"
#include "prelude.cuh"
KERNEL(64, intrinsics, const double* x, long long* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    double d = x[i];
    float f = __double2float_rn(d);
    long long* o = out + 16 * i;
    o[0] = __float2int_rn(f);
    o[1] = __float2int_rz(f);
    o[2] = __float2uint_rz(f);
    o[3] = __double2int_rn(d);
    o[4] = __double2ll_rn(d);
    o[5] = __double2ll_rz(d);
    o[6] = __float_as_int(f);
    o[7] = __double_as_longlong(__hiloint2double(__double2hiint(d), __double2loint(d)));
    o[8] = __clzll(__double_as_longlong(d));
    unsigned low = (unsigned)__double_as_longlong(d), high = (unsigned)(__double_as_longlong(d) >> 32);
    o[9] = __brev(high);
    o[10] = __funnelshift_l(low, high, 5);
    o[11] = __umulhi(low, high);
    o[12] = (long long)__umul64hi((unsigned long long)__double_as_longlong(d), 0x123456789abcdefull);
    o[13] = __popc(high) * 100 + __ffs((int)high);
    o[14] = __double_as_longlong(__ll2double_rn(__double_as_longlong(d)));
    o[15] = min(3, i) * 10 + max(3, i);
}
"#;

#[test]
fn intrinsics() {
    let card = Card::new();
    let x = [
        0.0,
        -0.0,
        0.5,
        1.5,
        2.5,
        -2.5,
        3.999,
        8_388_609.0,
        2_147_483_647.0,
        2_147_483_648.0,
        -2_147_483_648.0,
        -3e9,
        4_294_967_295.0,
        5e9,
        9.3e18,
        -9.3e18,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        4_503_599_627_370_497.0,
    ];
    let f = card.kernel("intrinsics", INTRINSICS);
    let (a, b) = (card.put(&x), card.put(&vec![0i64; 16 * x.len()]));
    card.launch(f, (1, 1, 1), (64, 1, 1), 0, &[value(a), value(b), value(x.len() as i32)]).unwrap();
    for (i, (got, &d)) in card.get::<i64>(b, 16 * x.len()).chunks(16).zip(&x).enumerate() {
        let f = d as f32;
        let nan = d.is_nan();
        let w = d.to_bits();
        let (low, high) = (w as u32, (w >> 32) as u32);
        let expected = [
            i64::from(f.round_ties_even() as i32),
            i64::from(f as i32),
            i64::from(f as u32),
            if nan { i64::from(i32::MIN) } else { i64::from(d.round_ties_even() as i32) },
            if nan { i64::MIN } else { d.round_ties_even() as i64 },
            if nan { i64::MIN } else { d as i64 },
            i64::from(f.to_bits() as i32),
            w as i64,
            i64::from(w.leading_zeros()),
            i64::from(high.reverse_bits()),
            i64::from(((w << 5) >> 32) as u32),
            ((u64::from(low) * u64::from(high)) >> 32) as i64,
            ((u128::from(w) * 0x0123_4567_89ab_cdef) >> 64) as i64,
            i64::from(high.count_ones() * 100 + if high == 0 { 0 } else { high.trailing_zeros() + 1 }),
            (w as i64 as f64).to_bits() as i64,
            (i.min(3) * 10 + i.max(3)) as i64,
        ];
        assert_eq!(got, expected, "of {d:e}");
    }
}

#[test]
fn what_is_not_exact_does_not_compile() {
    emu::install().unwrap();
    for body in ["x[0] = expf(x[0]);", "x[0] = fminf(x[0], x[1]);", "x[0] = min(x[0], x[1]);", "atomicAdd(x, 1.0f);"] {
        let text = format!("#include \"prelude.cuh\"\nKERNEL(32, bad, float* x) {{ {body} }}\n");
        let error = emu::image("tests/bad", &text, &crate::cuda::nvrtc::HEADERS, false).unwrap_err();
        assert!(error.contains("tests/bad.cu:2"), "{body}: {error}");
    }
}
