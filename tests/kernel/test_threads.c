// SPDX-License-Identifier: GPL-3.0-or-later
// Threads of a process on the simulated machine: that they agree, wait and are woken, come to their
// limit, and end together, whatever ends them and whenever. The kernel checks itself between turns;
// closing the stage checks that nothing is left.
#include "core/kernel/group.h"
#include "core/kernel/internal.h"
#include "interfaces/inspect.h"
#include "machines/sim/sim.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { TURNS_AT_MOST = 2000000 };

struct scene {
    struct stage stage;
    struct kernel_process_id id;
    u32 endings;
    struct kernel_ending ending;
    char text[256];
    char names[256]; // of the functions it has trapped in, a space behind each
    char cid[KERNEL_CID_TEXT_BYTES];
};

static void on_end(void *context, struct kernel_process_id id, struct kernel_ending ending)
{
    struct scene *scene = context;
    (void)id;
    scene->endings++;
    scene->ending = ending;
    assert_int_equal(ending.frame_count > 0, ending.kind == KERNEL_TRAPPED);
    for (u32 i = 0; i < ending.frame_count; i++) { // theirs until this returns
        assert_in_range(ending.frames[i].offset, 1, ending.frames[i].program.size - 1);
    }
    scene->names[0] = 0;
    for (u32 i = 0; i < ending.frame_count; i++) {
        const struct span *name = &ending.frames[i].name;
        size_t used = strlen(scene->names);
        snprintf(scene->names + used, sizeof scene->names - used, "%.*s ", (int)name->size,
                 (const char *)name->data);
    }
    snprintf(scene->text, sizeof scene->text, "%.*s", (int)ending.text.size,
             (const char *)ending.text.data);
}

// One more process of the program, told `what`.
static void scene_start(struct scene *scene, const char *what)
{
    struct span arguments[] = {SPAN_LITERAL("threads"), span_string(what)};
    struct kernel_start start = {.cid = span_string(scene->cid),
                                 .arguments = arguments,
                                 .argument_count = 2,
                                 .on_end = on_end,
                                 .context = scene};
    assert_int_equal(kernel_start(scene->stage.kernel, &start, &scene->id, NULL), ERR_OK);
}

static void scene_open(struct scene *scene, u64 seed, u32 workers, const char *what)
{
    scene->endings = 0;
    stage_open(&scene->stage, seed, workers, NULL);
    scene->stage.check = true;
    stage_add(&scene->stage, stage_file("build/test/kernel/threads.wasm"), (struct span){0},
              scene->cid);
    scene_start(scene, what);
}

static void scene_finish(struct scene *scene)
{
    for (u32 i = 0; i < TURNS_AT_MOST && scene->endings == 0; i++) {
        (void)stage_turn(&scene->stage);
    }
    assert_int_equal(scene->endings, 1);
}

static void expect_exit(const char *what, u64 seed, u32 workers, u32 code)
{
    static struct scene scene;
    scene_open(&scene, seed, workers, what);
    scene_finish(&scene);
    assert_int_equal(scene.ending.kind, KERNEL_EXITED);
    assert_int_equal(scene.ending.code, code);
    stage_close(&scene.stage);
    assert_int_equal(scene.endings, 1);
}

static void they_count_together(void **state)
{
    (void)state;
    for (u32 seed = 1; seed <= 8; seed++) {
        expect_exit("count", seed, 1 + seed % 4, 0);
    }
}

static void there_are_no_more_than_the_limit_and_all_are_woken(void **state)
{
    (void)state;
    expect_exit("limit", 1, 2, KERNEL_THREADS);
}

static void times_near_and_far_are_over(void **state)
{
    (void)state;
    expect_exit("times", 1, 1, 0);
    expect_exit("times", 2, 3, 0);
}

// Thousands who wait for ever cost one who waits a moment next to nothing: counted in the moves of
// the heap, of which each wait and each end of it makes as many as their number has bits, or less.
static void many_who_wait_cost_nobody_time(void **state)
{
    (void)state;
    enum { FAR = 32, WAITERS = FAR * (KERNEL_THREADS + 1), WAITERS_BITS = 12, NEAR = 300 };
    static struct scene scene;
    scene_open(&scene, 1, 2, "far");
    scene.stage.check = false; // it looks at all of them at each turn
    for (u32 i = 1; i < FAR; i++) {
        scene_start(&scene, "far");
    }
    const struct timers *timers = &scene.stage.kernel->timers;
    for (u32 i = 0; i < TURNS_AT_MOST && timers->count < WAITERS; i++) {
        (void)stage_turn(&scene.stage);
    }
    assert_int_equal(timers->count, WAITERS);
    kernel_check(scene.stage.kernel);
    u64 before = timers->moves;
    scene_start(&scene, "near");
    scene_finish(&scene);
    assert_int_equal(scene.ending.kind, KERNEL_EXITED);
    assert_int_equal(scene.ending.code, 0);
    assert_in_range(timers->moves - before, NEAR, NEAR * 2 * (WAITERS_BITS + 1));
    stage_close_running(&scene.stage);
    assert_int_equal(scene.endings, FAR + 1);
}

// Of those whose time is over at once, so many are woken before a turn; the others are there for
// the next.
static void so_many_are_woken_at_once(void **state)
{
    (void)state;
    enum { FAR = 3, WAITERS = FAR * (KERNEL_THREADS + 1), AFTER_ALL_NS = 1100000000000000000 };
    static struct scene scene;
    scene_open(&scene, 1, 1, "far");
    for (u32 i = 1; i < FAR; i++) {
        scene_start(&scene, "far");
    }
    struct kernel *kernel = scene.stage.kernel;
    for (u32 i = 0; i < TURNS_AT_MOST && kernel->timers.count < WAITERS; i++) {
        (void)stage_turn(&scene.stage);
    }
    assert_false(park_expire(kernel));
    assert_int_equal(kernel->timers.count, WAITERS);
    sim_clock_advance(AFTER_ALL_NS);
    for (u32 left = WAITERS; left > 0;) {
        assert_true(park_expire(kernel));
        left -= left < KERNEL_SWEEP ? left : KERNEL_SWEEP;
        assert_int_equal(kernel->timers.count, left);
        kernel_check(kernel);
    }
    assert_false(park_expire(kernel));
    stage_settle(&scene.stage, TURNS_AT_MOST);
    assert_int_equal(scene.endings, FAR);
    stage_close(&scene.stage);
}

// A process with as many threads as there may be, and who watches it. Returns the watcher's bond to
// inspect, which is to be used at once: when nothing else is left to do, time passes.
static u32 watch_far(struct scene *scene, struct puppet **watcher)
{
    static const struct stage_interface inspect = {INSPECT_NAME, .real = &inspect_interface};
    const struct stage_interface *interfaces[] = {&inspect};
    scene_open(scene, 1, 1, "far");
    struct stage *stage = &scene->stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_program(stage, interfaces, COUNT_OF(interfaces), cid);
    *watcher = stage_start(stage, cid);
    i64 bond = puppet_bind(stage, *watcher, &inspect, false);
    assert_true(bond > 0);
    for (u32 i = 0; i < TURNS_AT_MOST && stage->kernel->timers.count <= KERNEL_THREADS; i++) {
        (void)stage_turn(stage);
    }
    return (u32)bond;
}

// A thread, which never asked for it, is given a bond: its process is the client.
static void inspect_tells_of_their_bonds(void **state)
{
    (void)state;
    static struct scene scene;
    struct puppet *watcher;
    u32 bond = watch_far(&scene, &watcher);
    struct kernel *kernel = scene.stage.kernel;
    static const u8 nobody[32];
    struct process *thread = NULL;
    for (struct list_node *node = list_first(&kernel->all_processes); node != NULL;
         node = list_next(&kernel->all_processes, node)) {
        struct process *process = LIST_ITEM(node, struct process, of_kernel);
        thread = process->leader != process ? process : thread;
    }
    assert_non_null(thread);
    kernel_lock(kernel);
    struct interface_entry *entry = entry_find_locked(kernel, kernel->inspect.name, nobody);
    assert_non_null(bond_add_locked(kernel, thread, entry, &kernel->inspect));
    kernel_unlock(kernel);
    u32 start = 0;
    i64 len =
        puppet_send(&scene.stage, watcher, bond, INSPECT_BONDS_ID, span_of(&start, 4), SEND_WAIT);
    assert_true(len > 0);
    struct inspect_bonds_part part;
    struct span body = puppet_peek(&scene.stage, watcher, puppet_answer_address(watcher), (u32)len);
    assert_int_equal(inspect_bonds_decode_result(body, &part), ERR_OK);
    struct inspect_bond found;
    u32 count = 0;
    while (inspect_list_bond_next(&part.bonds, &found)) {
        count += found.client == scene.id.value;
    }
    assert_int_equal(count, 1);
    stage_close(&scene.stage);
}

// A process is one entry of inspect's, with the number of its threads.
static void inspect_counts_them(void **state)
{
    (void)state;
    static struct scene scene;
    struct puppet *watcher;
    u32 bond = watch_far(&scene, &watcher);
    struct stage *stage = &scene.stage;
    u64 after = 0;
    i64 len =
        puppet_send(stage, watcher, bond, INSPECT_PROCESSES_ID, span_of(&after, 8), SEND_WAIT);
    assert_true(len > 0);
    struct span body = puppet_peek(stage, watcher, puppet_answer_address(watcher), (u32)len);
    struct inspect_list_process list;
    assert_int_equal(inspect_processes_decode_result(body, &list), ERR_OK);
    assert_int_equal(list.count, 2);
    struct inspect_process process;
    assert_true(inspect_list_process_next(&list, &process));
    assert_int_equal(process.id, scene.id.value);
    assert_int_equal(process.threads, KERNEL_THREADS + 1);
    assert_true(inspect_list_process_next(&list, &process));
    assert_int_equal(process.id, watcher->process);
    assert_int_equal(process.threads, 1);
    stage_close(stage);
}

static void bodies_that_change_harm_nobody(void **state)
{
    (void)state;
    expect_exit("mutate", 1, 2, 0);
}

static void exit_of_one_ends_all(void **state)
{
    (void)state;
    for (u32 seed = 1; seed <= 8; seed++) {
        expect_exit("exit", seed, 1 + seed % 4, 7);
    }
}

static void trap_of_one_ends_all(void **state)
{
    (void)state;
    static struct scene scene;
    for (u32 seed = 1; seed <= 8; seed++) {
        scene_open(&scene, seed, 1 + seed % 4, "trap");
        scene_finish(&scene);
        assert_int_equal(scene.ending.kind, KERNEL_TRAPPED);
        assert_non_null(strstr(scene.text, "unreachable"));
        assert_true(strncmp(scene.names, "trap ", 5) == 0); // the thread's, not the first's
        stage_close(&scene.stage);
        assert_int_equal(scene.endings, 1);
    }
}

static void trap_of_the_first_is_the_end_of_all(void **state)
{
    (void)state;
    static struct scene scene;
    for (u32 seed = 1; seed <= 8; seed++) {
        scene_open(&scene, seed, 1 + seed % 4, "first");
        scene_finish(&scene);
        assert_int_equal(scene.ending.kind, KERNEL_TRAPPED);
        assert_true(strncmp(scene.names, "trap ", 5) != 0); // no thread's
        stage_close(&scene.stage);
        assert_int_equal(scene.endings, 1);
    }
}

// on_end asserts that what is told fits together.
static void one_of_several_endings_is_told_whole(void **state)
{
    (void)state;
    static struct scene scene;
    u32 exits = 0;
    u32 traps = 0;
    for (u32 seed = 1; seed <= 40; seed++) {
        scene_open(&scene, seed, 1 + seed % 4, "both");
        scene_finish(&scene);
        bool is_exit = scene.ending.kind == KERNEL_EXITED && scene.ending.code == 7;
        assert_true(is_exit || scene.ending.kind == KERNEL_TRAPPED);
        exits += is_exit;
        traps += !is_exit;
        stage_close(&scene.stage);
        assert_int_equal(scene.endings, 1);
    }
    assert_true(exits > 0 && traps > 0); // so both orders were met
}

// Killed after any number of turns, all of it is gone soon.
static void kill_at(const char *what, u32 turns)
{
    static struct scene scene;
    scene_open(&scene, turns, 1 + turns % 3, what);
    for (u32 i = 0; i < turns && scene.endings == 0; i++) {
        (void)stage_turn(&scene.stage);
    }
    bool was_alive = scene.endings == 0;
    assert_int_equal(kernel_kill(scene.stage.kernel, scene.id), was_alive ? ERR_OK : ERR_NOT_FOUND);
    scene_finish(&scene);
    assert_int_equal(scene.ending.kind, was_alive ? KERNEL_KILLED : KERNEL_EXITED);
    stage_close(&scene.stage);
    assert_int_equal(scene.endings, 1);
}

static void they_are_killed_at_every_step(void **state)
{
    (void)state;
    for (u32 turns = 0; turns < 60; turns++) {
        kill_at("stay", turns);
        kill_at("count", turns);
    }
}

// The kernel goes while they run, wait and send.
static void the_kernel_goes_at_every_step(void **state)
{
    (void)state;
    static struct scene scene;
    for (u32 turns = 0; turns < 60; turns += 3) {
        scene_open(&scene, turns, 2, "stay");
        for (u32 i = 0; i < turns; i++) {
            (void)stage_turn(&scene.stage);
        }
        stage_close_running(&scene.stage);
        assert_int_equal(scene.endings, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_count_together),
        cmocka_unit_test(there_are_no_more_than_the_limit_and_all_are_woken),
        cmocka_unit_test(times_near_and_far_are_over),
        cmocka_unit_test(many_who_wait_cost_nobody_time),
        cmocka_unit_test(so_many_are_woken_at_once),
        cmocka_unit_test(inspect_counts_them),
        cmocka_unit_test(inspect_tells_of_their_bonds),
        cmocka_unit_test(bodies_that_change_harm_nobody),
        cmocka_unit_test(exit_of_one_ends_all),
        cmocka_unit_test(trap_of_one_ends_all),
        cmocka_unit_test(trap_of_the_first_is_the_end_of_all),
        cmocka_unit_test(one_of_several_endings_is_told_whole),
        cmocka_unit_test(they_are_killed_at_every_step),
        cmocka_unit_test(the_kernel_goes_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
