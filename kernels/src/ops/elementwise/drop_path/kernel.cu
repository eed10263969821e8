// Drop-path: one block a tile of one sample; the rule is in mod.rs.

#include "prelude.cuh"
#include "math.cuh"
#include "rng.cuh"

#define TILE 4096

// y = m_n x [N, size]. `now` points to the key's 8 words, the stream's number, low word first, the threshold, and the scale.
KERNEL(256, drop_path, const float* __restrict__ x, float* __restrict__ y, const unsigned* __restrict__ now, int size) {
    SHARED(float, factor, 1);
    int tiles = (size - 1) / TILE + 1;
    int n = blockIdx.x / tiles, first = blockIdx.x % tiles * TILE;
    if (threadIdx.x == 0) {
        np_key key;
        key.seed = now[0] | (unsigned long long)now[1] << 32;
        key.purpose = now[2];
        key.epoch = now[3] | (unsigned long long)now[4] << 32;
        key.step = now[5] | (unsigned long long)now[6] << 32;
        unsigned long long index = now[8] | (unsigned long long)now[9] << 32;
        factor[0] = np_bernoulli(key, index, (unsigned long long)n, now[10]) ? __uint_as_float(now[11]) : 0.0f;
    }
    __syncthreads();
    float m = factor[0];
    size_t at = (size_t)n * size;
    int end = size - first < TILE ? size : first + TILE;
    for (int i = first + threadIdx.x; i < end; i += 256) y[at + i] = x[at + i] * m;
}
