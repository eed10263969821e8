// The streams of kernels/src/rng as CUDA text: the same words, the same numbers made of them. Comes after math.cuh.
//
// A kernel whose thread makes number n of a tensor asks for word n of the stream (np_word, np_bernoulli), or for all 16
// words of a block at once (np_block); where numbers are drawn one after another, np_stream is read in order.
#ifndef NP360_RNG_CUH
#define NP360_RNG_CUH

// The key of a family of streams; purpose as Purpose numbers them.
struct np_key {
    unsigned long long seed, epoch, step;
    unsigned purpose;
};

NP_DEVICE unsigned np_rotate(unsigned x, int n) { return x << n | x >> (32 - n); }

NP_DEVICE void np_quarter_round(unsigned& a, unsigned& b, unsigned& c, unsigned& d) {
    a += b;
    d = np_rotate(d ^ a, 16);
    c += d;
    b = np_rotate(b ^ c, 12);
    a += b;
    d = np_rotate(d ^ a, 8);
    c += d;
    b = np_rotate(b ^ c, 7);
}

// The 16 words of a block of stream `index`: ChaCha with 8 rounds, 64 bits of counter and 64 of stream.
NP_DEVICE void np_block(const np_key& key, unsigned long long index, unsigned long long block, unsigned (&out)[16]) {
    const unsigned in[16] = {
        0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u, // "expand 32-byte k"
        (unsigned)key.seed, (unsigned)(key.seed >> 32), key.purpose, (unsigned)key.epoch,
        (unsigned)(key.epoch >> 32), (unsigned)key.step, (unsigned)(key.step >> 32), 0u,
        (unsigned)block, (unsigned)(block >> 32), (unsigned)index, (unsigned)(index >> 32),
    };
#pragma unroll
    for (int i = 0; i < 16; ++i) out[i] = in[i];
#pragma unroll
    for (int round = 0; round < 4; ++round) {
        np_quarter_round(out[0], out[4], out[8], out[12]);
        np_quarter_round(out[1], out[5], out[9], out[13]);
        np_quarter_round(out[2], out[6], out[10], out[14]);
        np_quarter_round(out[3], out[7], out[11], out[15]);
        np_quarter_round(out[0], out[5], out[10], out[15]);
        np_quarter_round(out[1], out[6], out[11], out[12]);
        np_quarter_round(out[2], out[7], out[8], out[13]);
        np_quarter_round(out[3], out[4], out[9], out[14]);
    }
#pragma unroll
    for (int i = 0; i < 16; ++i) out[i] += in[i];
}

// Word n of a block, chosen without an address, so that the block stays in registers.
NP_DEVICE unsigned np_choose(const unsigned (&block)[16], unsigned n) {
    unsigned word = block[0];
#pragma unroll
    for (unsigned i = 1; i < 16; ++i) word = i == n ? block[i] : word;
    return word;
}

// Word n of stream `index`.
NP_DEVICE unsigned np_word(const np_key& key, unsigned long long index, unsigned long long n) {
    unsigned block[16];
    np_block(key, index, n / 16, block);
    return np_choose(block, (unsigned)(n % 16));
}

// Uniform in [0, 1): the upper 24 bits of a word.
NP_DEVICE float np_uniform_of(unsigned word) { return (float)(word >> 8) * (1.0f / 16777216.0f); }

// Uniform in [0, 1): the upper 53 bits of two words, the low one first.
NP_DEVICE double np_uniform64_of(unsigned low, unsigned high) {
    unsigned long long word = (unsigned long long)high << 32 | low;
    return (double)(word >> 11) * (1.0 / 9007199254740992.0);
}

// Whether word n of stream `index` is at least the threshold, as dropout asks: true with probability 1 - threshold / 2^32.
NP_DEVICE bool np_bernoulli(
    const np_key& key, unsigned long long index, unsigned long long n, unsigned long long threshold) {
    return np_word(key, index, n) >= threshold;
}

// A stream read in order.
struct np_stream {
    np_key key;
    unsigned long long index;
    unsigned long long next; // the word to be read
    unsigned block[16];      // that of the word read last
    double spare;            // the second number of a pair of normals
    bool has_spare;
};

// Goes to word n.
NP_DEVICE void np_seek(np_stream& s, unsigned long long n) {
    s.next = n;
    if (n % 16 != 0) np_block(s.key, s.index, n / 16, s.block);
    s.has_spare = false;
}

// Stream number `index` of a key, from its first word.
NP_DEVICE void np_open(np_stream& s, const np_key& key, unsigned long long index) {
    s.key = key;
    s.index = index;
    np_seek(s, 0);
}

// The next word.
NP_DEVICE unsigned np_next(np_stream& s) {
    unsigned n = (unsigned)(s.next % 16);
    if (n == 0) np_block(s.key, s.index, s.next / 16, s.block);
    s.next += 1;
    return np_choose(s.block, n);
}

// The next two words, the low one first.
NP_DEVICE unsigned long long np_next64(np_stream& s) {
    unsigned long long low = np_next(s);
    return (unsigned long long)np_next(s) << 32 | low;
}

NP_DEVICE float np_uniform(np_stream& s) { return np_uniform_of(np_next(s)); }

NP_DEVICE double np_uniform64(np_stream& s) {
    unsigned low = np_next(s);
    return np_uniform64_of(low, np_next(s));
}

// Uniform integer in 0..n, n > 0: multiply and reject.
NP_DEVICE unsigned long long np_below(np_stream& s, unsigned long long n) {
    unsigned long long reject = (0ull - n) % n;
    for (;;) {
        unsigned long long word = np_next64(s);
        if (word * n >= reject) return __umul64hi(word, n);
    }
}

// Standard normal, by Marsaglia's polar method; every other call uses up the pair's second number.
NP_DEVICE double np_normal(np_stream& s) {
    if (s.has_spare) {
        s.has_spare = false;
        return s.spare;
    }
    for (;;) {
        double u = 2.0 * np_uniform64(s) - 1.0;
        double v = 2.0 * np_uniform64(s) - 1.0;
        double q = u * u + v * v;
        if (q > 0.0 && q < 1.0) {
            double r = __dsqrt_rn(-2.0 * np_ln(q) / q);
            s.spare = v * r;
            s.has_spare = true;
            return u * r;
        }
    }
}

// The integers 0..n in random order (Fisher and Yates, from the end), by one thread.
NP_DEVICE void np_permutation(np_stream& s, unsigned n, unsigned* out) {
    for (unsigned i = 0; i < n; ++i) out[i] = i;
    for (unsigned i = n; i > 1; --i) {
        unsigned j = (unsigned)np_below(s, i);
        unsigned swapped = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swapped;
    }
}

#endif
