// Nearest neighbour: one thread a number; the rule is in mod.rs.

#include "prelude.cuh"

struct Geometry {
    int n, c, h, w, oh, ow;
};

// x [n, h, w, c] -> y [n, oh, ow, c]
KERNEL(256, upsample_nearest, const float* __restrict__ x, float* __restrict__ y, Geometry g, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int k = i % g.c, b = i / g.c % g.ow, a = i / (g.c * g.ow) % g.oh, n = i / (g.c * g.ow * g.oh);
    int r = (int)((long long)a * g.h / g.oh), q = (int)((long long)b * g.w / g.ow);
    y[i] = x[(((size_t)n * g.h + r) * g.w + q) * g.c + k];
}

// First output, of m, that takes element i of n.
__device__ __forceinline__ int first_taker(int i, int n, int m) { return (int)(((long long)i * m + n - 1) / n); }

// dy [n, oh, ow, c] -> dx [n, h, w, c]
KERNEL(256, upsample_nearest_gradient, const float* __restrict__ dy, float* __restrict__ dx, Geometry g, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int k = i % g.c, q = i / g.c % g.w, r = i / (g.c * g.w) % g.h, n = i / (g.c * g.w * g.h);
    float sum = 0.0f;
    for (int a = first_taker(r, g.h, g.oh); a < first_taker(r + 1, g.h, g.oh); a++) {
        for (int b = first_taker(q, g.w, g.ow); b < first_taker(q + 1, g.w, g.ow); b++) {
            sum = sum + dy[(((size_t)n * g.oh + a) * g.ow + b) * g.c + k];
        }
    }
    dx[i] = sum;
}
