// Depthwise convolution: a thread a channel, lanes along the flat run (column, c) of a row, so few channels waste nothing.

#include "prelude.cuh"

// Destination position p reads source p * stride + origin + tap * dilation; pairs are (rows, columns).
struct Taps {
    int src[2], dst[2];
    int origin[2], stride[2], kernel[2], dilation[2];
    int n, c;
};

// Stride 1: a thread sums R rows, a dilation apart, whose taps lie on the same source rows: a number that is read serves all
// of them. Weights stay in registers, taken from the last to the first if reversed.
template <int KH, int KW, int R>
__device__ __forceinline__ void rows(const Taps& s, const float* src, const float* w, bool reversed,
                                     const float* bias, float* dst) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int span = R * s.dilation[0], bands = (s.dst[0] + span - 1) / span * s.dilation[0];
    int channel = i % s.c, q = i / s.c, column = q % s.dst[1];
    q /= s.dst[1];
    int image = q / bands;
    q %= bands;
    if (image >= s.n) return;
    int first = q / s.dilation[0] * span + q % s.dilation[0];
    float weights[KH * KW], acc[R];
#pragma unroll
    for (int t = 0; t < KH * KW; t++) weights[t] = w[(reversed ? KH * KW - 1 - t : t) * s.c + channel];
#pragma unroll
    for (int r = 0; r < R; r++) acc[r] = 0.0f;
    src += (size_t)image * s.src[0] * s.src[1] * s.c + channel;
#pragma unroll
    for (int y = 0; y < KH + R - 1; y++) {
        int row = first + s.origin[0] + y * s.dilation[0];
        bool inside = (unsigned)row < (unsigned)s.src[0];
#pragma unroll
        for (int x = 0; x < KW; x++) {
            int at = column + s.origin[1] + x * s.dilation[1];
            bool here = inside && (unsigned)at < (unsigned)s.src[1];
            float v = here ? src[((size_t)row * s.src[1] + at) * s.c] : 0.0f;
#pragma unroll
            for (int r = 0; r < R; r++) {
                if (y - r >= 0 && y - r < KH) acc[r] = np_fma(v, weights[(y - r) * KW + x], acc[r]);
            }
        }
    }
    dst += (size_t)image * s.dst[0] * s.dst[1] * s.c + channel;
#pragma unroll
    for (int r = 0; r < R; r++) {
        int row = first + r * s.dilation[0];
        if (row < s.dst[0]) {
            dst[((size_t)row * s.dst[1] + column) * s.c] = bias ? acc[r] + bias[channel] : acc[r];
        }
    }
}

#define ROWS(KH, KW, R)                                                                                      \
    KERNEL(256, rows_##KH##x##KW, const Taps s, const float* __restrict__ src, const float* __restrict__ w,  \
           int reversed, const float* __restrict__ bias, float* __restrict__ dst) {                          \
        rows<KH, KW, R>(s, src, w, reversed != 0, bias, dst);                                                \
    }

ROWS(3, 3, 4)
ROWS(5, 5, 4)
ROWS(1, 3, 1)
ROWS(1, 5, 1)

#define ABREAST 5  // taps of a row of the kernel that a thread sums

// A chunk's sums [chunk][tap][chain][c]: chain j of a channel takes the columns j, j + chains, ... from left to right, rows
// from top to bottom within one. `high` output rows a chunk; `period` numbers a tap.
KERNEL(128, chains, const Taps s, const float* __restrict__ src, const float* __restrict__ dy,
       float* __restrict__ sums, int high, int period) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int groups = (s.kernel[1] + ABREAST - 1) / ABREAST, bands = (s.dst[0] + high - 1) / high;
    int p = i % period, q = i / period, tap = q % groups * ABREAST;
    q /= groups;
    int down = q % s.kernel[0], chunk = q / s.kernel[0], image = chunk / bands;
    if (image >= s.n) return;
    int channel = p % s.c, step = period / s.c, first = chunk % bands * high;
    int here = s.dst[0] - first < high ? s.dst[0] - first : high;
    int top = first * s.stride[0] + s.origin[0] + down * s.dilation[0];
    src += (size_t)image * s.src[0] * s.src[1] * s.c + channel;
    dy += ((size_t)image * s.dst[0] + first) * s.dst[1] * s.c + channel;
    float acc[ABREAST];
#pragma unroll
    for (int t = 0; t < ABREAST; t++) acc[t] = 0.0f;
    for (int b = p / s.c; b < s.dst[1]; b += step) {
        int column = b * s.stride[1] + s.origin[1] + tap * s.dilation[1];
        bool inside[ABREAST];
#pragma unroll
        for (int t = 0; t < ABREAST; t++) {
            inside[t] = (unsigned)(column + t * s.dilation[1]) < (unsigned)s.src[1] && tap + t < s.kernel[1];
        }
#pragma unroll 2
        for (int a = 0; a < here; a++) {
            int row = top + a * s.stride[0];
            bool in_row = (unsigned)row < (unsigned)s.src[0];
            float g = dy[((size_t)a * s.dst[1] + b) * s.c];
#pragma unroll
            for (int t = 0; t < ABREAST; t++) {
                int at = column + t * s.dilation[1];
                float v = in_row && inside[t] ? src[((size_t)row * s.src[1] + at) * s.c] : 0.0f;
                acc[t] = np_fma(v, g, acc[t]);
            }
        }
    }
    sums += ((size_t)(chunk * s.kernel[0] + down) * s.kernel[1] + tap) * period + p;
#pragma unroll
    for (int t = 0; t < ABREAST; t++) {
        if (tap + t < s.kernel[1]) sums[(size_t)t * period] = acc[t];
    }
}

// The fixed tree over the chains, a power of 2 up to 16: `to` [row][c] of `from` [row][chain][c], n numbers.
KERNEL(256, merge_chains, const float* __restrict__ from, float* __restrict__ to, int n, int c, int chains) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    from += (size_t)(i / c) * chains * c + i % c;
    float v[16];
#pragma unroll
    for (int j = 0; j < 16; j++) v[j] = j < chains ? from[(size_t)j * c] : 0.0f;
#pragma unroll
    for (int step = 1; step < 16; step *= 2) {
#pragma unroll
        for (int j = 0; j + step < 16; j += 2 * step) {
            if (j + step < chains) v[j] = v[j] + v[j + step];
        }
    }
    to[i] = v[0];
}
