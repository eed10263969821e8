// Sums over dimensions and what is made of them: a thread a chunk of one element of y, then the fixed tree over chunks
// (cuda/basic). Neighbouring threads take neighbouring elements.

#include "prelude.cuh"

#define THREADS 256
#define RANK 6

// What is made of the terms; reduce/cuda.rs numbers them so.
#define SUM 0
#define MEAN 1
#define VAR 2
#define NORM 3

// Where x's numbers lie: dimensions that are kept (those of y) and reduced ones, the last innermost.
struct Dims {
    int kept_rank, reduced_rank;
    int kept[RANK], kept_step[RANK];
    int reduced[RANK], reduced_step[RANK];
};

// Where element i of dimensions `size` lies.
__device__ __forceinline__ size_t offset(int i, int rank, const int* size, const int* step) {
    size_t at = 0;
#pragma unroll
    for (int d = RANK - 1; d >= 0; d--) {
        if (d < rank) {
            at += (size_t)(i % size[d]) * step[d];
            i /= size[d];
        }
    }
    return at;
}

// A sum's last step; `by` is what it is divided by.
__device__ __forceinline__ float finished(int mode, float s, float by) {
    if (mode == NORM) return __fsqrt_rn(s);
    return mode == SUM ? s : s / by;
}

// x -> sums [chunks, outputs] of its terms (VAR: squares of x less `mean` [outputs]; NORM: squares), which are finished
// if there is one chunk.
KERNEL(THREADS, sum_chunks, const float* __restrict__ x, const float* __restrict__ mean, float* __restrict__ sums, Dims g,
       int outputs, int terms, int chunk, int mode, float by) {
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    int l = (int)(i / outputs), o = (int)(i % outputs);
    int chunks = (terms + chunk - 1) / chunk;
    if (l >= chunks) return;
    const float* v = x + offset(o, g.kept_rank, g.kept, g.kept_step);
    float shift = mode == VAR ? mean[o] : 0.0f, s = 0.0f;
    int run = 1, step = 0; // terms that follow each other, and how far apart
#pragma unroll
    for (int d = 0; d < RANK; d++) {
        if (d + 1 == g.reduced_rank) {
            run = g.reduced[d];
            step = g.reduced_step[d];
        }
    }
    int t = l * chunk, end = l == chunks - 1 ? terms : t + chunk;
    while (t < end) {
        int rest = run - t % run, n = rest < end - t ? rest : end - t;
        const float* from = v + offset(t, g.reduced_rank, g.reduced, g.reduced_step);
#pragma unroll 8
        for (int r = 0; r < n; r++) {
            float term = from[(size_t)r * step];
            if (mode == VAR) term = term - shift;
            s = s + (mode >= VAR ? term * term : term);
        }
        t += n;
    }
    sums[i] = chunks == 1 ? finished(mode, s, by) : s;
}

// The same last step, where there were several chunks.
KERNEL(THREADS, finish, float* __restrict__ y, int outputs, int mode, float by) {
    int o = blockIdx.x * THREADS + threadIdx.x;
    if (o < outputs) y[o] = finished(mode, y[o], by);
}

// dy [outputs] -> dx like x, of which `g` has every dimension: as kept ones, the distance in y (0 if it is reduced).
// `of_y` is the mean (VAR) or the norm (NORM), each [outputs].
KERNEL(THREADS, gradient, const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ of_y,
       float* __restrict__ dx, Dims g, int n, int mode, float by) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= n) return;
    size_t o = offset(i, g.kept_rank, g.kept, g.kept_step);
    float up = dy[o];
    if (mode == MEAN) {
        up = up / by;
    } else if (mode == VAR) {
        up = 2.0f * up / by * (x[i] - of_y[o]);
    } else if (mode == NORM) {
        float norm = of_y[o];
        up = (norm == 0.0f ? 0.0f : up / norm) * x[i];
    }
    dx[i] = up;
}
