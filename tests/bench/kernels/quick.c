// SPDX-License-Identifier: GPL-3.0-or-later
// Quicksort of elements of any size, compared by a function that is passed in, as C's qsort is.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { COUNT = 3000, BYTES = 24 };

struct item {
    u64 key;
    u32 rank;
    u32 rest[3];
};

typedef i32 compare(const void *a, const void *b);

static struct item items[COUNT];

static void exchange(u8 *a, u8 *b, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++) {
        u8 kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void sort(u8 *base, u32 count, u32 bytes, compare *by)
{
    while (count > 1) {
        exchange(base, base + count / 2 * bytes, bytes);
        u32 low = 0;
        for (u32 i = 1; i < count; i++) {
            if (by(base + i * bytes, base) < 0) {
                exchange(base + ++low * bytes, base + i * bytes, bytes);
            }
        }
        exchange(base, base + low * bytes, bytes);
        if (low < count - low - 1) {
            sort(base, low, bytes, by);
            base += (low + 1) * bytes;
            count -= low + 1;
        } else {
            sort(base + (low + 1) * bytes, count - low - 1, bytes, by);
            count = low;
        }
    }
}

static i32 by_key(const void *a, const void *b)
{
    u64 one = ((const struct item *)a)->key;
    u64 other = ((const struct item *)b)->key;
    return one < other ? -1 : one > other;
}

static i32 by_rank(const void *a, const void *b)
{
    u32 one = ((const struct item *)a)->rank;
    u32 other = ((const struct item *)b)->rank;
    return one < other ? 1 : one > other ? -1 : by_key(a, b);
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    u64 state = 99;
    for (u32 turn = 0; turn < n; turn++) {
        for (u32 i = 0; i < COUNT; i++) {
            u64 random = kernel_random(&state);
            items[i] = (struct item){.key = random, .rank = (u32)random % 64};
        }
        sort((u8 *)items, COUNT, sizeof(struct item), turn % 2 == 0 ? by_key : by_rank);
        sum = kernel_fold(sum, items[turn % COUNT].key);
    }
    return sum;
}
