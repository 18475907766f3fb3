// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_forward.c: the bounds of a program that stands between others
// (programs/rt/forward.h), here one that looks at nothing.
#include "core/base/mem.h"
#include "core/kernel/limits.h"
#include "core/kernel/route.h"
#include "interfaces/ping.h"
#include "programs/rt/forward.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

static const struct stage_interface ping = {.name = PING_NAME, .real = &ping_interface};

struct scene {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    u64 between; // the process
};

// One handles ping for all, another stands between.
static void scene_open(struct scene *scene, u64 seed)
{
    struct stage *stage = &scene->stage;
    grants_stage_open(stage, seed, KERNEL_ALLOW);
    stage->check = false;
    const struct stage_interface *interfaces[] = {&ping};
    char between[KERNEL_CID_TEXT_BYTES];
    stage_program(stage, interfaces, 1, scene->cid);
    stage_add(stage, stage_file("build/test/kernel/relay.wasm"), (struct span){0}, between);
    struct kernel_route route = {.name = span_string(ping.name)};
    struct kernel_grant named = {0};
    grants_name(&named, between, NULL);
    memcpy(route.handler, named.program, sizeof route.handler);
    assert_int_equal(kernel_route_set(stage->kernel, &route), ERR_OK);
    struct puppet *end = stage_start(stage, scene->cid);
    assert_true(puppet_register(stage, end, &ping) > 0);
    puppet_tell(stage, end, &(struct puppet_order){.kind = PUPPET_ECHO});
    scene->between = stage_start_any(stage, between)->process;
    stage_settle(stage, 1000);
    assert_true(kernel_program_handles(stage->kernel, route.name, route.handler));
}

// A bond more, and a message over it. 0, or the error that comes back.
static i32 come(struct scene *scene, struct puppet *client)
{
    i64 bond = puppet_bind(&scene->stage, client, &ping, false);
    assert_true(bond > 0);
    i64 result = puppet_send(&scene->stage, client, (u32)bond, PING_PING_ID, SPAN_LITERAL("body"),
                             SEND_WAIT);
    if ((result & ANSWER_IS_ERROR) == 0) {
        assert_int_equal(result, 4);
        return 0;
    }
    u32 at = puppet_answer_address(client);
    i32 error = -(i32)mem_load_u32(puppet_peek(&scene->stage, client, at, 4).data);
    assert_int_equal(puppet_unbind(&scene->stage, client, (u32)bond), 0);
    return error;
}

// As many bonds as the process gets.
static u32 crowd(struct scene *scene, struct puppet *client)
{
    u32 count = 0;
    i32 error;
    while ((error = come(scene, client)) == 0) {
        count++;
    }
    assert_int_equal(error, E_BUSY);
    return count;
}

// Each process gets half of what the others have left, to the last.
static void limit_of_clients(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 1);
    struct stage *stage = &scene.stage;
    struct puppet *first = stage_start(stage, scene.cid);
    u32 total = crowd(&scene, first);
    assert_int_equal(total, FORWARD_CLIENTS / 2);
    for (u32 left = FORWARD_CLIENTS - total; left > 0; left = FORWARD_CLIENTS - total) {
        u32 count = crowd(&scene, stage_start(stage, scene.cid));
        assert_int_equal(count, (left + 1) / 2);
        total += count;
    }
    assert_int_equal(total, FORWARD_CLIENTS);
    struct puppet *late = stage_start(stage, scene.cid);
    assert_int_equal(come(&scene, late), E_BUSY);
    stage_kill(stage, first);
    stage_settle(stage, 100000);
    assert_int_equal(come(&scene, late), 0);
    stage_close_running(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_of_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
