// Kernels of tensors themselves.

#include "prelude.cuh"
#include "tree.cuh"

// sum[i] += other[i]
KERNEL(256, accumulate, float* __restrict__ sum, const float* __restrict__ other, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) sum[i] = sum[i] + other[i];
}

// parts [rows, width] -> row 0: one thread a column, the fixed tree over its rows.
KERNEL(64, sum_rows, float* __restrict__ parts, int rows, int width) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= width) return;
    np_tree(rows, [&](int i, int j) {
        size_t a = (size_t)i * width + c;
        parts[a] = parts[a] + parts[(size_t)j * width + c];
    });
}
