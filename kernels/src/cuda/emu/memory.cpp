// The emulated card's memory: blocks of the host's, poisoned, between guard zones, every copy checked.

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "driver.h"

namespace np360 {

namespace {

constexpr size_t ALIGN = 256;           // as cuMemAlloc's
constexpr unsigned char POISON = 0xff;  // as floats, NaN: what was never written does not go unnoticed
constexpr unsigned char GUARD = 0xa5;
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t ZONE = 0;  // the sanitizer has its own
#else
constexpr size_t ZONE = 64;
#endif

struct Memory {
    std::map<Address, size_t> blocks;  // live ones, by address, with their bytes
    std::map<uintptr_t, size_t> host;  // cuMemHostAlloc's
    size_t used = 0, total = setting("NP360_EMU_MEMORY", 16ull << 30);
    bool touched = false;              // by a kernel since the guards were looked at
};

Memory& memory() {
    static Memory* memory = new Memory;  // blocks may be given back while statics are destroyed
    return *memory;
}

char* at(Address address) { return reinterpret_cast<char*>(address); }

bool intact(const char* zone, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
        if (static_cast<unsigned char>(zone[i]) != GUARD) return false;
    }
    return true;
}

Result check(Address address, size_t bytes) {
    if (!intact(at(address) - ZONE, ZONE)) {
        return fail(ILLEGAL_ADDRESS, "a kernel wrote before the beginning of a block of %zu bytes", bytes);
    }
    if (!intact(at(address) + bytes, ZONE)) {
        return fail(ILLEGAL_ADDRESS, "a kernel wrote beyond the end of a block of %zu bytes", bytes);
    }
    return SUCCESS;
}

}  // namespace

Result inside(Address address, size_t bytes, const char* what) {
    const auto& blocks = memory().blocks;
    auto behind = blocks.upper_bound(address);
    if (behind != blocks.begin()) {
        auto [from, length] = *std::prev(behind);
        if (address - from < length || (bytes == 0 && address - from == length)) {
            if (bytes <= length - (address - from)) return SUCCESS;
            return fail(INVALID_VALUE, "%s of %zu bytes ends %llu bytes beyond a block of %zu", what, bytes,
                        address - from + bytes - length, length);
        }
    }
    return fail(INVALID_VALUE, "%s of %zu bytes at %#llx, where no block of the card is", what, bytes, address);
}

bool pinned(const void* address, size_t bytes) {
    auto a = reinterpret_cast<uintptr_t>(address);
    auto behind = memory().host.upper_bound(a);
    if (behind == memory().host.begin()) return false;
    auto [from, length] = *std::prev(behind);
    return a - from + bytes <= length;
}

void kernel_ran() { memory().touched = true; }

Result check_guards() {
    if (!memory().touched) return SUCCESS;
    memory().touched = false;
    for (auto [address, bytes] : memory().blocks) {
        if (Result r = check(address, bytes)) return r;
    }
    return SUCCESS;
}

}  // namespace np360

using namespace np360;

NP360_API Result cuMemAlloc_v2(Address* address, size_t bytes) {
    Lock held = lock();
    Memory& m = memory();
    if (bytes == 0) return fail(INVALID_VALUE, "an allocation of no bytes");
    if (bytes > m.total - m.used) {
        return fail(OUT_OF_MEMORY, "%zu bytes asked for, %zu of %zu in use", bytes, m.used, m.total);
    }
    void* block = nullptr;
    size_t before = ZONE > 0 ? ALIGN : 0;
    if (posix_memalign(&block, ALIGN, before + bytes + ZONE) != 0) {
        return fail(OUT_OF_MEMORY, "the host has no %zu bytes", bytes);
    }
    char* begin = static_cast<char*>(block) + before;
    memset(begin, POISON, bytes);
    memset(begin - ZONE, GUARD, ZONE);
    memset(begin + bytes, GUARD, ZONE);
    *address = reinterpret_cast<Address>(begin);
    m.blocks[*address] = bytes;
    m.used += bytes;
    return SUCCESS;
}

NP360_API Result cuMemFree_v2(Address address) {
    Lock held = lock();
    Memory& m = memory();
    if (address == 0) return SUCCESS;
    if (Result r = finish_deferred()) return r;
    auto block = m.blocks.find(address);
    if (block == m.blocks.end()) return fail(INVALID_VALUE, "%#llx is freed, where no block begins", address);
    Result r = check(address, block->second);
    m.used -= block->second;
    m.blocks.erase(block);
    free(at(address) - (ZONE > 0 ? ALIGN : 0));
    return r;
}

NP360_API Result cuMemAllocAsync(Address* address, size_t bytes, void*) { return cuMemAlloc_v2(address, bytes); }
NP360_API Result cuMemFreeAsync(Address address, void*) { return cuMemFree_v2(address); }

NP360_API Result cuMemGetInfo_v2(size_t* free, size_t* total) {
    Lock held = lock();
    *free = memory().total - memory().used;
    *total = memory().total;
    return SUCCESS;
}

NP360_API Result cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = memory().total;
    return SUCCESS;
}

NP360_API Result cuMemHostAlloc(void** address, size_t bytes, unsigned) {
    Lock held = lock();
    if (posix_memalign(address, 4096, bytes) != 0) return fail(OUT_OF_MEMORY, "the host has no %zu bytes", bytes);
    memset(*address, POISON, bytes);
    memory().host[reinterpret_cast<uintptr_t>(*address)] = bytes;
    return SUCCESS;
}

NP360_API Result cuMemFreeHost(void* address) {
    Lock held = lock();
    if (Result r = finish_deferred()) return r;
    if (memory().host.erase(reinterpret_cast<uintptr_t>(address)) == 0) {
        return fail(INVALID_VALUE, "%p is freed, which cuMemHostAlloc did not give", address);
    }
    free(address);
    return SUCCESS;
}

// ---- copies and fills -----------------------------------------------------------------------------------------------

namespace {

Result copy(void* stream, void* to, const void* from, size_t bytes) {
    Work work{};
    work.kind = Work::COPY;
    work.to = to;
    work.from = from;
    work.bytes = bytes;
    return submit(stream, std::move(work));
}

Result fill(void* stream, Work::Kind kind, Address to, unsigned value, size_t bytes) {
    if (Result r = inside(to, bytes, "a fill")) return r;
    Work work{};
    work.kind = kind;
    work.to = at(to);
    work.value = value;
    work.bytes = bytes;
    return submit(stream, std::move(work));
}

// A copy that returns when it is done.
Result copy_now(void* to, const void* from, size_t bytes) {
    if (Result r = synchronize("a copy that waits")) return r;
    memcpy(to, from, bytes);
    return SUCCESS;
}

}  // namespace

NP360_API Result cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, void* stream) {
    Lock held = lock();
    if (Result r = inside(to, bytes, "a copy to the card")) return r;
    return copy(stream, at(to), from, bytes);
}

NP360_API Result cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, void* stream) {
    Lock held = lock();
    if (Result r = inside(from, bytes, "a copy from the card")) return r;
    return copy(stream, to, at(from), bytes);
}

NP360_API Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, void* stream) {
    Lock held = lock();
    if (Result r = inside(to, bytes, "a copy on the card, its destination")) return r;
    if (Result r = inside(from, bytes, "a copy on the card, its source")) return r;
    return copy(stream, at(to), at(from), bytes);
}

NP360_API Result cuMemcpyHtoD_v2(Address to, const void* from, size_t bytes) {
    Lock held = lock();
    if (Result r = inside(to, bytes, "a copy to the card")) return r;
    return copy_now(at(to), from, bytes);
}

NP360_API Result cuMemcpyDtoH_v2(void* to, Address from, size_t bytes) {
    Lock held = lock();
    if (Result r = inside(from, bytes, "a copy from the card")) return r;
    return copy_now(to, at(from), bytes);
}

NP360_API Result cuMemcpyDtoD_v2(Address to, Address from, size_t bytes) {
    return cuMemcpyDtoDAsync_v2(to, from, bytes, nullptr);
}

NP360_API Result cuMemsetD8Async(Address to, unsigned char value, size_t count, void* stream) {
    Lock held = lock();
    return fill(stream, Work::FILL8, to, value, count);
}

NP360_API Result cuMemsetD32Async(Address to, unsigned value, size_t count, void* stream) {
    Lock held = lock();
    if (to % 4 != 0) return fail(INVALID_VALUE, "a fill of words at %#llx, which is not aligned to them", to);
    return fill(stream, Work::FILL32, to, value, 4 * count);
}

NP360_API Result cuMemsetD8_v2(Address to, unsigned char value, size_t count) {
    return cuMemsetD8Async(to, value, count, nullptr);
}
NP360_API Result cuMemsetD32_v2(Address to, unsigned value, size_t count) {
    return cuMemsetD32Async(to, value, count, nullptr);
}
