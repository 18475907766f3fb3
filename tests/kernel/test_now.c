// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_now.c: devices that have an answer at once (core/kernel/device.h).
#include "core/kernel/device.h"
#include "core/kernel/limits.h"
#include "interfaces/time.h"
#include "machines/sim/sim.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

enum { NOW = 0x1234567 };

static const struct stage_interface clock_interface = {.name = TIME_NAME, .real = &time_interface};

struct scene {
    struct stage stage;
    struct puppet *client;
    struct kernel_device *device;
    u32 bond;
    u32 asked; // `now`
    u32 woken;
    bool has_answer;
    bool is_long; // KERNEL_NOW_BYTES of it
};

static void wake(void *context)
{
    struct scene *scene = context;
    scene->woken++;
}

static bool now(void *context, u64 function, u8 *to, u32 *size)
{
    struct scene *scene = context;
    scene->asked++;
    if (function != TIME_MONOTONIC_ID || !scene->has_answer) {
        return false;
    }
    *size = (u32)time_monotonic_encode_result(to, KERNEL_NOW_BYTES, NOW);
    if (scene->is_long) {
        memset(to + *size, 'n', KERNEL_NOW_BYTES - *size);
        *size = KERNEL_NOW_BYTES;
    }
    return true;
}

static void scene_open(struct scene *scene, u64 seed)
{
    *scene = (struct scene){.has_answer = true};
    grants_stage_open(&scene->stage, seed, KERNEL_ALLOW);
    struct kernel_device_config config = {&time_interface, wake, scene, now};
    assert_int_equal(kernel_device_register(scene->stage.kernel, &config, &scene->device), ERR_OK);
    char cid[KERNEL_CID_TEXT_BYTES];
    const struct stage_interface *interfaces[] = {&clock_interface};
    stage_program(&scene->stage, interfaces, 1, cid);
    scene->client = stage_start(&scene->stage, cid);
    i64 bond = puppet_bind(&scene->stage, scene->client, &clock_interface, false);
    assert_true(bond > 0);
    scene->bond = (u32)bond;
}

static i64 ask(struct scene *scene, u64 function, struct span body, u32 flags)
{
    return puppet_send(&scene->stage, scene->client, scene->bond, function, body, flags);
}

// What was queued is answered.
static void device_answer(struct scene *scene)
{
    struct kernel_event event;
    assert_true(kernel_device_take(scene->device, &event));
    assert_int_equal(event.kind, KERNEL_EVENT_MESSAGE);
    kernel_device_answer(scene->device, event.id, SPAN_LITERAL("later"));
    assert_false(kernel_device_take(scene->device, &event));
}

static void what_is_had_at_once_is_not_queued(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    for (u32 i = 1; i <= 3; i++) {
        assert_int_equal(ask(&scene, TIME_MONOTONIC_ID, (struct span){0}, SEND_WAIT), 8);
        struct span answer =
            puppet_peek(&scene.stage, scene.client, puppet_answer_address(scene.client), 8);
        assert_int_equal(mem_load_u64(answer.data), NOW);
        assert_int_equal(scene.asked, i);
    }
    assert_int_equal(scene.woken, 0);
    kernel_check(scene.stage.kernel);
    stage_close(&scene.stage);
}

static void all_else_is_queued(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    assert_int_equal(ask(&scene, TIME_WALL_ID, (struct span){0}, SEND_WAIT), BLOCKED);
    device_answer(&scene); // it had none
    assert_int_equal(puppet_resume(&scene.stage, scene.client), 5);
    assert_int_equal(scene.asked, 1);
    assert_int_equal(ask(&scene, TIME_MONOTONIC_ID, SPAN_LITERAL("body"), SEND_WAIT), BLOCKED);
    device_answer(&scene);
    assert_int_equal(puppet_resume(&scene.stage, scene.client), 5);
    assert_true(ask(&scene, TIME_MONOTONIC_ID, (struct span){0}, 0) > 0); // does not wait
    device_answer(&scene);
    assert_int_equal(scene.asked, 1);
    scene.has_answer = false;
    assert_int_equal(ask(&scene, TIME_MONOTONIC_ID, (struct span){0}, SEND_WAIT), BLOCKED);
    device_answer(&scene);
    assert_int_equal(puppet_resume(&scene.stage, scene.client), 5);
    stage_close(&scene.stage);
}

// The longest is had at once by who has room for it; one byte less, and it goes the way of others.
static void limit_of_what_is_had_at_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    scene.is_long = true;
    assert_int_equal(ask(&scene, TIME_MONOTONIC_ID, (struct span){0}, SEND_WAIT), KERNEL_NOW_BYTES);
    u32 at = puppet_answer_address(scene.client);
    struct span answer = puppet_peek(&scene.stage, scene.client, at, KERNEL_NOW_BYTES);
    assert_int_equal(mem_load_u64(answer.data), NOW);
    assert_int_equal(answer.data[KERNEL_NOW_BYTES - 1], 'n');
    assert_int_equal(scene.woken, 0);
    struct puppet_order send = {.kind = PUPPET_SEND,
                                .a = scene.bond,
                                .b = TIME_MONOTONIC_ID,
                                .e = at,
                                .f = KERNEL_NOW_BYTES - 1,
                                .g = SEND_WAIT};
    assert_int_equal(puppet_do(&scene.stage, scene.client, &send), BLOCKED);
    assert_int_equal(scene.woken, 1);
    device_answer(&scene);
    assert_int_equal(puppet_resume(&scene.stage, scene.client), 5);
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_had_at_once_is_not_queued),
        cmocka_unit_test(all_else_is_queued),
        cmocka_unit_test(limit_of_what_is_had_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
