// SPDX-License-Identifier: GPL-3.0-or-later
// Changes of stacks of core/platform.h. The address sanitizer keeps frames of C functions in memory
// of the thread that called them, and clears up there by what it knows of that thread's stack. Work
// that goes on in another thread needs frames that are the stack's.
#include "core/platform.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_WATCHED 1
#endif
#endif

#ifdef IS_WATCHED
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

// The stack that this thread has gone to, while it is there.
static _Thread_local const void *there;
static _Thread_local u64 there_bytes;

void platform_stack_leave(void **kept, const void *low, u64 bytes)
{
    if (kept == NULL) {
        __asan_unpoison_memory_region(there, there_bytes); // frames that will never return
    }
    there = low;
    there_bytes = bytes;
    __sanitizer_start_switch_fiber(kept, low, bytes);
}

void platform_stack_arrive(void *kept, const void **low, u64 *bytes)
{
    size_t size = 0;
    __sanitizer_finish_switch_fiber(kept, low, &size);
    *bytes = size;
}

#else

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
#endif
