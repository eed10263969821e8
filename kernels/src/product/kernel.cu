// The engines of products (gather.rs, scatter.rs): one fma chain an output, k ascending in one register.
//
// Both are matrix products whose left operand is read through taps. A block computes a tile of outputs: strips of 16 k lie
// in shared memory, two of them, so that one is filled while the other is used with one barrier a strip; a thread keeps
// TM x TN chains in registers. A ragged last strip adds its own terms and no others. Sums whose groups are a few channels
// wide take the direct kernels, a thread a chain.

#include "prelude.cuh"

#define STRIP 16   // k in shared memory at a time
#define PHASES 4   // most phases a dimension
#define BATCH 4    // most dimensions of a batch

// One dimension of a gather, as gather.rs's Axis.
struct Axis {
    int size, grid, step, taps, first, dilation, weight, weight_step, dst_size, dst_start, dst_step;
};

// Products side by side: sizes, and how far apart the left, the right operands and the results lie.
struct Batch {
    long long strides[3][BATCH];
    int sizes[BATCH];
};

struct Gather {
    long long weight_tap;  // from tap to tap
    Batch batch;
    Axis rows[PHASES], columns[PHASES];
    int row_phases, column_phases;
    int n, c, out;
    int src_channels, dst_channels;  // from position to position
    int weight_step;                 // from k to k, or (transposed) from output channel to output channel
    int row_tiles, column_tiles;
};

// One dimension of a scatter.
struct Window {
    int size, grid, stride, dilation, padding, kernel;
};

struct Scatter {
    long long sums;  // of a chunk
    Batch batch;
    Window row, column;
    int rows, chunk, chunks;  // rows in all, and of a chain
    int groups, c, out;
    int src_channels, dy_channels;
    int row_tiles, column_tiles;
};

// Member `index` of the batch: where its operands and result start.
struct Start {
    size_t left, right, result;
};
__device__ __forceinline__ Start start(const Batch& b, int index) {
    Start s = {0, 0, 0};
#pragma unroll
    for (int d = BATCH - 1; d >= 0; d--) {
        int i = index % b.sizes[d];
        index /= b.sizes[d];
        s.left += i * b.strides[0][d];
        s.right += i * b.strides[1][d];
        s.result += i * b.strides[2][d];
    }
    return s;
}

__device__ __forceinline__ Axis choose(const Axis (&all)[PHASES], int phase) {
    Axis a = all[0];
#pragma unroll
    for (int i = 1; i < PHASES; i++) {
        if (phase == i) a = all[i];
    }
    return a;
}

// A term of the sum: tap (i, j) and source channel.
struct Term {
    int i, j, channel;
    __device__ __forceinline__ void advance(int k, int c, int columns) {
        channel += k;
        while (channel >= c) {
            channel -= c;
            if (++j == columns) {
                j = 0;
                i++;
            }
        }
    }
};

// A position of the output grid: image n, row a, column b.
struct Place {
    int n, a, b;
    __device__ __forceinline__ void advance(int by, int rows, int columns) {
        b += by;
        while (b >= columns) {
            b -= columns;
            if (++a == rows) {
                a = 0;
                n++;
            }
        }
    }
};
__device__ __forceinline__ Place place(int row, int rows, int columns) {
    int r = row / columns;
    return {r / rows, r % rows, row % columns};
}

// Reads V numbers of shared memory, 4 or 2 or 1 at once.
template <int V>
__device__ __forceinline__ void read(const float* from, float* to) {
    if constexpr (V == 4) {
        float4 v = *reinterpret_cast<const float4*>(from);
        to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
    } else if constexpr (V == 2) {
        float2 v = *reinterpret_cast<const float2*>(from);
        to[0] = v.x, to[1] = v.y;
    } else {
        to[0] = from[0];
    }
}

// The chains of one thread: TM rows x TN columns of a tile of BM x BN. A warp covers 4 x 8 threads, so that a read of
// shared memory touches 4 addresses of the left strip and 8 neighbouring ones of the right.
template <int BM, int BN, int TM, int TN>
struct Tile {
    static constexpr int THREADS = (BM / TM) * (BN / TN);
    static constexpr int ACROSS = BN / TN / 8;  // warps
    static constexpr int NUMBERS = 2 * STRIP * (BM + BN);
    float acc[TM][TN];
    int row, column;

    __device__ __forceinline__ Tile() {
        int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
        row = (lane / 8 + 4 * (warp / ACROSS)) * TM;
        column = (lane % 8 + 8 * (warp % ACROSS)) * TN;
#pragma unroll
        for (int i = 0; i < TM; i++) {
#pragma unroll
            for (int j = 0; j < TN; j++) acc[i][j] = 0.0f;
        }
    }

    // Adds the terms of one k; `twist` is where its columns lie (see below).
    __device__ __forceinline__ void term(const float* left, const float* right, int left_twist, int right_twist) {
        constexpr int QUAD = TM < 4 ? TM : 4;
        float a[TM], b[TN];
#pragma unroll
        for (int i = 0; i < TM; i += QUAD) read<QUAD>(left + ((row + i) ^ left_twist), a + i);
        read<TN>(right + (column ^ right_twist), b);
#pragma unroll
        for (int i = 0; i < TM; i++) {
#pragma unroll
            for (int j = 0; j < TN; j++) acc[i][j] = np_fma(a[i], b[j], acc[i][j]);
        }
    }
};

// A strip that is filled along k would put a warp's numbers into few banks; so column x of row k lies at x ^ twist(k), a
// multiple of 4 that leaves 16-byte reads whole. The left strip is filled by 4 k a thread, the right one by one.
__device__ __forceinline__ int left_twist(int k) { return 8 * (k / 4); }
template <int WIDE>
__device__ __forceinline__ int right_twist(int k) {
    return 4 * (k % (WIDE / 4 < 8 ? WIDE / 4 : 8));
}

// dst = bias + sum over taps, then channels, of src * weights. VECTOR: channels are a multiple of 4. TRANSPOSED: weights
// are contiguous along k, else along the output channels.
template <int BM, int BN, int TM, int TN, bool VECTOR, bool TRANSPOSED>
__device__ __forceinline__ void gather(const Gather& p, const float* __restrict__ src, const float* __restrict__ weights,
                                       const float* __restrict__ bias, float* __restrict__ dst, float* memory) {
    constexpr int T = Tile<BM, BN, TM, TN>::THREADS;
    constexpr int ACROSS = STRIP / 4;          // threads along k, 4 numbers each
    constexpr int LOADS = BM * ACROSS / T;     // rows of the source, a thread
    constexpr int WEIGHTS = STRIP * BN / T;    // of the weights
    static_assert(LOADS * T == BM * ACROSS && WEIGHTS * T == STRIP * BN, "threads fill strips evenly");

    int block = blockIdx.x;
    int column0 = block % p.column_tiles * BN;
    block /= p.column_tiles;
    int row0 = block % p.row_tiles * BM;
    block /= p.row_tiles;
    Axis w = choose(p.columns, block % p.column_phases);
    block /= p.column_phases;
    Axis h = choose(p.rows, block % p.row_phases);
    Start at = start(p.batch, block / p.row_phases);
    src += at.left;
    weights += at.right;
    dst += at.result;
    if (bias) bias += at.result;  // groups: the result starts at its channel
    int rows = p.n * h.grid * w.grid, k = h.taps * w.taps * p.c;
    if (row0 >= rows) return;

    // This thread's rows of the source: position of the first tap, and its number in the source.
    int t = threadIdx.x;
    int top[LOADS], left[LOADS], first[LOADS];
#pragma unroll
    for (int e = 0; e < LOADS; e++) {
        int row = row0 + t / ACROSS + e * (T / ACROSS);
        Place q = place(row, h.grid, w.grid);
        top[e] = row < rows ? q.a * h.step + h.first : h.size;  // no such row: outside for every tap
        left[e] = q.b * w.step + w.first;
        first[e] = row < rows ? (q.n * h.size + top[e]) * w.size + left[e] : 0;
    }
    Term term = {0, 0, 0}, weight = {0, 0, 0};
    constexpr int DOWN = TRANSPOSED ? T / STRIP : T / BN;  // from load to load of the weights: columns, or k
    int weight_k = TRANSPOSED ? t % STRIP : t / BN, weight_column = column0 + (TRANSPOSED ? t / STRIP : t % BN);
    int columns = (p.out - weight_column + DOWN - 1) / DOWN, last = weight_column < p.out ? k : 0;
    weights += TRANSPOSED ? (size_t)weight_column * p.weight_step : (size_t)weight_k * p.weight_step + weight_column;
    if (k > 0) {
        term.advance(t % ACROSS * 4, p.c, w.taps);
        if (TRANSPOSED) weight.advance(weight_k, p.c, w.taps);
    }

    float a[LOADS][4], b[WEIGHTS];
    auto load = [&](int k0) {
#pragma unroll
        for (int v = 0; v < 4; v += VECTOR ? 4 : 1) {
            int down = term.i * h.dilation, right = term.j * w.dilation;
            bool some = k0 + t % ACROSS * 4 + v < k;
#pragma unroll
            for (int e = 0; e < LOADS; e++) {
                int y = top[e] + down, x = left[e] + right;
                bool inside = some && (unsigned)y < (unsigned)h.size && (unsigned)x < (unsigned)w.size;
                const float* from = src + (size_t)(first[e] + down * w.size + right) * p.src_channels + term.channel;
                if (VECTOR) {
                    float4 q = inside ? *reinterpret_cast<const float4*>(from) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
                    a[e][0] = q.x, a[e][1] = q.y, a[e][2] = q.z, a[e][3] = q.w;
                } else {
                    a[e][v] = inside ? *from : 0.0f;
                }
            }
            term.advance(VECTOR ? STRIP : v < 3 ? 1 : STRIP - 3, p.c, w.taps);
        }
        if (TRANSPOSED) {
            int number = h.weight + weight.i * h.weight_step + w.weight + weight.j * w.weight_step;
            const float* from = weights + number * p.weight_tap + weight.channel;
            int have = k0 + weight_k < k ? columns : 0;
#pragma unroll
            for (int e = 0; e < WEIGHTS; e++, from += (size_t)DOWN * p.weight_step) b[e] = e < have ? *from : 0.0f;
            weight.advance(STRIP, p.c, w.taps);
        } else {
#pragma unroll
            for (int e = 0; e < WEIGHTS; e++, weights += (size_t)DOWN * p.weight_step) {
                b[e] = k0 + weight_k + e * DOWN < last ? *weights : 0.0f;
            }
        }
    };
    auto keep = [&](float* strips) {
        float *as = strips, *bs = strips + STRIP * BM;
#pragma unroll
        for (int e = 0; e < LOADS; e++) {
#pragma unroll
            for (int v = 0; v < 4; v++) {
                int kk = t % ACROSS * 4 + v, row = t / ACROSS + e * (T / ACROSS);
                as[kk * BM + (row ^ left_twist(kk))] = a[e][v];
            }
        }
#pragma unroll
        for (int e = 0; e < WEIGHTS; e++) {
            int kk = TRANSPOSED ? weight_k : weight_k + e * DOWN;
            int o = TRANSPOSED ? (t / STRIP + e * DOWN) ^ right_twist<BN>(kk) : t % BN;
            bs[kk * BN + o] = b[e];
        }
    };

    Tile<BM, BN, TM, TN> tile;
    auto use = [&](const float* strips, int kk) {
        int right = TRANSPOSED ? right_twist<BN>(kk) : 0;
        tile.term(strips + kk * BM, strips + STRIP * BM + kk * BN, left_twist(kk), right);
    };
    constexpr int HALF = STRIP * (BM + BN);
    if (k > 0) {
        load(0);
        keep(memory);
    }
    __syncthreads();
    for (int k0 = 0, half = 0; k0 < k; k0 += STRIP, half = HALF - half) {
        bool more = k0 + STRIP < k;
        if (more) load(k0 + STRIP);
        const float* strips = memory + half;
        if (k0 + STRIP <= k) {
#pragma unroll
            for (int kk = 0; kk < STRIP; kk++) use(strips, kk);
        } else {
#pragma unroll 1
            for (int kk = 0; kk < k - k0; kk++) use(strips, kk);
        }
        if (more) keep(memory + HALF - half);
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < TM; i++) {
        int row = row0 + tile.row + i;
        if (row >= rows) break;
        Place q = place(row, h.grid, w.grid);
        int y = h.dst_start + q.a * h.dst_step, x = w.dst_start + q.b * w.dst_step;
        float* to = dst + (size_t)((q.n * h.dst_size + y) * w.dst_size + x) * p.dst_channels;
        int o = column0 + tile.column;
        if (bias) {
#pragma unroll
            for (int j = 0; j < TN; j++) {
                if (o + j < p.out) tile.acc[i][j] = tile.acc[i][j] + bias[o + j];
            }
        }
        if (TN == 4 && p.out % 4 == 0) {
            float* v = tile.acc[i];
            if (o < p.out) *reinterpret_cast<float4*>(to + o) = make_float4(v[0], v[1], v[TN / 2], v[TN - 1]);
        } else {
#pragma unroll
            for (int j = 0; j < TN; j++) {
                if (o + j < p.out) to[o + j] = tile.acc[i][j];
            }
        }
    }
}

#define GATHER(name, BM, BN, TM, TN, VECTOR, TRANSPOSED)                                                              \
    KERNEL((BM / TM) * (BN / TN), name, const Gather p, const float* __restrict__ src,                                \
           const float* __restrict__ weights, const float* __restrict__ bias, float* __restrict__ dst) {              \
        SHARED(float, memory, 2 * STRIP * (BM + BN));                                                                 \
        gather<BM, BN, TM, TN, VECTOR, TRANSPOSED>(p, src, weights, bias, dst, memory);                               \
    }

#define GATHERS(size, BM, BN, TM, TN)                                     \
    GATHER(gather_##size, BM, BN, TM, TN, false, false)                   \
    GATHER(gather_##size##_vector, BM, BN, TM, TN, true, false)           \
    GATHER(gather_##size##_transposed, BM, BN, TM, TN, false, true)       \
    GATHER(gather_##size##_vector_transposed, BM, BN, TM, TN, true, true)

GATHERS(wide, 128, 64, 8, 4)
GATHERS(middle, 128, 32, 4, 4)
GATHERS(narrow, 128, 16, 4, 2)
GATHERS(small, 32, 32, 4, 2)

// A gather of groups a few channels wide: a thread an output, lanes along all groups' channels.
KERNEL(256, gather_direct, const Gather p, const float* __restrict__ src, const float* __restrict__ weights,
       const float* __restrict__ bias, float* __restrict__ dst, int by_k, int by_out, int by_group) {
    int block = blockIdx.x;
    int part = block % p.row_tiles;
    block /= p.row_tiles;
    Axis w = choose(p.columns, block % p.column_phases), h = choose(p.rows, block / p.column_phases);
    size_t i = (size_t)part * 256 + threadIdx.x;
    int row = (int)(i / p.dst_channels), channel = (int)(i % p.dst_channels);
    if (row >= p.n * h.grid * w.grid) return;
    int group = channel / p.out;
    Place q = place(row, h.grid, w.grid);
    weights += (size_t)group * by_group + (size_t)(channel % p.out) * by_out;
    src += group * p.c;
    float acc = 0.0f;
    for (int ti = 0; ti < h.taps; ti++) {
        int y = q.a * h.step + h.first + ti * h.dilation;
        for (int tj = 0; tj < w.taps; tj++) {
            int x = q.b * w.step + w.first + tj * w.dilation;
            bool inside = (unsigned)y < (unsigned)h.size && (unsigned)x < (unsigned)w.size;
            const float* from = src + (size_t)((q.n * h.size + y) * w.size + x) * p.src_channels;
            int number = h.weight + ti * h.weight_step + w.weight + tj * w.weight_step;
            const float* by = weights + number * p.weight_tap;
            for (int c = 0; c < p.c; c++) acc = np_fma(inside ? from[c] : 0.0f, by[(size_t)c * by_k], acc);
        }
    }
    int y = h.dst_start + q.a * h.dst_step, x = w.dst_start + q.b * w.dst_step;
    if (bias) acc = acc + bias[channel];
    dst[(size_t)((q.n * h.dst_size + y) * w.dst_size + x) * p.dst_channels + channel] = acc;
}

// A chunk's sums [tap, c][o] = sum over its rows of src * dy. VECTOR: channels of both are multiples of 4.
template <int BM, int BN, int TM, int TN, bool VECTOR>
__device__ __forceinline__ void scatter(const Scatter& p, const float* __restrict__ src, const float* __restrict__ dy,
                                        float* __restrict__ sums, float* memory) {
    constexpr int T = Tile<BM, BN, TM, TN>::THREADS, V = VECTOR ? 4 : 1;
    constexpr int LEFT = BM / V, RIGHT = BN / V;                             // threads along channels
    constexpr int LEFTS = (STRIP * LEFT + T - 1) / T, RIGHTS = (STRIP * RIGHT + T - 1) / T;  // loads a thread
    static_assert(T % LEFT == 0 && T % RIGHT == 0, "a thread stays in its channels");

    int block = blockIdx.x;
    int n0 = block % p.column_tiles * BN;
    block /= p.column_tiles;
    int m0 = block % p.row_tiles * BM;
    block /= p.row_tiles;
    int chunk = block % p.chunks;
    Start at = start(p.batch, block / p.chunks);
    src += at.left;
    dy += at.right;
    sums += at.result + (size_t)chunk * p.sums;
    int begin = chunk * p.chunk, rows = p.rows - begin < p.chunk ? p.rows - begin : p.chunk;
    int height = p.row.kernel * p.column.kernel * p.c;

    // This thread's tap and channels, and the place of its row.
    int t = threadIdx.x, m = m0 + t % LEFT * V, o = n0 + t % RIGHT * V;
    int tap = m / p.c, channel = m % p.c;
    int down = m < height ? tap / p.column.kernel * p.row.dilation - p.row.padding : p.row.size;  // outside
    int across = tap % p.column.kernel * p.column.dilation - p.column.padding;
    int last = o < p.out ? rows : 0;
    src += channel;
    dy += (size_t)(begin + t / RIGHT) * p.dy_channels + o;
    Place q = place(begin + t / LEFT, p.row.grid, p.column.grid);
    constexpr int NEXT = LEFTS == 1 ? STRIP : T / LEFT, AFTER = RIGHTS == 1 ? STRIP : T / RIGHT;  // rows from load to load

    float a[LEFTS][V], b[RIGHTS][V];
    auto load = [&](int k0) {
#pragma unroll
        for (int e = 0; e < LEFTS; e++) {
            int y = q.a * p.row.stride + down, x = q.b * p.column.stride + across;
            bool inside = k0 + t / LEFT + e * (T / LEFT) < rows && (unsigned)y < (unsigned)p.row.size &&
                          (unsigned)x < (unsigned)p.column.size;
            const float* from = src + (size_t)((q.n * p.row.size + y) * p.column.size + x) * p.src_channels;
            if (VECTOR) {
                float4 v = inside ? *reinterpret_cast<const float4*>(from) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
                a[e][0] = v.x, a[e][V > 1] = v.y, a[e][V / 2] = v.z, a[e][V - 1] = v.w;
            } else {
                a[e][0] = inside ? *from : 0.0f;
            }
            q.advance(NEXT, p.row.grid, p.column.grid);
        }
#pragma unroll
        for (int e = 0; e < RIGHTS; e++) {
            bool inside = k0 + t / RIGHT + e * (T / RIGHT) < last;
            if (VECTOR) {
                float4 v = inside ? *reinterpret_cast<const float4*>(dy) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
                b[e][0] = v.x, b[e][V > 1] = v.y, b[e][V / 2] = v.z, b[e][V - 1] = v.w;
            } else {
                b[e][0] = inside ? *dy : 0.0f;
            }
            dy += (size_t)AFTER * p.dy_channels;
        }
    };
    auto keep = [&](float* strips) {
        float *as = strips, *bs = strips + STRIP * BM;
#pragma unroll
        for (int e = 0; e < LEFTS; e++) {
            int k = t / LEFT + e * (T / LEFT);
            if (STRIP * LEFT % T == 0 || k < STRIP) {
#pragma unroll
                for (int v = 0; v < V; v++) as[k * BM + t % LEFT * V + v] = a[e][v];
            }
        }
#pragma unroll
        for (int e = 0; e < RIGHTS; e++) {
            int k = t / RIGHT + e * (T / RIGHT);
            if (STRIP * RIGHT % T == 0 || k < STRIP) {
#pragma unroll
                for (int v = 0; v < V; v++) bs[k * BN + t % RIGHT * V + v] = b[e][v];
            }
        }
    };

    Tile<BM, BN, TM, TN> tile;
    auto use = [&](const float* strips, int kk) { tile.term(strips + kk * BM, strips + STRIP * BM + kk * BN, 0, 0); };
    constexpr int HALF = STRIP * (BM + BN);
    load(0);
    keep(memory);
    __syncthreads();
    for (int k0 = 0, half = 0; k0 < rows; k0 += STRIP, half = HALF - half) {
        bool more = k0 + STRIP < rows;
        if (more) load(k0 + STRIP);
        const float* strips = memory + half;
        if (k0 + STRIP <= rows) {
#pragma unroll
            for (int kk = 0; kk < STRIP; kk++) use(strips, kk);
        } else {
#pragma unroll 1
            for (int kk = 0; kk < rows - k0; kk++) use(strips, kk);
        }
        if (more) keep(memory + HALF - half);
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < TM; i++) {
        int row = m0 + tile.row + i;
        if (row >= height) break;
        float* to = sums + (size_t)row * p.dy_channels;
#pragma unroll
        for (int j = 0; j < TN; j++) {
            int column = n0 + tile.column + j;
            if (column < p.out) to[column] = tile.acc[i][j];
        }
    }
}

#define SCATTER(name, BM, BN, TM, TN, VECTOR)                                                                 \
    KERNEL((BM / TM) * (BN / TN), name, const Scatter p, const float* __restrict__ src,                       \
           const float* __restrict__ dy, float* __restrict__ sums) {                                          \
        SHARED(float, memory, 2 * STRIP * (BM + BN));                                                         \
        scatter<BM, BN, TM, TN, VECTOR>(p, src, dy, sums, memory);                                            \
    }

#define SCATTERS(size, BM, BN, TM, TN)                        \
    SCATTER(scatter_##size, BM, BN, TM, TN, false)            \
    SCATTER(scatter_##size##_vector, BM, BN, TM, TN, true)

SCATTERS(wide, 128, 64, 8, 4)
SCATTERS(middle, 64, 32, 4, 2)
SCATTERS(small, 32, 16, 2, 2)

// A scatter of groups a few channels wide: a thread a chain, lanes along all groups' channels.
KERNEL(128, scatter_direct, const Scatter p, const float* __restrict__ src, const float* __restrict__ dy,
       float* __restrict__ sums) {
    int chunk = blockIdx.x / p.row_tiles;
    size_t i = (size_t)(blockIdx.x % p.row_tiles) * 128 + threadIdx.x;
    if (i >= (size_t)p.sums) return;
    int m = (int)(i / p.dy_channels), o = (int)(i % p.dy_channels), tap = m / p.c;
    int down = tap / p.column.kernel * p.row.dilation - p.row.padding;
    int across = tap % p.column.kernel * p.column.dilation - p.column.padding;
    int begin = chunk * p.chunk, rows = p.rows - begin < p.chunk ? p.rows - begin : p.chunk;
    src += o / p.out * p.c + m % p.c;
    dy += (size_t)begin * p.dy_channels + o;
    Place q = place(begin, p.row.grid, p.column.grid);
    float acc = 0.0f;
#pragma unroll 4
    for (int row = 0; row < rows; row++) {
        int y = q.a * p.row.stride + down, x = q.b * p.column.stride + across;
        bool inside = (unsigned)y < (unsigned)p.row.size && (unsigned)x < (unsigned)p.column.size;
        size_t pixel = (size_t)((q.n * p.row.size + y) * p.column.size + x);
        acc = np_fma(inside ? src[pixel * p.src_channels] : 0.0f, dy[(size_t)row * p.dy_channels], acc);
        q.advance(1, p.row.grid, p.column.grid);
    }
    sums[(size_t)chunk * p.sums + i] = acc;
}

// sums [chunk][channel] = plain sums of a chunk's rows of `width` numbers, from +0: a block 32 channels of a chunk, whose
// threads bring 128 rows at a time; a lane adds a channel's.
KERNEL(256, row_sums, const float* __restrict__ numbers, float* __restrict__ sums, int rows, int width, int chunk) {
    SHARED(float, memory, 128 * 32);
    int tiles = (width + 31) / 32, t = threadIdx.x;
    int channel = blockIdx.x % tiles * 32 + t % 32, part = blockIdx.x / tiles;
    int begin = part * chunk, n = rows - begin < chunk ? rows - begin : chunk;
    numbers += (size_t)begin * width + channel;
    float v[16], acc = 0.0f;
    auto load = [&](int r0) {
#pragma unroll
        for (int e = 0; e < 16; e++) {
            int row = r0 + t / 32 + e * 8;
            v[e] = row < n && channel < width ? numbers[(size_t)row * width] : 0.0f;
        }
    };
    load(0);
    for (int r0 = 0; r0 < n; r0 += 128) {
#pragma unroll
        for (int e = 0; e < 16; e++) memory[(t / 32 + e * 8) * 32 + t % 32] = v[e];
        __syncthreads();
        if (r0 + 128 < n) load(r0 + 128);
        if (t < 32) {
            int here = n - r0 < 128 ? n - r0 : 128;
#pragma unroll 16
            for (int r = 0; r < here; r++) acc = acc + memory[r * 32 + t];
        }
        __syncthreads();
    }
    if (t < 32 && channel < width) sums[(size_t)part * width + channel] = acc;
}
