// Moving numbers: boxes from one array into another, and reflection.

#include "prelude.cuh"

#define RANK 6

// Dimensions, innermost last: sizes, and distances of neighbours in x and in y; where the box begins in both.
struct Box {
    int size[RANK], x[RANK], y[RANK];
    int from, to, rank, count;
};

// One thread a number of the box.
KERNEL(256, copy_box, const float* __restrict__ x, float* __restrict__ y, Box b) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= b.count) return;
    size_t from = b.from, to = b.to;
#pragma unroll
    for (int d = RANK - 1; d >= 0; d--) {
        if (d >= b.rank) continue;
        int k = i % b.size[d];
        i /= b.size[d];
        from += (size_t)k * b.x[d];
        to += (size_t)k * b.y[d];
    }
    y[to] = x[from];
}

// Sizes of x and y, innermost last, and how much is reflected before and behind.
struct Reflection {
    int x[RANK], y[RANK], left[RANK], right[RANK];
    int rank, count;
};

// x -> y, one thread a number of y.
KERNEL(256, reflect, const float* __restrict__ x, float* __restrict__ y, Reflection g) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= g.count) return;
    int rest = i;
    size_t at = 0, stride = 1;
#pragma unroll
    for (int d = RANK - 1; d >= 0; d--) {
        if (d >= g.rank) continue;
        int j = rest % g.y[d] - g.left[d];
        rest /= g.y[d];
        int k = j < 0 ? -j : j;
        k = k >= g.x[d] ? 2 * (g.x[d] - 1) - k : k;
        at += (size_t)k * stride;
        stride *= g.x[d];
    }
    y[i] = x[at];
}

// Place number `which` (0 before, 1 itself, 2 behind) that holds element i along dimension d; negative if there is none.
__device__ __forceinline__ int place_of(const Reflection& g, int d, int i, int which) {
    int n = g.x[d], left = g.left[d], right = g.right[d];
    if (which == 0) return i >= 1 && i <= left ? left - i : -1;
    if (which == 1) return left + i;
    return i + 1 < n && n - 1 - i <= right ? left + 2 * (n - 1) - i : -1;
}

// dy -> dx, one thread a number of dx: the sum over the places that hold it, ascending.
KERNEL(256, reflect_gradient, const float* __restrict__ dy, float* __restrict__ dx, Reflection g) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= g.count) return;
    int at[RANK], combinations = 1, rest = i;
#pragma unroll
    for (int d = RANK - 1; d >= 0; d--) {
        if (d >= g.rank) continue;
        at[d] = rest % g.x[d];
        rest /= g.x[d];
        combinations *= 3;
    }
    float sum = 0.0f;
    for (int c = 0; c < combinations; c++) {
        // Digits of c in base 3, the outermost dimension the highest: places ascend with c.
        int digits = c, scale = combinations;
        size_t from = 0;
        bool there = true;
#pragma unroll
        for (int d = 0; d < RANK; d++) {
            if (d >= g.rank) continue;
            scale /= 3;
            int j = place_of(g, d, at[d], digits / scale);
            digits %= scale;
            there = there && j >= 0;
            from = from * g.y[d] + (j < 0 ? 0 : j);
        }
        if (there) sum = sum + dy[from];
    }
    dx[i] = sum;
}
