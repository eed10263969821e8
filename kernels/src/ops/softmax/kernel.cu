// Softmax and its logarithm: eight lanes a line; the formulas are in mod.rs.

#include "prelude.cuh"
#include "math.cuh"
#include "sum.cuh"

#define THREADS 128
#define GROUPS (THREADS / 8)

// A line of `length` numbers, `step` apart.
struct Lines {
    int lines, length, step;
};

__device__ __forceinline__ size_t line_start(const Lines& g, int line) {
    return ((size_t)(line / g.step) * g.length) * g.step + line % g.step;
}

// The maximum by comparisons, beginning with the first number, in all eight lanes.
__device__ __forceinline__ double line_maximum(const float* x, const Lines& g, bool inside) {
    double m = inside ? (double)x[0] : 0.0;
    for (int i = threadIdx.x & 7; inside && i < g.length; i += 8) {
        double v = (double)x[(size_t)i * g.step];
        m = v > m ? v : m;
    }
#pragma unroll
    for (int step = 1; step < 8; step *= 2) {
        double other = __shfl_xor_sync(0xffffffffu, m, step, 8);
        m = other > m ? other : m;
    }
    return m;
}

// x -> y [lines, length]
KERNEL(THREADS, softmax, const float* __restrict__ x, float* __restrict__ y, Lines g, int logarithm) {
    SHARED(double, tops, GROUPS * NP_SUM_LEVELS);
    int group = threadIdx.x / 8, line = blockIdx.x * GROUPS + group;
    bool inside = line < g.lines;
    size_t start = inside ? line_start(g, line) : 0;
    const float* v = x + start;
    double m = line_maximum(v, g, inside);
    double s = np_long_sum(inside ? g.length : 0, g.length, tops + group * NP_SUM_LEVELS,
                           [&](int i) { return np_exp((double)v[(size_t)i * g.step] - m); });
    double ln = np_ln(s), inverse = 1.0 / s;
    for (int i = threadIdx.x & 7; inside && i < g.length; i += 8) {
        double d = (double)v[(size_t)i * g.step] - m;
        y[start + (size_t)i * g.step] = __double2float_rn(logarithm ? d - ln : np_exp(d) * inverse);
    }
}

// y, dy -> dx
KERNEL(THREADS, softmax_gradient, const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ dx, Lines g,
       int logarithm) {
    SHARED(double, tops, GROUPS * NP_SUM_LEVELS);
    int group = threadIdx.x / 8, line = blockIdx.x * GROUPS + group;
    bool inside = line < g.lines;
    size_t start = inside ? line_start(g, line) : 0;
    double s = np_long_sum(inside ? g.length : 0, g.length, tops + group * NP_SUM_LEVELS, [&](int i) {
        size_t at = start + (size_t)i * g.step;
        return logarithm ? (double)dy[at] : (double)y[at] * (double)dy[at];
    });
    for (int i = threadIdx.x & 7; inside && i < g.length; i += 8) {
        size_t at = start + (size_t)i * g.step;
        double out = y[at], up = dy[at];
        dx[at] = __double2float_rn(logarithm ? up - np_exp(out) * s : out * (up - s));
    }
}
