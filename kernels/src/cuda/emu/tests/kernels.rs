//! Kernels give the bits of plain loops, in both orders of threads.

use super::card::{Card, value};
use crate::cuda::emu::{self, Order};

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
    let expected: Vec<f32> = x.iter().map(|v| 1.5f32.mul_add(*v, 1.0) / v.sqrt()).collect();
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
        *e = (0..k).fold(0.0, |s, l| a[i * k + l].mul_add(b[l * n + j], s));
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
