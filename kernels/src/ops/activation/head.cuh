// Pointwise functions: the table's rows follow, two kernels each.

#include "prelude.cuh"
#include "math.cuh"

#define TWICE_SQRT_2_PI 1.5957691216057308

__device__ __forceinline__ double inside_tanh(double x) { return TWICE_SQRT_2_PI * (x + 0.044715 * (x * x * x)); }

__device__ __forceinline__ double gelu_tanh_gradient(double x, double dy) {
    double s = np_sigmoid(inside_tanh(x));
    return dy * (s + x * (s * (1.0 - s)) * (TWICE_SQRT_2_PI * (1.0 + 0.134145 * (x * x))));
}

// y = f(x), one thread a number; T is the type of the expression.
#define POINTWISE(name, type, expression)                                                                     \
    KERNEL(256, name, const float* __restrict__ from, float* __restrict__ to, float first, float second, int n) { \
        typedef type T;                                                                                       \
        int i = blockIdx.x * blockDim.x + threadIdx.x;                                                        \
        if (i >= n) return;                                                                                   \
        T x = from[i];                                                                                        \
        [[maybe_unused]] T p = first, q = second;                                                             \
        to[i] = expression;                                                                                   \
    }

// dx = g(v, dy), v being the saved x or y.
#define POINTWISE_GRADIENT(name, type, expression)                                                            \
    KERNEL(256, name, const float* __restrict__ saved, const float* __restrict__ up, float* __restrict__ to,   \
           float first, float second, int n) {                                                                \
        typedef type T;                                                                                       \
        int i = blockIdx.x * blockDim.x + threadIdx.x;                                                        \
        if (i >= n) return;                                                                                   \
        T v = saved[i], dy = up[i];                                                                           \
        [[maybe_unused]] T p = first, q = second;                                                             \
        to[i] = expression;                                                                                   \
    }

