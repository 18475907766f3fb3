// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_pools.c: lists, pools, maps, timers and the lock of core/base.
#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/map.h"
#include "core/base/pool.h"
#include "core/base/timers.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

struct item {
    struct pool_item item;
    u64 value;
    struct list_node node;
    struct map_node by_value;
};

static void a_list_keeps_its_order(void **state)
{
    (void)state;
    struct list list;
    struct item items[5] = {0};
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_take(&list));
    list_append(&list, &items[1].node);
    list_append(&list, &items[2].node);
    list_prepend(&list, &items[0].node);
    list_append(&list, &items[3].node);
    list_remove(&items[2].node);
    assert_false(list_is_linked(&items[2].node));
    list_append(&list, &items[2].node);
    static const u32 order[] = {0, 1, 3, 2};
    struct list_node *node = list_first(&list);
    for (u32 i = 0; i < 4; i++) {
        assert_ptr_equal(LIST_ITEM(node, struct item, node), &items[order[i]]);
        node = list_next(&list, node);
    }
    assert_null(node);
    for (u32 i = 0; i < 4; i++) {
        assert_ptr_equal(list_take(&list), &items[order[i]].node);
    }
    assert_true(list_is_empty(&list));
}

static void a_pool_gives_up_to_its_limit(void **state)
{
    (void)state;
    enum { LIMIT = POOL_CHUNK_ITEMS * 2 + 5 };
    struct test_memory memory = test_memory_over_malloc(-1);
    struct pool pool;
    assert_int_equal(pool_init(&pool, &memory.memory, sizeof(struct item), LIMIT), ERR_OK);
    struct item *items[LIMIT];
    for (u32 i = 0; i < LIMIT; i++) {
        items[i] = pool_take(&pool);
        assert_non_null(items[i]);
        assert_int_equal(items[i]->value, 0);
        assert_int_equal(items[i]->item.slot, i);
        items[i]->value = i;
        assert_ptr_equal(pool_at(&pool, i), items[i]);
    }
    assert_null(pool_take(&pool));
    assert_int_equal(pool.used, LIMIT);
    // Numbers that nobody has: behind the last, in a chunk's tail, absurd.
    assert_null(pool_at(&pool, LIMIT));
    assert_null(pool_at(&pool, POOL_CHUNK_ITEMS * 3));
    assert_null(pool_at(&pool, UINT64_MAX));
    assert_null(pool_at(&pool, (u64)1 << 32));
    pool_give(&pool, items[7]);
    assert_null(pool_at(&pool, 7));
    pool_give(&pool, items[3]);
    struct item *again = pool_take(&pool);
    assert_ptr_equal(again, items[3]); // the last given is the first taken, and clean
    assert_int_equal(again->value, 0);
    assert_int_equal(items[8]->value, 8); // nobody moved
    pool_drop(&pool);
    assert_int_equal(memory.blocks, 0);
}

static void a_pool_without_memory_says_so(void **state)
{
    (void)state;
    for (i64 left = 0; left < 4; left++) {
        struct test_memory memory = test_memory_over_malloc(left);
        struct pool pool;
        enum err err = pool_init(&pool, &memory.memory, sizeof(struct item), 1000);
        assert_int_equal(err, left == 0 ? ERR_NO_MEMORY : ERR_OK);
        u32 taken = 0;
        while (err == ERR_OK && pool_take(&pool) != NULL) {
            taken++;
        }
        assert_int_equal(taken, left == 0 ? 0 : (left - 1) * POOL_CHUNK_ITEMS);
        pool_drop(&pool);
        assert_int_equal(memory.blocks, 0);
    }
}

static void a_map_finds_what_was_added(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct test_memory memory = test_memory_over_malloc(-1);
    struct map map;
    assert_int_equal(map_init(&map, &memory.memory, 4), ERR_OK); // far fewer buckets than nodes
    static struct item items[COUNT];
    for (u32 i = 0; i < COUNT; i++) {
        map_add(&map, &items[i].by_value, (u64)i * 1000003 % 251);
    }
    assert_int_equal(map.count, COUNT);
    u32 found = 0;
    for (u64 key = 0; key < 251; key++) {
        for (struct map_node *node = map_find(&map, key); node != NULL;
             node = map_find_next(node)) {
            assert_int_equal(node->key, key);
            found++;
        }
    }
    assert_int_equal(found, COUNT);
    assert_null(map_find(&map, 251));
    for (u32 i = 0; i < COUNT; i += 2) {
        map_remove(&map, &items[i].by_value);
    }
    assert_int_equal(map.count, COUNT / 2);
    for (u32 i = 1; i < COUNT; i += 2) {
        map_remove(&map, &items[i].by_value);
    }
    assert_null(map_find(&map, 0));
    map_drop(&map);
    assert_int_equal(memory.blocks, 0);
    memory = test_memory_over_malloc(0);
    assert_int_equal(map_init(&map, &memory.memory, 4), ERR_NO_MEMORY);
}

enum { TIMERS = TIMERS_PIECE * 3 + 7, TIMER_STEPS = 20000 };

struct waiter {
    struct timer timer;
    u64 until_ns; // 0: it does not wait
};

// The plain list beside the heap: the shortest time in it.
static u64 shortest(const struct waiter *waiters, u32 count)
{
    u64 first_ns = UINT64_MAX;
    for (u32 i = 0; i < count; i++) {
        if (waiters[i].until_ns != 0 && waiters[i].until_ns < first_ns) {
            first_ns = waiters[i].until_ns;
        }
    }
    return first_ns;
}

static u32 random_next(u32 *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

static void expire(struct timers *timers, struct waiter *waiters, u32 count)
{
    struct waiter *first = CONTAINER_OF(timers_first(timers), struct waiter, timer);
    assert_int_equal(first->until_ns, shortest(waiters, count));
    assert_int_equal(first->until_ns, timers_first_ns(timers));
    timers_remove(timers, &first->timer);
    first->until_ns = 0;
}

// Parks, wakes and expiries at random: few times and many, so that there are equal ones too.
static void run_timers(struct timers *timers, u32 random, u32 times)
{
    static struct waiter waiters[TIMERS];
    memset(waiters, 0, sizeof waiters);
    u32 count = 0;
    for (u32 step = 0; step < TIMER_STEPS; step++) {
        struct waiter *waiter = &waiters[random_next(&random) % TIMERS];
        u32 bias = step < TIMER_STEPS / 2 ? 1 : 7; // at first most wait, later few do
        if (waiter->until_ns == 0 && random_next(&random) % 8 >= bias) {
            waiter->until_ns = 1 + random_next(&random) % times;
            timers_add(timers, &waiter->timer, waiter->until_ns);
            count++;
        } else if (waiter->until_ns != 0 && random_next(&random) % 2 == 0) {
            timers_remove(timers, &waiter->timer);
            waiter->until_ns = 0;
            count--;
        } else if (count > 0 && random_next(&random) % 4 < bias) {
            expire(timers, waiters, TIMERS);
            count--;
        }
        assert_int_equal(timers->count, count);
        if (step % 64 == 0) {
            timers_check(timers);
        }
    }
    for (; count > 0; count--) {
        expire(timers, waiters, TIMERS);
    }
    assert_null(timers_first(timers));
    assert_int_equal(timers_first_ns(timers), UINT64_MAX);
}

static void timers_are_over_in_order(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(-1);
    struct timers timers;
    assert_int_equal(timers_init(&timers, &memory.memory, TIMERS), ERR_OK);
    assert_true(timers_reserve(&timers, TIMERS));
    run_timers(&timers, 1, 3);
    run_timers(&timers, 2, 1000);
    run_timers(&timers, 3, 1 << 24);
    timers_drop(&timers);
    assert_int_equal(memory.blocks, 0);
}

// Counted in places that are written.
static void a_near_timer_beside_many_far_ones_costs_little(void **state)
{
    (void)state;
    enum { FAR = 8000, FAR_BITS = 13, ROUNDS = 1000 };
    static struct timer far[FAR];
    struct test_memory memory = test_memory_over_malloc(-1);
    struct timers timers;
    assert_int_equal(timers_init(&timers, &memory.memory, FAR + 1), ERR_OK);
    assert_true(timers_reserve(&timers, FAR + 1));
    for (u32 i = 0; i < FAR; i++) {
        timers_add(&timers, &far[i], 1000000000000000000 - (i64)i); // each before all others
    }
    assert_in_range(timers.moves, FAR, FAR * (FAR_BITS + 1));
    struct timer near = {0};
    u64 before = timers.moves;
    for (u32 i = 0; i < ROUNDS; i++) {
        timers_add(&timers, &near, 1 + i);
        assert_ptr_equal(timers_first(&timers), &near);
        timers_remove(&timers, &near);
    }
    assert_in_range(timers.moves - before, ROUNDS, ROUNDS * 2 * (FAR_BITS + 1));
    timers_check(&timers);
    timers_drop(&timers);
    assert_int_equal(memory.blocks, 0);
}

static void timers_without_memory_say_so(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(0);
    struct timers timers;
    assert_int_equal(timers_init(&timers, &memory.memory, TIMERS), ERR_NO_MEMORY);
    memory = test_memory_over_malloc(2);
    assert_int_equal(timers_init(&timers, &memory.memory, TIMERS), ERR_OK);
    assert_true(timers_reserve(&timers, TIMERS_PIECE));
    assert_false(timers_reserve(&timers, TIMERS_PIECE + 1));
    assert_int_equal(timers.piece_count, 1);
    timers_drop(&timers);
    assert_int_equal(memory.blocks, 0);
}

static void a_lock_is_one_holders(void **state)
{
    (void)state;
    struct lock lock = {0};
    assert_true(lock_try(&lock));
    assert_false(lock_try(&lock));
    lock_release(&lock);
    assert_true(lock_try(&lock));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_keeps_its_order),
        cmocka_unit_test(a_pool_gives_up_to_its_limit),
        cmocka_unit_test(a_pool_without_memory_says_so),
        cmocka_unit_test(a_map_finds_what_was_added),
        cmocka_unit_test(timers_are_over_in_order),
        cmocka_unit_test(a_near_timer_beside_many_far_ones_costs_little),
        cmocka_unit_test(timers_without_memory_say_so),
        cmocka_unit_test(a_lock_is_one_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
