// RMSprop: one thread a number; the rule is in mod.rs.

#include "prelude.cuh"

// p, g, v [n]; a [n] where centred, b [n] with momentum, else null. `rate` points to the step's learning rate.
KERNEL(256, rmsprop, float* __restrict__ p, const float* __restrict__ g, float* __restrict__ v, float* __restrict__ a,
       float* __restrict__ b, const float* __restrict__ rate, float c, float eps, float wd, float momentum, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float old = p[i], d = g[i];
    if (wd != 0.0f) d = np_fma(wd, old, d);
    float w = np_fma(c, d * d - v[i], v[i]);
    v[i] = w;
    if (a) {
        float mean = np_fma(c, d - a[i], a[i]);
        a[i] = mean;
        w = np_fma(-mean, mean, w);
        w = w < 0.0f ? 0.0f : w;
    }
    d = d / (__fsqrt_rn(w) + eps);
    if (b) {
        d = np_fma(momentum, b[i], d);
        b[i] = d;
    }
    p[i] = np_fma(-*rate, d, old);
}
