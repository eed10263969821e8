// Answers from the CUDA text compiled for the host: `host math` and `host rng`, numbers of 8 bytes in and out.
#include "prelude.cuh"

#include "math.cuh"

#include "rng.cuh"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

using std::uint64_t;

static uint64_t bits(double x) { return np_bits(x); }

static double widen(uint64_t word) { return np_from_bits(word); }

#define ONE(name) {[](double x, double) { return np_##name(x); }, [](float x, float) { return npf_##name(x); }}
#define TWO(name) {[](double x, double y) { return np_##name(x, y); }, [](float x, float y) { return npf_##name(x, y); }}

struct Function {
    double (*f64)(double, double);
    float (*f32)(float, float);
};

// In the order of the test's table.
static const Function FUNCTIONS[] = {
    ONE(exp), ONE(expm1), ONE(ln), ONE(ln_1p), ONE(sin), ONE(cos), ONE(tan), ONE(tanh), ONE(sigmoid),
    ONE(erf), ONE(erfc), TWO(pow), TWO(atan2),
};

// In: the number of pairs of double, of float, then the pairs. Out: for each function, its doubles, then its floats.
static std::vector<uint64_t> math(const std::vector<uint64_t>& in) {
    std::size_t doubles = in[0], floats = in[1];
    const uint64_t *d = &in[2], *f = d + 2 * doubles;
    std::vector<uint64_t> out;
    for (const Function& function : FUNCTIONS) {
        for (std::size_t i = 0; i < doubles; ++i) out.push_back(bits(function.f64(widen(d[2 * i]), widen(d[2 * i + 1]))));
        for (std::size_t i = 0; i < floats; ++i) {
            float x = (float)widen(f[2 * i]), y = (float)widen(f[2 * i + 1]);
            out.push_back(bits((double)function.f32(x, y)));
        }
    }
    return out;
}

// In: seed, epoch, step, purpose, index, threshold, then numbers of words. Out: those words, what np_bernoulli says of
// them; then, of the stream from word 5: 40 uniforms, 40 wide ones, 40 integers below each of three bounds, 99 normals, a
// permutation of 50.
static std::vector<uint64_t> rng(const std::vector<uint64_t>& in) {
    np_key key = {in[0], in[1], in[2], (unsigned)in[3]};
    uint64_t index = in[4], threshold = in[5];
    std::vector<uint64_t> out;
    for (std::size_t i = 6; i < in.size(); ++i) out.push_back(np_word(key, index, in[i]));
    for (std::size_t i = 6; i < in.size(); ++i) out.push_back(np_bernoulli(key, index, in[i], threshold));
    np_stream s;
    np_open(s, key, index);
    np_seek(s, 5);
    for (int i = 0; i < 40; ++i) out.push_back(bits((double)np_uniform(s)));
    for (int i = 0; i < 40; ++i) out.push_back(bits(np_uniform64(s)));
    for (uint64_t n : {(uint64_t)1, (uint64_t)7, ((uint64_t)1 << 63) + 5})
        for (int i = 0; i < 40; ++i) out.push_back(np_below(s, n));
    for (int i = 0; i < 99; ++i) out.push_back(bits(np_normal(s)));
    unsigned order[50];
    np_permutation(s, 50, order);
    for (unsigned item : order) out.push_back(item);
    return out;
}

int main(int count, char** words) {
    std::vector<uint64_t> in;
    for (uint64_t word; std::fread(&word, sizeof word, 1, stdin) == 1;) in.push_back(word);
    bool numbers = count == 2 && std::strcmp(words[1], "math") == 0;
    std::vector<uint64_t> out = numbers ? math(in) : rng(in);
    return std::fwrite(out.data(), sizeof out[0], out.size(), stdout) == out.size() ? 0 : 1;
}
