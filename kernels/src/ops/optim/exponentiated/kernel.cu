// Exponentiated gradient: one thread a row; rows are as long as there are operations or edges to choose from.

#include "prelude.cuh"
#include "math.cuh"

// p, g [rows, row]. `rate` points to the step's learning rate, an f64.
KERNEL(64, exponentiated, float* __restrict__ p, const float* __restrict__ g, const double* __restrict__ rate, int rows,
       int row) {
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows) return;
    float* own = p + (size_t)r * row;
    const float* slope = g + (size_t)r * row;
    double lr = *rate, sum = 0.0;
    for (int j = 0; j < row; j++) sum = sum + (double)own[j] * np_exp(-(lr * (double)slope[j]));
    for (int j = 0; j < row; j++) {
        own[j] = __double2float_rn((double)own[j] * np_exp(-(lr * (double)slope[j])) / sum);
    }
}
