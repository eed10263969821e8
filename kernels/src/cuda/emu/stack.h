// Stacks of fibers and the switch between them.

#pragma once

#include <pthread.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
// Everywhere but on x86-64 the system's own, slower switch; NP360_EMU_UCONTEXT takes it there too.
#if !defined(__x86_64__) && !defined(NP360_EMU_UCONTEXT)
#define NP360_EMU_UCONTEXT
#endif
#if defined(NP360_EMU_UCONTEXT)
#include <ucontext.h>
#endif

namespace np360 {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t STACK_BYTES = 256 << 10;  // instrumented frames are larger
#else
constexpr size_t STACK_BYTES = 64 << 10;
#endif
constexpr size_t GUARD_BYTES = 4096;

// A stack that a fiber runs on, or the system's own. A page without access ends it: overflow is a fault, not a wrong number.
struct Stack {
    char* bottom = nullptr;
    size_t bytes = 0;
    char* mapping = nullptr;
#if !defined(NP360_EMU_UCONTEXT)
    void *top, *next, *frame;  // saved stack pointer, instruction and frame pointer
#else
    ucontext_t context;
#endif
    void* shadow = nullptr;  // the sanitizer's
};

#if !defined(NP360_EMU_UCONTEXT)

// The compiler saves what it still needs around this, since every register is said to change; the frame pointer, which it
// may not give away, is saved here. No call and no return, so the processor's prediction of returns stays right: all
// fibers come here by the same calls.
__attribute__((always_inline)) inline void swap_stacks(Stack& from, Stack& to) {
    Stack *f = &from, *t = &to;
    asm volatile(
        "lea 1f(%%rip), %%rax\n"
        "mov %%rsp, %c[top](%[from])\n"
        "mov %%rax, %c[next](%[from])\n"
        "mov %%rbp, %c[frame](%[from])\n"
        "mov %c[top](%[to]), %%rsp\n"
        "mov %c[frame](%[to]), %%rbp\n"
        "jmp *%c[next](%[to])\n"
        "1:\n"
        : [from] "+D"(f), [to] "+S"(t)
        : [top] "i"(offsetof(Stack, top)), [next] "i"(offsetof(Stack, next)), [frame] "i"(offsetof(Stack, frame))
        : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
          "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
          "cc", "memory");
}

// The next switch to it begins `body`, which never returns. `colour` moves the top, so that stacks do not share cache sets.
inline void reset(Stack& stack, void (*body)(), size_t colour) {
    auto* top = reinterpret_cast<void**>(stack.bottom + stack.bytes - colour % 4096);
    *--top = nullptr;  // where the caller's address would be: aligned as after a call
    stack.top = top;
    stack.next = reinterpret_cast<void*>(body);
    stack.frame = nullptr;
}

#else

inline void swap_stacks(Stack& from, Stack& to) { swapcontext(&from.context, &to.context); }

inline void reset(Stack& stack, void (*body)(), size_t) {
    getcontext(&stack.context);
    stack.context.uc_stack.ss_sp = stack.bottom;
    stack.context.uc_stack.ss_size = stack.bytes;
    stack.context.uc_link = nullptr;
    makecontext(&stack.context, body, 0);
}

#endif

// Goes on on another stack; returns when somebody comes back to this one.
inline void go(Stack& from, Stack& to) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&from.shadow, to.bottom, to.bytes);
    swap_stacks(from, to);
    __sanitizer_finish_switch_fiber(from.shadow, nullptr, nullptr);
#else
    swap_stacks(from, to);
#endif
}

// First thing on a fresh stack.
inline void arrived() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

// Memory for a fiber's stack; false if the system has none.
inline bool map(Stack& stack) {
    void* p = mmap(nullptr, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED || mprotect(p, GUARD_BYTES, PROT_NONE) != 0) return false;
    stack.mapping = static_cast<char*>(p);
    stack.bottom = stack.mapping + GUARD_BYTES;
    stack.bytes = STACK_BYTES;
    return true;
}

inline void unmap(Stack& stack) {
    if (stack.mapping != nullptr) munmap(stack.mapping, STACK_BYTES + GUARD_BYTES);
}

// What was left on an abandoned stack must not be taken for live objects.
inline void forget(Stack& stack) {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(stack.bottom, stack.bytes);
#else
    (void)stack;
#endif
}

// The calling thread's own stack.
inline void own(Stack& stack) {
#if defined(__SANITIZE_ADDRESS__)
    pthread_attr_t attributes;
    void* bottom = nullptr;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &bottom, &stack.bytes);
        pthread_attr_destroy(&attributes);
        stack.bottom = static_cast<char*>(bottom);
    }
#else
    (void)stack;
#endif
}

}  // namespace np360
