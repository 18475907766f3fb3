// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_pools.c: lists, pools, maps and the lock of core/base.
#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/map.h"
#include "core/base/pool.h"
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
        cmocka_unit_test(a_lock_is_one_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
