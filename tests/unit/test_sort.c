// SPDX-License-Identifier: GPL-3.0-or-later
// Does core/base/sort.h sort, lose nothing and keep its bound on comparisons?
#include "core/base/compiler.h"
#include "core/base/sort.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ITEMS = 5000 };

struct keys {
    u32 key[ITEMS];
    u64 comparisons;
};

static bool before(const void *context, u32 a, u32 b)
{
    struct keys *keys = (struct keys *)(uintptr_t)context;
    keys->comparisons++;
    return keys->key[a] != keys->key[b] ? keys->key[a] < keys->key[b] : a < b;
}

static void check(struct keys *keys, u32 count)
{
    static u32 items[ITEMS];
    static bool seen[ITEMS];
    u32 log2 = 0;
    while (1u << log2 < count) {
        log2++;
    }
    for (u32 i = 0; i < count; i++) {
        items[i] = i;
        seen[i] = false;
    }
    keys->comparisons = 0;
    sort_u32(items, count, before, keys);
    assert_true(keys->comparisons <= 2ull * count * (log2 + 1));
    for (u32 i = 0; i < count; i++) {
        assert_false(seen[items[i]]);
        seen[items[i]] = true;
        assert_true(i == 0 || before(keys, items[i - 1], items[i]));
    }
}

static void sorts_whatever_the_order(void **state)
{
    (void)state;
    static struct keys keys;
    static const u32 counts[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 1000, ITEMS};
    for (u32 n = 0; n < COUNT_OF(counts); n++) {
        u32 random = 12345;
        for (u32 pattern = 0; pattern < 5; pattern++) {
            for (u32 i = 0; i < counts[n]; i++) {
                random = random * 1103515245u + 12345u;
                const u32 values[] = {i, counts[n] - i, 7, random >> 8, random >> 30};
                keys.key[i] = values[pattern];
            }
            check(&keys, counts[n]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sorts_whatever_the_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
