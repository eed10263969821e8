// Sums of squares in f64, and scaling; the order is in mod.rs.

#include "prelude.cuh"
#include "tree.cuh"

#define CHUNK 4096
#define LANES 16

// parts[chunk] = sum of squares of a chunk of x [n]: 16 lanes, then their tree. One block a chunk.
KERNEL(16, square_chunks, const float* __restrict__ x, double* __restrict__ parts, int n) {
    SHARED(double, lanes, LANES);
    int begin = blockIdx.x * CHUNK, end = n - begin < CHUNK ? n : begin + CHUNK;
    double sum = 0.0;
    for (int i = begin + threadIdx.x; i < end; i += LANES) sum = sum + (double)x[i] * (double)x[i];
    lanes[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        np_tree(LANES, [&](int i, int j) { lanes[i] = lanes[i] + lanes[j]; });
        parts[blockIdx.x] = lanes[0];
    }
}

// One level of the tree over chunks: leaf i absorbs leaf i + step.
KERNEL(256, merge_level, double* __restrict__ parts, int step, int count) {
    int i = (blockIdx.x * blockDim.x + threadIdx.x) * 2 * step;
    if (i + step < count) parts[i] = parts[i] + parts[i + step];
}

// x[i] *= factor
KERNEL(256, scale, float* __restrict__ x, float factor, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] = x[i] * factor;
}
