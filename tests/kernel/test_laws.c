// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_laws.c: the laws of docs/abi.md, each with real processes on the simulated machine.
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>

static const struct stage_interface alpha = {"test:laws/alpha", {{"one", 0}, {"two", 0}}};

static void first_light(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, 1, NULL);
    const struct stage_interface *interfaces[] = {&alpha};
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&stage, interfaces, 1, cid);
    struct puppet *client = stage_start(&stage, cid);
    struct puppet *handler = stage_start(&stage, cid);
    i64 registration = puppet_register(&stage, handler, &alpha);
    assert_true(registration > 0);
    i64 bond = puppet_bind(&stage, client, &alpha, false);
    assert_true(bond > 0);
    i64 id = puppet_send(&stage, client, (u32)bond, stage_function_id(&alpha, 0),
                         SPAN_LITERAL("hello"), 0);
    assert_true(id > 0);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_light),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
