// Dropout: one thread a block of 16 random words; the rule is in mod.rs.

#include "prelude.cuh"
#include "math.cuh"
#include "rng.cuh"

// y = m x [n]. `stream` points to the key's 8 words and the stream's number, low word first.
KERNEL(128, dropout, const float* __restrict__ x, float* __restrict__ y, const unsigned* __restrict__ stream,
       unsigned long long threshold, float scale, int n) {
    int block = blockIdx.x * blockDim.x + threadIdx.x;
    if (block > (n - 1) / 16) return;
    np_key key;
    key.seed = stream[0] | (unsigned long long)stream[1] << 32;
    key.purpose = stream[2];
    key.epoch = stream[3] | (unsigned long long)stream[4] << 32;
    key.step = stream[5] | (unsigned long long)stream[6] << 32;
    unsigned words[16];
    np_block(key, stream[8] | (unsigned long long)stream[9] << 32, (unsigned long long)block, words);
    size_t first = (size_t)block * 16;
#pragma unroll
    for (int i = 0; i < 16; i++) {
        if (first + i < (size_t)n) y[first + i] = x[first + i] * (words[i] >= threshold ? scale : 0.0f);
    }
}
