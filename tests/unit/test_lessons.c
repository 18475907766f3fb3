// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_lessons.c: answers that are to be kept come out as they went in, and so many of
// them at once.
#include "core/base/mem.h"
#include "core/kernel/kernel.h"
#include "tools/redshirt/lessons.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

static struct lessons lessons;

static void note(u32 number, struct span name)
{
    u8 interface[32] = {0};
    char text[CID_TEXT_BYTES];
    struct cid cid = {.codec = CID_RAW};
    mem_store_u32(interface, number);
    mem_store_u32(cid.digest, number);
    cid_write_text(&cid, text);
    struct kernel_learned learned = {
        .right = KERNEL_HANDLE, .cid = span_string(text), .interface = interface, .name = name};
    lessons_note(&lessons, &learned);
}

static void expect_next(u32 number)
{
    struct grants_line line;
    assert_true(lessons_next(&lessons, &line));
    assert_int_equal(line.right, KERNEL_HANDLE);
    assert_int_equal(line.word, KERNEL_ALLOW);
    assert_int_equal(mem_load_u32(line.interface), number);
    assert_int_equal(mem_load_u32(line.program.digest), number);
    assert_true(span_equal(line.name, SPAN_LITERAL("test:lessons/a")));
    assert_int_equal(line.limit.size, 0);
    lessons_took(&lessons);
}

static void expect_none(void)
{
    struct grants_line line;
    assert_false(lessons_next(&lessons, &line));
}

// More than there is room for, but never at once: in order, around the end, and none lost.
static void they_come_in_order(void **state)
{
    (void)state;
    memset(&lessons, 0, sizeof lessons);
    expect_none();
    for (u32 i = 0; i < 3 * LESSONS_MOST; i += 2) {
        note(i, SPAN_LITERAL("test:lessons/a"));
        note(i + 1, SPAN_LITERAL("test:lessons/a"));
        expect_next(i);
        expect_next(i + 1);
        expect_none();
    }
    assert_false(lessons_lost(&lessons));
}

static void what_has_no_place_in_the_file_is_left_out(void **state)
{
    (void)state;
    memset(&lessons, 0, sizeof lessons);
    note(1, SPAN_LITERAL("a name with blanks"));
    struct kernel_learned learned = {.cid = SPAN_LITERAL("no CID"),
                                     .interface = (const u8[32]){0},
                                     .name = SPAN_LITERAL("test:lessons/a")};
    lessons_note(&lessons, &learned);
    expect_none();
    assert_false(lessons_lost(&lessons));
}

static void limit_of_lessons(void **state)
{
    (void)state;
    memset(&lessons, 0, sizeof lessons);
    lessons.noted = lessons.kept = UINT32_MAX - LESSONS_MOST / 2; // the numbers begin anew
    for (u32 i = 0; i < LESSONS_MOST; i++) {
        note(i, SPAN_LITERAL("test:lessons/a"));
    }
    assert_false(lessons_lost(&lessons));
    note(LESSONS_MOST, SPAN_LITERAL("test:lessons/a"));
    assert_true(lessons_lost(&lessons));
    assert_false(lessons_lost(&lessons)); // said once
    expect_next(0);
    note(LESSONS_MOST + 1, SPAN_LITERAL("test:lessons/a")); // in the place of the first
    assert_false(lessons_lost(&lessons));
    for (u32 i = 1; i < LESSONS_MOST; i++) {
        expect_next(i);
    }
    expect_next(LESSONS_MOST + 1);
    expect_none();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_in_order),
        cmocka_unit_test(what_has_no_place_in_the_file_is_left_out),
        cmocka_unit_test(limit_of_lessons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
