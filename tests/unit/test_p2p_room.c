// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/room.c: who goes, of crowds that are idle or busy, at half of all places.
#include "programs/p2p-loader/announce.h"
#include "programs/p2p-loader/dht.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "programs/p2p-loader/room.c"

#include <cmocka.h>

enum { MOST = LOADER_LINKS_SERVING, HALF = MOST / 2 };

static const u64 second = 1000 * NS_PER_MS;
static struct node node;
static struct link *links; // MOST of them

bool link_is_open(const struct link *link)
{
    return link->stage == LINK_IS_UP && link->is_known;
}

bool dht_uses(const struct link *link)
{
    (void)link;
    return false;
}

bool announce_uses(const struct link *link)
{
    (void)link;
    return false;
}

static int begin(void **state)
{
    (void)state;
    links = calloc(MOST, sizeof *links);
    node = (struct node){.now_ns = 1000 * second, .link_most = MOST};
    list_init(&node.links);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(links);
    return 0;
}

// One more of a neighbourhood; the later it came, the later it was used.
static struct link *come(u64 neighbourhood, bool is_busy)
{
    struct link *link = &links[node.link_count++];
    link->stage = LINK_IS_UP;
    link->is_known = true;
    link->neighbourhood = neighbourhood;
    link->used_ns = node.now_ns - second + node.link_count;
    link->bitswap.order_count = is_busy ? 1 : 0;
    list_append(&node.links, &link->of_node);
    return link;
}

static void who_is_busy_keeps_its_place_below_half(void **state)
{
    (void)state;
    for (u32 i = 0; i < HALF - 1; i++) {
        (void)come(1, true);
    }
    for (u32 i = HALF - 1; i < MOST; i++) {
        (void)come(100 + i, true);
    }
    assert_null(room_idle(&node));
    assert_null(room_crowding(&node, 2));
}

static void a_crowd_of_half_makes_room(void **state)
{
    (void)state;
    struct link *stranger = come(100, true);
    struct link *first = come(1, true), *second_of_all = come(1, true);
    for (u32 i = 2; i < HALF; i++) {
        (void)come(1, true);
    }
    for (u32 i = 1; i < MOST - HALF; i++) {
        (void)come(100 + i, true);
    }
    assert_null(room_idle(&node));
    // Not for one of its own, and not one who came alone, though it was used before all others.
    assert_null(room_crowding(&node, 1));
    assert_ptr_equal(room_crowding(&node, 2), first);
    assert_ptr_equal(room_crowding(&node, stranger->neighbourhood), first);
    first->used_ns = node.now_ns;
    assert_ptr_equal(room_crowding(&node, 2), second_of_all);
    // Whom we dialled ourselves stays.
    second_of_all->is_dialler = true;
    assert_null(room_crowding(&node, 2)); // and so they are one fewer than half
}

static void of_two_halves_the_other_makes_room(void **state)
{
    (void)state;
    for (u32 i = 0; i < MOST; i++) {
        (void)come(1 + i % 2, true);
    }
    assert_ptr_equal(room_crowding(&node, 1), &links[1]);
    assert_ptr_equal(room_crowding(&node, 2), &links[0]);
}

static void who_idles_goes_before_who_is_busy(void **state)
{
    (void)state;
    for (u32 i = 0; i < MOST - 1; i++) {
        (void)come(1, true);
    }
    struct link *idle = come(1, false);
    assert_ptr_equal(room_idle(&node), idle);
    idle->neighbourhood = 2; // of no crowd, and not idle for long enough
    idle->used_ns = node.now_ns;
    assert_null(room_idle(&node));
    assert_ptr_equal(room_crowding(&node, 3), &links[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_busy_keeps_its_place_below_half, begin, end),
        cmocka_unit_test_setup_teardown(a_crowd_of_half_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(of_two_halves_the_other_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(who_idles_goes_before_who_is_busy, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
