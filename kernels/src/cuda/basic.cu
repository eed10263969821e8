// Kernels of tensors themselves.

#include "prelude.cuh"

// sum[i] += other[i]
KERNEL(256, accumulate, float* __restrict__ sum, const float* __restrict__ other, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) sum[i] = sum[i] + other[i];
}

// parts [rows, width], of which rows 0, stride, 2 stride, .. take part -> groups of 32 of them summed in the fixed tree, a
// thread a group's column, into its first row, or (`to` is not null, one group) into `to`.
KERNEL(128, sum_rows, float* parts, float* to, int rows, int width, int stride) {
    size_t i = (size_t)blockIdx.x * 128 + threadIdx.x;
    int group = (int)(i / width), taken = (rows + stride - 1) / stride - 32 * group;
    if (taken <= 0) return;
    float* first = parts + (size_t)group * 32 * stride * width + i % width;
    float v[32];
#pragma unroll
    for (int r = 0; r < 32; r++) v[r] = r < taken ? first[(size_t)r * stride * width] : 0.0f;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
#pragma unroll
        for (int r = 0; r < 32; r += 2 * step) {
            if (r + step < taken) v[r] = v[r] + v[r + step];
        }
    }
    if (to) to[i] = v[0];
    else *first = v[0];
}
