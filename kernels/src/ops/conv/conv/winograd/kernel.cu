// Winograd's minimal filtering: the transforms of plane.rs and series.rs. The products between them are the engines'.
//
// A thread transforms one channel of one tile, lanes along the channels: a tile's places, points and outputs stay in
// registers, and every access of a warp is one run of memory. U is [point][c][k], V [point][tile][c], M and Z
// [point][tile][k].

#include "prelude.cuh"

struct Tiles {
    int size[2], out[2];  // height and width of source and destination
    int origin[2];        // source place of the first tap of the first output
    int down, across;     // tiles of an image
    int channels;         // of what the kernel reads or writes beside the tiles
    int first, count;     // tiles of the launch
    int points;           // that are computed
};

__device__ __forceinline__ float half(float x) { return 0.5f * x; }

// F(2, T): T taps, two outputs, T + 1 points.
template <int T>
struct Filter;

template <>
struct Filter<2> {
    __device__ static __forceinline__ void input(const float* d, float* v) {
        v[0] = d[0] - d[1], v[1] = d[1], v[2] = d[2] - d[1];
    }
    __device__ static __forceinline__ void weights(const float* g, float* u) {
        u[0] = g[0], u[1] = g[0] + g[1], u[2] = g[1];
    }
    __device__ static __forceinline__ void output(const float* m, float* y) {
        y[0] = m[0] + m[1], y[1] = m[1] + m[2];
    }
    __device__ static __forceinline__ void gradient(const float* y, float* z) {
        z[0] = y[0], z[1] = y[0] + y[1], z[2] = y[1];
    }
    __device__ static __forceinline__ void weight_gradient(const float* u, float* dw) {
        dw[0] = u[0] + u[1], dw[1] = u[1] + u[2];
    }
};

template <>
struct Filter<3> {
    __device__ static __forceinline__ void input(const float* d, float* v) {
        v[0] = d[0] - d[2], v[1] = d[1] + d[2], v[2] = d[2] - d[1], v[3] = d[1] - d[3];
    }
    __device__ static __forceinline__ void weights(const float* g, float* u) {
        float s = g[0] + g[2];
        u[0] = g[0], u[1] = half(s + g[1]), u[2] = half(s - g[1]), u[3] = g[2];
    }
    __device__ static __forceinline__ void output(const float* m, float* y) {
        y[0] = (m[0] + m[1]) + m[2], y[1] = (m[1] - m[2]) - m[3];
    }
    __device__ static __forceinline__ void gradient(const float* y, float* z) {
        z[0] = y[0], z[1] = y[0] + y[1], z[2] = y[0] - y[1], z[3] = 0.0f - y[1];
    }
    __device__ static __forceinline__ void weight_gradient(const float* u, float* dw) {
        float h = half(u[1] + u[2]);
        dw[0] = u[0] + h, dw[1] = half(u[1] - u[2]), dw[2] = h + u[3];
    }
};

// F(2x2, 3x3): the filter along the columns, then along the rows.
struct Plane {
    static constexpr int OUT_ROWS = 2, OUT_COLUMNS = 2, IN_ROWS = 4, IN_COLUMNS = 4, TAPS = 9, POINTS = 16;

    template <int FROM, int TO, class F>
    __device__ static __forceinline__ void twice(const float* from, float* to, F filter) {
        float rows[TO][FROM];
#pragma unroll
        for (int q = 0; q < FROM; q++) {
            float column[FROM], o[TO];
#pragma unroll
            for (int r = 0; r < FROM; r++) column[r] = from[r * FROM + q];
            filter(column, o);
#pragma unroll
            for (int r = 0; r < TO; r++) rows[r][q] = o[r];
        }
#pragma unroll
        for (int r = 0; r < TO; r++) filter(rows[r], to + r * TO);
    }
    __device__ static __forceinline__ void input(const float* d, float* v) {
        twice<4, 4>(d, v, [](const float* d, float* v) { Filter<3>::input(d, v); });
    }
    __device__ static __forceinline__ void weights(const float* g, float* u) {
        twice<3, 4>(g, u, [](const float* g, float* u) { Filter<3>::weights(g, u); });
    }
    __device__ static __forceinline__ void output(const float* m, float* y) {
        twice<4, 2>(m, y, [](const float* m, float* y) { Filter<3>::output(m, y); });
    }
    __device__ static __forceinline__ void gradient(const float* y, float* z) {
        twice<2, 4>(y, z, [](const float* y, float* z) { Filter<3>::gradient(y, z); });
    }
    __device__ static __forceinline__ void weight_gradient(const float* u, float* dw) {
        twice<4, 3>(u, dw, [](const float* u, float* dw) { Filter<3>::weight_gradient(u, dw); });
    }
};

// What is inside the innermost level: one number.
struct One {
    static constexpr int OUT = 1, IN = 1, TAPS = 1, POINTS = 1;

    __device__ static __forceinline__ void input(const float* d, float* v) { v[0] = d[0]; }
    __device__ static __forceinline__ void weights(const float* g, float* u) { u[0] = g[0]; }
    __device__ static __forceinline__ void output(const float* m, float* y) { y[0] = m[0]; }
    __device__ static __forceinline__ void gradient(const float* y, float* z) { z[0] = y[0]; }
    __device__ static __forceinline__ void weight_gradient(const float* u, float* dw) { dw[0] = u[0]; }
};

// A level of T taps, whose numbers are blocks for the levels I inside it.
template <int T, class I>
struct Level {
    static constexpr int OUT = 2 * I::OUT, TAPS = T * I::TAPS, IN = OUT + TAPS - 1, POINTS = (T + 1) * I::POINTS;

    // Combines BLOCKS blocks of SIZE numbers, STEP apart, element by element to those of the T + 1 points.
    template <int BLOCKS, int SIZE, int STEP, class F>
    __device__ static __forceinline__ void inwards(const float* from, float (&to)[T + 1][SIZE], F filter) {
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            float blocks[BLOCKS], o[T + 1];
#pragma unroll
            for (int b = 0; b < BLOCKS; b++) blocks[b] = from[b * STEP + i];
            filter(blocks, o);
#pragma unroll
            for (int j = 0; j <= T; j++) to[j][i] = o[j];
        }
    }
    // The way back, to BLOCKS blocks behind each other.
    template <int BLOCKS, int SIZE, class F>
    __device__ static __forceinline__ void outwards(const float (&from)[T + 1][SIZE], float* to, F filter) {
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            float points[T + 1], o[BLOCKS];
#pragma unroll
            for (int j = 0; j <= T; j++) points[j] = from[j][i];
            filter(points, o);
#pragma unroll
            for (int b = 0; b < BLOCKS; b++) to[b * SIZE + i] = o[b];
        }
    }

    __device__ static __forceinline__ void input(const float* d, float* v) {
        float p[T + 1][I::IN];
        inwards<T + 1, I::IN, I::OUT>(d, p, [](const float* d, float* v) { Filter<T>::input(d, v); });
#pragma unroll
        for (int j = 0; j <= T; j++) I::input(p[j], v + j * I::POINTS);
    }
    __device__ static __forceinline__ void weights(const float* g, float* u) {
        float p[T + 1][I::TAPS];
        inwards<T, I::TAPS, I::TAPS>(g, p, [](const float* g, float* u) { Filter<T>::weights(g, u); });
#pragma unroll
        for (int j = 0; j <= T; j++) I::weights(p[j], u + j * I::POINTS);
    }
    __device__ static __forceinline__ void gradient(const float* y, float* z) {
        float p[T + 1][I::OUT];
        inwards<2, I::OUT, I::OUT>(y, p, [](const float* y, float* z) { Filter<T>::gradient(y, z); });
#pragma unroll
        for (int j = 0; j <= T; j++) I::gradient(p[j], z + j * I::POINTS);
    }
    __device__ static __forceinline__ void output(const float* m, float* y) {
        float p[T + 1][I::OUT];
#pragma unroll
        for (int j = 0; j <= T; j++) I::output(m + j * I::POINTS, p[j]);
        outwards<2, I::OUT>(p, y, [](const float* m, float* y) { Filter<T>::output(m, y); });
    }
    __device__ static __forceinline__ void weight_gradient(const float* u, float* dw) {
        float p[T + 1][I::TAPS];
#pragma unroll
        for (int j = 0; j <= T; j++) I::weight_gradient(u + j * I::POINTS, p[j]);
        outwards<T, I::TAPS>(p, dw, [](const float* u, float* dw) { Filter<T>::weight_gradient(u, dw); });
    }
};

// Levels as a form of kernels with one row.
template <class L>
struct Series : L {
    static constexpr int OUT_ROWS = 1, OUT_COLUMNS = L::OUT, IN_ROWS = 1, IN_COLUMNS = L::IN;
};

// A channel of a tile: image, first output row and column.
struct Item {
    int i, channel, image, row, column;
};

template <class F>
__device__ __forceinline__ bool item(const Tiles& s, Item& at) {
    at.i = blockIdx.x * blockDim.x + threadIdx.x;
    if (at.i >= s.count * s.channels) return false;
    at.channel = at.i % s.channels;
    int tile = s.first + at.i / s.channels, line = tile / s.across;
    at.image = line / s.down;
    at.row = line % s.down * F::OUT_ROWS;
    at.column = tile % s.across * F::OUT_COLUMNS;
    return true;
}

// ROWS x COLUMNS places from (row, column) on of an image of `size`, +0 outside.
template <int ROWS, int COLUMNS>
__device__ __forceinline__ void read(const float* x, const int (&size)[2], int channels, int row, int column,
                                     float* d) {
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int q = 0; q < COLUMNS; q++) {
            bool inside = (unsigned)(row + r) < (unsigned)size[0] && (unsigned)(column + q) < (unsigned)size[1];
            d[r * COLUMNS + q] = inside ? x[((size_t)(row + r) * size[1] + (column + q)) * channels] : 0.0f;
        }
    }
}

// V of x.
template <class F>
__device__ __forceinline__ void input(const Tiles& s, const float* x, float* v) {
    Item at;
    if (!item<F>(s, at)) return;
    float d[F::IN_ROWS * F::IN_COLUMNS], o[F::POINTS];
    x += (size_t)at.image * s.size[0] * s.size[1] * s.channels + at.channel;
    read<F::IN_ROWS, F::IN_COLUMNS>(x, s.size, s.channels, at.row + s.origin[0], at.column + s.origin[1], d);
    F::input(d, o);
    size_t apart = (size_t)s.count * s.channels;
#pragma unroll
    for (int f = 0; f < F::POINTS; f++) {
        if (f < s.points) v[f * apart + at.i] = o[f];
    }
}

// Z of dy.
template <class F>
__device__ __forceinline__ void gradient(const Tiles& s, const float* dy, float* z) {
    Item at;
    if (!item<F>(s, at)) return;
    float y[F::OUT_ROWS * F::OUT_COLUMNS], o[F::POINTS];
    dy += (size_t)at.image * s.out[0] * s.out[1] * s.channels + at.channel;
    read<F::OUT_ROWS, F::OUT_COLUMNS>(dy, s.out, s.channels, at.row, at.column, y);
    F::gradient(y, o);
    size_t apart = (size_t)s.count * s.channels;
#pragma unroll
    for (int f = 0; f < F::POINTS; f++) {
        if (f < s.points) z[f * apart + at.i] = o[f];
    }
}

// y (+ bias) of M.
template <class F>
__device__ __forceinline__ void output(const Tiles& s, const float* m, const float* bias, float* y) {
    Item at;
    if (!item<F>(s, at)) return;
    float p[F::POINTS], o[F::OUT_ROWS * F::OUT_COLUMNS];
    size_t apart = (size_t)s.count * s.channels;
#pragma unroll
    for (int f = 0; f < F::POINTS; f++) p[f] = f < s.points ? m[f * apart + at.i] : 0.0f;
    F::output(p, o);
    y += (size_t)at.image * s.out[0] * s.out[1] * s.channels + at.channel;
#pragma unroll
    for (int r = 0; r < F::OUT_ROWS; r++) {
#pragma unroll
        for (int q = 0; q < F::OUT_COLUMNS; q++) {
            int row = at.row + r, column = at.column + q;
            if (row >= s.out[0] || column >= s.out[1]) continue;
            float v = o[r * F::OUT_COLUMNS + q];
            y[((size_t)row * s.out[1] + column) * s.channels] = bias ? v + bias[at.channel] : v;
        }
    }
}

// U of n weights a tap, taken from the last to the first if flipped.
template <class F>
__device__ __forceinline__ void weights(const float* w, float* u, int n, int taps, int points, bool flipped) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float g[F::TAPS], o[F::POINTS];
#pragma unroll
    for (int t = 0; t < F::TAPS; t++) g[t] = t < taps ? w[(size_t)(flipped ? taps - 1 - t : t) * n + i] : 0.0f;
    F::weights(g, o);
#pragma unroll
    for (int f = 0; f < F::POINTS; f++) {
        if (f < points) u[(size_t)f * n + i] = o[f];
    }
}

// dw, n a tap, of n sums a point.
template <class F>
__device__ __forceinline__ void weight_gradient(const float* u, float* dw, int n, int taps, int points) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float p[F::POINTS], o[F::TAPS];
#pragma unroll
    for (int f = 0; f < F::POINTS; f++) p[f] = f < points ? u[(size_t)f * n + i] : 0.0f;
    F::weight_gradient(p, o);
#pragma unroll
    for (int t = 0; t < F::TAPS; t++) {
        if (t < taps) dw[(size_t)t * n + i] = o[t];
    }
}

#define FORM(name, F)                                                                                         \
    KERNEL(256, name##_input, const Tiles s, const float* __restrict__ x, float* __restrict__ v) {            \
        input<F>(s, x, v);                                                                                    \
    }                                                                                                         \
    KERNEL(256, name##_gradient, const Tiles s, const float* __restrict__ dy, float* __restrict__ z) {        \
        gradient<F>(s, dy, z);                                                                                \
    }                                                                                                         \
    KERNEL(256, name##_output, const Tiles s, const float* __restrict__ m, const float* __restrict__ bias,    \
           float* __restrict__ y) {                                                                           \
        output<F>(s, m, bias, y);                                                                             \
    }                                                                                                         \
    KERNEL(256, name##_weights, const float* __restrict__ w, float* __restrict__ u, int n, int taps,          \
           int points, int flipped) {                                                                         \
        weights<F>(w, u, n, taps, points, flipped != 0);                                                      \
    }                                                                                                         \
    KERNEL(256, name##_weight_gradient, const float* __restrict__ u, float* __restrict__ dw, int n, int taps, \
           int points) {                                                                                      \
        weight_gradient<F>(u, dw, n, taps, points);                                                           \
    }

using Series3 = Series<Level<3, One>>;
using Series4 = Series<Level<2, Level<2, One>>>;
using Series6 = Series<Level<3, Level<2, One>>>;
using Series8 = Series<Level<2, Level<2, Level<2, One>>>>;

FORM(plane, Plane)
FORM(series3, Series3)
FORM(series4, Series4)
FORM(series6, Series6)
FORM(series8, Series8)
