// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_log_ring.c: machines/hosted/log_ring.h.
#include "core/base/mem.h"
#include "machines/hosted/log_ring.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>

static struct log_ring ring;
static u8 out[HOSTED_LOG_KEPT_BYTES + 8];
static u8 many[HOSTED_LOG_KEPT_BYTES + 8];

static int empty(void **state)
{
    (void)state;
    ring = (struct log_ring){.lock = PTHREAD_MUTEX_INITIALIZER};
    for (size_t i = 0; i < sizeof many; i++) {
        many[i] = (u8)(i * 7 + i / 256);
    }
    return 0;
}

static void what_was_added_is_read(void **state)
{
    (void)state;
    u64 after = 0;
    assert_int_equal(log_ring_read(&ring, &after, out, sizeof out), 0);
    log_ring_add(&ring, SPAN_LITERAL("one\n"));
    log_ring_add(&ring, (struct span){0});
    log_ring_add(&ring, SPAN_LITERAL("two\n"));
    assert_int_equal(log_ring_read(&ring, &after, out, sizeof out), 8);
    assert_int_equal(after, 0);
    assert_memory_equal(out, "one\ntwo\n", 8);
    after = 4;
    assert_int_equal(log_ring_read(&ring, &after, out, 2), 2);
    assert_memory_equal(out, "tw", 2);
    after = 9; // not there yet
    assert_int_equal(log_ring_read(&ring, &after, out, sizeof out), 0);
    assert_int_equal(after, 8);
}

static void what_is_too_old_is_left_out(void **state)
{
    (void)state;
    log_ring_add(&ring, span_of(many, HOSTED_LOG_KEPT_BYTES)); // as much as there is room
    u64 after = 0;
    assert_int_equal(log_ring_read(&ring, &after, out, sizeof out), HOSTED_LOG_KEPT_BYTES);
    assert_true(after == 0 && mem_equal(out, many, HOSTED_LOG_KEPT_BYTES));
    log_ring_add(&ring, SPAN_LITERAL("abc"));
    assert_int_equal(log_ring_read(&ring, &after, out, sizeof out), HOSTED_LOG_KEPT_BYTES);
    assert_int_equal(after, 3);
    assert_true(mem_equal(out, many + 3, HOSTED_LOG_KEPT_BYTES - 3));
    assert_memory_equal(out + HOSTED_LOG_KEPT_BYTES - 3, "abc", 3);
}

static void only_the_last_of_too_much_stays(void **state)
{
    (void)state;
    log_ring_add(&ring, SPAN_LITERAL("x"));
    log_ring_add(&ring, span_of(many, HOSTED_LOG_KEPT_BYTES + 8));
    u64 after = 0;
    assert_int_equal(log_ring_read(&ring, &after, out, sizeof out), HOSTED_LOG_KEPT_BYTES);
    assert_int_equal(after, 9);
    assert_true(mem_equal(out, many + 8, HOSTED_LOG_KEPT_BYTES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_added_is_read, empty),
        cmocka_unit_test_setup(what_is_too_old_is_left_out, empty),
        cmocka_unit_test_setup(only_the_last_of_too_much_stays, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
