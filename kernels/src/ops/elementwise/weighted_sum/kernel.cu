// Weighted sums, one a group of columns: a thread a number, or a chain; the orders are in mod.rs.

#include "prelude.cuh"
#include "tree.cuh"

#define THREADS 128
#define CHUNK 256

struct Terms {
    const float* at[16];
    unsigned shared;
    int terms, groups, q, weights, first;
};

// Number of term t at column c of position p of y.
__device__ __forceinline__ float term(const Terms& g, int t, size_t p, int c) {
    return g.shared >> t & 1 ? g.at[t][p * g.q + c % g.q] : g.at[t][p * g.groups * g.q + c];
}

// w [groups, weights], terms -> y [n]
KERNEL(THREADS, mix, const float* __restrict__ w, Terms g, float* __restrict__ y, int n) {
    int i = blockIdx.x * THREADS + threadIdx.x, width = g.groups * g.q;
    if (i >= n) return;
    size_t p = i / width;
    int c = i % width;
    w += c / g.q * g.weights + g.first;
    float sum = 0.0f;
    for (int t = 0; t < g.terms; t++) sum = np_fma(w[t], term(g, t, p, c), sum);
    y[i] = sum;
}

// dy -> dx [n] of term t
KERNEL(THREADS, gradient, const float* __restrict__ w, Terms g, const float* __restrict__ dy, int t, float* __restrict__ dx,
       int n) {
    int i = blockIdx.x * THREADS + threadIdx.x, width = g.groups * g.q;
    if (i >= n) return;
    w += g.first + t;
    if (!(g.shared >> t & 1)) {
        dx[i] = w[i % width / g.q * g.weights] * dy[i];
        return;
    }
    const float* from = dy + (size_t)(i / g.q) * width + i % g.q;
    float sum = 0.0f;
    for (int e = 0; e < g.groups; e++) sum = np_fma(w[e * g.weights], from[e * g.q], sum);
    dx[i] = sum;
}

// dy -> sums [chunks, chains, terms, width]: a thread a chain of x dy.
KERNEL(THREADS, chains, Terms g, const float* __restrict__ dy, float* __restrict__ sums, int positions, int chains) {
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    int width = g.groups * g.q, c = (int)(i % width), t = (int)(i / width % g.terms);
    size_t row = i / width / g.terms;
    int first = (int)(row / chains) * CHUNK, end = first + CHUNK < positions ? first + CHUNK : positions;
    if (first >= positions) return;
    float sum = 0.0f;
    for (int p = first + (int)(row % chains); p < end; p += chains) {
        sum = np_fma(term(g, t, p, c), dy[(size_t)p * width + c], sum);
    }
    sums[i] = sum;
}

// sums [terms, width] of the columns -> dw [groups, weights]
KERNEL(THREADS, columns, Terms g, float* sums, float* __restrict__ dw) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= g.groups * g.weights) return;
    int e = i / g.weights, t = i % g.weights - g.first;
    if (t < 0) {
        dw[i] = 0.0f;
        return;
    }
    float* of = sums + (t * g.groups + e) * g.q;
    np_tree(g.q, [&](int a, int b) { of[a] = of[a] + of[b]; });
    dw[i] = of[0];
}
