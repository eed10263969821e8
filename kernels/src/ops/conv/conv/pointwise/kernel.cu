// The weight gradient of 1x1 convolutions in narrow groups: a thread a chain.

#include "prelude.cuh"

// sums [chunk][chain][q][c]: chain j takes the positions j, j + chains, .. of its chunk, `high` rows of an image.
KERNEL(128, chains, const float* __restrict__ x, const float* __restrict__ dy, float* __restrict__ sums, int height, int width,
       int c, int q, int high, int chains, int chunks) {
    size_t i = (size_t)blockIdx.x * 128 + threadIdx.x;
    int out = (int)(i % c), channel = out / q * q + (int)(i / c % q);
    size_t row = i / c / q;
    int chunk = (int)(row / chains), bands = (height + high - 1) / high;
    if (chunk >= chunks) return;
    int first = chunk % bands * high, rows = height - first < high ? height - first : high;
    size_t start = ((size_t)(chunk / bands) * height + first) * width;
    float sum = 0.0f;
    for (int p = (int)(row % chains); p < rows * width; p += chains) {
        sum = np_fma(x[(start + p) * c + channel], dy[(start + p) * c + out], sum);
    }
    sums[i] = sum;
}
