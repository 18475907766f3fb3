// SPDX-License-Identifier: GPL-3.0-or-later
// Memory of core/platform.h, by mmap.
//
// A reservation is mapped readable and writable at once, without the host setting memory aside for
// it (MAP_NORESERVE): a page costs memory from its first touch on. So committing is free, and a
// reservation stays one mapping however many processes come and go in it; with protections changed
// page by page, 100,000 processes would run into the host's limit of 65,530 mappings. The price is
// that a stray access of the kernel inside a reservation does not fault; guests' accesses are
// checked by the engine.
#define _DEFAULT_SOURCE 1
#include <sys/mman.h>

#include "core/base/assert.h"
#include "core/platform.h"

enum { RESERVATION_ALIGN = 65536 };

static void *reserve(u64 bytes, int protection)
{
    ASSERT(bytes % PLATFORM_PAGE_BYTES == 0);
    if (bytes == 0 || bytes > (u64)1 << 46) {
        return NULL;
    }
    size_t size = bytes + RESERVATION_ALIGN;
    u8 *start = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    size_t before = (RESERVATION_ALIGN - (uintptr_t)start % RESERVATION_ALIGN) % RESERVATION_ALIGN;
    size_t after = RESERVATION_ALIGN - before;
    if (before != 0) {
        int failed = munmap(start, before);
        ASSERT(failed == 0);
    }
    if (after != 0) {
        int failed = munmap(start + before + bytes, after);
        ASSERT(failed == 0);
    }
    // Large pages would make each small process cost its whole memory instead of the pages it
    // touches. A host without them says so by an error, which changes nothing.
    (void)madvise(start + before, bytes, MADV_NOHUGEPAGE);
    return start + before;
}

void *platform_pages_reserve(u64 bytes)
{
    return reserve(bytes, PROT_READ | PROT_WRITE);
}

enum err platform_pages_commit(void *start, u64 bytes)
{
    ASSERT((uintptr_t)start % PLATFORM_PAGE_BYTES == 0);
    ASSERT(bytes % PLATFORM_PAGE_BYTES == 0);
    return ERR_OK;
}

void platform_pages_decommit(void *start, u64 bytes)
{
    ASSERT((uintptr_t)start % PLATFORM_PAGE_BYTES == 0);
    if (bytes == 0) {
        return;
    }
    int failed = madvise(start, bytes, MADV_DONTNEED);
    ASSERT(failed == 0);
    failed = mprotect(start, bytes, PROT_READ | PROT_WRITE); // it may have been made executable
    ASSERT(failed == 0);
}

void platform_pages_clear(void *start, u64 bytes)
{
    ASSERT((uintptr_t)start % PLATFORM_PAGE_BYTES == 0);
    if (bytes != 0) {
        int failed = madvise(start, bytes, MADV_DONTNEED);
        ASSERT(failed == 0);
    }
}

void platform_pages_release(void *start, u64 bytes)
{
    int failed = munmap(start, bytes);
    ASSERT(failed == 0);
}

enum err platform_pages_make_executable(void *start, u64 bytes)
{
    ASSERT((uintptr_t)start % PLATFORM_PAGE_BYTES == 0);
    return mprotect(start, bytes, PROT_READ | PROT_EXEC) == 0 ? ERR_OK : ERR_DENIED;
}

// ---- compiled code: here protections are the point, and a mapping each the price

void *platform_guarded_reserve(u64 bytes)
{
    return reserve(bytes, PROT_NONE);
}

enum err platform_guarded_commit(void *start, u64 bytes)
{
    ASSERT((uintptr_t)start % PLATFORM_PAGE_BYTES == 0);
    return mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

void platform_guarded_decommit(void *start, u64 bytes)
{
    ASSERT((uintptr_t)start % PLATFORM_PAGE_BYTES == 0);
    if (bytes == 0) {
        return;
    }
    int failed = madvise(start, bytes, MADV_DONTNEED);
    ASSERT(failed == 0);
    failed = mprotect(start, bytes, PROT_NONE);
    ASSERT(failed == 0);
}
