// Elements along one dimension: one thread a number.

#include "prelude.cuh"

#define RANK 6

// Sizes of x and of the index; `dim` is gathered along.
struct Geometry {
    int x[RANK], index[RANK];
    int rank, dim, count;
};

// y[..., p, ...] = x[..., index[..., p, ...], ...]
KERNEL(256, gather, const float* __restrict__ x, const int* __restrict__ index, float* __restrict__ y, Geometry g) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= g.count) return;
    int taken = index[i], rest = i;
    size_t at = 0, stride = 1;
#pragma unroll
    for (int d = RANK - 1; d >= 0; d--) {
        if (d >= g.rank) continue;
        at += (size_t)(d == g.dim ? taken : rest % g.index[d]) * stride;
        rest /= g.index[d];
        stride *= g.x[d];
    }
    bool inside = taken >= 0 && taken < g.x[g.dim];
    y[i] = inside ? x[at] : __int_as_float(0x7fc00000);
}

// dx: each number goes through its line of the index, ascending.
KERNEL(256, gather_gradient, const float* __restrict__ dy, const int* __restrict__ index, float* __restrict__ dx, Geometry g) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= g.count) return;
    int rest = i, own = 0;
    size_t at = 0, stride = 1, step = 0;
    bool inside = true;
#pragma unroll
    for (int d = RANK - 1; d >= 0; d--) {
        if (d >= g.rank) continue;
        int k = rest % g.x[d];
        rest /= g.x[d];
        if (d == g.dim) {
            own = k;
            step = stride;
        } else {
            inside = inside && k < g.index[d];
            at += (size_t)k * stride;
        }
        stride *= g.index[d];
    }
    float sum = 0.0f;
    for (int p = 0; inside && p < g.index[g.dim]; p++) {
        size_t from = at + (size_t)p * step;
        if (index[from] == own) sum = sum + dy[from];
    }
    dx[i] = sum;
}
