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
