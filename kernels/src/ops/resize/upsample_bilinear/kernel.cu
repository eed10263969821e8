// Bilinear interpolation: one thread a number; the rule is in mod.rs.

#include "prelude.cuh"

struct Geometry {
    int n, c, h, w, oh, ow, corners;
};

// An output's taps: element `at` with w0 and, where there are two, element at + 1 with w1.
struct Taps {
    int at;
    bool two;
    float w0, w1;
};

// Taps of output o of m, among n elements.
__device__ __forceinline__ Taps taps_of(int o, int n, int m, int corners) {
    int p, q;
    if (corners) {
        p = m == 1 ? 0 : o * (n - 1);
        q = m == 1 ? 1 : m - 1;
    } else {
        p = n * (2 * o + 1) - m;
        p = p < 0 ? 0 : p;
        q = 2 * m;
    }
    int at = p / q, r = p % q;
    Taps t = {at, r != 0 && at != n - 1, 1.0f, 0.0f};
    if (t.two) {
        t.w0 = __double2float_rn(__int2double_rn(q - r) / __int2double_rn(q));
        t.w1 = __double2float_rn(__int2double_rn(r) / __int2double_rn(q));
    }
    return t;
}

// First output whose first tap is at least `at`; outputs' taps ascend.
__device__ __forceinline__ int first_from(int at, int n, int m, int corners) {
    int low = 0, high = m;
    while (low < high) {
        int middle = (low + high) / 2;
        if (taps_of(middle, n, m, corners).at < at) low = middle + 1;
        else high = middle;
    }
    return low;
}

// x [n, h, w, c] -> y [n, oh, ow, c]
KERNEL(256, upsample_bilinear, const float* __restrict__ x, float* __restrict__ y, Geometry g, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int k = i % g.c, b = i / g.c % g.ow, a = i / (g.c * g.ow) % g.oh, n = i / (g.c * g.ow * g.oh);
    Taps row = taps_of(a, g.h, g.oh, g.corners), column = taps_of(b, g.w, g.ow, g.corners);
    const float* from = x + (((size_t)n * g.h + row.at) * g.w + column.at) * g.c + k;
    size_t down = (size_t)g.w * g.c;
    float v = row.w0 * from[0];
    if (row.two) v = np_fma(row.w1, from[down], v);
    float out = column.w0 * v;
    if (column.two) {
        float next = row.w0 * from[g.c];
        if (row.two) next = np_fma(row.w1, from[down + g.c], next);
        out = np_fma(column.w1, next, out);
    }
    y[i] = out;
}

// dy [n, oh, ow, c] -> dx [n, h, w, c]
KERNEL(256, upsample_bilinear_gradient, const float* __restrict__ dy, float* __restrict__ dx, Geometry g, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int k = i % g.c, q = i / g.c % g.w, r = i / (g.c * g.w) % g.h, n = i / (g.c * g.w * g.h);
    int a0 = first_from(r - 1, g.h, g.oh, g.corners), a1 = first_from(r + 1, g.h, g.oh, g.corners);
    int b0 = first_from(q - 1, g.w, g.ow, g.corners), b1 = first_from(q + 1, g.w, g.ow, g.corners);
    float sum = 0.0f;
    for (int b = b0; b < b1; b++) {
        Taps column = taps_of(b, g.w, g.ow, g.corners);
        if (column.at != q && !(column.two && column.at + 1 == q)) continue;
        float u = 0.0f;
        for (int a = a0; a < a1; a++) {
            Taps row = taps_of(a, g.h, g.oh, g.corners);
            if (row.at != r && !(row.two && row.at + 1 == r)) continue;
            u = np_fma(row.at == r ? row.w0 : row.w1, dy[(((size_t)n * g.oh + a) * g.ow + b) * g.c + k], u);
        }
        sum = np_fma(column.at == q ? column.w0 : column.w1, u, sum);
    }
    dx[i] = sum;
}
