// The long sum of kernels/src/math/sum.rs by eight neighbouring lanes of a warp, one accumulator each.

#pragma once

// Most levels of the tree over chunks.
#define NP_SUM_LEVELS 40
#define NP_SUM_CHUNK 4096

// ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7)) of the lanes' numbers, in all eight lanes.
__device__ __forceinline__ double np_eight(double a) {
#pragma unroll
    for (int step = 1; step < 8; step *= 2) a = a + __shfl_xor_sync(0xffffffffu, a, step, 8);
    return a;
}

// The long sum of term(0) .. term(n - 1). All lanes of a warp call it, the eight of a group with the same n and with `tops`
// (NP_SUM_LEVELS of shared memory) of their own; groups of a warp may have other n, up to `most`.
template <class Term>
__device__ __forceinline__ double np_long_sum(int n, int most, double* tops, Term term) {
    int lane = threadIdx.x & 7, leaves = 0;
    for (int begin = 0; begin < most || begin == 0; begin += NP_SUM_CHUNK) {
        int end = n - begin < NP_SUM_CHUNK ? n : begin + NP_SUM_CHUNK;
        double acc = 0.0;
        for (int i = begin + lane; i < end; i += 8) acc = acc + term(i);
        acc = np_eight(acc);
        if (begin < n || begin == 0) { // a leaf of this group's tree: subtrees of one size merge
            int level = 0;
            for (; leaves >> level & 1; level++) acc = tops[level] + acc;
            if (lane == 0) tops[level] = acc;
            leaves++;
        }
        __syncwarp();
    }
    // What is left, from the smallest subtree up.
    double sum = 0.0;
    bool first = true;
    for (int level = 0; leaves >> level; level++) {
        if (leaves >> level & 1) {
            sum = first ? tops[level] : tops[level] + sum;
            first = false;
        }
    }
    __syncwarp();
    return sum;
}
