// A bound on the norms of columns: one thread a column; the rule is in mod.rs.

#include "prelude.cuh"

// w [taps, columns].
KERNEL(256, max_norm, float* __restrict__ w, float most, float eps, int taps, int columns) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= columns) return;
    float s = 0.0f;
    for (int t = 0; t < taps; ++t) {
        float x = w[(long long)t * columns + c];
        s = np_fma(x, x, s);
    }
    float n = __fsqrt_rn(s);
    float f = (n > most ? most : n) / (n + eps);
    for (int t = 0; t < taps; ++t) w[(long long)t * columns + c] *= f;
}
