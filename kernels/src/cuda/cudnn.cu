// What stands around cuDNN's convolutions: its order of weights, and the bias.

#include "prelude.cuh"

// x [rows, columns] -> y [columns, rows]: a tile of 32 x 32 a block, read and written along its rows.
KERNEL(256, transpose, const float* __restrict__ x, float* __restrict__ y, int rows, int columns) {
    SHARED(float, tile, 32 * 33);  // a column more than the tile: no two threads of a warp meet in a bank
    int lane = threadIdx.x % 32, first = threadIdx.x / 32;
    int row = blockIdx.y * 32, column = blockIdx.x * 32;
    for (int i = first; i < 32; i += 8) {
        if (row + i < rows && column + lane < columns) {
            tile[i * 33 + lane] = x[(size_t)(row + i) * columns + column + lane];
        }
    }
    __syncthreads();
    for (int i = first; i < 32; i += 8) {
        if (column + i < columns && row + lane < rows) {
            y[(size_t)(column + i) * rows + row + lane] = tile[lane * 33 + i];
        }
    }
}

// y [n] += bias, whose k channels run fastest.
KERNEL(256, add_bias, float* __restrict__ y, const float* __restrict__ bias, int n, int k) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = y[i] + bias[i % k];
}
