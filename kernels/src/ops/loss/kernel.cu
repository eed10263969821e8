// Losses. All sums are f64: a chunk of a sample is eight lanes' (sum.cuh); the trees over chunks and over samples are one
// block's. The formulas are in the ops' mod.rs.

#include "prelude.cuh"
#include "math.cuh"
#include "sum.cuh"

#define THREADS 128
#define GROUPS (THREADS / 8)
#define TOTAL 512

// As loss/cuda.rs numbers them.
#define MEAN 0
#define SUM 1
#define NONE 2
#define MSE 0
#define L1 1
#define SMOOTH_L1 2
#define BCE 3

// Gradient with respect to term i.
__device__ __forceinline__ double upstream(int reduction, const float* dy, int i, double count) {
    if (reduction == NONE) return (double)dy[i];
    return reduction == MEAN ? (double)dy[0] / count : (double)dy[0];
}

__device__ __forceinline__ double reduced(int reduction, double sum, double count) {
    return reduction == MEAN ? sum / count : sum;
}

// A chunk's sum by eight lanes: terms first .. first + n - 1, ABREAST of a lane's at once.
template <int ABREAST, class Term>
__device__ __forceinline__ double chunk_sum(size_t first, int n, Term term) {
    double acc = 0.0;
#pragma unroll ABREAST
    for (int i = threadIdx.x & 7; i < n; i += 8) acc = acc + term(first + i);
    return np_eight(acc);
}

// Chunk number `leaf` of [samples, per] chunks of samples of m terms: its first term and how many it has.
__device__ __forceinline__ size_t chunk_of(int leaf, int per, int m, int& n) {
    int from = leaf % per * NP_SUM_CHUNK;
    n = m - from < NP_SUM_CHUNK ? m - from : NP_SUM_CHUNK;
    return (size_t)(leaf / per) * m + from;
}

// The fixed tree over each of `groups` groups of `n` numbers `step` apart, into their firsts, by the whole block.
__device__ __forceinline__ void block_tree(double* leaves, int groups, int n, int step) {
    for (int s = 1; s < n; s *= 2) {
        int pairs = (n - s + 2 * s - 1) / (2 * s);
        for (int p = threadIdx.x; p < groups * pairs; p += TOTAL) {
            double* a = leaves + ((size_t)(p / pairs) * n + p % pairs * 2 * s) * step;
            *a = *a + a[(size_t)s * step];
        }
        __syncthreads();
    }
}

// leaves [samples, per] -> y
KERNEL(TOTAL, total, double* leaves, float* y, int samples, int per, int reduction, double count) {
    block_tree(leaves, samples, per, 1);
    block_tree(leaves, 1, samples, per);
    if (threadIdx.x == 0) y[0] = __double2float_rn(reduced(reduction, samples ? leaves[0] : 0.0, count));
}

// ---- pointwise ----------------------------------------------------------------------------------------------------

__device__ __forceinline__ double sign(double d) { return d > 0.0 ? 1.0 : d < 0.0 ? -1.0 : d; }

__device__ __forceinline__ double pointwise_term(int kind, double beta, double x, double t, double w) {
    double d = x - t, far = np_abs(d);
    if (kind == MSE) return d * d;
    if (kind == L1) return far;
    if (kind == SMOOTH_L1) return far < beta ? 0.5 * far * far / beta : far - 0.5 * beta;
    double l = np_ln_1p(np_exp(-np_abs(x)));
    double up = x > 0.0 ? x : 0.0, down = x < 0.0 ? -x : 0.0;
    return (1.0 - t) * (up + l) + w * t * (down + l);
}

__device__ __forceinline__ double pointwise_slope(int kind, double beta, double x, double t, double w) {
    double d = x - t;
    if (kind == MSE) return 2.0 * d;
    if (kind == L1) return sign(d);
    if (kind == SMOOTH_L1) return np_abs(d) < beta ? d / beta : sign(d);
    return (1.0 - t) * np_sigmoid(x) - w * t * np_sigmoid(-x);
}

// x, t [samples, m] -> leaves [samples, per]; w [weights] goes with the last dimension, 1 if null.
KERNEL(THREADS, pointwise_chunks, const float* __restrict__ x, const float* __restrict__ t, const float* __restrict__ w,
       double* __restrict__ leaves, int count, int per, int m, int weights, int kind, double beta) {
    int leaf = blockIdx.x * GROUPS + threadIdx.x / 8, n = 0;
    size_t first = leaf < count ? chunk_of(leaf, per, m, n) : 0;
    double sum;
    if (kind == MSE) {
        sum = chunk_sum<8>(first, n, [&](size_t i) { return pointwise_term(MSE, beta, (double)x[i], (double)t[i], 1.0); });
    } else if (kind == BCE) {
        sum = chunk_sum<1>(first, n, [&](size_t i) {
            return pointwise_term(BCE, beta, (double)x[i], (double)t[i], w ? (double)w[i % weights] : 1.0);
        });
    } else {
        sum = chunk_sum<4>(first, n, [&](size_t i) {
            return pointwise_term(kind == L1 ? L1 : SMOOTH_L1, beta, (double)x[i], (double)t[i], 1.0);
        });
    }
    if (leaf < count && (threadIdx.x & 7) == 0) leaves[leaf] = sum;
}

// x, t -> y, like x
KERNEL(THREADS, pointwise_terms, const float* __restrict__ x, const float* __restrict__ t, const float* __restrict__ w,
       float* __restrict__ y, int count, int weights, int kind, double beta) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    double weight = w ? (double)w[i % weights] : 1.0;
    y[i] = __double2float_rn(pointwise_term(kind, beta, (double)x[i], (double)t[i], weight));
}

// x, t, dy -> dx
KERNEL(THREADS, pointwise_gradient, const float* __restrict__ x, const float* __restrict__ t, const float* __restrict__ w,
       const float* __restrict__ dy, float* __restrict__ dx, int count, int weights, int kind, double beta, int reduction) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    double weight = w ? (double)w[i % weights] : 1.0;
    double slope = pointwise_slope(kind, beta, (double)x[i], (double)t[i], weight);
    dx[i] = __double2float_rn(upstream(reduction, dy, i, (double)count) * slope);
}

// ---- relative_l2 --------------------------------------------------------------------------------------------------

// x, t [samples, m] -> leaves [samples, 2, per]: squares of x - t, squares of t.
KERNEL(THREADS, relative_chunks, const float* __restrict__ x, const float* __restrict__ t, double* __restrict__ leaves,
       int count, int per, int m) {
    int leaf = blockIdx.x * GROUPS + threadIdx.x / 8, n = 0;
    size_t first = leaf < count ? chunk_of(leaf, per, m, n) : 0;
    double difference = chunk_sum<4>(first, n, [&](size_t i) {
        double d = (double)x[i] - (double)t[i];
        return d * d;
    });
    double target = chunk_sum<4>(first, n, [&](size_t i) { return (double)t[i] * (double)t[i]; });
    if (leaf < count && (threadIdx.x & 7) == 0) {
        double* to = leaves + (size_t)(leaf / per) * 2 * per + leaf % per;
        to[0] = difference;
        to[per] = target;
    }
}

// leaves -> y: a ratio a sample (NONE), or what becomes of them.
KERNEL(TOTAL, relative_total, double* leaves, float* y, int samples, int per, int reduction) {
    block_tree(leaves, 2 * samples, per, 1);
    for (int s = threadIdx.x; s < samples; s += TOTAL) {
        double* sum = leaves + (size_t)s * 2 * per;
        double ratio = __dsqrt_rn(sum[0]) / __dsqrt_rn(sum[per]);
        sum[0] = ratio;
        if (reduction == NONE) y[s] = __double2float_rn(ratio);
    }
    __syncthreads();
    if (reduction == NONE) return;
    block_tree(leaves, 1, samples, 2 * per);
    if (threadIdx.x == 0) y[0] = __double2float_rn(reduced(reduction, samples ? leaves[0] : 0.0, (double)samples));
}

// leaves -> each sample's factor of x - t in its gradient, at leaves[sample * 2 * per].
KERNEL(TOTAL, relative_factors, double* leaves, const float* __restrict__ dy, int samples, int per, int reduction) {
    block_tree(leaves, 2 * samples, per, 1);
    for (int s = threadIdx.x; s < samples; s += TOTAL) {
        double* sum = leaves + (size_t)s * 2 * per;
        double difference = __dsqrt_rn(sum[0]), target = __dsqrt_rn(sum[per]);
        double g = upstream(reduction, dy, s, (double)samples);
        sum[0] = difference == 0.0 ? 0.0 : g * (1.0 / (difference * target));
    }
}

// x, t, factors -> dx
KERNEL(THREADS, relative_gradient, const float* __restrict__ x, const float* __restrict__ t,
       const double* __restrict__ leaves, float* __restrict__ dx, int count, int per, int m) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < count) dx[i] = __double2float_rn(leaves[(size_t)(i / m) * 2 * per] * ((double)x[i] - (double)t[i]));
}

// ---- cross_entropy ------------------------------------------------------------------------------------------------

// The maximum by comparisons, beginning with the first score, in all eight lanes.
__device__ __forceinline__ double row_maximum(const float* x, int classes, bool inside) {
    double m = inside ? (double)x[0] : 0.0;
    for (int i = threadIdx.x & 7; inside && i < classes; i += 8) {
        double v = (double)x[i];
        m = v > m ? v : m;
    }
#pragma unroll
    for (int step = 1; step < 8; step *= 2) {
        double other = __shfl_xor_sync(0xffffffffu, m, step, 8);
        m = other > m ? other : m;
    }
    return m;
}

// x [rows, classes], target [rows] -> terms, or (not null) y, each [rows].
KERNEL(THREADS, entropy_terms, const float* __restrict__ x, const int* __restrict__ target, double* __restrict__ terms,
       float* __restrict__ y, int rows, int classes, double smoothing) {
    SHARED(double, tops, GROUPS * NP_SUM_LEVELS);
    int group = threadIdx.x / 8, row = blockIdx.x * GROUPS + group;
    bool inside = row < rows;
    const float* v = x + (inside ? (size_t)row * classes : 0);
    double* top = tops + group * NP_SUM_LEVELS;
    int n = inside ? classes : 0, own = inside ? target[row] : -1;
    double m = row_maximum(v, classes, inside);
    double l = np_ln(np_long_sum(n, classes, top, [&](int i) { return np_exp((double)v[i] - m); }));
    double all = 0.0;
    if (smoothing > 0.0) {
        all = l - np_long_sum(n, classes, top, [&](int i) { return (double)v[i] - m; }) / (double)classes;
    }
    if (!inside || (threadIdx.x & 7) != 0) return;
    double term = np_nan();
    if (own >= 0 && own < classes) {
        double hit = l - ((double)v[own] - m);
        term = smoothing > 0.0 ? (1.0 - smoothing) * hit + smoothing * all : hit;
    }
    if (y) y[row] = __double2float_rn(term);
    else terms[row] = term;
}

// terms [samples, m] -> leaves [samples, per]
KERNEL(THREADS, entropy_chunks, const double* __restrict__ terms, double* __restrict__ leaves, int count, int per, int m) {
    int leaf = blockIdx.x * GROUPS + threadIdx.x / 8, n = 0;
    size_t first = leaf < count ? chunk_of(leaf, per, m, n) : 0;
    double sum = chunk_sum<8>(first, n, [&](size_t i) { return terms[i]; });
    if (leaf < count && (threadIdx.x & 7) == 0) leaves[leaf] = sum;
}

// x, target, dy -> dx
KERNEL(THREADS, entropy_gradient, const float* __restrict__ x, const int* __restrict__ target, const float* __restrict__ dy,
       float* __restrict__ dx, int rows, int classes, double smoothing, int reduction) {
    SHARED(double, tops, GROUPS * NP_SUM_LEVELS);
    int group = threadIdx.x / 8, row = blockIdx.x * GROUPS + group;
    bool inside = row < rows;
    size_t start = inside ? (size_t)row * classes : 0;
    const float* v = x + start;
    double m = row_maximum(v, classes, inside);
    double s = np_long_sum(inside ? classes : 0, classes, tops + group * NP_SUM_LEVELS,
                           [&](int i) { return np_exp((double)v[i] - m); });
    if (!inside) return;
    int own = target[row];
    bool known = own >= 0 && own < classes;
    double r = 1.0 / s, q = smoothing / (double)classes, g = upstream(reduction, dy, row, (double)rows);
    for (int i = threadIdx.x & 7; i < classes; i += 8) {
        double e = np_exp((double)v[i] - m);
        double out = g * (e * r - (i == own ? q + (1.0 - smoothing) : q));
        dx[start + i] = __double2float_rn(known ? out : np_nan());
    }
}
