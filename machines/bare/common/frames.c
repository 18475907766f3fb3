// SPDX-License-Identifier: GPL-3.0-or-later
// Frames that were never taken are kept as ranges, so that a boot does not touch all memory; frames
// that came back are a list threaded through themselves.
#include "machines/bare/common/frames.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/platform.h"
#include "machines/bare/common/cpu.h"

enum { PAGE = PLATFORM_PAGE_BYTES };

static struct boot_range fresh[2 * BOOT_RANGES]; // disjoint, whole pages
static u32 fresh_count;
static u64 returned; // the newest frame that came back, 0: none; its first 8 bytes name the next
static u64 count_all;
static u64 count_free;

static u64 round_up(u64 value)
{
    return (value + PAGE - 1) & ~(u64)(PAGE - 1);
}

// The hole that begins first among those that touch [start, end): reserved by the boot loader, or
// taken over already from an earlier range.
static bool first_hole(const struct boot_info *boot, u64 start, u64 end, struct boot_range *out)
{
    bool found = false;
    for (u32 i = 0; i < boot->reserved_count + fresh_count; i++) {
        const struct boot_range *hole =
            i < boot->reserved_count ? &boot->reserved[i] : &fresh[i - boot->reserved_count];
        if (hole->start >= hole->end || hole->end <= start || hole->start >= end) {
            continue;
        }
        if (!found || hole->start < out->start) {
            *out = *hole;
            found = true;
        }
    }
    return found;
}

static void add(u64 start, u64 end)
{
    start = round_up(start);
    end &= ~(u64)(PAGE - 1);
    if (start >= end || fresh_count == COUNT_OF(fresh)) {
        return; // a map in more pieces than we keep: what is left stays unused
    }
    fresh[fresh_count++] = (struct boot_range){start, end};
    count_all += (end - start) / PAGE;
}

void frames_init(const struct boot_info *boot)
{
    ASSERT(boot->usable_count <= BOOT_RANGES);
    ASSERT(boot->reserved_count <= BOOT_RANGES);
    fresh_count = 0;
    returned = count_all = 0;
    for (u32 i = 0; i < boot->usable_count; i++) {
        u64 end = boot->usable[i].end;
        u64 at = boot->usable[i].start < PAGE ? PAGE : boot->usable[i].start;
        end = end > cpu_identity_end() ? cpu_identity_end() : end;
        struct boot_range hole = {0};
        while (at < end && first_hole(boot, at, end, &hole)) {
            if (hole.start > at) {
                add(at, hole.start);
            }
            at = hole.end;
        }
        if (at < end) {
            add(at, end);
        }
    }
    count_free = count_all;
}

u64 frames_take(void)
{
    u64 frame = returned;
    if (frame != 0) {
        returned = mem_load_u64((void *)(uintptr_t)frame);
    } else if (fresh_count != 0) {
        struct boot_range *range = &fresh[fresh_count - 1];
        frame = range->start;
        range->start += PAGE;
        if (range->start == range->end) {
            fresh_count--;
        }
    } else {
        ASSERT(count_free == 0);
        return 0;
    }
    ASSERT(count_free > 0);
    count_free--;
    return frame;
}

void frames_give(u64 frame)
{
    ASSERT(frame != 0 && frame % PAGE == 0 && frame < cpu_identity_end());
    ASSERT(count_free < count_all);
    mem_store_u64((void *)(uintptr_t)frame, returned);
    returned = frame;
    count_free++;
}

u64 frames_count(void)
{
    return count_all;
}

u64 frames_free(void)
{
    return count_free;
}
