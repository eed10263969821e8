// Rows of a table: one thread a number.

#include "prelude.cuh"

// weight [v, d], index [rows] -> y [rows, d]; an index outside makes its row NaN.
KERNEL(256, embedding, const float* __restrict__ weight, const int* __restrict__ index, float* __restrict__ y, int v, int d,
       int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int row = index[i / d];
    y[i] = row >= 0 && row < v ? weight[(size_t)row * d + i % d] : __int_as_float(0x7fc00000);
}

// dy [rows, d] -> dw [v, d]: each number goes through the positions, ascending, and adds those of its row.
KERNEL(256, embedding_gradient, const float* __restrict__ dy, const int* __restrict__ index, float* __restrict__ dw, int rows,
       int d, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float sum = 0.0f;
    for (int p = 0; p < rows; p++) {
        if (index[p] == i / d) sum = sum + dy[(size_t)p * d + i % d];
    }
    dw[i] = sum;
}
