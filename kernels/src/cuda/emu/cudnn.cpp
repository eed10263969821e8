// An emulated cuDNN for the emulated card: the entry points that the speed mode uses, as direct loops.
//
// Its work is kernels of the emulated driver, so streams, deferral, captures and guarded memory hold for it too. It is as
// strict as it can be: NHWC floats in and out, sizes that fit each other, FMA arithmetic, algorithms that are documented as
// deterministic, the workspace that was asked for. What no table of ours may rely on it leaves out: the precomputed
// algorithm takes no groups (the next of the table does), no weight gradient is dilated (our own kernel must do it).

#include "driver.h"

#include "emu.h"

using namespace np360;

extern "C" Result cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**,
                                 void**);

namespace {

enum Status : int { OK = 0, BAD_PARAM = 2000, UNSUPPORTED = 3000, EXECUTION_FAILED = 5000 };

constexpr int FLOAT = 0, NHWC = 1, CROSS_CORRELATION = 1, FMA_MATH = 3;

struct Context {
    void* stream;
};
struct Tensor {
    int n, c, h, w;
};
struct Filter {
    int k, c, h, w;
};
struct Convolution {
    int pad[2], stride[2], dilation[2], groups, math;
};

// One convolution as the kernels see it; memory is x [n, h, w, c], y [n, oh, ow, k], f [k, kh, kw, c / groups].
struct Job {
    Tensor x, y;
    Filter f;
    Convolution conv;
    const float *a, *b;
    float *to, *room;
    int words;  // of the workspace, which is written from end to end
    float alpha, beta;
};

// Every number of the workspace once; a block more than needed does no harm.
void use_room(const Job& job, int thread, int threads) {
    for (int i = thread; i < job.words; i += threads) job.room[i] = static_cast<float>(i);
}

float blend(const Job& job, double sum, float old) {
    return job.alpha * static_cast<float>(sum) + (job.beta == 0 ? 0 : job.beta * old);
}

// Where tap t of output o reads, along axis d.
int source(const Job& job, int d, int o, int t) {
    return o * job.conv.stride[d] + t * job.conv.dilation[d] - job.conv.pad[d];
}

const float* at(const float* p, const Tensor& t, int n, int h, int w) {
    return p + (((size_t)n * t.h + h) * t.w + w) * t.c;
}

}  // namespace

// A thread an output: y = conv(x = a, f = b).
NP360_KERNEL(64, cudnn_forward, Job job) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    use_room(job, i, gridDim.x * blockDim.x);
    if (i >= job.y.n * job.y.h * job.y.w * job.y.c) return;
    int k = i % job.y.c, ow = i / job.y.c % job.y.w, oh = i / job.y.c / job.y.w % job.y.h, n = i / job.y.c / job.y.w / job.y.h;
    int first = k / (job.f.k / job.conv.groups) * job.f.c;
    double sum = 0;
    for (int r = 0; r < job.f.h; ++r) {
        for (int s = 0; s < job.f.w; ++s) {
            int h = source(job, 0, oh, r), w = source(job, 1, ow, s);
            if (h < 0 || h >= job.x.h || w < 0 || w >= job.x.w) continue;
            const float* x = at(job.a, job.x, n, h, w) + first;
            const float* f = job.b + (((size_t)k * job.f.h + r) * job.f.w + s) * job.f.c;
            for (int c = 0; c < job.f.c; ++c) sum += (double)x[c] * f[c];
        }
    }
    job.to[i] = blend(job, sum, job.to[i]);
}

// A thread an element of dx, from dy = a and f = b.
NP360_KERNEL(64, cudnn_data, Job job) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    use_room(job, i, gridDim.x * blockDim.x);
    if (i >= job.x.n * job.x.h * job.x.w * job.x.c) return;
    int c = i % job.x.c, x = i / job.x.c % job.x.w, row = i / job.x.c / job.x.w % job.x.h, n = i / job.x.c / job.x.w / job.x.h;
    int each = job.f.k / job.conv.groups, first = c / job.f.c * each;
    double sum = 0;
    for (int r = 0; r < job.f.h; ++r) {
        int oh = row + job.conv.pad[0] - r * job.conv.dilation[0];
        if (oh < 0 || oh % job.conv.stride[0] != 0 || (oh /= job.conv.stride[0]) >= job.y.h) continue;
        for (int s = 0; s < job.f.w; ++s) {
            int ow = x + job.conv.pad[1] - s * job.conv.dilation[1];
            if (ow < 0 || ow % job.conv.stride[1] != 0 || (ow /= job.conv.stride[1]) >= job.y.w) continue;
            const float* dy = at(job.a, job.y, n, oh, ow);
            for (int k = first; k < first + each; ++k) {
                sum += (double)dy[k] * job.b[(((size_t)k * job.f.h + r) * job.f.w + s) * job.f.c + c % job.f.c];
            }
        }
    }
    job.to[i] = blend(job, sum, job.to[i]);
}

// A thread a weight, from x = a and dy = b.
NP360_KERNEL(64, cudnn_filter, Job job) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    use_room(job, i, gridDim.x * blockDim.x);
    if (i >= job.f.k * job.f.h * job.f.w * job.f.c) return;
    int c = i % job.f.c, s = i / job.f.c % job.f.w, r = i / job.f.c / job.f.w % job.f.h, k = i / job.f.c / job.f.w / job.f.h;
    int from = k / (job.f.k / job.conv.groups) * job.f.c + c;
    double sum = 0;
    for (int n = 0; n < job.x.n; ++n) {
        for (int oh = 0; oh < job.y.h; ++oh) {
            int h = source(job, 0, oh, r);
            for (int ow = 0; h >= 0 && h < job.x.h && ow < job.y.w; ++ow) {
                int w = source(job, 1, ow, s);
                if (w >= 0 && w < job.x.w) sum += (double)at(job.a, job.x, n, h, w)[from] * at(job.b, job.y, n, oh, ow)[k];
            }
        }
    }
    job.to[i] = blend(job, sum, job.to[i]);
}

namespace {

// Whether the descriptors fit each other and the arithmetic is allowed.
Status check(const Tensor& x, const Filter& f, const Convolution& conv, const Tensor& y) {
    int size[2] = {x.h, x.w}, kernel[2] = {f.h, f.w}, out[2] = {y.h, y.w};
    for (int d = 0; d < 2; ++d) {
        int span = conv.dilation[d] * (kernel[d] - 1) + 1;
        if (out[d] != (size[d] + 2 * conv.pad[d] - span) / conv.stride[d] + 1) return BAD_PARAM;
    }
    if (x.n != y.n || y.c != f.k || x.c != f.c * conv.groups || f.k % conv.groups != 0) return BAD_PARAM;
    return conv.math == FMA_MATH ? OK : UNSUPPORTED;
}

// What each direction is asked for: the algorithms that are deterministic, and what they work in.
enum Direction { FORWARD, DATA, FILTER };

Status room(Direction direction, int algorithm, const Tensor& x, const Filter& f, const Convolution& conv, const Tensor& y,
            size_t* bytes) {
    if (Status s = check(x, f, conv, y)) return s;
    size_t weights = (size_t)f.k * f.c * f.h * f.w;
    switch (direction) {
        case FORWARD:  // IMPLICIT_GEMM works in nothing, IMPLICIT_PRECOMP_GEMM in its table of offsets
            if (algorithm > 1 || (algorithm == 1 && conv.groups > 1)) return UNSUPPORTED;
            *bytes = algorithm == 0 ? 0 : 4 * (size_t)y.h * y.w * f.h * f.w;
            return OK;
        case DATA:  // 0 adds in the order in which blocks come
            if (algorithm != 1) return UNSUPPORTED;
            *bytes = 4 * weights;
            return OK;
        case FILTER:  // 0 and 3 likewise
            if (algorithm != 1 || conv.dilation[0] > 1 || conv.dilation[1] > 1) return UNSUPPORTED;
            *bytes = 4 * weights * (size_t)x.n;
            return OK;
    }
    return BAD_PARAM;
}

Status launch(Direction direction, int algorithm, Context* context, Job job, const void* alpha, const void* beta,
              size_t bytes) {
    size_t needed = 0;
    if (Status s = room(direction, algorithm, job.x, job.f, job.conv, job.y, &needed)) return s;
    if (bytes < needed || (needed > 0 && job.room == nullptr)) return BAD_PARAM;
    job.words = static_cast<int>(needed / 4);
    job.alpha = *static_cast<const float*>(alpha);
    job.beta = *static_cast<const float*>(beta);
    static Function functions[3] = {{&np360_kernel_cudnn_forward}, {&np360_kernel_cudnn_data}, {&np360_kernel_cudnn_filter}};
    size_t threads = direction == FORWARD ? (size_t)job.y.n * job.y.h * job.y.w * job.y.c
                     : direction == DATA  ? (size_t)job.x.n * job.x.h * job.x.w * job.x.c
                                          : (size_t)job.f.k * job.f.h * job.f.w * job.f.c;
    void* parameters[] = {&job};
    Result r = cuLaunchKernel(&functions[direction], static_cast<unsigned>((threads + 63) / 64), 1, 1, 64, 1, 1, 0,
                              context->stream, parameters, nullptr);
    return r == SUCCESS ? OK : EXECUTION_FAILED;
}

template <class T>
Status create(T** descriptor) {
    *descriptor = new T{};
    return OK;
}
template <class T>
Status destroy(T* descriptor) {
    delete descriptor;
    return OK;
}

}  // namespace

NP360_API size_t cudnnGetVersion() { return 92100; }

NP360_API const char* cudnnGetErrorString(Status status) {
    switch (status) {
        case OK: return "success";
        case BAD_PARAM: return "bad parameter (emulated cuDNN)";
        case UNSUPPORTED: return "not supported (emulated cuDNN)";
        case EXECUTION_FAILED: return "execution failed (emulated cuDNN)";
    }
    return "unknown";
}

NP360_API Status cudnnCreate(Context** context) { return create(context); }
NP360_API Status cudnnSetStream(Context* context, void* stream) {
    context->stream = stream;
    return OK;
}

NP360_API Status cudnnCreateTensorDescriptor(Tensor** t) { return create(t); }
NP360_API Status cudnnDestroyTensorDescriptor(Tensor* t) { return destroy(t); }
NP360_API Status cudnnSetTensor4dDescriptor(Tensor* t, int format, int type, int n, int c, int h, int w) {
    if (format != NHWC || type != FLOAT) return UNSUPPORTED;
    *t = {n, c, h, w};
    return n > 0 && c > 0 && h > 0 && w > 0 ? OK : BAD_PARAM;
}

NP360_API Status cudnnCreateFilterDescriptor(Filter** f) { return create(f); }
NP360_API Status cudnnDestroyFilterDescriptor(Filter* f) { return destroy(f); }
NP360_API Status cudnnSetFilter4dDescriptor(Filter* f, int type, int format, int k, int c, int h, int w) {
    if (format != NHWC || type != FLOAT) return UNSUPPORTED;
    *f = {k, c, h, w};
    return k > 0 && c > 0 && h > 0 && w > 0 ? OK : BAD_PARAM;
}

NP360_API Status cudnnCreateConvolutionDescriptor(Convolution** conv) { return create(conv); }
NP360_API Status cudnnDestroyConvolutionDescriptor(Convolution* conv) { return destroy(conv); }
NP360_API Status cudnnSetConvolution2dDescriptor(Convolution* conv, int ph, int pw, int sh, int sw, int dh, int dw, int mode,
                                                 int type) {
    if (mode != CROSS_CORRELATION || type != FLOAT) return UNSUPPORTED;
    *conv = {{ph, pw}, {sh, sw}, {dh, dw}, 1, 0};
    return ph >= 0 && pw >= 0 && sh > 0 && sw > 0 && dh > 0 && dw > 0 ? OK : BAD_PARAM;
}
NP360_API Status cudnnSetConvolutionGroupCount(Convolution* conv, int groups) {
    conv->groups = groups;
    return groups > 0 ? OK : BAD_PARAM;
}
NP360_API Status cudnnSetConvolutionMathType(Convolution* conv, int math) {
    conv->math = math;
    return OK;
}

NP360_API Status cudnnGetConvolutionForwardWorkspaceSize(Context*, Tensor* x, Filter* f, Convolution* conv, Tensor* y,
                                                         int algorithm, size_t* bytes) {
    return room(FORWARD, algorithm, *x, *f, *conv, *y, bytes);
}
NP360_API Status cudnnGetConvolutionBackwardDataWorkspaceSize(Context*, Filter* f, Tensor* y, Convolution* conv, Tensor* x,
                                                              int algorithm, size_t* bytes) {
    return room(DATA, algorithm, *x, *f, *conv, *y, bytes);
}
NP360_API Status cudnnGetConvolutionBackwardFilterWorkspaceSize(Context*, Tensor* x, Tensor* y, Convolution* conv, Filter* f,
                                                                int algorithm, size_t* bytes) {
    return room(FILTER, algorithm, *x, *f, *conv, *y, bytes);
}

NP360_API Status cudnnConvolutionForward(Context* context, const void* alpha, Tensor* xd, const float* x, Filter* fd,
                                         const float* f, Convolution* conv, int algorithm, float* room, size_t bytes,
                                         const void* beta, Tensor* yd, float* y) {
    return launch(FORWARD, algorithm, context, {*xd, *yd, *fd, *conv, x, f, y, room, 0, 0, 0}, alpha, beta, bytes);
}
NP360_API Status cudnnConvolutionBackwardData(Context* context, const void* alpha, Filter* fd, const float* f, Tensor* yd,
                                              const float* dy, Convolution* conv, int algorithm, float* room, size_t bytes,
                                              const void* beta, Tensor* xd, float* dx) {
    return launch(DATA, algorithm, context, {*xd, *yd, *fd, *conv, dy, f, dx, room, 0, 0, 0}, alpha, beta, bytes);
}
NP360_API Status cudnnConvolutionBackwardFilter(Context* context, const void* alpha, Tensor* xd, const float* x, Tensor* yd,
                                                const float* dy, Convolution* conv, int algorithm, float* room,
                                                size_t bytes, const void* beta, Filter* fd, float* df) {
    return launch(FILTER, algorithm, context, {*xd, *yd, *fd, *conv, x, dy, df, room, 0, 0, 0}, alpha, beta, bytes);
}
