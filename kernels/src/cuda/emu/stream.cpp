// Streams, events and graphs. Work is done when it is asked for, in that order, whatever the stream; while a stream
// captures, it is recorded; with NP360_EMU_DEFER=1 it is put off until somebody waits, which shows who forgot to.

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "driver.h"

namespace np360 {

namespace {

struct Event {
    std::chrono::steady_clock::time_point time;
};

struct State {
    Stream standard;
    unsigned captures = 0;  // streams that capture
    bool defer = setting("NP360_EMU_DEFER", 0) != 0;
    std::vector<Work> deferred;
};

State& state() {
    static State* state = new State;
    return *state;
}

// The legacy and the per-thread default stream are one.
Stream& stream_of(void* handle) {
    return reinterpret_cast<uintptr_t>(handle) <= 2 ? state().standard : *static_cast<Stream*>(handle);
}

Result run(const Work& work) {
    switch (work.kind) {
        case Work::KERNEL: {
            std::vector<unsigned char> values = work.values;  // a kernel may change its parameters
            std::vector<void*> parameters;
            for (size_t start : work.starts) parameters.push_back(values.data() + start);
            return run_blocks({work.function->kernel, work.grid, work.block, work.dynamic, parameters.data(), reversed()});
        }
        case Work::COPY:
            memmove(work.to, work.owned.empty() ? work.from : work.owned.data(), work.bytes);
            return SUCCESS;
        case Work::FILL8:
            memset(work.to, static_cast<int>(work.value), work.bytes);
            return SUCCESS;
        case Work::FILL32:
            for (size_t i = 0; i < work.bytes / 4; ++i) static_cast<unsigned*>(work.to)[i] = work.value;
            return SUCCESS;
    }
    return INVALID_VALUE;
}

}  // namespace

Result submit(void* handle, Work work) {
    State& s = state();
    Stream& stream = stream_of(handle);
    if (stream.capturing) {
        if (stream.invalid) return fail(STREAM_CAPTURE_INVALIDATED, "the stream's capture has failed before");
        stream.capturing->nodes.push_back(std::make_shared<Work>(std::move(work)));
        return SUCCESS;
    }
    if (!s.defer) return run(work);
    if (work.kind == Work::COPY) {
        // As on the card: pageable memory is read at once; a copy into it is done when the call returns.
        bool to_card = inside(reinterpret_cast<Address>(work.to), work.bytes, "") == SUCCESS;
        bool from_card = inside(reinterpret_cast<Address>(work.from), work.bytes, "") == SUCCESS;
        if (!from_card && !pinned(work.from, work.bytes)) {
            auto* bytes = static_cast<const unsigned char*>(work.from);
            work.owned.assign(bytes, bytes + work.bytes);
        }
        if (!to_card && !pinned(work.to, work.bytes)) {
            if (Result r = finish_deferred()) return r;
            return run(work);
        }
    }
    s.deferred.push_back(std::move(work));
    return SUCCESS;
}

Result finish_deferred() {
    std::vector<Work> all;
    all.swap(state().deferred);
    for (const Work& work : all) {
        if (Result r = run(work)) return r;
    }
    return SUCCESS;
}

Result synchronize(const char* who) {
    State& s = state();
    if (s.captures > 0) return fail(STREAM_CAPTURE_UNSUPPORTED, "%s waits while a stream captures", who);
    if (Result r = finish_deferred()) return r;
    return check_guards();
}

}  // namespace np360

using namespace np360;

// ---- streams -------------------------------------------------------------------------------------------------------------

NP360_API Result cuStreamCreate(void** stream, unsigned) {
    *stream = new Stream;
    return SUCCESS;
}
NP360_API Result cuStreamCreateWithPriority(void** stream, unsigned flags, int) { return cuStreamCreate(stream, flags); }

NP360_API Result cuStreamDestroy_v2(void* handle) {
    Lock held = lock();
    if (Result r = finish_deferred()) return r;
    auto* stream = static_cast<Stream*>(handle);
    if (stream->capturing) --state().captures;
    delete stream;
    return SUCCESS;
}

NP360_API Result cuStreamSynchronize(void* handle) {
    Lock held = lock();
    Result r = synchronize("cuStreamSynchronize");
    if (r == STREAM_CAPTURE_UNSUPPORTED) stream_of(handle).invalid = true;
    return r;
}
NP360_API Result cuStreamQuery(void* handle) { return cuStreamSynchronize(handle); }
NP360_API Result cuCtxSynchronize() {
    Lock held = lock();
    return synchronize("cuCtxSynchronize");
}
NP360_API Result cuStreamWaitEvent(void*, void*, unsigned) { return SUCCESS; }

// ---- events --------------------------------------------------------------------------------------------------------------

NP360_API Result cuEventCreate(void** event, unsigned) {
    *event = new Event{};
    return SUCCESS;
}
NP360_API Result cuEventDestroy_v2(void* event) {
    delete static_cast<Event*>(event);
    return SUCCESS;
}
NP360_API Result cuEventRecord(void* event, void* handle) {
    Lock held = lock();
    if (stream_of(handle).capturing) return SUCCESS;
    if (Result r = finish_deferred()) return r;
    static_cast<Event*>(event)->time = std::chrono::steady_clock::now();
    return SUCCESS;
}
NP360_API Result cuEventSynchronize(void*) {
    Lock held = lock();
    return synchronize("cuEventSynchronize");
}
NP360_API Result cuEventQuery(void*) { return SUCCESS; }
NP360_API Result cuEventElapsedTime(float* ms, void* from, void* to) {
    auto time = static_cast<Event*>(to)->time - static_cast<Event*>(from)->time;
    *ms = std::chrono::duration<float, std::milli>(time).count();
    return SUCCESS;
}
NP360_API Result cuEventElapsedTime_v2(float* ms, void* from, void* to) { return cuEventElapsedTime(ms, from, to); }

// ---- capture and graphs --------------------------------------------------------------------------------------------------

NP360_API Result cuStreamBeginCapture_v2(void* handle, int) {
    Lock held = lock();
    Stream& stream = stream_of(handle);
    if (reinterpret_cast<uintptr_t>(handle) <= 1) return fail(STREAM_CAPTURE_UNSUPPORTED, "the default stream captures");
    if (stream.capturing) return fail(INVALID_VALUE, "the stream captures already");
    stream.capturing = std::make_unique<Graph>();
    stream.invalid = false;
    ++state().captures;
    return SUCCESS;
}

NP360_API Result cuStreamEndCapture(void* handle, void** graph) {
    Lock held = lock();
    Stream& stream = stream_of(handle);
    *graph = nullptr;
    if (!stream.capturing) return fail(INVALID_VALUE, "the stream does not capture");
    --state().captures;
    std::unique_ptr<Graph> captured = std::move(stream.capturing);
    if (stream.invalid) return fail(STREAM_CAPTURE_INVALIDATED, "a call that waits stood in the capture");
    *graph = captured.release();
    return SUCCESS;
}

NP360_API Result cuStreamIsCapturing(void* handle, int* status) {
    Lock held = lock();
    const Stream& stream = stream_of(handle);
    *status = !stream.capturing ? 0 : stream.invalid ? 2 : 1;
    return SUCCESS;
}

NP360_API Result cuGraphInstantiateWithFlags(void** exec, void* graph, unsigned long long) {
    if (graph == nullptr) return fail(INVALID_VALUE, "no graph");
    *exec = new Graph(*static_cast<Graph*>(graph));
    return SUCCESS;
}

NP360_API Result cuGraphGetNodes(void* graph, void** nodes, size_t* count) {
    const auto& all = static_cast<Graph*>(graph)->nodes;
    for (size_t i = 0; nodes != nullptr && i < *count; ++i) {
        nodes[i] = i < all.size() ? const_cast<Work*>(all[i].get()) : nullptr;
    }
    if (nodes == nullptr || *count > all.size()) *count = all.size();
    return SUCCESS;
}

NP360_API Result cuGraphUpload(void*, void*) { return SUCCESS; }

NP360_API Result cuGraphLaunch(void* exec, void* handle) {
    Lock held = lock();
    if (stream_of(handle).capturing) return fail(NOT_SUPPORTED, "a graph is launched into a capture");
    for (const auto& node : static_cast<Graph*>(exec)->nodes) {
        if (Result r = submit(handle, *node)) return r;
    }
    return SUCCESS;
}

NP360_API Result cuGraphExecDestroy(void* exec) {
    delete static_cast<Graph*>(exec);
    return SUCCESS;
}
NP360_API Result cuGraphDestroy(void* graph) {
    delete static_cast<Graph*>(graph);
    return SUCCESS;
}
