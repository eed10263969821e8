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
#if !defined(__x86_64__)
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
#if defined(__x86_64__)
    void* top = nullptr;  // saved stack pointer
#else
    ucontext_t context;
#endif
    void* shadow = nullptr;  // the sanitizer's
};

#if defined(__x86_64__)

// System V: saves what the callee owns and the stack pointer, takes the other's. Ends in a jump: a return would mispredict.
extern "C" void np360_switch(void** save, void* load);
#if defined(NP360_DEFINE_SWITCH)
asm(R"(
.text
.type np360_switch,@function
.hidden np360_switch
np360_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    pop %rcx
    jmp *%rcx
.size np360_switch, .-np360_switch
)");
#endif

inline void swap_stacks(Stack& from, Stack& to) { np360_switch(&from.top, to.top); }

// The next switch to it begins `body`, which never returns. `colour` moves the top, so that stacks do not share cache sets.
inline void reset(Stack& stack, void (*body)(), size_t colour) {
    auto* top = reinterpret_cast<void**>(stack.bottom + stack.bytes - colour % 4096);
    *--top = nullptr;                           // where a caller's address would be: 16-byte alignment as after a call
    *--top = reinterpret_cast<void*>(body);
    for (int saved = 0; saved < 6; ++saved) *--top = nullptr;
    stack.top = top;
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
