// Arithmetic with broadcasting; orders of sums are in mod.rs.

#include "prelude.cuh"
#include "sum.cuh"

#define RANK 6

// Merged dimensions, innermost last, and the steps of a and b along each: 0 where the input is broadcast.
struct Plan {
    int size[RANK], a[RANK], b[RANK];
    int rank;
};

#define ADD 0
#define SUB 1
#define MUL 2
#define DIV 3

// Where number i of y finds its a and its b.
__device__ __forceinline__ void number_of(const Plan& g, int i, size_t& a, size_t& b) {
    a = b = 0;
#pragma unroll
    for (int d = RANK - 1; d >= 0; d--) {
        if (d >= g.rank) continue;
        int k = i % g.size[d];
        i /= g.size[d];
        a += (size_t)k * g.a[d];
        b += (size_t)k * g.b[d];
    }
}

// y = a ? b, one thread a number of y.
KERNEL(256, binary, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, Plan g, int kind, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    size_t at, bt;
    number_of(g, i, at, bt);
    float u = a[at], v = b[bt];
    y[i] = kind == ADD ? u + v : kind == SUB ? u - v : kind == MUL ? u * v : u / v;
}

// What a term of a gradient is: dy, -dy, dy u, dy / u, -(dy u) / (v v). u and v are a and b where they are needed.
#define SAME 0
#define MINUS 1
#define TIMES 2
#define OVER 3
#define QUOTIENT 4

__device__ __forceinline__ double term(int form, double dy, double u, double v) {
    return form == SAME ? dy : form == MINUS ? -dy : form == TIMES ? dy * u : form == OVER ? dy / u : -(dy * u) / (v * v);
}

// The gradient of an input that is not broadcast: one thread a number of y. `u` and `v` go by a's steps or b's.
KERNEL(256, binary_gradient, const float* __restrict__ dy, const float* __restrict__ u, const float* __restrict__ v,
       float* __restrict__ dx, Plan g, int form, int u_is_b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    size_t at, bt;
    number_of(g, i, at, bt);
    double p = u ? (double)u[u_is_b ? bt : at] : 1.0, q = v ? (double)v[bt] : 1.0;
    // A product and a quotient of two f32 in f64, rounded, are those in f32.
    dx[i] = __double2float_rn(term(form, (double)dy[i], p, q));
}

// Offsets of row `reduced` of set `kept`: outer dimensions along which the input moves are counted by `kept`, the others by
// `reduced`. which: 0 the input is a, 1 it is b.
__device__ __forceinline__ void row_of(const Plan& g, int which, int kept, int reduced, size_t& y, size_t& a, size_t& b) {
    size_t stride = g.size[g.rank - 1];
    y = a = b = 0;
#pragma unroll
    for (int d = RANK - 2; d >= 0; d--) {
        if (d >= g.rank - 1) continue;
        int* counter = (which ? g.b[d] : g.a[d]) != 0 ? &kept : &reduced;
        int k = *counter % g.size[d];
        *counter /= g.size[d];
        y += (size_t)k * stride;
        a += (size_t)k * g.a[d];
        b += (size_t)k * g.b[d];
        stride *= g.size[d];
    }
}

#define ROWS 512

// Sums down columns: parts[chunk][kept, column] over a chunk of 512 rows, ascending. One thread a (chunk, kept, column).
KERNEL(128, binary_columns, const float* __restrict__ dy, const float* __restrict__ u, const float* __restrict__ v,
       double* __restrict__ parts, Plan g, int form, int u_is_b, int which, int reduced, int outs, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int inner = g.size[g.rank - 1], chunk = i / outs, out = i % outs, column = out % inner;
    int begin = chunk * ROWS, end = reduced - begin < ROWS ? reduced : begin + ROWS;
    double sum = 0.0;
    for (int r = begin; r < end; r++) {
        size_t y, a, b;
        row_of(g, which, out / inner, r, y, a, b);
        a += (size_t)column * g.a[g.rank - 1];
        b += (size_t)column * g.b[g.rank - 1];
        double p = u ? (double)u[u_is_b ? b : a] : 1.0, q = v ? (double)v[b] : 1.0;
        sum = sum + term(form, (double)dy[y + column], p, q);
    }
    parts[i] = sum;
}

#define CHUNK NP_SUM_CHUNK

// Sums along runs: parts[run, chunk of it][kept] over 4,096 terms in eight accumulators. Eight lanes a (leaf, kept).
KERNEL(128, binary_runs, const float* __restrict__ dy, const float* __restrict__ u, const float* __restrict__ v,
       double* __restrict__ parts, Plan g, int form, int u_is_b, int which, int outs, int count) {
    int i = (blockIdx.x * blockDim.x + threadIdx.x) / 8, lane = threadIdx.x % 8;
    bool inside = i < count;
    int inner = g.size[g.rank - 1], cuts = (inner + CHUNK - 1) / CHUNK;
    int leaf = inside ? i / outs : 0, begin = leaf % cuts * CHUNK, end = inner - begin < CHUNK ? inner : begin + CHUNK;
    size_t y, a, b;
    row_of(g, which, inside ? i % outs : 0, leaf / cuts, y, a, b);
    double sum = 0.0;
    for (int c = begin + lane; inside && c < end; c += 8) {
        size_t at = a + (size_t)c * g.a[g.rank - 1], bt = b + (size_t)c * g.b[g.rank - 1];
        double p = u ? (double)u[u_is_b ? bt : at] : 1.0, q = v ? (double)v[bt] : 1.0;
        sum = sum + term(form, (double)dy[y + c], p, q);
    }
    sum = np_eight(sum);
    if (inside && lane == 0) parts[i] = sum;
}

// One level of the tree over leaves, parts [leaves, outs]: leaf i absorbs leaf i + step. One thread a (pair, out).
KERNEL(256, binary_merge, double* __restrict__ parts, int step, int leaves, int outs, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    size_t leaf = (size_t)(i / outs) * 2 * step, at = leaf * outs + i % outs;
    parts[at] = parts[at] + parts[at + (size_t)step * outs];
}

// dx = the first leaf, rounded.
KERNEL(256, binary_round, const double* __restrict__ parts, float* __restrict__ dx, int outs) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < outs) dx[i] = __double2float_rn(parts[i]);
}
