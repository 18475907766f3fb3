// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_budget.c: budgets as text, as core/kernel/budget.h promises them.
#include "core/base/report.h"
#include "core/kernel/budget.h"
#include "core/kernel/limits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct kernel_budget parsed(const char *text)
{
    struct kernel_budget budget;
    struct report report = {0};
    if (kernel_budget_parse(span_string(text), &budget, &report) != ERR_OK) {
        fail_msg("%s: %s at %d", text, report.text, (int)report.offset);
    }
    return budget;
}

static void expect_refused(const char *text, enum err err, u64 offset)
{
    struct kernel_budget budget = {.memory_bytes = 7};
    struct report report = {0};
    assert_int_equal(kernel_budget_parse(span_string(text), &budget, &report), err);
    assert_int_equal(report.offset, offset);
    assert_true(report.text[0] != 0);
    assert_int_equal(budget.memory_bytes, 7);
}

static void what_is_not_said_is_as_much_as_there_is(void **state)
{
    (void)state;
    struct kernel_budget most = kernel_budget_most();
    assert_int_equal(most.memory_bytes, KERNEL_BUDGET_BYTES);
    assert_int_equal(most.addressing, KERNEL_MEMORY_AUTO);
    struct kernel_budget none = parsed("");
    assert_int_equal(none.memory_bytes, most.memory_bytes);
    assert_int_equal(parsed("addressing:small").memory_bytes, most.memory_bytes);
    assert_int_equal(parsed("memory:0").addressing, most.addressing);
}

static void parts_are_read_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(parsed("memory:65536").memory_bytes, 65536);
    assert_int_equal(parsed("memory:3KiB").memory_bytes, 3072);
    assert_int_equal(parsed("memory:64MiB").memory_bytes, 64 << 20);
    assert_int_equal(parsed("memory:2GiB").memory_bytes, (u64)2 << 30);
    assert_int_equal(parsed("addressing:fast").addressing, KERNEL_MEMORY_FAST);
    assert_int_equal(parsed("addressing:auto").addressing, KERNEL_MEMORY_AUTO);
    struct kernel_budget both = parsed("addressing:small,memory:1MiB");
    assert_int_equal(both.addressing, KERNEL_MEMORY_SMALL);
    assert_int_equal(both.memory_bytes, 1 << 20);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    expect_refused("everything", ERR_MALFORMED, 0);
    expect_refused("Memory:1", ERR_MALFORMED, 0);
    expect_refused("memory", ERR_MALFORMED, 0);
    expect_refused("memory:", ERR_MALFORMED, 7);
    expect_refused("memory:-1", ERR_MALFORMED, 7);
    expect_refused("memory:1MB", ERR_MALFORMED, 8);
    expect_refused("memory:1,", ERR_MALFORMED, 9);
    expect_refused("memory:1,memory:1", ERR_MALFORMED, 9);
    expect_refused("memory:1;addressing:small", ERR_MALFORMED, 8);
    expect_refused("addressing:tiny", ERR_MALFORMED, 11);
    expect_refused("addressing:smaller", ERR_MALFORMED, 16);
    expect_refused(",memory:1", ERR_MALFORMED, 0);
}

static void limit_of_memory(void **state)
{
    (void)state;
    assert_int_equal(parsed("memory:281474976710656").memory_bytes, KERNEL_BUDGET_BYTES);
    assert_int_equal(parsed("memory:262144GiB").memory_bytes, KERNEL_BUDGET_BYTES);
    expect_refused("memory:281474976710657", ERR_LIMIT, 7);
    expect_refused("memory:262145GiB", ERR_LIMIT, 7);
    expect_refused("memory:99999999999999999999999999", ERR_LIMIT, 7);
}

static void limits_of_counts(void **state)
{
    (void)state;
    char text[64];
    struct kernel_budget most = kernel_budget_most();
    struct {
        const char *part;
        u32 most;
        const u32 *read;
    } parts[] = {{"children", KERNEL_FAMILY, &most.children},
                 {"messages", KERNEL_MESSAGES, &most.messages},
                 {"queued", KERNEL_MESSAGE_BYTES, &most.queued_bytes}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_int_equal(*parts[i].read, parts[i].most);
        snprintf(text, sizeof text, "%s:%u", parts[i].part, parts[i].most);
        most = parsed(text);
        assert_int_equal(*parts[i].read, parts[i].most);
        snprintf(text, sizeof text, "%s:%u", parts[i].part, parts[i].most + 1);
        expect_refused(text, ERR_LIMIT, strlen(parts[i].part) + 1);
        snprintf(text, sizeof text, "memory:1,%s:0", parts[i].part);
        most = parsed(text);
        assert_int_equal(*parts[i].read, 0);
        most = kernel_budget_most();
    }
    assert_int_equal(kernel_budget_most().cpu, KERNEL_CPU_EACH);
    assert_int_equal(parsed("cpu:1").cpu, 1);
    assert_int_equal(parsed("cpu:100").cpu, KERNEL_CPU_ALL);
    expect_refused("cpu:0", ERR_MALFORMED, 5);
    expect_refused("cpu:101", ERR_LIMIT, 4);
    assert_int_equal(parsed("queued:4KiB").queued_bytes, 4096);
    expect_refused("messages:1KiB", ERR_MALFORMED, 10);
}

static void narrowing_never_widens(void **state)
{
    (void)state;
    enum { AUTO = KERNEL_MEMORY_AUTO, FAST = KERNEL_MEMORY_FAST, SMALL = KERNEL_MEMORY_SMALL };
    static const struct {
        u8 has;
        u8 said;
        u8 own;
        u8 above;
    } cases[] = {
        {AUTO, AUTO, AUTO, AUTO},    {AUTO, FAST, FAST, AUTO},    {AUTO, SMALL, SMALL, SMALL},
        {FAST, AUTO, FAST, FAST},    {FAST, FAST, FAST, FAST},    {FAST, SMALL, SMALL, SMALL},
        {SMALL, AUTO, SMALL, SMALL}, {SMALL, FAST, SMALL, SMALL}, {SMALL, SMALL, SMALL, SMALL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (u32 is_own = 0; is_own < 2; is_own++) {
            struct kernel_budget budget = {cases[i].has, 5 + is_own, 7, 3, 8, 50};
            struct kernel_budget said = {cases[i].said, 6 - is_own, 3, 7, 9, 49};
            budget_narrow(&budget, &said, is_own);
            assert_int_equal(budget.addressing, is_own ? cases[i].own : cases[i].above);
            assert_int_equal(budget.memory_bytes, 5);
            assert_int_equal(budget.children, 3);
            assert_int_equal(budget.messages, 3);
            assert_int_equal(budget.queued_bytes, 8);
            assert_int_equal(budget.cpu, 49);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_as_much_as_there_is),
        cmocka_unit_test(parts_are_read_in_any_order),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(limit_of_memory),
        cmocka_unit_test(limits_of_counts),
        cmocka_unit_test(narrowing_never_widens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
