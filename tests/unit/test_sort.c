// SPDX-License-Identifier: GPL-3.0-or-later
// Does core/base/sort.h sort, lose nothing and keep its bounds on comparisons and steps?
#include "core/base/compiler.h"
#include "core/base/sort.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ITEMS = 5000 };

struct keys {
    u32 key[ITEMS];
    u32 high_bits; // of a key that stand in the high half: those of others only the callback sees
    u64 comparisons;
};

static bool before(const void *context, u32 a, u32 b)
{
    struct keys *keys = (struct keys *)(uintptr_t)context;
    keys->comparisons++;
    return keys->key[a] != keys->key[b] ? keys->key[a] < keys->key[b] : a < b;
}

// Sorts in steps of `moves` and looks at what came out.
static void check(struct keys *keys, u32 count, u32 moves)
{
    static u64 items[ITEMS];
    static u64 other[ITEMS];
    static bool seen[ITEMS];
    u32 log2 = 0;
    while (1u << log2 < count) {
        log2++;
    }
    for (u32 i = 0; i < count; i++) {
        items[i] = (u64)(keys->key[i] >> (32 - keys->high_bits) % 32) << 32 | i;
        items[i] = keys->high_bits == 0 ? i : items[i];
        seen[i] = false;
    }
    keys->comparisons = 0;
    struct sort sort;
    sort_begin(&sort, items, other, count, before, keys);
    u64 steps = 1;
    while (!sort_step(&sort, moves)) {
        steps++;
    }
    assert_true(keys->comparisons <= (u64)count * log2);
    assert_true(steps <= (u64)count * log2 / moves + log2 + 1);
    assert_true(sort.keys == items || sort.keys == other);
    for (u32 i = 0; i < count; i++) {
        u32 index = (u32)sort.keys[i];
        assert_false(seen[index]);
        seen[index] = true;
        assert_true(i == 0 || before(keys, (u32)sort.keys[i - 1], index));
    }
}

static void sorts_whatever_the_order(void **state)
{
    (void)state;
    static struct keys keys;
    static const u32 counts[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 1000, ITEMS};
    static const u32 high[] = {0, 8, 32};
    static const u32 moves[] = {1, 7, 50, UINT32_MAX};
    for (u32 n = 0; n < COUNT_OF(counts) * COUNT_OF(high) * COUNT_OF(moves); n++) {
        u32 count = counts[n % COUNT_OF(counts)];
        keys.high_bits = high[n / COUNT_OF(counts) % COUNT_OF(high)];
        u32 random = 12345;
        for (u32 pattern = 0; pattern < 5; pattern++) {
            for (u32 i = 0; i < count; i++) {
                random = random * 1103515245u + 12345u;
                const u32 values[] = {i, count - i, 7, random, random >> 30 << 30};
                keys.key[i] = values[pattern];
            }
            check(&keys, count, moves[n / COUNT_OF(counts) / COUNT_OF(high)]);
        }
    }
}

static void hashes_tell_apart(void **state)
{
    (void)state;
    u8 bytes[64] = {0};
    u32 zero[64];
    for (u32 size = 0; size < sizeof bytes; size++) {
        zero[size] = sort_hash(bytes, size);
        for (u32 i = 0; i < size; i++) {
            assert_true(i == 0 || zero[i - 1] != zero[size]);
            bytes[i] = 1;
            assert_true(sort_hash(bytes, size) != zero[size]);
            bytes[i] = 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_whatever_the_order),
        cmocka_unit_test(hashes_tell_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
