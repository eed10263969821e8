// Batch norm: a thread a channel, so that neighbours read neighbouring numbers; the formulas are in mod.rs.
//
// Statistics and sums: a thread a chunk's channel, then the fixed tree over chunks, 32 leaves a thread a launch. The
// pointwise passes: ROWS numbers of a channel a thread, which share its coefficients.

#include "prelude.cuh"

#define THREADS 128
#define ROWS 8
#define GROUP 32
#define COLUMNS 256
#define AHEAD 8 // numbers that a chain reads at once: it waits for memory once, not at every addition

// How [rows, width, c] is cut: `cuts` chunks a row, of COLUMNS columns, the last of a row of what is left.
struct Chunks {
    int rows, width, c, cuts;
};

// Values a channel before chunk i; chunks follow each other in memory.
__device__ __forceinline__ size_t before(const Chunks& g, int i) {
    int column = i % g.cuts * COLUMNS;
    return (size_t)(i / g.cuts) * g.width + (column < g.width ? column : g.width);
}

// Columns p .. p + AHEAD - 1 of a chunk's channel; +0 beyond its end.
__device__ __forceinline__ void read_ahead(float (&v)[AHEAD], const float* from, int p, int columns, int c) {
#pragma unroll
    for (int k = 0; k < AHEAD; k++) v[k] = p + k < columns ? from[(size_t)(p + k) * c] : 0.0f;
}

// x, then y, of a channel: y = fma(a, x, b).
struct Line {
    float mean, rstd, a, b;
};

// `spread` is 1 / sqrt(var + eps) in training, var in evaluation. Without weight or bias they are 1 and 0.
__device__ __forceinline__ Line line(int c, const float* mean, const float* spread, const float* weight, const float* bias,
                                     float eps, int training) {
    Line l;
    l.mean = mean[c];
    l.rstd = training ? spread[c] : 1.0f / __fsqrt_rn(spread[c] + eps);
    l.a = (weight ? weight[c] : 1.0f) * l.rstd;
    l.b = np_fma(-l.a, l.mean, bias ? bias[c] : 0.0f);
    return l;
}

// x [chunks, columns, c] -> leaves [chunks, 2, c]: mean and centred squares of each chunk.
KERNEL(THREADS, statistics, const float* __restrict__ x, float* __restrict__ leaves, Chunks g) {
    unsigned i = blockIdx.x * THREADS + threadIdx.x;
    int chunk = (int)(i / g.c), c = (int)(i % g.c);
    if (chunk >= g.rows * g.cuts) return;
    size_t first = before(g, chunk);
    int columns = (int)(before(g, chunk + 1) - first);
    const float* from = x + first * g.c + c;
    float s = 0.0f, q = 0.0f, v[AHEAD];
    for (int p = 0; p < columns; p += AHEAD) {
        read_ahead(v, from, p, columns, g.c);
#pragma unroll
        for (int k = 0; k < AHEAD; k++) s = p + k < columns ? s + v[k] : s;
    }
    float mean = s / (float)columns;
    for (int p = 0; p < columns; p += AHEAD) {
        read_ahead(v, from, p, columns, g.c);
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            float d = v[k] - mean;
            q = p + k < columns ? np_fma(d, d, q) : q;
        }
    }
    leaves[(size_t)chunk * 2 * g.c + c] = mean;
    leaves[((size_t)chunk * 2 + 1) * g.c + c] = q;
}

// What the merged statistics become.
struct Finish {
    float eps, momentum;
};

// leaves 0, stride, 2 stride, .. of [chunks, 2, c] -> groups of GROUP of them merged into their first; a block takes a
// group's channels from blockIdx.y * THREADS on. The launch that leaves one group is given `mean` and `rstd` to fill, and
// (not null) the running statistics, old and new.
KERNEL(THREADS, merge, float* leaves, Chunks g, int stride, float* mean, float* rstd, const float* old_mean,
       const float* old_var, float* new_mean, float* new_var, Finish f) {
    SHARED(float, wb, GROUP); // weights of the merge in which a leaf is absorbed
    SHARED(float, wm, GROUP);
    int chunks = g.rows * g.cuts, left = (chunks - 1) / stride + 1 - (int)blockIdx.x * GROUP;
    int taken = left < GROUP ? left : GROUP;
    size_t first = (size_t)blockIdx.x * GROUP * stride;
    int j = threadIdx.x;
    if (j > 0 && j < taken) {
        int step = j & -j;
        size_t end = first + (size_t)(j + step) * stride;
        size_t middle = before(g, (int)(first + (size_t)j * stride));
        size_t na = middle - before(g, (int)(first + (size_t)(j - step) * stride));
        size_t nb = before(g, end < chunks ? (int)end : chunks) - middle;
        double a = (double)na, b = (double)nb;
        wb[j] = __double2float_rn(b / (a + b));
        wm[j] = __double2float_rn(a * b / (a + b));
    }
    __syncthreads();
    int c = blockIdx.y * THREADS + threadIdx.x;
    if (c >= g.c) return;
    float* base = leaves + first * 2 * g.c + c;
    float m[GROUP], q[GROUP];
#pragma unroll
    for (int i = 0; i < GROUP; i++) {
        float* leaf = base + (size_t)i * stride * 2 * g.c;
        m[i] = i < taken ? leaf[0] : 0.0f;
        q[i] = i < taken ? leaf[g.c] : 0.0f;
    }
#pragma unroll
    for (int step = 1; step < GROUP; step *= 2) {
#pragma unroll
        for (int i = 0; i + step < GROUP; i += 2 * step) {
            if (i + step < taken) {
                float d = m[i + step] - m[i];
                m[i] = np_fma(d, wb[i + step], m[i]);
                q[i] = np_fma(d * d, wm[i + step], q[i] + q[i + step]);
            }
        }
    }
    if (!mean) {
        base[0] = m[0];
        base[g.c] = q[0];
        return;
    }
    size_t values = (size_t)g.rows * g.width;
    mean[c] = m[0];
    rstd[c] = 1.0f / __fsqrt_rn(q[0] / (float)values + f.eps);
    if (new_mean) {
        float keep = 1.0f - f.momentum;
        new_mean[c] = np_fma(f.momentum, m[0], keep * old_mean[c]);
        new_var[c] = np_fma(f.momentum, q[0] / (float)(values - 1), keep * old_var[c]);
    }
}

// x -> y [values, c]
KERNEL(THREADS, normalise, const float* __restrict__ x, float* __restrict__ y, const float* __restrict__ mean,
       const float* __restrict__ spread, const float* __restrict__ weight, const float* __restrict__ bias, int values,
       int channels, float eps, int training, int relu) {
    unsigned i = blockIdx.x * THREADS + threadIdx.x;
    int c = (int)(i % channels);
    size_t row = (size_t)(i / channels) * ROWS;
    if (row >= values) return;
    Line l = line(c, mean, spread, weight, bias, eps, training);
    size_t at = row * channels + c;
    float v[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (row + r < values) v[r] = x[at + (size_t)r * channels];
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (row + r < values) {
            float out = np_fma(l.a, v[r], l.b);
            y[at + (size_t)r * channels] = relu && out < 0.0f ? 0.0f : out;
        }
    }
}

// The gradient behind the ReLU, if there is one.
__device__ __forceinline__ float gated(const Line& l, float x, float dy, int relu) {
    return relu && np_fma(l.a, x, l.b) <= 0.0f ? 0.0f : dy;
}

// x, dy -> sums [chunks, 2, c]: of g and of g (x - mean), a chunk each.
KERNEL(THREADS, sums, const float* __restrict__ x, const float* __restrict__ dy, float* __restrict__ leaves, Chunks g,
       const float* __restrict__ mean, const float* __restrict__ spread, const float* __restrict__ weight,
       const float* __restrict__ bias, float eps, int training, int relu) {
    unsigned i = blockIdx.x * THREADS + threadIdx.x;
    int chunk = (int)(i / g.c), c = (int)(i % g.c);
    if (chunk >= g.rows * g.cuts) return;
    Line l = line(c, mean, spread, weight, bias, eps, training);
    size_t first = before(g, chunk);
    int columns = (int)(before(g, chunk + 1) - first);
    size_t at = first * g.c + c;
    float s1 = 0.0f, s2 = 0.0f, v[AHEAD], up[AHEAD];
    for (int p = 0; p < columns; p += AHEAD) {
        read_ahead(v, x + at, p, columns, g.c);
        read_ahead(up, dy + at, p, columns, g.c);
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            float gate = gated(l, v[k], up[k], relu);
            s1 = p + k < columns ? s1 + gate : s1;
            s2 = p + k < columns ? np_fma(gate, v[k] - l.mean, s2) : s2;
        }
    }
    leaves[(size_t)chunk * 2 * g.c + c] = s1;
    leaves[((size_t)chunk * 2 + 1) * g.c + c] = s2;
}

// Merged sums [2, c] -> dweight, dbias [c] (null: not wanted).
KERNEL(THREADS, parameters, const float* __restrict__ sums, float* dweight, float* dbias, int channels,
       const float* __restrict__ spread, float eps, int training) {
    int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= channels) return;
    float rstd = training ? spread[c] : 1.0f / __fsqrt_rn(spread[c] + eps);
    if (dweight) dweight[c] = sums[channels + c] * rstd;
    if (dbias) dbias[c] = sums[c];
}

// x, dy and (training) merged sums [2, c] -> dx [values, c]
KERNEL(THREADS, gradient, const float* __restrict__ x, const float* __restrict__ dy, const float* __restrict__ sums,
       float* __restrict__ dx, const float* __restrict__ mean, const float* __restrict__ spread,
       const float* __restrict__ weight, const float* __restrict__ bias, int values, int channels, float eps, int training,
       int relu) {
    unsigned i = blockIdx.x * THREADS + threadIdx.x;
    int c = (int)(i % channels);
    size_t row = (size_t)(i / channels) * ROWS;
    if (row >= values) return;
    Line l = line(c, mean, spread, weight, bias, eps, training);
    float k1 = 0.0f, k2 = 0.0f, count = (float)values;
    if (training) {
        k1 = (l.a * sums[c]) / count;
        k2 = (((l.a * l.rstd) * l.rstd) * sums[channels + c]) / count;
    }
    size_t at = row * channels + c;
    float v[ROWS], up[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (row + r < values) {
            v[r] = x[at + (size_t)r * channels];
            up[r] = dy[at + (size_t)r * channels];
        }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (row + r < values) {
            float scaled = l.a * gated(l, v[r], up[r], relu);
            dx[at + (size_t)r * channels] = training ? scaled - np_fma(v[r] - l.mean, k2, k1) : scaled;
        }
    }
}
