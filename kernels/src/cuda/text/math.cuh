// The functions of kernels/src/math as CUDA text: the same operations in the same order, so the same bits on every device.
// A change there is a change here; kernels/tests/cuda_text.rs compares the two.
//
// np_* take and give double, npf_* float: each the double one, rounded once. Compile with --fmad=false --ftz=false
// --prec-div=true --prec-sqrt=true: then + - * / are IEEE operations, and what is contracted says so (__fma_rn). Nothing
// of the device's own library is called; that includes fabs, fmin and fmax. A NaN's payload is left open, as there.
#ifndef NP360_MATH_CUH
#define NP360_MATH_CUH

#define NP_DEVICE __device__ __forceinline__

// Head and tail of a sum that is kept to twice the digits.
struct np_pair {
    double h, l;
};

// 1.5 * 2^52: added to a small number, it leaves the nearest integer in the low bits.
#define NP_MAGIC 6755399441055744.0
#define NP_HALF_PI 1.5707963267948966
#define NP_HALF_PI_1 6.123233995736766e-17
#define NP_HALF_PI_2 -1.4973849048591698e-33
// ln 2 to 33 bits, so that k of it are exact; and the rest.
#define NP_LN2_HIGH 0.6931471804855391
#define NP_LN2_LOW 7.440617110012397e-11

NP_DEVICE unsigned long long np_bits(double x) { return (unsigned long long)__double_as_longlong(x); }
NP_DEVICE double np_from_bits(unsigned long long b) { return __longlong_as_double((long long)b); }
NP_DEVICE double np_abs(double x) { return np_from_bits(np_bits(x) & 0x7fffffffffffffffull); }
NP_DEVICE bool np_is_negative(double x) { return __double_as_longlong(x) < 0; }
NP_DEVICE double np_copysign(double x, double sign) {
    return np_from_bits((np_bits(x) & 0x7fffffffffffffffull) | (np_bits(sign) & 0x8000000000000000ull));
}
NP_DEVICE double np_infinity() { return np_from_bits(0x7ff0000000000000ull); }
NP_DEVICE double np_nan() { return np_from_bits(0x7ff8000000000000ull); }

// A polynomial, lowest coefficient first, by Horner's rule.
template <int N>
NP_DEVICE double np_poly(double x, const double (&c)[N]) {
    double y = c[N - 1];
#pragma unroll
    for (int i = N - 2; i >= 0; --i) y = __fma_rn(y, x, c[i]);
    return y;
}

// 2^k for a normal result.
NP_DEVICE double np_power_of_two(int k) {
    return np_from_bits((unsigned long long)(long long)(int)((unsigned)k + 1023u) << 52);
}

// (nh + nl) / (dh + dl) for tails small beside their heads; dh is neither 0 nor infinite.
NP_DEVICE double np_quotient(double nh, double nl, double dh, double dl) {
    double inverse = 1.0 / dh;
    double q = nh * inverse;
    return q + ((__fma_rn(-q, dh, nh) + nl) - q * dl) * inverse;
}

// The exact sum of a and b; |a| >= |b| or a = 0.
NP_DEVICE np_pair np_fast_two_sum(double a, double b) {
    double h = a + b;
    return {h, (a - h) + b};
}

// The exact sum of any two numbers.
NP_DEVICE np_pair np_two_sum(double a, double b) {
    double h = a + b;
    double t = h - a;
    return {h, (a - (h - t)) + (b - t)};
}

// ---- exp.rs -------------------------------------------------------------------------------------------------------

// (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2.
static __device__ const double np_exp_q[11] = {
    0.5, 0.1666666666666667, 0.041666666666666685, 0.008333333333326134,
    0.0013888888888874394, 0.0001984126987482227, 2.4801587347322873e-05, 2.7557255398354355e-06,
    2.755725293406448e-07, 2.5105217748034382e-08, 2.092158282048755e-09,
};

struct np_exp_parts {
    int k;
    double p, tail;
};

// e^(x + tail) = 2^k (1 + p), for |x| < 2^20 and a tail that is small beside x.
NP_DEVICE np_exp_parts np_parts(double x, double tail) {
    double t = __fma_rn(x, 1.4426950408889634, NP_MAGIC);
    double k = t - NP_MAGIC;
    double high = __fma_rn(-k, NP_LN2_HIGH, x);
    double low = k * NP_LN2_LOW;
    double r = high - low;
    double r_tail = ((high - r) - low) + tail;
    double s = r * r * np_poly(r, np_exp_q);
    np_pair p = np_fast_two_sum(r, s);
    return {(int)(unsigned)np_bits(t), p.h, p.l + __fma_rn(r_tail, p.h, r_tail)};
}

// y 2^k in two steps, so that k may lie outside the exponents of double.
NP_DEVICE double np_scale(double y, int k) {
    int half = k >> 1;
    return y * np_power_of_two(half) * np_power_of_two((int)((unsigned)k - (unsigned)half));
}

// x cut to where the results are neither all 0 nor infinite; NaN passes.
NP_DEVICE double np_cut(double x, double low, double high) {
    x = x > high ? high : x;
    return x < low ? low : x;
}

// e^x.
NP_DEVICE double np_exp(double x) {
    np_exp_parts e = np_parts(np_cut(x, -760.0, 720.0), 0.0);
    np_pair s = np_fast_two_sum(1.0, e.p);
    return np_scale(s.h + (s.l + e.tail), e.k);
}

// e^x - 1 = 2^k (p + tail), for -60 <= x <= 720.
NP_DEVICE np_exp_parts np_expm1_parts(double x) {
    np_exp_parts e = np_parts(x, 0.0);
    int most = e.k < 64 ? e.k : 64;
    np_pair s = np_fast_two_sum(1.0 - np_power_of_two((int)(0u - (unsigned)most)), e.p);
    s = np_fast_two_sum(s.h, s.l + e.tail);
    return {e.k, s.h, s.l};
}

// e^x - 1, accurate near 0.
NP_DEVICE double np_expm1(double x) {
    np_exp_parts e = np_expm1_parts(np_cut(x, -60.0, 720.0));
    double y = np_scale(e.p, e.k);
    return x == 0.0 ? x : y;
}

// The hyperbolic tangent.
NP_DEVICE double np_tanh(double x) {
    double a = np_abs(x);
    a = a > 22.0 ? 22.0 : a;
    np_exp_parts e = np_expm1_parts(a + a);
    double two_k = np_power_of_two(e.k);
    double h = e.p * two_k, l = e.tail * two_k;
    np_pair d = h > 2.0 ? np_fast_two_sum(h, 2.0) : np_fast_two_sum(2.0, h);
    return np_copysign(np_quotient(h, l, d.h, d.l + l), x);
}

// 1 / (1 + e^-x).
NP_DEVICE double np_sigmoid(double x) {
    double a = -np_abs(x);
    np_exp_parts e = np_parts(a < -760.0 ? -760.0 : a, 0.0);
    np_pair s = np_fast_two_sum(1.0, e.p);
    double h = np_scale(s.h, e.k), l = np_scale(s.l + e.tail, e.k);
    np_pair d = np_fast_two_sum(1.0, h);
    double nh = x < 0.0 ? h : 1.0, nl = x < 0.0 ? l : 0.0;
    return np_quotient(nh, nl, d.h, d.l + l);
}

// ---- log.rs -------------------------------------------------------------------------------------------------------

// (2 atanh(s) - 2 s) / s^3 in s^2.
static __device__ const double np_ln_p[8] = {
    0.6666666666666666, 0.4000000000000089, 0.2857142857079475, 0.22222222393606855,
    0.18181795448071653, 0.15386249686991985, 0.13268516225252186, 0.13089219080561929,
};

// x = 2^h l with l from sqrt(1/2) to sqrt(2), for positive finite x.
NP_DEVICE np_pair np_split(double x) {
    bool small = x < 2.2250738585072014e-308;
    unsigned long long bits = np_bits(small ? x * 18014398509481984.0 : x);
    double exponent = np_from_bits(0x4330000000000000ull | (bits >> 52)) - 4503599627370496.0;
    double m = np_from_bits((bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull);
    bool high = m > 1.4142135623730951;
    double bias = small ? 1077.0 : 1023.0;
    return {exponent - bias + (high ? 1.0 : 0.0), high ? 0.5 * m : m};
}

// k ln 2 + ln(1 + f) + c, c small.
NP_DEVICE double np_ln_combine(double k, double f, double c) {
    double s = f / (2.0 + f);
    double z = s * s;
    double half = 0.5 * f * f;
    double r = z * np_poly(z, np_ln_p);
    return k * NP_LN2_HIGH - ((half - (s * (half + r) + (k * NP_LN2_LOW + c))) - f);
}

// What positive finite numbers do not decide.
NP_DEVICE double np_ln_special(double x, double y) {
    y = x < np_infinity() ? y : x;
    y = x == 0.0 ? -np_infinity() : y;
    return x < 0.0 ? np_nan() : y;
}

// The natural logarithm: -inf at 0, NaN below.
NP_DEVICE double np_ln(double x) {
    np_pair s = np_split(x);
    return np_ln_special(x, np_ln_combine(s.h, s.l - 1.0, 0.0));
}

// ln(1 + x), accurate near 0.
NP_DEVICE double np_ln_1p(double x) {
    double u = 1.0 + x;
    np_pair s = np_split(u);
    double lost = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    bool near = s.h == 0.0;
    double y = np_ln_combine(s.h, near ? x : s.l - 1.0, near ? 0.0 : lost / u);
    y = np_ln_special(u, y);
    return x == 0.0 ? x : y;
}

// ---- power.rs -----------------------------------------------------------------------------------------------------

// -ln(j / 128) for j from 90 to 182.
static __device__ const np_pair np_minus_ln[93] = {
    {0.3522205935893521, 5.7233316949182485e-18}, {0.34117075740276714, -1.9366790062602867e-17},
    {0.33024168687057687, -1.0828321637483858e-17}, {0.3194307707663612, 1.354256857264811e-18},
    {0.3087354816496133, -1.6199186085148102e-17}, {0.29815337231907635, -1.720695867445866e-17},
    {0.2876820724517809, 2.607160616442564e-17}, {0.27731928541623435, -7.44528405583513e-18},
    {0.26706278524904525, -7.32891532732017e-18}, {0.2569104137850272, 2.502843296152504e-17},
    {0.24686007793152578, 1.361743371748368e-17}, {0.2369097470783577, 1.9682402978398164e-18},
    {0.22705745063534608, 9.551415762738488e-18}, {0.2173012756899814, 1.6168452453763015e-18},
    {0.2076393647782445, 1.2053243216686129e-17}, {0.1980699137620938, 3.742843482461439e-18},
    {0.18859116980755003, -7.432164219196925e-18}, {0.179201429457711, -1.0785017454858423e-17},
    {0.16989903679539747, -4.868008764439071e-19}, {0.16068238169047347, -3.650183553047837e-18},
    {0.15154989812720093, 5.1669593684615594e-18}, {0.14250006260728304, -9.926388234225749e-18},
    {0.13353139262452263, -3.664457663660085e-18}, {0.1246424452072766, -5.808912678940971e-18},
    {0.1158318155251217, 4.338484369808096e-18}, {0.1070981355563671, -1.73705104015906e-18},
    {0.09844007281325252, -4.439009633675136e-18}, {0.08985632912186105, -6.273760163689594e-19},
    {0.0813456394539524, 5.07707635593117e-18}, {0.07290677080808779, -6.306860257532778e-18},
    {0.06453852113757118, -6.470486661692933e-18}, {0.05623971832287608, -3.2835149805605613e-18},
    {0.048009219186360606, 1.4390903347292205e-18}, {0.039845908547199674, -3.129547680315208e-18},
    {0.0317486983145803, 3.0382263084680858e-18}, {0.023716526617316044, -1.5774243488668215e-18},
    {0.015748356968139168, 1.0021578630528974e-18}, {0.007843177461025893, 2.764708154124904e-19},
    {0.0, 0.0}, {-0.007782140442054949, 1.2819179123343845e-20},
    {-0.015504186535965254, 3.278321022892429e-19}, {-0.02316705928153438, 1.1769544932063305e-18},
    {-0.030771658666753687, -1.0431732029005968e-18}, {-0.0383188643021366, 2.357996157351286e-18},
    {-0.0458095360312942, -1.902959866474257e-18}, {-0.053244514518812285, 1.665575816973663e-18},
    {-0.06062462181643484, -2.6424025938726934e-18}, {-0.06795066190850775, 1.2802141240611733e-18},
    {-0.07522342123758753, 5.930604196293241e-18}, {-0.08244366921107459, -5.700437773813987e-18},
    {-0.08961215868968714, 5.4268129336647135e-18}, {-0.09672962645855111, 5.597397486289965e-19},
    {-0.10379679368164356, -5.47772415726659e-18}, {-0.11081436634029011, -1.183748342825649e-18},
    {-0.11778303565638346, 1.1971685747593677e-18}, {-0.12470347850095724, 4.6522609636496624e-18},
    {-0.13157635778871926, -1.1123000879729588e-17}, {-0.13840232285911913, -4.447777301357527e-18},
    {-0.1451820098444979, -8.242418783022475e-18}, {-0.15191604202584197, -6.4838631244022194e-18},
    {-0.15860503017663857, -1.1257003872182592e-17}, {-0.16524957289530717, 1.0094935622322628e-17},
    {-0.17185025692665923, 6.0224538210113705e-18}, {-0.1784076574728183, 1.2432553788701131e-17},
    {-0.184922338494012, -3.0236614153574064e-18}, {-0.19139485299962947, 1.2129496905792884e-17},
    {-0.19782574332991987, -1.2821194372980142e-17}, {-0.2042155414286909, -2.7338281018722773e-18},
    {-0.21056476910734964, 4.249405314729895e-18}, {-0.21687393830061436, -4.551026193234283e-18},
    {-0.22314355131420976, 9.091270597324799e-18}, {-0.22937410106484582, -9.927671823978025e-18},
    {-0.2355660713127669, 2.3943371495187355e-18}, {-0.24171993688714516, -8.900990022166643e-18},
    {-0.24783616390458127, 1.2432209578702523e-17}, {-0.25391520998096345, 8.048097394424201e-18},
    {-0.25995752443692605, -2.069806938978935e-17}, {-0.26596354849713794, -5.3393802761314314e-18},
    {-0.27193371548364176, -7.83319637697442e-19}, {-0.2778684510034563, 9.16018294909263e-19},
    {-0.2837681731306446, 2.032665581126656e-17}, {-0.28963329258304266, -2.0535953219858174e-17},
    {-0.2954642128938359, 2.16461086040599e-17}, {-0.3012613305781618, 9.048511144048564e-18},
    {-0.3070250352949119, 1.2319916200101964e-17}, {-0.3127557100038969, 1.451808353098951e-17},
    {-0.3184537311185346, -2.7114779367326236e-17}, {-0.324119468654212, 7.958214381893813e-18},
    {-0.329753286372468, -2.122020616196946e-18}, {-0.3353555419211378, -1.834564437059473e-17},
    {-0.3409265869705932, -1.7467136443544747e-17}, {-0.34646676734620857, -1.028583585496265e-17},
    {-0.3519764231571782, 1.2953893030191963e-17},
};
// (ln(1 + r) - r + r^2 / 2) / r^3: the series.
static __device__ const double np_pow_p[8] = {
    1.0 / 3.0, -0.25, 0.2, -1.0 / 6.0,
    1.0 / 7.0, -0.125, 1.0 / 9.0, -0.1,
};

// ln of a positive finite number.
NP_DEVICE np_pair np_ln_pair(double x) {
    np_pair s = np_split(x);
    double k = s.h, m = s.l;
    int j = (int)(128.0 / m + 0.5);
    double inverse = (double)j / 128.0;
    double upper = np_from_bits(np_bits(m) & ~0x1fffffull);
    np_pair r = np_fast_two_sum(__fma_rn(upper, inverse, -1.0), (m - upper) * inverse);
    double half = 0.5 * r.h * r.h;
    double half_tail = __fma_rn(0.5 * r.h, r.h, -half) + r.h * r.l;
    np_pair c = np_minus_ln[j - 90];
    const double ln2 = 0.6931471805599453, ln2_tail = 2.3190468138462996e-17;
    double whole = k * ln2;
    double whole_tail = __fma_rn(k, ln2, -whole) + k * ln2_tail;
    np_pair a = np_two_sum(whole, c.h);
    np_pair b = np_two_sum(a.h, r.h);
    np_pair h = np_two_sum(b.h, -half);
    double small = __fma_rn(r.h * r.h * r.h, np_poly(r.h, np_pow_p), r.l - half_tail);
    double tail = (a.l + (whole_tail + c.l)) + (b.l + (h.l + small));
    return np_fast_two_sum(h.h, tail);
}

// 0: not an integer; 1: odd; 2: even.
NP_DEVICE int np_parity(double y) {
    double a = np_abs(y);
    if (a >= 9007199254740992.0) return 2;
    unsigned long long whole = (unsigned long long)a;
    return (double)whole != a ? 0 : 2 - (int)(whole & 1);
}

// x^y, special cases as IEEE 754 has them.
NP_DEVICE double np_pow(double x, double y) {
    if (y == 0.0 || x == 1.0) return 1.0;
    if (x != x || y != y) return np_nan();
    double a = np_abs(x);
    if (np_abs(y) == np_infinity()) {
        if (a == 1.0) return 1.0;
        return (a > 1.0) == (y > 0.0) ? np_infinity() : 0.0;
    }
    int parity = np_parity(y);
    double sign = np_is_negative(x) && parity == 1 ? -1.0 : 1.0;
    if (a == 0.0 || a == np_infinity()) return np_copysign((a == 0.0) == (y > 0.0) ? 0.0 : np_infinity(), sign);
    if (x < 0.0 && parity == 0) return np_nan();
    np_pair ln = np_ln_pair(a);
    double p = y * ln.h;
    double cut = np_cut(p, -760.0, 720.0);
    double tail = cut == p ? __fma_rn(y, ln.h, -p) + y * ln.l : 0.0;
    np_exp_parts e = np_parts(cut, tail);
    np_pair s = np_fast_two_sum(1.0, e.p);
    return sign * np_scale(s.h + (s.l + e.tail), e.k);
}

// ---- erf.rs -------------------------------------------------------------------------------------------------------

// erf(x) / x - 1 in x^2 on [0, 1].
static __device__ const double np_erf_near_c[13] = {
    0.1283791670955126, -0.3761263890318375, 0.11283791670954885, -0.026866170645077837,
    0.005223977624828052, -0.0008548326981402454, 0.0001205533113206504, -1.4925595749574357e-05,
    1.6461008095637083e-06, -1.635039196378886e-07, 1.4660298687156826e-08, -1.1374834336865904e-09,
    5.960471169655179e-11,
};
// e^(x^2) erfc(x) (1 + 2x) in (x - 4) / (x + 4) on 0.5 to 29.
static __device__ const double np_erf_far_c[21] = {
    1.2329951186255526, -0.13962111684056153, 0.015379652102614832, 0.06809705425457072,
    -0.1010390660359959, 0.0937328350028538, -0.06633036581970392, 0.03716751546107945,
    -0.016197733965553497, 0.005031970691829476, -0.0007577739440191986, -0.00019926071500629708,
    0.0001506245398877421, -2.4384961019055152e-05, -1.1229935653038157e-05, 5.677591632048621e-06,
    3.075324151169241e-07, -7.80372825945161e-07, 6.027837809333484e-08, 7.357854728987556e-08,
    -9.804861208624927e-09,
};

// erf on 0 <= a <= 1.
NP_DEVICE double np_erf_near(double a) { return __fma_rn(a, np_poly(a * a, np_erf_near_c), a); }

// erfc on a >= 0.5; 0 from 28 on.
NP_DEVICE double np_erfc_far(double a) {
    a = np_cut(a, 0.5, 28.0);
    double g = np_poly((a - 4.0) / (a + 4.0), np_erf_far_c) / (1.0 + 2.0 * a);
    double square = a * a;
    np_exp_parts e = np_parts(-square, -__fma_rn(a, a, -square));
    np_pair s = np_fast_two_sum(1.0, e.p);
    return np_scale((s.h + (s.l + e.tail)) * g, e.k);
}

// The error function.
NP_DEVICE double np_erf(double x) {
    double a = np_abs(x);
    double near = np_erf_near(a), far = 1.0 - np_erfc_far(a);
    return np_copysign(a < 1.0 ? near : far, x);
}

// 1 - erf(x), accurate where that cancels.
NP_DEVICE double np_erfc(double x) {
    double a = np_abs(x);
    double near = np_copysign(np_erf_near(a), x), far = np_erfc_far(a);
    far = x < 0.0 ? 2.0 - far : far;
    return a < 0.5 ? 1.0 - near : far;
}

// ---- gelu.rs ------------------------------------------------------------------------------------------------------

// e^(a^2 / 2) Phi(-a) (a + 4) in t = (a - 4) / (a + 4) on 0 to 15.
static __device__ const double np_gelu_tail_c[14] = {
    0.7552851304204277, -0.6078966419803974, 0.38713739991283747, -0.18652185734752277,
    0.060396598903223395, -0.007540193662665572, -0.003479952960862783, 0.0016307523963929166,
    0.00013465625824894117, -0.00023024294466988767, -4.986314584499626e-06, 3.195767760755637e-05,
    3.2493743482671244e-06, -1.6785575059011626e-06,
};
// e^r on |r| <= ln 2 / 2.
static __device__ const double np_gelu_exp_c[9] = {
    0.9999999999997622, 0.9999999999806077, 0.5000000000618604, 0.16666666885578205,
    0.041666664219052914, 0.008333267005388492, 0.0013889178696592668, 0.00019915436906448822,
    2.4727228532839546e-05,
};
#define NP_INV_SQRT_TAU 0.3989422804014327
#define NP_LN2 0.6931471805599453
#define NP_LOG2_E 1.4426950408889634

// The share of a standard normal below x (h), and e^(-x^2 / 2) (l).
NP_DEVICE np_pair np_normal(double x) {
    double a = np_abs(x), cut = a > 15.0 ? 15.0 : a;
    double s = -0.5 * (cut * cut);
    double t = __fma_rn(s, NP_LOG2_E, NP_MAGIC);
    double r = __fma_rn(NP_MAGIC - t, NP_LN2, s);
    double e = np_poly(r, np_gelu_exp_c) * np_power_of_two((int)np_bits(t));
    e = a > 15.0 ? 0.0 : e;
    double d = cut + 4.0;
    double q = (double)(1.0f / __double2float_rn(d));
    q = __fma_rn(q, __fma_rn(-d, q, 1.0), q);
    double tail = e * (np_poly((cut - 4.0) * q, np_gelu_tail_c) * q);
    return {x < 0.0 ? tail : 1.0 - tail, e};
}

NP_DEVICE float npf_gelu(float x) { return __double2float_rn((double)x * np_normal((double)x).h); }

NP_DEVICE float npf_gelu_gradient(float x, float dy) {
    np_pair n = np_normal((double)x);
    return __double2float_rn((double)dy * (n.h + (double)x * (NP_INV_SQRT_TAU * n.l)));
}

// ---- trig.rs ------------------------------------------------------------------------------------------------------

// (sin r - r) / r^3 in r^2 on |r| <= pi/4.
static __device__ const double np_sin_c[7] = {
    -0.16666666666666666, 0.008333333333333331, -0.00019841269841265044, 2.755731921932231e-06,
    -2.5052106226516508e-08, 1.6058530669632548e-10, -7.586640727975675e-13,
};
// (cos r - 1 + r^2 / 2) / r^4 in r^2 on |r| <= pi/4.
static __device__ const double np_cos_c[7] = {
    0.041666666666666664, -0.0013888888888888887, 2.4801587301584635e-05, -2.7557319221393364e-07,
    2.0876755787755325e-09, -1.1470460355822445e-11, 4.745840336263397e-14,
};
// The binary digits of 2 / pi, after 64 zeros.
static __device__ const unsigned long long np_two_over_pi[21] = {
    0ull, 0xa2f9836e4e441529ull, 0xfc2757d1f534ddc0ull, 0xdb6295993c439041ull,
    0xfe5163abdebbc561ull, 0xb7246e3a424dd2e0ull, 0x06492eea09d1921cull, 0xfe1deb1cb129a73eull,
    0xe88235f52ebb4484ull, 0xe99c7026b45f7e41ull, 0x3991d639835339f4ull, 0x9c845f8bbdf9283bull,
    0x1ff897ffde05980full, 0xef2f118b5a0a6d1full, 0x6d367ecf27cb09b7ull, 0x4f463f669e5fea2dull,
    0x7527bac7ebe5f17bull, 0x3d0739f78a5292eaull, 0x6bfb5fb11f8d5d08ull, 0x56033046fc7b6babull,
    0xf0cfbc209af4361dull,
};

// x = n pi/2 + r + e, n mod 4, |r| <= pi/4.
struct np_reduced {
    unsigned n;
    double r, e;
};

// An integer of 128 bits, two's complement.
struct np_i128 {
    unsigned long long hi, lo;
};

NP_DEVICE np_i128 np_negate(np_i128 x) {
    unsigned long long lo = 0ull - x.lo;
    return {~x.hi + (lo == 0 ? 1ull : 0ull), lo};
}

// The nearest double, ties to even.
NP_DEVICE double np_i128_to_double(np_i128 x) {
    bool negative = (long long)x.hi < 0;
    np_i128 m = negative ? np_negate(x) : x;
    double y;
    if (m.hi == 0) {
        y = (double)m.lo;
    } else {
        // The upper 64 bits, the last of which also stands for all that are cut off.
        int shift = __clzll((long long)m.hi);
        unsigned long long top = shift ? m.hi << shift | m.lo >> (64 - shift) : m.hi;
        y = (double)(top | (m.lo << shift ? 1ull : 0ull)) * np_power_of_two(64 - shift);
    }
    return negative ? -y : y;
}

// Of a whole number; 2^127 gives the greatest integer.
NP_DEVICE np_i128 np_double_to_i128(double x) {
    double a = np_abs(x);
    if (x >= 170141183460469231731687303715884105728.0) return {0x7fffffffffffffffull, ~0ull};
    if (a == 0.0) return {0, 0};
    unsigned long long bits = np_bits(a), m = (bits & 0x000fffffffffffffull) | 1ull << 52;
    int shift = (int)(bits >> 52) - 1075;
    np_i128 y;
    if (shift <= 0) {
        y = {0, m >> -shift};
    } else if (shift < 64) {
        y = {m >> (64 - shift), m << shift};
    } else {
        y = {m << (shift - 64), 0};
    }
    return np_is_negative(x) ? np_negate(y) : y;
}

// 64 of the digits of 2 / pi from digit 64 word + shift.
NP_DEVICE unsigned long long np_digits(int word, int shift) {
    unsigned long long next = word + 1 < 21 ? np_two_over_pi[word + 1] : 0ull;
    return shift ? np_two_over_pi[word] << shift | next >> (64 - shift) : np_two_over_pi[word];
}

// The reduction of x >= 1e5 by Payne and Hanek's method, in integers.
static __device__ __noinline__ np_reduced np_reduce_large(double x) {
    unsigned long long bits = np_bits(x);
    unsigned long long m = (bits & 0x000fffffffffffffull) | 1ull << 52;
    int start = (int)(bits >> 52) + 62 - 1075;
    int word = start / 64, shift = start % 64;
    unsigned long long w0 = np_digits(word, shift), w1 = np_digits(word + 1, shift), w2 = np_digits(word + 2, shift);
    // The product's words, lowest first; what lies above the third counts whole turns.
    unsigned long long p0 = m * w2, carry = __umul64hi(m, w2);
    unsigned long long p1 = m * w1 + carry;
    carry = __umul64hi(m, w1) + (p1 < carry ? 1ull : 0ull);
    unsigned long long p2 = m * w0 + carry;
    // Two bits of quadrant; the others are a fraction of it, from -1/2 to 1/2.
    np_i128 f = {p2 << 2 | p1 >> 62, p1 << 2 | p0 >> 62};
    unsigned n = (unsigned)(p2 >> 62) + (unsigned)(f.hi >> 63);
    const double scale = 1.0 / 18446744073709551616.0;
    double head = np_i128_to_double(f);
    np_i128 whole = np_double_to_i128(head);
    np_i128 rest = {f.hi - whole.hi - (f.lo < whole.lo ? 1ull : 0ull), f.lo - whole.lo};
    double tail = np_i128_to_double(rest) * scale * scale;
    head = head * scale * scale;
    double r = head * NP_HALF_PI;
    double e = __fma_rn(head, NP_HALF_PI, -r) + (head * NP_HALF_PI_1 + tail * NP_HALF_PI);
    np_pair s = np_fast_two_sum(r, e);
    return {n & 3, s.h, s.l};
}

// The reduction of finite x.
NP_DEVICE np_reduced np_reduce(double x) {
    if (np_abs(x) < 1e5) {
        double t = __fma_rn(x, 0.6366197723675814, NP_MAGIC);
        double n = t - NP_MAGIC;
        double a = __fma_rn(-n, NP_HALF_PI, x);
        double b = n * NP_HALF_PI_1;
        double b_tail = __fma_rn(n, NP_HALF_PI_1, -b);
        np_pair s = np_two_sum(a, -b);
        s = np_fast_two_sum(s.h, s.l - (b_tail + n * NP_HALF_PI_2));
        return {(unsigned)np_bits(t) & 3, s.h, s.l};
    }
    np_reduced y = np_reduce_large(np_abs(x));
    if (x < 0.0) return {(0u - y.n) & 3, -y.r, -y.e};
    return y;
}

// The sine of r + e, |r| <= pi/4.
NP_DEVICE np_pair np_sin_near(double r, double e) {
    double z = r * r;
    return np_fast_two_sum(r, __fma_rn(r * z, np_poly(z, np_sin_c), e * (1.0 - 0.5 * z)));
}

// The cosine of r + e.
NP_DEVICE np_pair np_cos_near(double r, double e) {
    double z = r * r;
    double half = 0.5 * z;
    double w = 1.0 - half;
    double half_tail = 0.5 * __fma_rn(r, r, -z);
    double tail = ((1.0 - w) - half) + (__fma_rn(z * z, np_poly(z, np_cos_c), -r * e) - half_tail);
    return np_fast_two_sum(w, tail);
}

// The sine; NaN of what is not finite.
NP_DEVICE double np_sin(double x) {
    if (!(np_abs(x) < np_infinity())) return np_nan();
    if (x == 0.0) return x;
    np_reduced q = np_reduce(x);
    double y = (q.n & 1) == 0 ? np_sin_near(q.r, q.e).h : np_cos_near(q.r, q.e).h;
    return (q.n & 2) == 0 ? y : -y;
}

// The cosine; NaN of what is not finite.
NP_DEVICE double np_cos(double x) {
    if (!(np_abs(x) < np_infinity())) return np_nan();
    np_reduced q = np_reduce(x);
    double y = (q.n & 1) == 0 ? np_cos_near(q.r, q.e).h : np_sin_near(q.r, q.e).h;
    return ((q.n + 1) & 2) == 0 ? y : -y;
}

// The tangent; NaN of what is not finite.
NP_DEVICE double np_tan(double x) {
    if (!(np_abs(x) < np_infinity())) return np_nan();
    if (x == 0.0) return x;
    np_reduced q = np_reduce(x);
    np_pair s = np_sin_near(q.r, q.e), c = np_cos_near(q.r, q.e);
    return (q.n & 1) == 0 ? np_quotient(s.h, s.l, c.h, c.l) : np_quotient(-c.h, -c.l, s.h, s.l);
}

// (atan t - t) / t^3 in t^2 on |t| <= 3/16.
static __device__ const double np_atan_c[9] = {
    -0.3333333333333333, 0.19999999999999987, -0.14285714285705264, 0.11111111108468516,
    -0.09090908702837286, 0.07692275632502157, -0.06665106620893907, 0.0583786240648083,
    -0.04569266500926137,
};
// atan(i / 8); number 1 is served by the polynomial about 0.
static __device__ const np_pair np_atan_eighths[9] = {
    {0.0, 0.0}, {0.0, 0.0},
    {0.24497866312686414, 1.0698755618734451e-17}, {0.35877067027057225, -2.4623815582638635e-17},
    {0.4636476090008061, 2.2698777452961687e-17}, {0.5585993153435624, -5.4556305485916264e-18},
    {0.6435011087932844, 1.5834785051444286e-17}, {0.7188299996216245, -2.1478388444456983e-17},
    {0.7853981633974483, 3.061616997868383e-17},
};

// a - b, |a| >= |b|.
NP_DEVICE np_pair np_minus(np_pair a, np_pair b) {
    np_pair s = np_fast_two_sum(a.h, -b.h);
    return {s.h, s.l + (a.l - b.l)};
}

// atan(n / d) for 0 <= n <= d: n / d is turned back by the nearest atan(i / 8).
NP_DEVICE np_pair np_atan_quotient(double n, double d) {
    int i = (int)(8.0 * (n / d) + 0.5);
    i = i == 1 ? 0 : i;
    double c = (double)i / 8.0;
    double p = c * d, q = c * n;
    np_pair ns = np_two_sum(n, -p), ds = np_two_sum(d, q);
    double nl = ns.l - __fma_rn(c, d, -p), dl = ds.l + __fma_rn(c, n, -q);
    double t = ns.h / ds.h;
    double t_tail = ((__fma_rn(-t, ds.h, ns.h) + nl) - t * dl) / ds.h;
    double z = t * t;
    np_pair s = np_fast_two_sum(np_atan_eighths[i].h, t);
    return {s.h, s.l + (__fma_rn(t * z, np_poly(z, np_atan_c), t_tail) + np_atan_eighths[i].l)};
}

// The angle of the point (x, y), from -pi to pi.
NP_DEVICE double np_atan2(double y, double x) {
    if (x != x || y != y) return np_nan();
    const double two_100 = 1267650600228229401496703205376.0, tiny = 1.0 / two_100;
    double ax = np_abs(x), ay = np_abs(y);
    bool swap = ay > ax;
    double small = swap ? ax : ay, big = swap ? ay : ax;
    if (big == np_infinity()) {
        small = small == big ? 1.0 : 0.0;
        big = 1.0;
    } else if (big == 0.0) {
        big = 1.0;
    } else if (big > 1e300) {
        small = small * tiny; // room for big + small; what underflows does not show
        big = big * tiny;
    } else if (big < 1e-270) {
        small = small / tiny; // room for the tails
        big = big / tiny;
    }
    np_pair a = np_atan_quotient(small, big);
    if (swap) a = np_minus({NP_HALF_PI, NP_HALF_PI_1}, a);
    if (np_is_negative(x)) a = np_minus({2.0 * NP_HALF_PI, 2.0 * NP_HALF_PI_1}, a);
    return np_copysign(a.h + a.l, y);
}

// ---- single.rs ----------------------------------------------------------------------------------------------------

NP_DEVICE float npf_exp(float x) { return __double2float_rn(np_exp((double)x)); }
NP_DEVICE float npf_expm1(float x) { return __double2float_rn(np_expm1((double)x)); }
NP_DEVICE float npf_ln(float x) { return __double2float_rn(np_ln((double)x)); }
NP_DEVICE float npf_ln_1p(float x) { return __double2float_rn(np_ln_1p((double)x)); }
NP_DEVICE float npf_sin(float x) { return __double2float_rn(np_sin((double)x)); }
NP_DEVICE float npf_cos(float x) { return __double2float_rn(np_cos((double)x)); }
NP_DEVICE float npf_tan(float x) { return __double2float_rn(np_tan((double)x)); }
NP_DEVICE float npf_tanh(float x) { return __double2float_rn(np_tanh((double)x)); }
NP_DEVICE float npf_sigmoid(float x) { return __double2float_rn(np_sigmoid((double)x)); }
NP_DEVICE float npf_erf(float x) { return __double2float_rn(np_erf((double)x)); }
NP_DEVICE float npf_erfc(float x) { return __double2float_rn(np_erfc((double)x)); }
NP_DEVICE float npf_pow(float x, float y) { return __double2float_rn(np_pow((double)x, (double)y)); }
NP_DEVICE float npf_atan2(float y, float x) { return __double2float_rn(np_atan2((double)y, (double)x)); }

#endif
