// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_refusals.c: refusals are told once, and so many of them.
#include "core/base/mem.h"
#include "core/kernel/grant.h"
#include "core/kernel/kernel.h"
#include "tools/redshirt/refusals.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

static struct refusals refusals;

static bool note(u32 program, u32 interface, u8 right)
{
    u8 first[32] = {0};
    u8 second[32] = {0};
    mem_store_u32(first, program);
    mem_store_u32(second, interface);
    struct kernel_refusal refusal = {.right = right,
                                     .program = first,
                                     .interface = second,
                                     .cid = SPAN_LITERAL("bafk"),
                                     .started_as = SPAN_LITERAL("a\x1b[2Jb"),
                                     .name = SPAN_LITERAL("redshirt:io/tcp")};
    return refusals_note(&refusals, &refusal);
}

static void say_no(u32 program, u32 interface)
{
    u8 first[32] = {0};
    u8 second[32] = {0};
    mem_store_u32(first, program);
    mem_store_u32(second, interface);
    refusals_said_no(&refusals, first, second, KERNEL_USE);
}

static void each_is_told_once(void **state)
{
    (void)state;
    memset(&refusals, 0, sizeof refusals);
    assert_false(refusals_is_any(&refusals));
    assert_null(refusals_next(&refusals));
    assert_true(note(1, 1, 0));
    assert_true(refusals_is_any(&refusals));
    assert_false(note(1, 1, 0));
    assert_true(note(1, 1, 1));
    assert_true(note(1, 2, 0));
    assert_true(note(2, 1, 0));
    for (u32 i = 0; i < 4; i++) {
        const struct refusal *next = refusals_next(&refusals);
        assert_non_null(next);
        assert_string_equal(next->started_as, "a?[2Jb"); // names cannot move a cursor
        assert_string_equal(next->cid, "bafk");
    }
    assert_null(refusals_next(&refusals));
    assert_false(note(2, 1, 0));
    assert_null(refusals_next(&refusals));
    assert_false(refusals.has_more);
}

static void what_was_said_no_to_is_not_told(void **state)
{
    (void)state;
    memset(&refusals, 0, sizeof refusals);
    say_no(1, 1);
    assert_true(note(1, 1, 0));
    assert_false(refusals_is_any(&refusals));
    assert_null(refusals_next(&refusals));
    assert_true(note(1, 2, 0));
    assert_true(refusals_is_any(&refusals));
    assert_int_equal(mem_load_u32(refusals_next(&refusals)->interface), 2);
    assert_true(note(1, 1, KERNEL_HANDLE)); // no to using it is no word about handling it
    assert_int_equal(refusals_next(&refusals)->right, KERNEL_HANDLE);
}

static void limit_of_refusals(void **state)
{
    (void)state;
    memset(&refusals, 0, sizeof refusals);
    for (u32 i = 0; i < REFUSALS_MOST; i++) {
        assert_true(note(i, 7, 0));
        assert_false(refusals.has_more);
    }
    assert_false(note(0, 7, 0));
    assert_false(refusals.has_more);
    assert_false(note(REFUSALS_MOST, 7, 0));
    assert_true(refusals.has_more);
    for (u32 i = 0; i < REFUSALS_MOST; i++) {
        assert_int_equal(mem_load_u32(refusals_next(&refusals)->program), i);
    }
    assert_null(refusals_next(&refusals));
}

static void limit_of_noes(void **state)
{
    (void)state;
    memset(&refusals, 0, sizeof refusals);
    for (u32 i = 0; i <= REFUSALS_MOST; i++) {
        say_no(i, 7);
    }
    assert_int_equal(refusals.no_count, REFUSALS_MOST);
    assert_true(note(REFUSALS_MOST, 7, 0));
    assert_true(note(REFUSALS_MOST - 1, 7, 0));
    assert_int_equal(mem_load_u32(refusals_next(&refusals)->program), REFUSALS_MOST);
    assert_null(refusals_next(&refusals));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_told_once),
        cmocka_unit_test(what_was_said_no_to_is_not_told),
        cmocka_unit_test(limit_of_refusals),
        cmocka_unit_test(limit_of_noes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
