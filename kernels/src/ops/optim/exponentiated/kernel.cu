// Exponentiated gradient: one thread a row; rows are as long as there are operations or edges to choose from.

#include "prelude.cuh"
#include "math.cuh"

__device__ __forceinline__ double scaled(float p, float g, double lr, double floor) {
    double u = (double)p * np_exp(-(lr * (double)g));
    return u < floor ? floor : u;
}

// p, g [rows, period]: `row` numbers from `start` on. `rate` points to the step's learning rate, an f64.
KERNEL(64, exponentiated, float* __restrict__ p, const float* __restrict__ g, const double* __restrict__ rate,
       double floor, int rows, int row, int start, int period) {
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows) return;
    float* own = p + (size_t)r * period + start;
    const float* slope = g + (size_t)r * period + start;
    double lr = *rate, sum = 0.0;
    for (int j = 0; j < row; j++) sum = sum + scaled(own[j], slope[j], lr, floor);
    for (int j = 0; j < row; j++) own[j] = __double2float_rn(scaled(own[j], slope[j], lr, floor) / sum);
}
