// Adam: one thread a number; the rule is in mod.rs.

#include "prelude.cuh"

// p, g, m, v [n]. `now` points to the step's a, r and k. `decay`: 0 none, 1 joins the gradient, 2 is taken from p.
KERNEL(256, adam, float* __restrict__ p, const float* __restrict__ g, float* __restrict__ m, float* __restrict__ v,
       const float* __restrict__ now, float c1, float c2, float eps, float wd, int decay, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float a = now[0], r = now[1], k = now[2], old = p[i], d = g[i];
    if (decay == 2) old = np_fma(-k, old, old);
    if (decay == 1) d = np_fma(wd, old, d);
    float direction = np_fma(c1, d - m[i], m[i]);
    float squares = np_fma(c2, d * d - v[i], v[i]);
    m[i] = direction;
    v[i] = squares;
    p[i] = np_fma(-a, direction / np_fma(__fsqrt_rn(squares), r, eps), old);
}
