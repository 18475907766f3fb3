// SPDX-License-Identifier: GPL-3.0-or-later
// Reservations are a sorted array, first fit: few and large ones are what the kernel asks for.
#include "machines/bare/common/pages.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/platform.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/frames.h"

enum { PAGE = PLATFORM_PAGE_BYTES, ALIGN = 64 << 10 };

struct reservation {
    u64 start;
    u64 end;
};

static struct reservation reservations[PAGES_RESERVATIONS]; // by address
static u32 reservation_count;
static u64 window_start;
static u64 window_end;

void pages_init(void)
{
    cpu_window(&window_start, &window_end);
    ASSERT(window_start % ALIGN == 0 && window_end % ALIGN == 0);
    ASSERT(window_start < window_end);
    reservation_count = 0;
}

void *platform_pages_reserve(u64 bytes)
{
    if (bytes == 0 || bytes > window_end - window_start ||
        reservation_count == PAGES_RESERVATIONS) {
        return NULL;
    }
    bytes = (bytes + ALIGN - 1) & ~(u64)(ALIGN - 1);
    u64 start = window_start;
    u32 at = 0;
    while (at < reservation_count && reservations[at].start - start < bytes) {
        start = reservations[at].end;
        at++;
    }
    if (window_end - start < bytes) {
        return NULL;
    }
    mem_move(&reservations[at + 1], &reservations[at],
             (reservation_count - at) * sizeof reservations[0]);
    reservations[at] = (struct reservation){start, start + bytes};
    reservation_count++;
    return (void *)(uintptr_t)start;
}

// The reservation that holds `at`; reservation_count when there is none.
static u32 find(u64 at)
{
    u32 low = 0;
    u32 high = reservation_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (reservations[middle].end <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < reservation_count && reservations[low].start <= at ? low : reservation_count;
}

// The kernel only names ranges of its own reservations.
static void check(u64 start, u64 bytes)
{
    u32 at = find(start);
    ASSERT(at < reservation_count);
    ASSERT(start % PAGE == 0 && bytes % PAGE == 0);
    ASSERT(bytes <= reservations[at].end - start);
}

enum err platform_pages_commit(void *start, u64 bytes)
{
    u64 first = (uintptr_t)start;
    check(first, bytes);
    if (bytes / PAGE > frames_free()) {
        return ERR_NO_MEMORY;
    }
    for (u64 done = 0; done < bytes; done += PAGE) {
        u64 frame = frames_take();
        if (frame == 0 || cpu_map(first + done, frame) != ERR_OK) {
            if (frame != 0) {
                frames_give(frame);
            }
            cpu_unmap(first, first + done);
            return ERR_NO_MEMORY;
        }
        mem_zero((void *)(uintptr_t)(first + done), PAGE);
    }
    return ERR_OK;
}

void platform_pages_decommit(void *start, u64 bytes)
{
    check((uintptr_t)start, bytes);
    cpu_unmap((uintptr_t)start, (uintptr_t)start + bytes);
}

void platform_pages_clear(void *start, u64 bytes)
{
    check((uintptr_t)start, bytes);
    mem_zero(start, bytes);
}

void platform_pages_release(void *start, u64 bytes)
{
    u64 first = (uintptr_t)start;
    u32 at = find(first);
    ASSERT(at < reservation_count && reservations[at].start == first);
    ASSERT(reservations[at].end - first == ((bytes + ALIGN - 1) & ~(u64)(ALIGN - 1)));
    cpu_unmap(first, reservations[at].end);
    reservation_count--;
    mem_move(&reservations[at], &reservations[at + 1],
             (reservation_count - at) * sizeof reservations[0]);
}

enum err platform_pages_make_executable(void *start, u64 bytes)
{
    check((uintptr_t)start, bytes);
    for (u64 done = 0; done < bytes; done += PAGE) {
        cpu_map_executable((uintptr_t)start + done);
    }
    return ERR_OK;
}

// ---- compiled code: none yet

void *platform_guarded_reserve(u64 bytes)
{
    (void)bytes;
    return NULL;
}

enum err platform_guarded_commit(void *start, u64 bytes)
{
    (void)start;
    (void)bytes;
    return ERR_UNSUPPORTED;
}

void platform_guarded_decommit(void *start, u64 bytes)
{
    (void)start;
    (void)bytes;
}

// Nothing is kept from one run to the next.
void platform_kept_load(const u8 name[PLATFORM_NAME_BYTES], platform_kept *done, void *context)
{
    (void)name;
    done(context, (struct span){0});
}

void platform_kept_save(const u8 name[PLATFORM_NAME_BYTES], const struct span *pieces, u32 count,
                        platform_kept *done, void *context)
{
    (void)name;
    (void)pieces;
    (void)count;
    done(context, (struct span){0});
}

void platform_stack_leave(void **kept, const void *low, u64 bytes)
{
    (void)kept;
    (void)low;
    (void)bytes;
}

void platform_stack_arrive(void *kept, const void **low, u64 *bytes)
{
    (void)kept;
    (void)low;
    (void)bytes;
}

struct platform_cpu_facts platform_cpu_facts(void)
{
    return (struct platform_cpu_facts){.cpu = PLATFORM_CPU_OTHER};
}

enum err platform_interrupts(platform_interrupted *interrupted, void *context)
{
    (void)context;
    return interrupted == NULL ? ERR_OK : ERR_UNSUPPORTED;
}
