// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_system_file.c: system files at each of their bounds, and when programs are
// started again. What is wrong in a file, and where: tests/hosted/test_up.py.
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "tools/redshirt/supervise.h"
#include "tools/redshirt/system_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct system_file file;
static struct system_place place;

static enum err parse(const char *text)
{
    struct report report = {0};
    return system_parse(span_string(text), &file, &place, &report);
}

static void expect_span(struct span span, const char *wanted)
{
    assert_true(span_equal(span, span_string(wanted)));
    assert_int_equal(span.data[span.size], 0); // so that it is a string as well
}

static void a_file_says_what_it_says(void **state)
{
    (void)state;
    assert_int_equal(parse("#x\n\r\nprogram a ./a.wasm \"b c\" \"\" \"\\\"\\\\\"#\n"),
                     ERR_MALFORMED);
    assert_int_equal(place.line, 3);
    assert_int_equal(place.column, 35);
    assert_int_equal(parse("#x\n\r\nprogram a ./a.wasm \"b c\" \"\" \"\\\"\\\\\" # y\r\n"
                           "\tmay log tcp=connect:*:80 \n may-not dns\nhandles ping\n"
                           "env A=1 \"B=2 3\"\nrestart on-failure\n"
                           "program b2- hello\nroute x:y/z a b2-\nroute x:y/z a for b2-"),
                     ERR_OK);
    assert_int_equal(file.program_count, 2);
    const struct system_program *a = &file.programs[0];
    expect_span(a->name, "a");
    expect_span(a->what, "./a.wasm");
    assert_int_equal(a->word_count, 3);
    expect_span(a->words[0], "b c");
    expect_span(a->words[1], "");
    expect_span(a->words[2], "\"\\");
    assert_int_equal(a->grant_count, 4);
    expect_span(a->grants[1].interface, "tcp=connect:*:80");
    assert_int_equal(a->grants[1].place.line, 4);
    assert_int_equal(a->grants[1].place.column, 10);
    assert_int_equal(a->grants[2].word, KERNEL_DENY);
    assert_int_equal(a->grants[3].right, KERNEL_HANDLE);
    assert_int_equal(a->variable_count, 2);
    expect_span(a->variables[1], "B=2 3");
    assert_int_equal(a->restart, SYSTEM_ON_FAILURE);
    assert_int_equal(file.programs[1].restart, SYSTEM_NEVER);
    assert_int_equal(file.route_count, 2);
    assert_int_equal(file.routes[0].count, 2);
    assert_int_equal(file.routes[0].row[1], 1);
    assert_int_equal(file.routes[0].client, SYSTEM_ALL);
    assert_int_equal(file.routes[1].client, 1);
    assert_int_equal(system_find(&file, SPAN_LITERAL("b2-")), 1);
    assert_int_equal(system_find(&file, SPAN_LITERAL("b")), SYSTEM_ALL);
}

// The head of a file, `count` times a piece, in which %u is a number, and a newline.
static enum err parse_many(const char *head, const char *piece, u32 count)
{
    static char text[SYSTEM_FILE_BYTES + 1];
    size_t size = (size_t)snprintf(text, sizeof text, "%s", head);
    for (u32 i = 0; i < count; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, piece, i);
    }
    return parse(text);
}

static void expect_bound(const char *head, const char *piece, u32 most)
{
    assert_int_equal(parse_many(head, piece, most), ERR_OK);
    assert_int_equal(parse_many(head, piece, most + 1), ERR_LIMIT);
}

static void limits_of_a_file(void **state)
{
    (void)state;
    expect_bound("", "program p%u x\n", SYSTEM_PROGRAMS);
    expect_bound("program p x", " %u", SYSTEM_WORDS);
    expect_bound("program p x\nenv", " A=%u", SYSTEM_VARIABLES);
    expect_bound("program p x\n", "env A=%u\n", SYSTEM_VARIABLES);
    expect_bound("program p x\nmay", " i%u", SYSTEM_GRANTS);
    expect_bound("program p x\n", "route i%u p\n", SYSTEM_ROUTES);
    static char head[4096];
    size_t size = 0;
    for (u32 i = 0; i <= SYSTEM_ROW; i++) {
        size += (size_t)snprintf(head + size, sizeof head - size, "program p%u x\n", i);
    }
    snprintf(head + size, sizeof head - size, "route i");
    expect_bound(head, " p%u", SYSTEM_ROW);
}

static void limit_of_a_name(void **state)
{
    (void)state;
    char text[64];
    snprintf(text, sizeof text, "program %.*s x", SYSTEM_NAME_BYTES,
             "abcdefghijklmnopqrstuvwxyz0123456789");
    assert_int_equal(parse(text), ERR_OK);
    snprintf(text, sizeof text, "program %.*s x", SYSTEM_NAME_BYTES + 1,
             "abcdefghijklmnopqrstuvwxyz0123456789");
    assert_int_equal(parse(text), ERR_MALFORMED);
    assert_int_equal(place.column, 9);
}

static u64 ms(u64 number)
{
    return number * 1000000;
}

static void who_fails_at_once_waits_longer_each_time(void **state)
{
    (void)state;
    struct supervise supervise = {.restart = SYSTEM_ON_FAILURE};
    u64 now = ms(1);
    u64 delay = ms(SUPERVISE_FIRST_MS);
    for (u32 i = 0; i < SUPERVISE_FAILURES; i++) {
        u64 again;
        supervise_started(&supervise, now);
        assert_int_equal(supervise_ended(&supervise, true, now + ms(1), &again), SUPERVISE_AGAIN);
        assert_int_equal(again, now + ms(1) + delay);
        now = again;
        delay = 2 * delay < ms(SUPERVISE_MOST_MS) ? 2 * delay : ms(SUPERVISE_MOST_MS);
    }
    u64 unused;
    supervise_started(&supervise, now);
    assert_int_equal(supervise_ended(&supervise, true, now, &unused), SUPERVISE_GIVE_UP);
}

static void who_has_run_for_long_is_as_good_as_new(void **state)
{
    (void)state;
    struct supervise supervise = {.restart = SYSTEM_ALWAYS, .failures = SUPERVISE_FAILURES};
    u64 again;
    supervise_started(&supervise, ms(5));
    u64 now = ms(5 + SUPERVISE_GOOD_MS);
    assert_int_equal(supervise_ended(&supervise, false, now, &again), SUPERVISE_AGAIN);
    assert_int_equal(again, now + ms(SUPERVISE_FIRST_MS));
    supervise.failures = SUPERVISE_FAILURES;
    assert_int_equal(supervise_ended(&supervise, false, now - 1, &again), SUPERVISE_GIVE_UP);
}

static void who_is_not_to_be_started_again_is_not(void **state)
{
    (void)state;
    struct supervise never = {.restart = SYSTEM_NEVER};
    struct supervise failing = {.restart = SYSTEM_ON_FAILURE};
    u64 again;
    assert_int_equal(supervise_ended(&never, true, 1, &again), SUPERVISE_DONE);
    assert_int_equal(supervise_ended(&failing, false, 1, &again), SUPERVISE_DONE);
    assert_int_equal(supervise_ended(&failing, true, 1, &again), SUPERVISE_AGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_says_what_it_says),
        cmocka_unit_test(limits_of_a_file),
        cmocka_unit_test(limit_of_a_name),
        cmocka_unit_test(who_fails_at_once_waits_longer_each_time),
        cmocka_unit_test(who_has_run_for_long_is_as_good_as_new),
        cmocka_unit_test(who_is_not_to_be_started_again_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
