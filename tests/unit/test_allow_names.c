// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_allow_names.c: limits on names, against who spells his way around them.
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/kernel/limits.h"
#include "machines/hosted/allow_names.h"
#include "machines/hosted/limits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

// What the kernel would say of a client.
static u8 told[KERNEL_LIMITS_BYTES];
static size_t told_size;

enum err kernel_device_limits(struct kernel_device *device, u64 client, u8 *to, size_t *size)
{
    (void)device;
    memcpy(to, told, told_size);
    *size = told_size;
    return client == 666 ? ERR_NOT_FOUND : ERR_OK;
}

static bool has(const char *limit, const char *name)
{
    assert_int_equal(allow_names_check(span_string(limit), NULL), ERR_OK);
    return allow_names_has(span_string(limit), span_string(name));
}

static void expect_refused(const char *limit, u64 offset)
{
    struct report report = {0};
    assert_int_equal(allow_names_check(span_string(limit), &report), ERR_MALFORMED);
    assert_int_equal(report.offset, offset);
    assert_false(allow_names_has(span_string(limit), SPAN_LITERAL("example.org")));
}

static void names_are_whole(void **state)
{
    (void)state;
    assert_true(has("example.org", "example.org"));
    assert_true(has("example.org", "EXAMPLE.org."));
    assert_true(has("Example.ORG", "example.org"));
    assert_true(has("a,example.org,b", "example.org"));
    assert_true(has("a,example.org,b", "b"));
    assert_false(has("example.org", "www.example.org"));
    assert_false(has("example.org", "example.org.evil.net"));
    assert_false(has("example.org", "badexample.org"));
    assert_false(has("example.org", "example.or"));
    assert_false(has("example.org", "example.org.."));
    assert_false(has("example.org", ""));
    assert_false(has("example.org", "."));
    assert_false(has("example.org", "example.org,"));
    assert_false(has("a,b", "a,b"));
}

static void ends_need_a_label_before_them(void **state)
{
    (void)state;
    assert_true(has("*.example.org", "www.example.org"));
    assert_true(has("*.example.org", "a.b.Example.org."));
    assert_false(has("*.example.org", "example.org"));
    assert_false(has("*.example.org", ".example.org"));
    assert_false(has("*.example.org", "badexample.org"));
    assert_false(has("*.example.org", "www.example.org.net"));
    assert_false(has("*.example.org", "*.example.or"));
    assert_true(has("*", "anything.at.all"));
    assert_true(has("x,*", "10.0.0.1"));
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    expect_refused("", 0);
    expect_refused("example.org,", 12);
    expect_refused(",example.org", 0);
    expect_refused("example..org", 0);
    expect_refused(".example.org", 0);
    expect_refused("example.org.", 0);
    expect_refused("example.org,*example.org", 12);
    expect_refused("www.*.org,example.org", 0);
    expect_refused("example.org:80", 0);
    expect_refused("*.", 0);
    expect_refused("**", 0);
    expect_refused("ex\xc3\xa4mple.org", 0);
}

static void limit_of_parts_and_of_a_name(void **state)
{
    (void)state;
    char limit[2 * HOSTED_ALLOW_PARTS + 2];
    for (u32 i = 0; i <= HOSTED_ALLOW_PARTS; i++) {
        memcpy(limit + 2 * i, "a,", 2);
    }
    struct report report = {0};
    struct span most = span_of(limit, 2 * HOSTED_ALLOW_PARTS - 1);
    assert_int_equal(allow_names_check(most, &report), ERR_OK);
    struct span beyond = span_of(limit, 2 * HOSTED_ALLOW_PARTS + 1);
    assert_int_equal(allow_names_check(beyond, &report), ERR_LIMIT);
    assert_int_equal(report.offset, 2 * HOSTED_ALLOW_PARTS);
    assert_false(allow_names_has(beyond, SPAN_LITERAL("a")));
    char name[HOSTED_NAME_BYTES + 1];
    memset(name, 'a', sizeof name);
    struct span longest = span_of(name, HOSTED_NAME_BYTES);
    assert_int_equal(allow_names_check(longest, &report), ERR_OK);
    assert_true(allow_names_has(longest, longest));
    assert_int_equal(allow_names_check(span_of(name, sizeof name), NULL), ERR_LIMIT);
}

static void tell(const char *const *limits, u32 count)
{
    mem_store_u32(told, count);
    told_size = 4;
    for (u32 i = 0; i < count; i++) {
        size_t size = strlen(limits[i]);
        mem_store_u32(told + told_size, (u32)size);
        memcpy(told + told_size + 4, limits[i], size);
        told_size += 4 + size;
    }
}

static void all_limits_of_a_client_hold(void **state)
{
    (void)state;
    tell(NULL, 0);
    assert_true(allow_names_client(NULL, 1, SPAN_LITERAL("any.name")));
    assert_false(allow_names_client(NULL, 666, SPAN_LITERAL("any.name"))); // it is gone
    const char *const two[] = {"*.example.org,a.net", "*"};
    tell(two, 2);
    assert_true(allow_names_client(NULL, 1, SPAN_LITERAL("www.example.org")));
    assert_false(allow_names_client(NULL, 1, SPAN_LITERAL("b.net")));
    const char *const narrow[] = {"*.example.org,a.net", "www.example.org"};
    tell(narrow, 2);
    assert_true(allow_names_client(NULL, 1, SPAN_LITERAL("www.example.org")));
    assert_false(allow_names_client(NULL, 1, SPAN_LITERAL("a.net")));
    const char *const broken[] = {"*", "every name"};
    tell(broken, 2);
    assert_false(allow_names_client(NULL, 1, SPAN_LITERAL("a.net")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_whole),
        cmocka_unit_test(ends_need_a_label_before_them),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(limit_of_parts_and_of_a_name),
        cmocka_unit_test(all_limits_of_a_client_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
