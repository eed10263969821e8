// What a spectral convolution needs beside products: its matrices, transpositions, the weights of modes. Complex numbers are
// two neighbours, real part first.

#include "prelude.cuh"
#include "math.cuh"

struct Sizes {
    int n, h, w, c, o, m1, m2, rows;
};

#define HALF_PI 1.57079632679489661923

// Cosine and sine of 2 pi m / n: quarter turns are exact, angles at most an eighth of a turn.
__device__ __forceinline__ void turn(long long m, int n, double& c, double& s) {
    long long k = 4 * (m % n);
    int quarter = (int)(k / n), rest = (int)(k % n);
    bool low = 2 * rest <= n;
    double angle = HALF_PI * ((double)(low ? rest : n - rest) / (double)n);
    double cosine = np_cos(angle), sine = np_sin(angle);
    double a = low ? cosine : sine, b = low ? sine : cosine;
    c = quarter == 0 ? a : quarter == 1 ? -b : quarter == 2 ? -a : b;
    s = quarter == 0 ? b : quarter == 1 ? a : quarter == 2 ? -b : -a;
}

// Frequency of kept row j.
__device__ __forceinline__ int row_of(int j, const Sizes& g) { return j < g.rows - g.m1 ? j : g.h - g.rows + j; }

// `along` [W, 2 m2]: e^(-2 pi i k w / W); `back` [2 m2, W]: the way back, divided by H W. One thread a (w, k).
KERNEL(128, width_waves, float* __restrict__ along, float* __restrict__ back, Sizes g) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= g.w * g.m2) return;
    int w = i / g.m2, k = i % g.m2;
    double c, s;
    turn((long long)w * k % g.w, g.w, c, s);
    along[w * 2 * g.m2 + 2 * k] = __double2float_rn(c);
    along[w * 2 * g.m2 + 2 * k + 1] = __double2float_rn(-s);
    double share = k == 0 || 2 * k == g.w ? 1.0 : 2.0, all = (double)((long long)g.h * g.w);
    back[2 * k * g.w + w] = __double2float_rn(share * c / all);
    back[(2 * k + 1) * g.w + w] = __double2float_rn(-(share * s) / all);
}

// `along` [2 H, 2 rows]: e^(-2 pi i r h / H); `back` [2 rows, 2 H]: e^(2 pi i r h / H). One thread a (h, j).
KERNEL(128, height_waves, float* __restrict__ along, float* __restrict__ back, Sizes g) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= g.h * g.rows) return;
    int h = i / g.rows, j = i % g.rows;
    double c, s;
    turn((long long)h * row_of(j, g) % g.h, g.h, c, s);
    float cosine = __double2float_rn(c), sine = __double2float_rn(s), minus = __double2float_rn(-s);
    float* to = along + 2 * h * 2 * g.rows + 2 * j;
    to[0] = cosine;
    to[1] = minus;
    to[2 * g.rows] = sine;
    to[2 * g.rows + 1] = cosine;
    to = back + 2 * j * 2 * g.h + 2 * h;
    to[0] = cosine;
    to[1] = sine;
    to[2 * g.h] = minus;
    to[2 * g.h + 1] = cosine;
}

#define SIDE 16

// [outer, a, b] to [outer, b, a], of pieces of `piece` numbers (1 or 2): blocks of 16 x 16 pieces through shared memory.
KERNEL(256, transpose, const float* __restrict__ from, float* __restrict__ to, int a, int b, int piece) {
    SHARED(float, tile, SIDE * (2 * SIDE + 1));
    int across = (b + SIDE - 1) / SIDE, down = (a + SIDE - 1) / SIDE;
    int block = blockIdx.x % (across * down);
    size_t base = (size_t)(blockIdx.x / (across * down)) * a * b * piece;
    int r0 = block / across * SIDE, c0 = block % across * SIDE, x = threadIdx.x % SIDE, y = threadIdx.x / SIDE;
    if (r0 + y < a && c0 + x < b) {
        const float* p = from + base + ((size_t)(r0 + y) * b + c0 + x) * piece;
        for (int i = 0; i < piece; i++) tile[y * (2 * SIDE + 1) + 2 * x + i] = p[i];
    }
    __syncthreads();
    if (c0 + y < b && r0 + x < a) {
        float* p = to + base + ((size_t)(c0 + y) * a + r0 + x) * piece;
        for (int i = 0; i < piece; i++) p[i] = tile[x * (2 * SIDE + 1) + 2 * y + i];
    }
}

// Which weight (0 or 1) a mode takes, and where in [m1, m2].
__device__ __forceinline__ bool second_weight(int mode, const Sizes& g, int& at) {
    int k = mode / g.rows, j = mode % g.rows, first = g.rows - g.m1;
    at = (j < first ? j : j - first) * g.m2 + k;
    return j >= first;
}

// The real matrices [[re, im], [-im, re]] of all modes, [mode][c, part][o, part]. One thread a (mode, c, o).
KERNEL(128, mixers, const float* __restrict__ w1_re, const float* __restrict__ w1_im, const float* __restrict__ w2_re,
       const float* __restrict__ w2_im, float* __restrict__ to, Sizes g, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int o = i % g.o, c = i / g.o % g.c, mode = i / (g.o * g.c), at;
    bool second = second_weight(mode, g, at);
    size_t from = ((size_t)c * g.o + o) * g.m1 * g.m2 + at;
    float re = second ? w2_re[from] : w1_re[from], im = second ? w2_im[from] : w1_im[from];
    float* row = to + ((size_t)mode * g.c + c) * 4 * g.o + 2 * o;
    row[0] = re;
    row[1] = im;
    row[2 * g.o] = -im;
    row[2 * g.o + 1] = re;
}

// Gradients of w1 or w2 from `sums` [c, part][mode][o, part]; +0 where the other weight wins. One thread a (c, o, row, column).
KERNEL(128, weight_gradients, const float* __restrict__ sums, float* __restrict__ re, float* __restrict__ im, Sizes g,
       int second, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int k = i % g.m2, row = i / g.m2 % g.m1, o = i / (g.m2 * g.m1) % g.o, c = i / (g.m2 * g.m1 * g.o);
    int first = g.rows - g.m1, j = second ? first + row : row;
    float real = 0.0f, imaginary = 0.0f;
    if (second || row < first) {
        int modes = g.rows * g.m2;
        size_t wide = (size_t)modes * 2 * g.o, at = ((size_t)(k * g.rows + j) * g.o + o) * 2;
        const float* upper = sums + 2 * (size_t)c * wide + at;
        const float* lower = upper + wide;
        real = upper[0] + lower[1];
        imaginary = upper[1] - lower[0];
    }
    re[i] = real;
    im[i] = imaginary;
}
