// SPDX-License-Identifier: GPL-3.0-or-later
// Do fetches come to their end in networks of peers of every manner? One seed makes one run;
// SEED=1000 SEEDS=500 in the environment make others than those that are always made.
#include "core/base/assert.h"
#include "tests/unit/p2p_net.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_BYTES = 300000 };
static u8 contents[FILE_BYTES];

static const struct file_layout small_leaves = {4096, 20, true, false, false};

static void assert_got(const struct net_node *node, struct span bytes)
{
    assert_true(net_is_done(node));
    assert_int_equal(node->walk.file_bytes, bytes.size);
    assert_memory_equal(node->bytes, bytes.data, bytes.size);
}

static struct cid provide(struct net_node *node, struct file_layout layout, size_t size)
{
    return file_blocks_make(node->blocks, layout, span_of(contents, size));
}

static void one_fetches_from_another(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 20 * 4096, 20 * 4096 + 1, FILE_BYTES};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct net *net = net_make(i + 1);
        struct net_node *from = net_node(net, NET_HONEST);
        struct net_node *to = net_node(net, NET_HONEST);
        struct cid root = provide(from, small_leaves, sizes[i]);
        net_link(to, from);
        net_want(to, &root, 16);
        assert_true(net_run(net, 5000));
        assert_got(to, span_of(contents, sizes[i]));
        assert_int_equal(to->missing, to->blocks_got == 0 ? 0 : 1); // before there was a peer
        assert_int_equal(net_end(to, from)->peer.unwanted_bytes, 0);
        // Nothing is left over, and nobody needs to be woken.
        net_wait(net, 5000);
        assert_int_equal(from->held, 0);
        assert_int_equal(net_end(from, to)->peer.order_count, 0);
        assert_int_equal(bitswap_wake(&to->engine), UINT64_MAX);
        assert_int_equal(bitswap_wake(&from->engine), UINT64_MAX);
        net_drop(net);
    }
}

static void large_blocks_go_through_small_links(void **state)
{
    (void)state;
    static u8 large[5 << 20];
    file_pattern(large, sizeof large);
    struct net *net = net_make(3);
    struct net_node *from = net_node(net, NET_HONEST);
    struct net_node *to = net_node(net, NET_HONEST);
    struct file_layout layout = {P2P_BLOCK_BYTES, 20, true, false, false}; // at the bound
    struct cid root = file_blocks_make(from->blocks, layout, span_of(large, sizeof large));
    struct net_link *link = net_link(to, from);
    link->bytes_per_ms = 2000;
    net_want(to, &root, 16);
    assert_true(net_run(net, 20000));
    assert_got(to, span_of(large, sizeof large));
    assert_in_range(from->most_held, 1, 4);
    net_drop(net);
}

// Each of several gives its part.
static void several_provide_at_once(void **state)
{
    (void)state;
    struct net *net = net_make(4);
    struct net_node *to = net_node(net, NET_HONEST);
    struct cid root = {0};
    for (u32 i = 0; i < 4; i++) {
        struct net_node *from = net_node(net, NET_HONEST);
        root = provide(from, small_leaves, FILE_BYTES);
        struct net_link *link = net_link(to, from);
        link->delay_ns = 1000000;
        link->bytes_per_ms = 1000;
    }
    net_want(to, &root, 32);
    assert_true(net_run(net, 5000));
    assert_got(to, span_of(contents, FILE_BYTES));
    for (u32 i = 1; i <= 4; i++) {
        struct net_end *end = net_end(to, net->nodes[i]);
        assert_in_range(end->peer.wanted_bytes, FILE_BYTES / 12, FILE_BYTES / 2);
        assert_int_equal(end->peer.unwanted_bytes, 0);
    }
    net_drop(net);
}

// One that is alone is asked for as much as there may be; beside another, each for its share.
static void who_shares_is_asked_for_less(void **state)
{
    (void)state;
    for (u32 count = 1; count <= 2; count++) {
        struct net *net = net_make(6);
        struct net_node *to = net_node(net, NET_HONEST);
        struct file_layout layout = {1024, 1000, true, false, false};
        struct cid root = {0};
        for (u32 i = 1; i <= count; i++) {
            struct net_node *from = net_node(net, NET_HONEST);
            root = provide(from, layout, FILE_BYTES);
            struct net_link *link = net_link(to, from);
            link->bytes_per_ms = 20;
            net_wait(net, 100);
            bitswap_hint(&to->engine, 0, &net_end(to, from)->peer, net->now_ns);
        }
        net_want(to, &root, NET_WANTS);
        net_wait(net, 1000);
        for (u32 i = 1; i <= count; i++) {
            assert_int_equal(net_end(to, net->nodes[i])->peer.asked_count,
                             count == 1 ? P2P_BITSWAP_PEER_WANTS : P2P_BITSWAP_SHARED_WANTS);
        }
        assert_true(net_run(net, 60000));
        assert_got(to, span_of(contents, FILE_BYTES));
        net_drop(net);
    }
}

static void the_slow_one_is_relieved(void **state)
{
    (void)state;
    struct net *net = net_make(5);
    struct net_node *to = net_node(net, NET_HONEST);
    struct net_node *slow = net_node(net, NET_HONEST);
    struct net_node *fast = net_node(net, NET_HONEST);
    struct cid root = provide(slow, small_leaves, FILE_BYTES);
    (void)provide(fast, small_leaves, FILE_BYTES);
    net_link(to, slow)->bytes_per_ms = 2; // it would take 150 s
    net_link(to, fast)->bytes_per_ms = 1000;
    net_want(to, &root, 64);
    assert_true(net_run(net, 12000));
    assert_got(to, span_of(contents, FILE_BYTES));
    assert_true(net_end(to, fast)->peer.wanted_bytes > FILE_BYTES / 2);
    net_drop(net);
}

static void bad_ones_are_replaced_and_named(void **state)
{
    (void)state;
    static const enum net_manner manners[] = {NET_LIAR, NET_SILENT, NET_ABSENT, NET_LACKING};
    for (u32 i = 0; i < COUNT_OF(manners); i++) {
        for (u32 seed = 1; seed <= 4; seed++) {
            struct net *net = net_make(seed);
            struct net_node *to = net_node(net, NET_HONEST);
            struct net_node *bad = net_node(net, manners[i]);
            struct net_node *good = net_node(net, NET_HONEST);
            struct cid root = provide(good, small_leaves, FILE_BYTES);
            net_link(to, bad); // the first that is asked
            net_link(to, good)->delay_ns = 5000000;
            net_want(to, &root, 16);
            assert_true(net_run(net, 20000));
            assert_got(to, span_of(contents, FILE_BYTES));
            assert_int_equal(net_end(to, bad)->peer.wanted_bytes, 0);
            assert_int_equal(to->told[good->index].unwanted, 0);
            assert_int_equal(to->told[good->index].drops, 0);
            if (manners[i] == NET_LIAR) {
                assert_true(to->told[bad->index].unwanted != 0);
                assert_true(net_end(to, bad)->peer.liar_count != 0);
            }
            net_drop(net);
        }
    }
}

// A silent peer is named when it has had its time and nobody else is there.
static void silence_is_named(void **state)
{
    (void)state;
    struct net *net = net_make(6);
    struct net_node *to = net_node(net, NET_HONEST);
    struct net_node *bad = net_node(net, NET_SILENT);
    struct net_node *other = net_node(net, NET_HONEST);
    struct cid root = provide(other, small_leaves, 5000); // not connected
    net_link(to, bad);
    net_want(to, &root, 16);
    assert_false(net_run(net, 9000));
    assert_int_equal(to->missing, 1); // at the start
    assert_false(net_run(net, 3000));
    assert_int_equal(to->missing, 2);
    assert_int_equal(to->told[bad->index].late, 1);
    assert_int_equal(bitswap_said(&to->engine, &root, &net_end(to, bad)->peer), BITSWAP_LATE);
    // And somebody who has it brings it back to life.
    net_link(to, other);
    assert_true(net_run(net, 3000));
    assert_got(to, span_of(contents, 5000));
    net_drop(net);
}

// Nor is one that lies waited for as long as one that is silent.
static void a_lie_ends_soon(void **state)
{
    (void)state;
    struct net *net = net_make(7);
    struct net_node *to = net_node(net, NET_HONEST);
    struct net_node *bad = net_node(net, NET_LIAR);
    struct net_node *other = net_node(net, NET_HONEST);
    struct cid root = provide(other, small_leaves, 5000); // not connected
    struct cid wanted;
    u32 at = 0, sessions = 0;
    bool is_missing = false;
    net_link(to, bad);
    net_want(to, &root, 16);
    assert_false(net_run(net, P2P_BITSWAP_STALL_MS + 2 * P2P_BITSWAP_TICK_MS));
    assert_int_equal(to->missing, 2); // at the start, when nobody was there, and now
    assert_true(bitswap_wanted(&to->engine, &at, &wanted, &sessions, &is_missing));
    assert_true(cid_equal(&wanted, &root) && sessions != 0 && is_missing);
    assert_false(bitswap_wanted(&to->engine, &at, &wanted, &sessions, &is_missing));
    assert_true(to->told[bad->index].unwanted != 0);
    net_drop(net);
}

static void who_has_it_not_says_so_at_once(void **state)
{
    (void)state;
    struct net *net = net_make(7);
    struct net_node *to = net_node(net, NET_HONEST);
    struct cid root = provide(net_node(net, NET_HONEST), small_leaves, 100);
    for (u32 i = 0; i < 20; i++) { // more than are asked at once
        net_link(to, net_node(net, NET_LACKING))->delay_ns = 1000000;
    }
    net_want(to, &root, 16);
    assert_false(net_run(net, 200));
    assert_int_equal(to->missing, 2); // without anybody, and after all of them
    for (u32 i = 2; i < net->node_count; i++) {
        assert_int_equal(bitswap_said(&to->engine, &root, &net_end(to, net->nodes[i])->peer),
                         BITSWAP_LACKS);
    }
    net_drop(net);
}

static void parts_are_put_together(void **state)
{
    (void)state;
    for (u32 seed = 1; seed <= 8; seed++) {
        struct net *net = net_make(seed);
        struct net_node *to = net_node(net, NET_HONEST);
        struct cid root = {0};
        for (u32 i = 0; i < 4; i++) { // each block is with two of them
            struct net_node *from = net_node(net, NET_PARTIAL);
            root = provide(from, small_leaves, FILE_BYTES);
            net_link(to, from);
        }
        net_want(to, &root, 16);
        assert_true(net_run(net, 10000));
        assert_got(to, span_of(contents, FILE_BYTES));
        net_drop(net);
    }
}

static void one_that_goes_in_mid_block_is_replaced(void **state)
{
    (void)state;
    for (u32 seed = 1; seed <= 20; seed++) {
        struct net *net = net_make(seed);
        struct net_node *to = net_node(net, NET_HONEST);
        struct net_node *first = net_node(net, NET_HONEST);
        struct net_node *second = net_node(net, NET_HONEST);
        struct file_layout layout = {65536, 20, true, false, false};
        struct cid root = provide(first, layout, FILE_BYTES);
        (void)provide(second, layout, FILE_BYTES);
        struct net_link *link = net_link(to, first);
        link->cut_after = 3000 * seed;
        link->bytes_per_ms = 100;
        net_link(to, second)->delay_ns = 20000000;
        net_want(to, &root, 16);
        assert_true(net_run(net, 10000));
        assert_got(to, span_of(contents, FILE_BYTES));
        assert_int_equal(first->held, 0);
        net_drop(net);
    }
}

// Fetches in a row: who has fetched, provides.
static void three_in_a_row(void **state)
{
    (void)state;
    struct net *net = net_make(9);
    struct net_node *first = net_node(net, NET_HONEST);
    struct net_node *second = net_node(net, NET_HONEST);
    struct net_node *third = net_node(net, NET_HONEST);
    struct cid root = provide(first, small_leaves, FILE_BYTES);
    net_link(second, first);
    net_link(third, second);
    net_want(second, &root, 16);
    assert_true(net_run(net, 5000));
    net_want(third, &root, 16);
    assert_true(net_run(net, 5000));
    assert_got(third, span_of(contents, FILE_BYTES));
    net_drop(net);
}

// ---- many runs

static enum net_manner any_manner(struct p2p_dice *dice)
{
    static const enum net_manner manners[] = {NET_HONEST, NET_LIAR,    NET_SILENT,
                                              NET_ABSENT, NET_LACKING, NET_PARTIAL};
    return manners[p2p_dice_roll(dice) % COUNT_OF(manners)];
}

// A link as any may be. It is the test's to keep one that holds.
static void any_link(struct net *net, struct net_node *from, struct net_node *to, bool holds)
{
    struct net_link *link = net_link(from, to);
    if (link == NULL) {
        return;
    }
    link->delay_ns = p2p_dice_roll(&net->dice) % 40 * 1000000;
    link->bytes_per_ms =
        p2p_dice_roll(&net->dice) % 3 == 0 ? 0 : 50 + p2p_dice_roll(&net->dice) % 5000;
    if (!holds && p2p_dice_roll(&net->dice) % 2 == 0) {
        link->cut_after = 200 + p2p_dice_roll(&net->dice) % 60000;
    }
}

static void one_run(u64 seed)
{
    struct net *net = net_make(seed);
    struct p2p_dice *dice = &net->dice;
    struct net_node *good = net_node(net, NET_HONEST);
    struct file_layout layout = {.chunk_bytes = 300 + (u32)(p2p_dice_roll(dice) % 30000),
                                 .links = 8 + (u32)(p2p_dice_roll(dice) % 100),
                                 .has_raw_leaves = p2p_dice_roll(dice) % 2 == 0};
    size_t size = (size_t)(p2p_dice_roll(dice) % 100000);
    struct cid root = provide(good, layout, size);
    u32 fetchers = 1 + (u32)(p2p_dice_roll(dice) % 2), others = (u32)(p2p_dice_roll(dice) % 6);
    for (u32 i = 0; i < fetchers; i++) {
        any_link(net, net_node(net, NET_HONEST), good, true);
    }
    for (u32 i = 0; i < others; i++) {
        struct net_node *other = net_node(net, any_manner(dice));
        if (other->manner != NET_LIAR) {
            (void)provide(other, layout, size);
        }
        for (u32 k = 1; k <= fetchers; k++) {
            any_link(net, net->nodes[k], other, false);
        }
    }
    for (u32 i = 1; i <= fetchers; i++) {
        net_want(net->nodes[i], &root, 1 + (u32)(p2p_dice_roll(dice) % 64));
    }
    for (u32 round = 0; round < 600 && !net_run(net, 100); round++) {
        // Others come back, and go again.
        u32 which = (u32)(p2p_dice_roll(dice) % net->node_count);
        for (u32 k = 1; k <= fetchers && which > fetchers; k++) {
            if (net_end(net->nodes[k], net->nodes[which]) == NULL) {
                any_link(net, net->nodes[k], net->nodes[which], false);
            }
        }
    }
    for (u32 i = 1; i <= fetchers; i++) {
        struct net_node *node = net->nodes[i];
        if (!net_is_done(node)) {
            print_message("seed %llu: node %u has not got the file\n", (unsigned long long)seed, i);
        }
        assert_got(node, span_of(contents, size));
        for (u32 k = 0; k < net->node_count; k++) {
            bool is_liar = net->nodes[k]->manner == NET_LIAR;
            assert_true(is_liar || node->told[k].drops == 0);
            assert_true(is_liar || node->told[k].unwanted == 0);
        }
    }
    net_drop(net);
}

static void fetches_end_whatever_the_others_do(void **state)
{
    (void)state;
    const char *first_text = getenv("SEED"), *count_text = getenv("SEEDS");
    u64 first = first_text == NULL ? 1 : strtoull(first_text, NULL, 10);
    u64 count = count_text == NULL ? 200 : strtoull(count_text, NULL, 10);
    for (u64 seed = first; seed < first + count; seed++) {
        one_run(seed);
    }
}

// boxo #574, #636, celestia #4151: what is kept of peers that have gone.
static void peers_come_and_go_ten_thousand_times(void **state)
{
    (void)state;
    struct net *net = net_make(11);
    struct net_node *to = net_node(net, NET_HONEST);
    struct net_node *from = net_node(net, NET_HONEST);
    struct cid root = provide(net_node(net, NET_LACKING), small_leaves, FILE_BYTES);
    net_want(to, &root, 16);
    for (u32 i = 0; i < 10000; i++) {
        struct net_link *link = net_link(to, from);
        (void)net_run(net, 1 + i % 3);
        if (link->is_up) {
            net_cut(link);
        }
        assert_true(list_is_empty(&to->engine.peers));
        assert_int_equal(to->engine.want_count, 1);
    }
    u32 free_asks = 0, free_orders = 0, free_inboxes = 0;
    for (struct list_node *at = list_first(&to->engine.free_asks); at != NULL;
         at = list_next(&to->engine.free_asks, at)) {
        free_asks++;
    }
    for (struct list_node *at = list_first(&from->engine.free_orders); at != NULL;
         at = list_next(&from->engine.free_orders, at)) {
        free_orders++;
    }
    for (struct list_node *at = list_first(&from->engine.free_inboxes); at != NULL;
         at = list_next(&from->engine.free_inboxes, at)) {
        free_inboxes++;
    }
    assert_int_equal(free_asks, NET_ASKS);
    assert_int_equal(free_orders, NET_ORDERS);
    assert_int_equal(free_inboxes, NET_INBOXES);
    net_drop(net);
}

int main(void)
{
    file_pattern(contents, sizeof contents);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fetches_from_another),
        cmocka_unit_test(large_blocks_go_through_small_links),
        cmocka_unit_test(several_provide_at_once),
        cmocka_unit_test(who_shares_is_asked_for_less),
        cmocka_unit_test(the_slow_one_is_relieved),
        cmocka_unit_test(bad_ones_are_replaced_and_named),
        cmocka_unit_test(silence_is_named),
        cmocka_unit_test(a_lie_ends_soon),
        cmocka_unit_test(who_has_it_not_says_so_at_once),
        cmocka_unit_test(parts_are_put_together),
        cmocka_unit_test(one_that_goes_in_mid_block_is_replaced),
        cmocka_unit_test(three_in_a_row),
        cmocka_unit_test(fetches_end_whatever_the_others_do),
        cmocka_unit_test(peers_come_and_go_ten_thousand_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
