// The scheduler. A fiber that has to wait goes straight to the next one that can go on, warp by warp and lane by lane; a
// kernel without barriers runs all its threads on one stack, one after the other.

#include "worker.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
__attribute__((visibility("default"))) __thread np360::Thread* np360_emu_here
    __attribute__((tls_model("initial-exec"))) = nullptr;
}

namespace np360 {

namespace {

constexpr size_t GAP = 64;            // bytes of a guard zone between shared arrays
constexpr unsigned MOST_ARRAYS = 64;
constexpr size_t STATIC_ROOM = STATIC_SHARED + MOST_ARRAYS * (GAP + 16);
constexpr size_t COLOUR = 64;  // the tops of two stacks lie this far apart within a page
constexpr unsigned char GUARD = 0xa5;
constexpr unsigned char POISON = 0xff;  // as floats, NaN

std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string text(const char* format, ...) {
    char buffer[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

bool same(Place a, Place b) { return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0); }

unsigned lanes_of_warp(unsigned threads, unsigned warp) {
    unsigned rest = threads - 32 * warp;
    return rest >= 32 ? 0xffffffffu : (1u << rest) - 1;
}

// Of a set of lanes the first in the order of the launch.
unsigned first_lane(unsigned lanes, bool reverse) {
    return static_cast<unsigned>(reverse ? 31 - __builtin_clz(lanes) : __builtin_ctz(lanes));
}

}  // namespace

Worker::Worker() : fibers_(MOST_THREADS), warp_(MOST_THREADS / 32) {
    own(host_);
    void* memory = nullptr;
    if (posix_memalign(&memory, 256, STATIC_ROOM + MOST_SHARED + GAP) != 0) abort();
    arena_ = static_cast<char*>(memory);
    dynamic_ = arena_ + STATIC_ROOM;
}

Worker::~Worker() {
    for (auto& stack : stacks_) unmap(*stack);
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(arena_, STATIC_ROOM + MOST_SHARED + GAP);
#endif
    free(arena_);
}

// One 8-byte variable in the loader's reserve is reached without a call; the object itself ends with its thread.
static __thread Worker* mine __attribute__((tls_model("initial-exec"))) = nullptr;

__attribute__((noinline)) static void make_mine() {
    static thread_local std::unique_ptr<Worker> owner;
    owner = std::make_unique<Worker>();
    mine = owner.get();
}

Worker& Worker::here() {
    if (__builtin_expect(mine == nullptr, 0)) make_mine();
    return *mine;
}

void Worker::begin(const Launch& launch) {
    bool same_shape = memcmp(&launch.block, &launch_.block, sizeof(Index)) == 0;
    launch_ = launch;
    error_.clear();
    block_.size = launch.block;
    block_.grid = launch.grid;
    if (same_shape) return;
    threads_ = launch.block.x * launch.block.y * launch.block.z;
    warps_ = (threads_ + 31) / 32;
    for (unsigned t = 0; t < threads_; ++t) {
        Index index = {t % launch.block.x, t / launch.block.x % launch.block.y, t / (launch.block.x * launch.block.y)};
        fibers_[t].thread = {index, t % 32, &block_};
        fibers_[t].warp = &warp_[t / 32];
    }
}

bool Worker::run(unsigned long long block) {
    const Index& grid = launch_.grid;
    unsigned long long rows = block / grid.x;
    block_.index = {static_cast<unsigned>(block % grid.x), static_cast<unsigned>(rows % grid.y),
                    static_cast<unsigned>(rows / grid.y)};
    arrays_.clear();
    static_bytes_ = end_ = 0;
    // The dynamic part ends where the launch says: what follows is guarded.
    block_.dynamic = dynamic_;
    if (launch_.dynamic > 0) {
        poison(dynamic_, launch_.dynamic);
        guard(dynamic_ + launch_.dynamic);
    }
    live_ = threads_;
    arrived_ = yes_ = 0;
    for (unsigned w = 0; w < warps_; ++w) {
        Warp& warp = warp_[w];
        warp.live = warp.ready = lanes_of_warp(threads_, w);
        warp.waiting = warp.phase = 0;
        warp.yes[0] = warp.yes[1] = 0;
    }
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(arena_, STATIC_ROOM);
    __asan_poison_memory_region(dynamic_ + launch_.dynamic, MOST_SHARED + GAP - launch_.dynamic);
#endif

    current_ = &first();
    start(*current_);
    np360_emu_here = &current_->thread;
    go(host_, *current_->stack);

    if (error_.empty() && live_ > 0) describe_deadlock();
    if (error_.empty() && !arrays_intact()) error_ = "threads write beyond the end of a shared array";
    if (error_.empty()) return true;
    error_ = text("kernel %s, block (%u, %u, %u): ", launch_.kernel->name, block_.index.x, block_.index.y,
                  block_.index.z) + error_;
    abandon();
    return false;
}

// ---- fibers ----------------------------------------------------------------------------------------------------------

void Worker::body() {
    arrived();
    here().live_on_this_stack();
}

// One thread after the other, as long as the next one has not begun; then the stack lies free until a thread takes it.
void Worker::live_on_this_stack() {
    for (;;) {
        launch_.kernel->call(launch_.parameters);

        Fiber& ended = *current_;
        Stack* stack = ended.stack;
        ended.stack = nullptr;
        ended.warp->live &= ~(1u << ended.thread.lane);
        ended.warp->ready &= ~(1u << ended.thread.lane);
        --live_;

        Fiber* to = next();
        free_.push_back(stack);
        if (to != nullptr) {
            current_ = to;
            np360_emu_here = &to->thread;
            if (to->stack == nullptr) {
                start(*to);  // takes the stack that was laid down last: this one
                continue;
            }
        }
        go(*stack, to != nullptr ? *to->stack : host_);
    }
}

void Worker::start(Fiber& fiber) {
    fiber.stack = take_stack();
    fiber.declared = 0;
    fiber.passed = false;
}

Stack* Worker::take_stack() {
    if (free_.empty()) {
        auto stack = std::make_unique<Stack>();
        if (!map(*stack)) {
            fprintf(stderr, "emulated card: no memory for the stacks of a block's threads\n");
            abort();
        }
        reset(*stack, body, COLOUR * stacks_.size());
        free_.push_back(stack.get());
        stacks_.push_back(std::move(stack));
    }
    Stack* stack = free_.back();
    free_.pop_back();
    return stack;
}

// After a failure: nobody goes on, every stack is as new.
void Worker::abandon() {
    for (unsigned t = 0; t < threads_; ++t) fibers_[t].stack = nullptr;
    free_.clear();
    for (size_t i = 0; i < stacks_.size(); ++i) {
        forget(*stacks_[i]);
        reset(*stacks_[i], body, COLOUR * i);
        free_.push_back(stacks_[i].get());
    }
}

Worker::Fiber& Worker::first() {
    unsigned w = launch_.reverse ? warps_ - 1 : 0;
    return fibers_[32 * w + first_lane(warp_[w].ready, launch_.reverse)];
}

// Who goes on after the current thread waits or has ended: its warp as long as it can, then the others. Null: nobody can.
inline Worker::Fiber* Worker::next() {
    unsigned lane = current_->thread.lane, ready = current_->warp->ready;
    unsigned behind = ready & (launch_.reverse ? (1u << lane) - 1 : ~((2u << lane) - 1));
    if (behind != 0) return current_ + static_cast<int>(first_lane(behind, launch_.reverse)) - static_cast<int>(lane);
    return search();
}

// Likewise when the warp's last ready lane has had its turn.
Worker::Fiber* Worker::search() {
    bool reverse = launch_.reverse;
    auto w = static_cast<unsigned>(current_->warp - warp_.data());
    for (;;) {
        for (unsigned tried = 0; tried < warps_; ++tried) {
            Warp& warp = warp_[w];
            if (warp.ready == 0 && warp.waiting != 0 && warp.waiting == warp.live) finish_exchange(warp);
            if (warp.ready != 0) return &fibers_[32 * w + first_lane(warp.ready, reverse)];
            if (reverse) w = w == 0 ? warps_ - 1 : w - 1;
            else w = w + 1 == warps_ ? 0 : w + 1;
        }
        if (!open_barrier()) return nullptr;
        w = reverse ? warps_ - 1 : 0;
    }
}

// All live lanes have brought their values: they go on, and the next exchange has room of its own.
void Worker::finish_exchange(Warp& warp) {
    warp.members[warp.phase] = warp.ready = warp.waiting;
    warp.waiting = 0;
    warp.phase ^= 1;
    warp.yes[warp.phase] = 0;
}

// Lets all go on if all live threads have come; those that ended do not count, as on the card.
bool Worker::open_barrier() {
    if (arrived_ == 0 || arrived_ != live_) return false;
    votes_ = {arrived_, yes_};
    arrived_ = yes_ = 0;
    for (unsigned w = 0; w < warps_; ++w) warp_[w].ready = warp_[w].live;
    return true;
}

// The current thread waits.
inline void Worker::leave() {
    Fiber& from = *current_;
    Fiber* to = next();
    if (to == &from) return;
    Stack* stack = &host_;
    if (to != nullptr) {
        if (to->stack == nullptr) start(*to);
        current_ = to;
        np360_emu_here = &to->thread;
        stack = to->stack;
    }
    go(*from.stack, *stack);
}

// ---- what kernels call -------------------------------------------------------------------------------------------------

inline Votes Worker::barrier(bool predicate, Place place) {
    if (arrived_ == 0) barrier_ = place;
    else if (!same(place, barrier_)) fail_apart("threads of a block", "barriers", barrier_, place);
    current_->passed = true;
    ++arrived_;
    yes_ += predicate ? 1 : 0;
    current_->warp->ready &= ~(1u << current_->thread.lane);
    leave();
    return votes_;
}

// Comes to an exchange and waits for the warp's live lanes; gives the phase that its values lie in.
inline unsigned Worker::exchange(unsigned mask, bool predicate, unsigned long long value, Place place) {
    Warp& warp = *current_->warp;
    if (mask != 0xffffffffu) fail_mask(mask, place);
    if (warp.waiting == 0) warp.place = place;
    else if (!same(place, warp.place)) fail_apart("lanes of a warp", "exchanges", warp.place, place);
    unsigned bit = 1u << current_->thread.lane, phase = warp.phase;
    warp.values[phase][current_->thread.lane] = value;
    if (predicate) warp.yes[phase] |= bit;
    warp.waiting |= bit;
    warp.ready &= ~bit;
    leave();
    return phase;
}

unsigned long long Worker::shuffle(unsigned mask, unsigned long long value, unsigned source, Place place) {
    const Warp& warp = *current_->warp;
    unsigned phase = exchange(mask, false, value, place);
    return warp.members[phase] >> (source & 31) & 1 ? warp.values[phase][source & 31] : ~0ull;
}

Votes Worker::ballot(unsigned mask, bool predicate, Place place) {
    const Warp& warp = *current_->warp;
    unsigned phase = exchange(mask, predicate, 0, place);
    return {warp.members[phase], warp.yes[phase]};
}

// The first thread that comes here places the array; the others must ask for the same.
void* Worker::shared(size_t bytes, Place place) {
    Fiber& fiber = *current_;
    if (fiber.passed) fail("a shared array is declared behind a barrier, at " + where(place));
    if (fiber.declared == arrays_.size()) {
        static_bytes_ += (bytes + 15) / 16 * 16;
        if (static_bytes_ > STATIC_SHARED || static_bytes_ + launch_.dynamic > MOST_SHARED ||
            arrays_.size() == MOST_ARRAYS) {
            fail(text("%zu bytes of static shared memory in %zu arrays, at ", static_bytes_, arrays_.size() + 1) +
                 where(place) + text(", are more than a block has (%zu)", STATIC_SHARED));
        }
        char* array = arena_ + end_;
        poison(array, bytes);
        guard(array + bytes);
        arrays_.push_back({end_, bytes});
        end_ += (bytes + GAP + 15) / 16 * 16;
    } else if (arrays_[fiber.declared].bytes != bytes) {
        fail("threads of a block declare different shared arrays, at " + where(place));
    }
    return arena_ + arrays_[fiber.declared++].offset;
}

void Worker::poison(char* from, size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(from, bytes);
#endif
    memset(from, POISON, bytes);
}

// A guard zone behind an array; under the sanitizer no memory there is writable anyway.
void Worker::guard(char* from) {
#if defined(__SANITIZE_ADDRESS__)
    (void)from;
#else
    memset(from, GUARD, GAP);
#endif
}

// Whether the guard zones are as they were laid.
bool Worker::arrays_intact() {
#if !defined(__SANITIZE_ADDRESS__)
    unsigned char zone[GAP];
    memset(zone, GUARD, GAP);
    for (const Array& array : arrays_) {
        if (memcmp(arena_ + array.offset + array.bytes, zone, GAP) != 0) return false;
    }
    if (launch_.dynamic > 0) return memcmp(dynamic_ + launch_.dynamic, zone, GAP) == 0;
#endif
    return true;
}

// ---- failures ------------------------------------------------------------------------------------------------------------

std::string Worker::where(Place place) { return text("%s:%d", place.file, place.line); }

// Ends the block; the calling fiber never goes on.
void Worker::fail(std::string why) {
    error_ = std::move(why);
    Stack& from = *current_->stack;
    go(from, host_);
    abort();
}

void Worker::fail_apart(const char* who, const char* what, Place a, Place b) {
    fail(text("%s wait at different %s: %s:%d and %s:%d", who, what, a.file, a.line, b.file, b.line));
}

void Worker::fail_mask(unsigned mask, Place place) {
    fail(text("an exchange with the mask %08x at %s:%d: all lanes of a warp take part", mask, place.file, place.line));
}

void Worker::describe_deadlock() {
    unsigned exchanging = 0;
    std::string place;
    for (unsigned w = 0; w < warps_; ++w) {
        if (warp_[w].waiting == 0) continue;
        exchanging += static_cast<unsigned>(__builtin_popcount(warp_[w].waiting));
        place = " (" + where(warp_[w].place) + ")";
    }
    error_ = text("deadlock: of %u live threads %u wait at the barrier", live_, arrived_) +
             (arrived_ > 0 ? " of " + where(barrier_) : "") +
             text(", %u at an exchange of their warp", exchanging) + place;
}

}  // namespace np360

extern "C" {
#define NP360_EXPORT __attribute__((visibility("default")))

NP360_EXPORT np360::Votes np360_emu_barrier(bool predicate, np360::Place place) {
    return np360::Worker::here().barrier(predicate, place);
}
NP360_EXPORT unsigned long long np360_emu_shuffle(unsigned mask, unsigned long long value, unsigned source,
                                                  np360::Place place) {
    return np360::Worker::here().shuffle(mask, value, source, place);
}
NP360_EXPORT np360::Votes np360_emu_ballot(unsigned mask, bool predicate, np360::Place place) {
    return np360::Worker::here().ballot(mask, predicate, place);
}
NP360_EXPORT void* np360_emu_shared(size_t bytes, np360::Place place) {
    return np360::Worker::here().shared(bytes, place);
}
}
