// The fixed pairwise tree of kernels/src/tree.rs: leaf i absorbs leaf i + step for step = 1, 2, 4, ... where i is a
// multiple of 2 * step and i + step exists; the result is leaf 0.

#pragma once

// Calls merge(i, j) in the tree's order over n leaves, in this one thread.
template <class Merge>
__device__ __forceinline__ void np_tree(int n, Merge merge) {
    for (int step = 1; step < n; step *= 2) {
        for (int i = 0; i + step < n; i += 2 * step) merge(i, i + step);
    }
}

// Sums `n` leaves of shared memory in the tree's order with all threads of the block; the sum is leaf 0. A barrier stands
// before and behind; a level's merges touch different leaves, so their order does not matter.
__device__ __forceinline__ void np_tree_shared(float* leaves, int n, int width) {
    for (int step = 1; step < n; step *= 2) {
        __syncthreads();
        int pairs = (n - step + 2 * step - 1) / (2 * step);
        for (int p = threadIdx.x; p < pairs * width; p += blockDim.x) {
            int i = p / width * 2 * step, c = p % width;
            leaves[i * width + c] = leaves[i * width + c] + leaves[(i + step) * width + c];
        }
    }
    __syncthreads();
}
