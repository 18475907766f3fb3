// SPDX-License-Identifier: GPL-3.0-or-later
// Heapsort: no memory of its own, no recursion, and no bad input.
#include "core/base/sort.h"

typedef bool before_function(const void *context, u32 a, u32 b);

// Lets items[at] sink until neither child must stand behind it.
static void sink(u32 *items, size_t at, size_t count, before_function *before, const void *context)
{
    u32 item = items[at];
    while (at < count / 2) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && before(context, items[child], items[child + 1])) {
            child++;
        }
        if (!before(context, item, items[child])) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = item;
}

void sort_u32(u32 *items, size_t count, before_function *before, const void *context)
{
    for (size_t at = count / 2; at > 0; at--) {
        sink(items, at - 1, count, before, context);
    }
    for (size_t left = count; left > 1; left--) {
        u32 last = items[left - 1];
        items[left - 1] = items[0];
        items[0] = last;
        sink(items, 0, left - 1, before, context);
    }
}
