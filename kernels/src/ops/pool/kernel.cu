// Pooling: a thread an output of forward, a thread an element of dx backward, channels along neighbouring threads; nothing
// is scattered. What an axis covers is axis.rs; the orders are in the ops' mod.rs.

#include "prelude.cuh"

#define THREADS 256

// One axis: n positions, `out` outputs; windows slide (kernel > 0) or divide it evenly.
struct Axis {
    int n, out, kernel, stride, left, right, include_pad;
};

struct Plane {
    Axis h, w;
    int c;
};

__device__ __forceinline__ int least(int a, int b) { return a < b ? a : b; }

// Positions first .. last - 1 that output o covers; never none.
__device__ __forceinline__ int first_inside(const Axis& a, int o) {
    if (!a.kernel) return (int)((long long)o * a.n / a.out);
    int first = o * a.stride - a.left;
    return first > 0 ? first : 0;
}

__device__ __forceinline__ int last_inside(const Axis& a, int o) {
    if (!a.kernel) return (int)(((long long)(o + 1) * a.n + a.out - 1) / a.out);
    return least(o * a.stride + a.kernel - a.left, a.n);
}

// What a mean over output o divides by.
__device__ __forceinline__ int count(const Axis& a, int o) {
    if (a.include_pad) return least(a.kernel, a.n + a.left + a.right - o * a.stride);
    return last_inside(a, o) - first_inside(a, o);
}

// Outputs first .. last - 1 that cover position i.
__device__ __forceinline__ int last_covering(const Axis& a, int i) {
    if (!a.kernel) return (int)(((long long)(i + 1) * a.out + a.n - 1) / a.n);
    return least((i + a.left) / a.stride + 1, a.out);
}

__device__ __forceinline__ int first_covering(const Axis& a, int i) {
    if (!a.kernel) return (int)((long long)i * a.out / a.n);
    int beyond = i + a.left + 1 - a.kernel;
    return beyond > 0 ? (beyond + a.stride - 1) / a.stride : 0;
}

// Where a thread's number lies in an array of [N, height, width, c].
struct Place {
    int n, h, w, c;
};

__device__ __forceinline__ Place place(int i, int height, int width, int c) {
    int pixel = i / c, row = pixel / width;
    return {row / height, row % height, pixel % width, i % c};
}

// x -> y, means.
KERNEL(THREADS, mean, const float* __restrict__ x, float* __restrict__ y, Plane p, int total) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= total) return;
    Place at = place(i, p.h.out, p.w.out, p.c);
    int h1 = last_inside(p.h, at.h), w0 = first_inside(p.w, at.w), w1 = last_inside(p.w, at.w);
    float s = 0.0f;
    for (int h = first_inside(p.h, at.h); h < h1; h++) {
        const float* v = x + (((size_t)at.n * p.h.n + h) * p.w.n + w0) * p.c + at.c;
#pragma unroll 4
        for (int w = 0; w < w1 - w0; w++) s = s + v[(size_t)w * p.c];
    }
    y[i] = s / (float)(count(p.h, at.h) * count(p.w, at.w));
}

// dy -> dx of means.
KERNEL(THREADS, mean_gradient, const float* __restrict__ dy, float* __restrict__ dx, Plane p, int total) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= total) return;
    Place at = place(i, p.h.n, p.w.n, p.c);
    int h1 = last_covering(p.h, at.h), w0 = first_covering(p.w, at.w), w1 = last_covering(p.w, at.w);
    float s = 0.0f;
    for (int h = first_covering(p.h, at.h); h < h1; h++) {
        const float* v = dy + ((size_t)at.n * p.h.out + h) * p.w.out * p.c + at.c;
        int rows = count(p.h, h);
        for (int w = w0; w < w1; w++) s = s + v[(size_t)w * p.c] / (float)(rows * count(p.w, w));
    }
    dx[i] = s;
}

// x -> y and taps, maxima.
KERNEL(THREADS, maximum, const float* __restrict__ x, float* __restrict__ y, float* __restrict__ taps, Plane p, int total) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= total) return;
    Place at = place(i, p.h.out, p.w.out, p.c);
    int h0 = first_inside(p.h, at.h), h1 = last_inside(p.h, at.h);
    int w0 = first_inside(p.w, at.w), w1 = last_inside(p.w, at.w);
    int up = p.h.left - at.h * p.h.stride, back = p.w.left - at.w * p.w.stride; // position + this = tap
    float best = 0.0f;
    int tap = -1;
    for (int h = h0; h < h1; h++) {
        const float* v = x + ((size_t)at.n * p.h.n + h) * p.w.n * p.c + at.c;
#pragma unroll 4
        for (int w = w0; w < w1; w++) {
            float now = v[(size_t)w * p.c];
            bool better = tap < 0 || now > best || (now != now && best == best);
            best = better ? now : best;
            tap = better ? (h + up) * p.w.kernel + w + back : tap;
        }
    }
    y[i] = best;
    taps[i] = (float)tap;
}

// dy, taps -> dx of maxima.
KERNEL(THREADS, maximum_gradient, const float* __restrict__ dy, const float* __restrict__ taps, float* __restrict__ dx,
       Plane p, int total) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= total) return;
    Place at = place(i, p.h.n, p.w.n, p.c);
    int h1 = last_covering(p.h, at.h), w0 = first_covering(p.w, at.w), w1 = last_covering(p.w, at.w);
    float s = 0.0f;
    for (int h = first_covering(p.h, at.h); h < h1; h++) {
        size_t row = ((size_t)at.n * p.h.out + h) * p.w.out * p.c + at.c;
        int tap = (at.h + p.h.left - h * p.h.stride) * p.w.kernel + at.w + p.w.left;
        for (int w = w0; w < w1; w++) {
            size_t j = row + (size_t)w * p.c;
            if (taps[j] == (float)(tap - w * p.w.stride)) s = s + dy[j];
        }
    }
    dx[i] = s;
}
