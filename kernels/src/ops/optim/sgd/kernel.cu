// SGD: one thread a number; the rule is in mod.rs.

#include "prelude.cuh"

// p, g, b [n]; b is null without momentum. `rate` points to the step's learning rate.
KERNEL(256, sgd, float* __restrict__ p, const float* __restrict__ g, float* __restrict__ b, const float* __restrict__ rate,
       float momentum, float weight_decay, int nesterov, int first, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float lr = -*rate, old = p[i], d = g[i];
    if (weight_decay != 0.0f) d = np_fma(weight_decay, old, d);
    if (b) {
        float now = first ? d : np_fma(momentum, b[i], d);
        b[i] = now;
        d = nesterov ? np_fma(momentum, now, d) : now;
    }
    p[i] = np_fma(lr, d, old);
}
