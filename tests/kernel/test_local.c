// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_local.c: what stays on one worker: calls that it passes between its own
// processes, without the kernel's lock and out of the few messages that it keeps for them; those
// that its processes have woken; who comes first; and when it leaves the work to others.
#include "core/kernel/internal.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>

static const struct stage_interface alpha = {"test:local/alpha", {{"one", 0}}};

enum { CLIENTS = 3 * KERNEL_WORKER_MESSAGES };

struct scene {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *handler;
    struct puppet *clients[CLIENTS + 1];
    u32 bonds[CLIENTS + 1];
    u32 client_count;
    u64 one;
};

static void scene_open(struct scene *scene, u64 seed, u32 workers, u32 clients)
{
    stage_open(&scene->stage, seed, workers, NULL);
    const struct stage_interface *interfaces[] = {&alpha};
    stage_program(&scene->stage, interfaces, 1, scene->cid);
    scene->handler = stage_start(&scene->stage, scene->cid);
    assert_true(puppet_register(&scene->stage, scene->handler, &alpha) > 0);
    scene->one = stage_function_id(&alpha, 0);
    scene->client_count = clients;
    for (u32 i = 0; i < clients; i++) {
        scene->clients[i] = stage_start(&scene->stage, scene->cid);
        i64 bond = puppet_bind(&scene->stage, scene->clients[i], &alpha, false);
        assert_true(bond > 0);
        scene->bonds[i] = (u32)bond;
    }
}

static i64 scene_send(struct scene *scene, u32 client, u32 flags)
{
    return puppet_send(&scene->stage, scene->clients[client], scene->bonds[client], scene->one,
                       SPAN_LITERAL("a body"), flags);
}

// Of so many clients each waits in a send, then each gets its answer; the last client wakes the
// handler in between, as one that answers and waits has no other turn.
static void calls_held(u64 seed, u32 workers, u32 held)
{
    static struct scene scene;
    scene_open(&scene, seed, workers, held + 1);
    static u64 ids[CLIENTS];
    assert_int_equal(puppet_wait(&scene.stage, scene.handler, 4096, 0), BLOCKED);
    for (u32 i = 0; i < held; i++) {
        assert_int_equal(scene_send(&scene, i, SEND_WAIT), BLOCKED);
        assert_int_equal(puppet_resume(&scene.stage, scene.handler), 48);
        u32 at = puppet_answer_address(scene.handler);
        ids[i] = mem_load_u64(puppet_peek(&scene.stage, scene.handler, at, 16).data + 8);
        assert_int_equal(puppet_wait(&scene.stage, scene.handler, 4096, 0), BLOCKED);
    }
    for (u32 i = 0; i < held; i++) {
        assert_int_equal(scene_send(&scene, held, SEND_NO_ANSWER), 0);
        assert_int_equal(puppet_resume(&scene.stage, scene.handler), 48);
        struct span answer = SPAN_LITERAL("an answer");
        assert_int_equal(puppet_answer(&scene.stage, scene.handler, ids[i], answer, ANSWER_WAIT),
                         BLOCKED);
        assert_int_equal(puppet_resume(&scene.stage, scene.clients[i]), (i64)answer.size);
        assert_int_equal(puppet_answer(&scene.stage, scene.clients[i], ids[i], answer, 0),
                         E_HANDLE);
    }
    stage_close(&scene.stage);
}

static void as_many_calls_as_a_worker_keeps_messages_for_and_more(void **state)
{
    (void)state;
    static const u32 counts[] = {KERNEL_WORKER_MESSAGES / 2, KERNEL_WORKER_MESSAGES / 2 + 1,
                                 KERNEL_WORKER_MESSAGES, KERNEL_WORKER_MESSAGES + 1, CLIENTS};
    for (u32 i = 0; i < COUNT_OF(counts); i++) {
        calls_held(1 + i, 1, counts[i]);
        calls_held(11 + i, 2, counts[i]);
    }
}

static u64 local_total(const struct stage *stage)
{
    u64 total = 0;
    for (u32 i = 0; i < stage->workers; i++) {
        total += stage->kernel->workers[i].message_total;
    }
    return total;
}

static void call_often(struct scene *scene, u32 client, u32 times)
{
    struct puppet_order order = {
        .kind = PUPPET_CALL, .a = scene->bonds[client], .b = scene->one, .c = 32, .d = times};
    puppet_tell(&scene->stage, scene->clients[client], &order);
}

static void echo(struct scene *scene)
{
    struct puppet_order order = {.kind = PUPPET_ECHO};
    puppet_tell(&scene->stage, scene->handler, &order);
}

// Between two turns the lock is free, and every worker was recalled by kernel_check.
static void a_pair_calls_without_the_kernels_lock(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 21, 1, 1);
    scene.stage.fuel_most = 1000000;
    echo(&scene);
    u64 before = local_total(&scene.stage);
    call_often(&scene, 0, 500);
    assert_int_not_equal(puppet_resume(&scene.stage, scene.clients[0]), BLOCKED);
    assert_true(local_total(&scene.stage) - before >= 450);
    stage_close_running(&scene.stage);
}

// Whoever else acts meanwhile finds nothing half done: the stage checks the kernel after each turn.
static void a_call_under_way_ends_with_its_client_or_handler(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 40; seed++) {
        static struct scene scene;
        scene_open(&scene, 100 + seed, 1 + seed % 3, 2);
        scene.stage.fuel_most = 500 + 100 * (i64)seed;
        echo(&scene);
        call_often(&scene, 0, 100000);
        call_often(&scene, 1, 200);
        for (u64 i = 0; i < 10 + seed; i++) {
            (void)stage_turn(&scene.stage);
        }
        stage_kill(&scene.stage, seed % 2 == 0 ? scene.handler : scene.clients[0]);
        i64 result = puppet_resume(&scene.stage, scene.clients[1]);
        assert_true(result != BLOCKED);
        stage_close_running(&scene.stage);
    }
}

// The client sends so many messages of so many bytes in one turn of worker 0; the handler waits.
static void send_in_one_turn(struct scene *scene, u32 count, u32 bytes)
{
    struct puppet_order order = {.kind = PUPPET_FILL,
                                 .a = scene->bonds[0],
                                 .b = scene->one,
                                 .c = bytes,
                                 .d = SEND_NO_ANSWER,
                                 .e = count};
    puppet_tell(&scene->stage, scene->clients[0], &order);
    assert_true(kernel_worker_step(scene->stage.kernel, 0, INT64_MAX));
}

static void a_worker_has_first_whom_it_has_woken(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 31, 2, 1);
    struct kernel *kernel = scene.stage.kernel;
    assert_int_equal(puppet_wait(&scene.stage, scene.handler, 4096, 0), BLOCKED);
    send_in_one_turn(&scene, 1, 16);
    assert_false(kernel_worker_step(kernel, 1, 1000));
    assert_true(kernel_worker_step(kernel, 0, 1000));
    assert_int_equal(puppet_resume(&scene.stage, scene.handler), 56);
    stage_close_running(&scene.stage);
}

static void whom_it_leaves_waiting_anybody_may_have(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 32, 2, 1);
    struct kernel *kernel = scene.stage.kernel;
    assert_int_equal(puppet_wait(&scene.stage, scene.handler, 4096, 0), BLOCKED);
    u32 bytes = 65536;
    u32 count = 2 * KERNEL_FUEL_OFFER / (bytes / KERNEL_FUEL_BYTES);
    assert_true(count * bytes < KERNEL_MESSAGE_BYTES);
    send_in_one_turn(&scene, count, bytes);
    assert_true(kernel_worker_step(kernel, 1, 1000));
    // The handler soon waited again: the next offer has to wait longer, up to a limit.
    assert_int_equal(kernel->offer_fuel, 2 * KERNEL_FUEL_OFFER);
    stage_close_running(&scene.stage);
}

static void a_worker_rests_when_workers_mostly_wait_for_the_lock(void **state)
{
    (void)state;
    static struct stage stage;
    stage_open(&stage, 33, 2, NULL);
    struct kernel *kernel = stage.kernel;
    for (u32 more = 0; more < 2; more++) {
        for (u32 index = 0; index < 2; index++) {
            kernel->run_fuel += KERNEL_FUEL_JUDGED;
            u64 fuel = kernel->run_fuel - kernel->judged_fuel;
            kernel->pauses = kernel->judged_pauses + fuel / KERNEL_FUEL_PAUSE + more;
            (void)kernel_worker_step(kernel, index, 1000);
            assert_int_equal(kernel->workers[index].is_to_rest, index == 1 && more == 1);
        }
    }
    stage_close(&stage);
}

// Worker 1 was woken for what is ready, and then rests: somebody else is woken in its place.
static void a_worker_that_rests_leaves_nothing_unseen(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 34, 2, 1);
    struct kernel *kernel = scene.stage.kernel;
    struct puppet_order order = {.kind = PUPPET_CALL, .a = 1, .b = 1, .c = 1, .d = 1};
    puppet_tell(&scene.stage, scene.clients[0], &order);
    assert_false(list_is_empty(&kernel->prompt));
    kernel->sleeping = 1; // worker 0
    kernel->run_fuel += KERNEL_FUEL_JUDGED;
    u64 fuel = kernel->run_fuel - kernel->judged_fuel;
    kernel->pauses = kernel->judged_pauses + fuel / KERNEL_FUEL_PAUSE + 1;
    assert_true(kernel_worker_step(kernel, 1, 1000));
    assert_true(kernel->workers[1].is_to_rest);
    assert_int_equal(kernel->sleeping, 0);
    stage_close_running(&scene.stage);
}

static u64 fuel_of(const struct scene *scene, u32 client)
{
    u64 number = scene->clients[client]->process;
    return process_find_locked(scene->stage.kernel, number)->fuel_used;
}

// Those that were told something have their turns before one that never waits, but for one turn
// after each KERNEL_PROMPT of theirs.
static void who_had_waited_comes_first_but_not_always(void **state)
{
    (void)state;
    enum { SPINNER = 0, ASKED = 2 * KERNEL_PROMPT + 1, FUEL = 100000 };
    static struct scene scene;
    scene_open(&scene, 35, 1, ASKED + 1);
    struct puppet_order spin = {.kind = PUPPET_SPIN};
    puppet_tell(&scene.stage, scene.clients[SPINNER], &spin);
    assert_true(kernel_worker_step(scene.stage.kernel, 0, FUEL)); // it is put back
    struct puppet_order poll = {.kind = PUPPET_POLL, .a = 1};
    for (u32 i = 1; i <= ASKED; i++) {
        puppet_tell(&scene.stage, scene.clients[i], &poll);
    }
    for (u32 turn = 1; turn <= ASKED + 2; turn++) {
        u64 before = fuel_of(&scene, SPINNER);
        assert_true(kernel_worker_step(scene.stage.kernel, 0, FUEL));
        bool is_spinner = turn % (KERNEL_PROMPT + 1) == 0;
        assert_int_equal(fuel_of(&scene, SPINNER) > before, is_spinner);
    }
    stage_close_running(&scene.stage);
}

// Such a turn is short, so that who waits for a moment and computes again takes no more than
// others.
static void who_comes_first_has_a_part_of_a_slice(void **state)
{
    (void)state;
    enum { SPINNER, WOKEN, FUEL = 1000000, SPENT_AHEAD = 1000 };
    static struct scene scene;
    scene_open(&scene, 36, 1, 2);
    struct puppet_order spin = {.kind = PUPPET_SPIN};
    puppet_tell(&scene.stage, scene.clients[SPINNER], &spin);
    assert_true(kernel_worker_step(scene.stage.kernel, 0, FUEL));
    puppet_tell(&scene.stage, scene.clients[WOKEN], &spin);
    u64 before = fuel_of(&scene, WOKEN);
    assert_true(kernel_worker_step(scene.stage.kernel, 0, FUEL));
    u64 part = fuel_of(&scene, WOKEN) - before;
    assert_in_range(part, 1, FUEL / KERNEL_PROMPT + SPENT_AHEAD);
    before = fuel_of(&scene, SPINNER);
    assert_true(kernel_worker_step(scene.stage.kernel, 0, FUEL));
    assert_in_range(fuel_of(&scene, SPINNER) - before, FUEL, FUEL + SPENT_AHEAD);
    before = fuel_of(&scene, WOKEN); // behind the others, for a whole slice
    assert_true(kernel_worker_step(scene.stage.kernel, 0, FUEL));
    assert_in_range(fuel_of(&scene, WOKEN) - before, FUEL, FUEL + SPENT_AHEAD);
    stage_close_running(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_rests_leaves_nothing_unseen),
        cmocka_unit_test(who_had_waited_comes_first_but_not_always),
        cmocka_unit_test(who_comes_first_has_a_part_of_a_slice),
        cmocka_unit_test(a_worker_has_first_whom_it_has_woken),
        cmocka_unit_test(whom_it_leaves_waiting_anybody_may_have),
        cmocka_unit_test(a_worker_rests_when_workers_mostly_wait_for_the_lock),
        cmocka_unit_test(as_many_calls_as_a_worker_keeps_messages_for_and_more),
        cmocka_unit_test(a_pair_calls_without_the_kernels_lock),
        cmocka_unit_test(a_call_under_way_ends_with_its_client_or_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
