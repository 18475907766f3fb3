// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_whole.c: the limits of the whole kernel, each reached by many together: the
// last one that is accepted, the first that is refused and how it is told, that the others have
// lost nothing, and that a place given back can be had again.
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/kernel/internal.h"
#include "core/kernel/route.h"
#include "interfaces/inspect.h"
#include "interfaces/loader.h"
#include "interfaces/ping.h"
#include "machines/sim/sim.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

#define NOBODY "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

static const struct stage_interface inspect = {INSPECT_NAME, .real = &inspect_interface};
static const struct stage_interface loader = {LOADER_NAME, .real = &loader_interface};
static const struct stage_interface ping = {PING_NAME, .real = &ping_interface};

// A handler of `loader` or `ping` that is mute, and a crowd to come to limits.
struct scene {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    char crowd[KERNEL_CID_TEXT_BYTES];
    struct puppet *mute;
    struct puppet *other;
};

// How processes that were started without a puppet have ended.
static u32 ended_count;
static struct kernel_ending ending;

static void note_end(void *context, struct kernel_process_id process, struct kernel_ending how)
{
    (void)context;
    (void)process;
    ended_count++;
    ending = how;
}

static void scene_open(struct scene *scene, u64 seed, const struct stage_interface *interface)
{
    stage_open(&scene->stage, seed, 1, NULL);
    scene->stage.check = false;
    scene->stage.fuel_most = 1 << 20;
    const struct stage_interface *interfaces[] = {&inspect, &loader, &ping};
    stage_program(&scene->stage, interfaces, 3, scene->cid);
    stage_add(&scene->stage, stage_file("build/test/kernel/crowd.wasm"), (struct span){0},
              scene->crowd);
    scene->mute = stage_start(&scene->stage, scene->cid);
    scene->other = stage_start(&scene->stage, scene->cid);
    assert_true(puppet_register(&scene->stage, scene->mute, interface) > 0);
    ended_count = 0;
}

static enum err start(struct scene *scene, const char *cid, struct kernel_process_id *id)
{
    struct kernel_start start = {.cid = span_string(cid), .on_end = note_end};
    return kernel_start(scene->stage.kernel, &start, id, NULL);
}

// Starts one of the crowd, and lets it do what it does.
static struct kernel_process_id start_crowd(struct scene *scene, u32 bonds, u32 messages)
{
    char texts[2][16];
    struct span arguments[3] = {SPAN_LITERAL("crowd")};
    for (u32 i = 0; i < 2; i++) {
        int size = snprintf(texts[i], sizeof texts[i], "%u", i == 0 ? bonds : messages);
        arguments[i + 1] = span_of(texts[i], (size_t)size);
    }
    struct kernel_start start = {.cid = span_string(scene->crowd),
                                 .arguments = arguments,
                                 .argument_count = 3,
                                 .on_end = note_end};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(scene->stage.kernel, &start, &id, NULL), ERR_OK);
    stage_settle(&scene->stage, 10000);
    return id;
}

static void end(struct scene *scene, struct kernel_process_id id)
{
    assert_int_equal(kernel_kill(scene->stage.kernel, id), ERR_OK);
    stage_settle(&scene->stage, 10000);
}

// One of the crowd was refused, and had come back after that to where it was refused.
static void expect_refused(const struct scene *scene, i32 error)
{
    (void)scene;
    assert_int_equal(ended_count, 1);
    assert_int_equal(ending.kind, KERNEL_EXITED);
    assert_int_equal(ending.code, -error);
    ended_count = 0;
}

static void limit_of_all_processes(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1, &loader);
    const struct pool *processes = &scene.stage.kernel->processes;
    struct kernel_process_id id;
    while (processes->used < KERNEL_PROCESSES) {
        assert_int_equal(start(&scene, NOBODY, &id), ERR_OK);
    }
    assert_int_equal(start(&scene, NOBODY, &id), ERR_LIMIT);
    assert_int_equal(puppet_spawn(&scene.stage, scene.other, SPAN_LITERAL(NOBODY)), -1004);
    kernel_check(scene.stage.kernel);
    assert_int_equal(ended_count, 0);
    end(&scene, id);
    assert_int_equal(ended_count, 1);
    assert_true(puppet_spawn(&scene.stage, scene.other, span_string(scene.cid)) > 0);
    assert_int_equal(start(&scene, NOBODY, &id), ERR_LIMIT);
    stage_kill(&scene.stage, scene.mute);
    stage_settle(&scene.stage, 2 * KERNEL_PROCESSES);
    assert_true(ended_count >= KERNEL_PROCESSES - 4);
    assert_int_equal(start(&scene, scene.crowd, &id), ERR_OK);
    stage_close(&scene.stage);
}

static void limit_of_all_messages(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2, &ping);
    const struct pool *messages = &scene.stage.kernel->messages;
    u32 most = KERNEL_MESSAGES_ALL - KERNEL_MESSAGES_SPARE;
    while (messages->used + KERNEL_MESSAGES <= most) {
        (void)start_crowd(&scene, 1, KERNEL_MESSAGES);
    }
    (void)start_crowd(&scene, 1, most - messages->used);
    assert_int_equal(ended_count, 0);
    assert_int_equal(messages->used, most);
    // Refused; but the kernel itself can be asked, if only to take something back.
    (void)start_crowd(&scene, 1, 1);
    expect_refused(&scene, E_NO_MEMORY);
    kernel_check(scene.stage.kernel);
    // Whose handler goes away gets one answer for each, and takes it: there is room again.
    stage_kill(&scene.stage, scene.mute);
    stage_settle(&scene.stage, 100000);
    assert_int_equal(ended_count, 0);
    assert_true(messages->used < 10);
    assert_true(puppet_register(&scene.stage, scene.other, &ping) > 0);
    (void)start_crowd(&scene, 1, KERNEL_MESSAGES);
    assert_int_equal(ended_count, 0);
    stage_close(&scene.stage);
}

// One of the crowd gives messages back and has their places again.
static void limit_of_all_messages_leaves_each_its_own(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 7, &ping);
    const struct pool *messages = &scene.stage.kernel->messages;
    u32 most = KERNEL_MESSAGES_ALL - KERNEL_MESSAGES_SPARE;
    while (messages->used + KERNEL_MESSAGES <= most) {
        (void)start_crowd(&scene, 1, KERNEL_MESSAGES);
    }
    (void)start_crowd(&scene, 1, KERNEL_MESSAGES);
    expect_refused(&scene, E_NO_MEMORY);
    kernel_check(scene.stage.kernel);
    stage_close(&scene.stage);
}

// The same of one process, at its own limit.
static void a_process_at_its_limit_asks_the_kernel(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 8, &ping);
    (void)start_crowd(&scene, 1, KERNEL_MESSAGES);
    assert_int_equal(ended_count, 0);
    (void)start_crowd(&scene, 1, KERNEL_MESSAGES + 1);
    expect_refused(&scene, E_LIMIT);
    (void)start_crowd(&scene, KERNEL_BONDS, 0);
    assert_int_equal(ended_count, 0);
    (void)start_crowd(&scene, KERNEL_BONDS + 1, 0);
    expect_refused(&scene, E_LIMIT);
    stage_close(&scene.stage);
}

static void limit_of_all_bonds(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3, &ping);
    const struct pool *bonds = &scene.stage.kernel->bonds;
    struct kernel_process_id first = start_crowd(&scene, KERNEL_BONDS, 0);
    while (bonds->used + KERNEL_BONDS <= KERNEL_BONDS_ALL) {
        (void)start_crowd(&scene, KERNEL_BONDS, 0);
    }
    struct kernel_process_id last = start_crowd(&scene, KERNEL_BONDS_ALL - bonds->used, 0);
    assert_int_equal(ended_count, 0);
    assert_int_equal(bonds->used, KERNEL_BONDS_ALL);
    assert_int_equal(puppet_bind(&scene.stage, scene.other, &ping, false), -1004);
    assert_int_equal(puppet_bind(&scene.stage, scene.other, &ping, true), -1004);
    end(&scene, last);
    ended_count = 0;
    (void)start_crowd(&scene, KERNEL_BONDS, 0);
    expect_refused(&scene, E_LIMIT);
    kernel_check(scene.stage.kernel);
    end(&scene, first);
    assert_true(puppet_bind(&scene.stage, scene.other, &ping, false) > 0);
    stage_close(&scene.stage);
}

// ---- names

enum { NAMES = 128 }; // of one program

// Programs that declare names of their own.
static void name_program(struct scene *scene, u32 first, char cid[KERNEL_CID_TEXT_BYTES],
                         struct stage_interface interfaces[NAMES], char names[NAMES][32])
{
    const struct stage_interface *pointers[NAMES];
    for (u32 i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof names[i], "test:whole/i%u", first + i);
        interfaces[i] = (struct stage_interface){names[i], {{"call", 0}}};
        pointers[i] = &interfaces[i];
    }
    stage_program(&scene->stage, pointers, NAMES, cid);
}

// The list that inspect gives, of which only the count is looked at.
static u32 count_interfaces(struct scene *scene)
{
    i64 bond = puppet_bind(&scene->stage, scene->other, &inspect, false);
    assert_true(bond > 0);
    i64 result = puppet_send(&scene->stage, scene->other, (u32)bond, INSPECT_INTERFACES_ID,
                             (struct span){0}, SEND_WAIT);
    u32 at = puppet_answer_address(scene->other);
    if (result == E_BUFFER) { // it is the next notification
        assert_true(puppet_wait(&scene->stage, scene->other, PUPPET_AREA_BYTES / 4 * 3, 0) > 0);
        at += sizeof(struct abi_notification);
    }
    return mem_load_u32(puppet_peek(&scene->stage, scene->other, at, 4).data);
}

// A route leads to a seat, which takes a name of its own as long as nobody sits there.
static enum err route_to(struct scene *scene, const char *name, u8 handler)
{
    struct kernel_route route = {.name = span_string(name)};
    memset(route.handler, handler, sizeof route.handler);
    return kernel_route_set(scene->stage.kernel, &route);
}

// Each registration has a name and there may be as many of one as of the other, so both come to
// their limit at once.
static void limit_of_all_registrations_and_names(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 4, &ping);
    const struct kernel *kernel = scene.stage.kernel;
    assert_int_equal(kernel->registrations.used, kernel->entries.used);
    assert_int_equal(KERNEL_REGISTRATIONS_ALL, KERNEL_INTERFACES);
    char cid[KERNEL_CID_TEXT_BYTES];
    struct stage_interface interfaces[NAMES];
    char names[NAMES][32];
    struct puppet *puppet = NULL;
    i64 last = 0;
    for (u32 i = 0; kernel->registrations.used < KERNEL_REGISTRATIONS_ALL; i++) {
        if (i % NAMES == 0) {
            name_program(&scene, i, cid, interfaces, names);
        }
        if (i % KERNEL_REGISTRATIONS == 0) {
            puppet = stage_start(&scene.stage, cid);
        }
        if (kernel->registrations.used == KERNEL_INSPECT_INTERFACES) {
            assert_int_equal(count_interfaces(&scene), KERNEL_INSPECT_INTERFACES);
        }
        last = puppet_register(&scene.stage, puppet, &interfaces[i % NAMES]);
        assert_true(last > 0);
    }
    assert_int_equal(kernel->entries.used, KERNEL_INTERFACES);
    assert_int_equal(count_interfaces(&scene), KERNEL_INSPECT_INTERFACES);
    // No other name can be handled, nor waited for. What is there goes on.
    name_program(&scene, KERNEL_INTERFACES, cid, interfaces, names);
    struct puppet *late = stage_start(&scene.stage, cid);
    assert_int_equal(puppet_register(&scene.stage, late, &interfaces[0]), -1003);
    assert_int_equal(puppet_bind(&scene.stage, late, &interfaces[0], true), -1004);
    assert_int_equal(puppet_bind(&scene.stage, late, &interfaces[0], false), -1001);
    assert_true(puppet_bind(&scene.stage, scene.other, &ping, false) > 0);
    assert_int_equal(route_to(&scene, names[0], 1), ERR_LIMIT);
    assert_int_equal(puppet_unregister(&scene.stage, puppet, (u32)last), 0);
    assert_int_equal(route_to(&scene, names[0], 1), ERR_OK);
    assert_int_equal(route_to(&scene, names[0], 2), ERR_LIMIT); // the first one's seat is not given
    assert_int_equal(kernel->entries.used, KERNEL_INTERFACES);
    static const u8 all[32];
    assert_int_equal(kernel_route_forget(scene.stage.kernel, span_string(names[0]), all), ERR_OK);
    assert_true(puppet_register(&scene.stage, late, &interfaces[0]) > 0);
    assert_int_equal(puppet_register(&scene.stage, late, &interfaces[1]), -1003);
    kernel_check(scene.stage.kernel);
    stage_close(&scene.stage);
}

// ---- the machine

static void never(void *context)
{
    (void)context;
}

static void limit_of_devices(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 5, 1, NULL);
    static struct interface_definition definitions[KERNEL_DEVICES + 1];
    static char names[KERNEL_DEVICES + 1][32];
    struct kernel_device *device;
    u32 count = stage.kernel->device_count;
    for (; count <= KERNEL_DEVICES; count++) {
        snprintf(names[count], sizeof names[count], "test:whole/d%u", count);
        definitions[count] = (struct interface_definition){.name = names[count]};
        struct kernel_device_config config = {.interface = &definitions[count], .wake = never};
        assert_int_equal(kernel_device_register(stage.kernel, &config, &device),
                         count < KERNEL_DEVICES ? ERR_OK : ERR_LIMIT);
    }
    kernel_check(stage.kernel);
    stage_close(&stage);
}

static void limit_of_workers(void **state)
{
    (void)state;
    static const struct {
        u32 workers;
        enum err err;
    } cases[] = {{0, ERR_LIMIT},
                 {1, ERR_OK},
                 {KERNEL_WORKERS, ERR_OK},
                 {KERNEL_WORKERS + 1, ERR_LIMIT},
                 {UINT32_MAX, ERR_LIMIT}};
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        sim_reset(6, NULL);
        struct kernel_config config = sim_kernel_config(cases[i].workers);
        struct kernel *kernel = NULL;
        struct report report;
        report_clear(&report);
        assert_int_equal(kernel_create(&config, &kernel, &report), cases[i].err);
        if (cases[i].err != ERR_OK) {
            assert_non_null(strstr(report.text, "workers"));
        } else {
            assert_false(kernel_worker_step(kernel, cases[i].workers - 1, 1000));
            kernel_destroy(kernel);
        }
        sim_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_of_all_processes),
        cmocka_unit_test(limit_of_all_messages),
        cmocka_unit_test(limit_of_all_messages_leaves_each_its_own),
        cmocka_unit_test(a_process_at_its_limit_asks_the_kernel),
        cmocka_unit_test(limit_of_all_bonds),
        cmocka_unit_test(limit_of_all_registrations_and_names),
        cmocka_unit_test(limit_of_devices),
        cmocka_unit_test(limit_of_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
