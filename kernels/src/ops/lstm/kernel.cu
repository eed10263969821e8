// A layer of an LSTM over a series; the step is specified in mod.rs. Sizes are n series and `hidden` states; gates lie in
// rows of 4 * hidden, in the order i, f, g, o.

#include "prelude.cuh"
#include "math.cuh"

// out[r, c] = chain over k of a[r, k] w[k * by_k + c * by_c], then + bias[c]. One thread an output.
KERNEL(128, lstm_product, const float* __restrict__ a, const float* __restrict__ w, const float* __restrict__ bias,
       float* __restrict__ out, int rows, int inner, int columns, int by_k, int by_c) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * columns) return;
    int c = i % columns;
    const float* row = a + (size_t)(i / columns) * inner;
    float acc = 0.0f;
    for (int k = 0; k < inner; k++) acc = np_fma(row[k], w[(size_t)k * by_k + (size_t)c * by_c], acc);
    out[i] = bias ? acc + bias[c] : acc;
}

// Gates (the inputs' share on entry), c, tanh c and h of one step; one thread a state.
KERNEL(128, lstm_step, float* __restrict__ gates, const float* __restrict__ recurrent, const float* __restrict__ c_old,
       float* __restrict__ c, float* __restrict__ u, float* __restrict__ h, int n, int hidden) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n * hidden) return;
    size_t at = (size_t)(i / hidden) * 4 * hidden + i % hidden;
    float a[4];
#pragma unroll
    for (int g = 0; g < 4; g++) {
        float sum = gates[at + (size_t)g * hidden] + recurrent[at + (size_t)g * hidden];
        a[g] = g == 2 ? npf_tanh(sum) : npf_sigmoid(sum);
        gates[at + (size_t)g * hidden] = a[g];
    }
    float cell = np_fma(a[1], c_old[i], a[0] * a[2]);
    float t = npf_tanh(cell);
    c[i] = cell;
    u[i] = t;
    h[i] = a[3] * t;
}

// Gradients of one step's pre-activations; dc becomes the old c's. dy (may be null) is what h gets from outside, dh what the
// step after it gives. One thread a state.
KERNEL(128, lstm_step_gradient, const float* __restrict__ gates, const float* __restrict__ u,
       const float* __restrict__ c_old, const float* __restrict__ dy, const float* __restrict__ dh, float* __restrict__ dc,
       float* __restrict__ da, int n, int hidden) {
    int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= n * hidden) return;
    size_t at = (size_t)(j / hidden) * 4 * hidden + j % hidden, next = hidden;
    float i = gates[at], f = gates[at + next], g = gates[at + 2 * next], o = gates[at + 3 * next];
    float t = u[j], up = dy ? dh[j] + dy[j] : dh[j];
    float e = np_fma(up * o, np_fma(-t, t, 1.0f), dc[j]);
    da[at] = (e * g) * (i * (1.0f - i));
    da[at + next] = (e * c_old[j]) * (f * (1.0f - f));
    da[at + 2 * next] = (e * i) * np_fma(-g, g, 1.0f);
    da[at + 3 * next] = (up * t) * (o * (1.0f - o));
    dc[j] = e * f;
}

#define CHUNK 4096

// parts[chunk, i, col] = chain over a chunk of rows of src[row, i] da[row, col]; rows below `split` lie in `start`, the
// others, counted from there, in `rest`. blockIdx.y is the chunk.
KERNEL(128, lstm_weight_gradient, const float* __restrict__ start, const float* __restrict__ rest, int split,
       const float* __restrict__ da, float* __restrict__ parts, int rows, int inner, int wide) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= inner * wide) return;
    int k = i / wide, c = i % wide, begin = blockIdx.y * CHUNK, end = rows - begin < CHUNK ? rows : begin + CHUNK;
    float acc = 0.0f;
    for (int r = begin; r < end; r++) {
        float v = r < split ? start[(size_t)r * inner + k] : rest[(size_t)(r - split) * inner + k];
        acc = np_fma(v, da[(size_t)r * wide + c], acc);
    }
    parts[(size_t)blockIdx.y * inner * wide + i] = acc;
}
