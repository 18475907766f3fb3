// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_budgets.c: what the user leaves a process, of docs/budgets.md, at each bound.
#include "core/kernel/internal.h"
#include "interfaces/budget.h"
#include "machines/sim/sim.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum {
    SPAWN_DENIED = -1000 - SYSTEM_SPAWN_ERROR_DENIED,
    SPAWN_LIMIT = -1000 - SYSTEM_SPAWN_ERROR_LIMIT,
    PAGE = WASM_PAGE_BYTES,
    MINUS_1 = -1,
};

static const struct stage_interface budget = {.name = BUDGET_NAME};
static const struct stage_interface marks[] = {
    {"test:budgets/a", {{"f", 0}}}, {"test:budgets/b", {{"f", 0}}}, {"test:budgets/c", {{"f", 0}}}};

// Programs that differ in one interface.
struct scene {
    struct stage stage;
    char cids[3][KERNEL_CID_TEXT_BYTES];
};

static u32 refusals;
static char refused_cid[KERNEL_CID_TEXT_BYTES];

static void note_refusal(void *context, const struct kernel_refusal *said)
{
    (void)context;
    refusals++;
    assert_int_equal(said->right, KERNEL_USE);
    assert_true(span_equal(said->name, SPAN_LITERAL(BUDGET_NAME)));
    snprintf(refused_cid, sizeof refused_cid, "%.*s", (int)said->cid.size, said->cid.data);
}

static void scene_open(struct scene *scene, u64 seed)
{
    static const u8 hash[32] = BUDGET_HASH;
    u8 same[32];
    stage_interface_hash(&budget, same);
    assert_memory_equal(hash, same, sizeof hash);
    struct kernel_config config = sim_kernel_config(1);
    config.refused = note_refusal;
    refusals = 0;
    stage_open_config(&scene->stage, seed, &config, NULL);
    for (u32 i = 0; i < COUNT_OF(marks); i++) {
        const struct stage_interface *interfaces[] = {&marks[i]};
        stage_program(&scene->stage, interfaces, 1, scene->cids[i]);
    }
}

// NULL: of all programs.
static void say(struct scene *scene, const char *cid, enum kernel_word word, const char *limit)
{
    grants_say(&scene->stage, KERNEL_USE, word, cid, &budget, limit);
}

static void leave_bytes(struct scene *scene, const char *cid, u64 bytes)
{
    char limit[64];
    snprintf(limit, sizeof limit, "memory:%llu", (unsigned long long)bytes);
    say(scene, cid, KERNEL_ALLOW, limit);
}

static struct process *record(struct scene *scene, u64 process)
{
    struct process *found = process_find_locked(scene->stage.kernel, process);
    assert_non_null(found);
    return found;
}

static u64 had(struct scene *scene, const struct puppet *puppet)
{
    return record(scene, puppet->process)->memory_bytes;
}

static i64 grow(struct scene *scene, struct puppet *puppet, u32 pages)
{
    struct puppet_order order = {.kind = PUPPET_GROW, .a = pages};
    return (i32)puppet_do(&scene->stage, puppet, &order);
}

static struct puppet *spawn(struct scene *scene, struct puppet *parent, const char *cid)
{
    i64 process = puppet_spawn(&scene->stage, parent, span_string(cid));
    assert_true(process > 0);
    stage_settle(&scene->stage, 1000);
    return stage_find(&scene->stage, (u64)process);
}

// ---- memory

static void limit_of_memory_to_the_page(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 1);
    struct puppet *puppet = stage_start(&scene.stage, scene.cids[0]);
    leave_bytes(&scene, scene.cids[0], had(&scene, puppet) + 3 * PAGE);
    assert_true(grow(&scene, puppet, 2) > 0);
    assert_int_equal(grow(&scene, puppet, 2), MINUS_1);
    assert_true(grow(&scene, puppet, 1) > 0);
    assert_int_equal(grow(&scene, puppet, 1), MINUS_1);
    // A byte short of a page is a page short.
    leave_bytes(&scene, scene.cids[0], had(&scene, puppet) + PAGE - 1);
    assert_int_equal(grow(&scene, puppet, 1), MINUS_1);
    leave_bytes(&scene, scene.cids[0], had(&scene, puppet) + PAGE);
    assert_true(grow(&scene, puppet, 1) > 0);
    // Less than it has takes nothing away, and leaves nothing.
    leave_bytes(&scene, scene.cids[0], 0);
    i64 pages = grow(&scene, puppet, 0);
    assert_true(pages > 0);
    assert_int_equal(grow(&scene, puppet, 1), MINUS_1);
    grants_forget(&scene.stage, KERNEL_USE, scene.cids[0], &budget);
    assert_int_equal(grow(&scene, puppet, 100), pages);
    stage_close(&scene.stage);
}

// It begins with what it begins with, and with a page less it does not.
static void limit_of_memory_to_begin_with(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 2);
    bool has_begun = false;
    u64 named = 0;
    for (u64 pages = 0; !has_begun; pages++) {
        leave_bytes(&scene, NULL, pages * PAGE);
        struct puppet *puppet = stage_start_any(&scene.stage, scene.cids[0]);
        stage_settle(&scene.stage, 1000);
        has_begun = !puppet->has_ended;
        if (has_begun) {
            assert_in_range(pages, 2, had(&scene, puppet) / PAGE + 1);
            assert_int_equal(grow(&scene, puppet, 2), MINUS_1);
        } else {
            assert_int_equal(puppet->ending.kind, KERNEL_NOT_LOADED);
            assert_int_equal(puppet->ending.load, KERNEL_LOAD_BUDGET);
            char said[64];
            (void)snprintf(said, sizeof said, "its budget of memory is %u KiB, and it begins with ",
                           (unsigned)(pages * PAGE / 1024));
            assert_memory_equal(puppet->ending_text, said, strlen(said));
            assert_true(puppet->ending.memory_bytes > pages * PAGE);
            named = puppet->ending.memory_bytes;
        }
    }
    leave_bytes(&scene, NULL, named); // the last number that it named was enough
    struct puppet *puppet = stage_start_any(&scene.stage, scene.cids[0]);
    stage_settle(&scene.stage, 1000);
    assert_false(puppet->has_ended);
    stage_close(&scene.stage);
}

// What a table has counts as well: elements that a program has, at address 0 of its memory.
static u32 elements(struct scene *scene, const struct puppet *puppet)
{
    const struct wasm_memory *memory = record(scene, puppet->process)->memory;
    return mem_load_u32(memory->base);
}

static void limit_of_a_tables_memory(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 3);
    scene.stage.check = false;
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_add(&scene.stage, stage_file("build/test/kernel/tables.wasm"), (struct span){0}, cid);
    struct puppet *all = stage_start_any(&scene.stage, cid);
    stage_settle(&scene.stage, 100000);
    assert_true(elements(&scene, all) > WASM_TABLE_ELEMENTS / 2);
    leave_bytes(&scene, cid, 16 << 20);
    struct puppet *some = stage_start_any(&scene.stage, cid);
    stage_settle(&scene.stage, 100000);
    // Between its growing and its moving it has both.
    assert_in_range(elements(&scene, some), (4 << 20) / 8, (16 << 20) / 8);
    assert_true(had(&scene, some) <= 16 << 20);
    kernel_check(scene.stage.kernel);
    stage_close_running(&scene.stage);
}

// What the user starts has a budget for all that it starts.
static void a_family_has_one_budget_together(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 4);
    struct puppet *parent = stage_start(&scene.stage, scene.cids[0]);
    struct puppet *child = spawn(&scene, parent, scene.cids[1]);
    struct puppet *grandchild = spawn(&scene, child, scene.cids[0]);
    u64 all = had(&scene, parent) + had(&scene, child) + had(&scene, grandchild);
    assert_int_equal(record(&scene, parent->process)->family_bytes, all);
    leave_bytes(&scene, scene.cids[0], all + 2 * PAGE);
    assert_int_equal(record(&scene, child->process)->budget.memory_bytes, all + 2 * PAGE);
    assert_true(grow(&scene, grandchild, 1) > 0);
    assert_true(grow(&scene, child, 1) > 0);
    assert_int_equal(grow(&scene, parent, 1), MINUS_1);
    assert_int_equal(grow(&scene, grandchild, 1), MINUS_1);
    stage_kill(&scene.stage, grandchild);
    stage_settle(&scene.stage, 1000);
    assert_true(grow(&scene, parent, 1) > 0);
    // Its parent's end changes nothing: what the family has, it has.
    stage_kill(&scene.stage, parent);
    stage_settle(&scene.stage, 1000);
    leave_bytes(&scene, scene.cids[1], had(&scene, child) + PAGE);
    assert_true(grow(&scene, child, 1) > 0);
    assert_int_equal(grow(&scene, child, 1), MINUS_1);
    stage_close(&scene.stage);
}

static void nobody_has_more_than_those_above(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 5);
    say(&scene, scene.cids[0], KERNEL_ALLOW, "memory:64MiB");
    say(&scene, scene.cids[1], KERNEL_ALLOW, "memory:1GiB");
    say(&scene, scene.cids[2], KERNEL_ALLOW, "memory:32MiB");
    struct puppet *parent = stage_start(&scene.stage, scene.cids[0]);
    struct puppet *child = spawn(&scene, parent, scene.cids[1]);
    struct puppet *grandchild = spawn(&scene, child, scene.cids[2]);
    struct puppet *last = spawn(&scene, grandchild, scene.cids[1]);
    static const u64 sizes[] = {64 << 20, 64 << 20, 32 << 20, 32 << 20};
    const struct puppet *all[] = {parent, child, grandchild, last};
    for (u32 i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(record(&scene, all[i]->process)->budget.memory_bytes, sizes[i]);
    }
    // Started by the user it has its own.
    struct puppet *other = stage_start(&scene.stage, scene.cids[1]);
    assert_int_equal(record(&scene, other->process)->budget.memory_bytes, 1 << 30);
    stage_close(&scene.stage);
}

// ---- children

static i64 have(struct scene *scene, struct puppet *parent, const char *cid)
{
    return puppet_spawn(&scene->stage, parent, span_string(cid));
}

static void limit_of_children(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 9);
    say(&scene, scene.cids[0], KERNEL_ALLOW, "children:3");
    struct puppet *parent = stage_start(&scene.stage, scene.cids[0]);
    struct puppet *first = spawn(&scene, parent, scene.cids[1]);
    struct puppet *second = spawn(&scene, parent, scene.cids[1]);
    struct puppet *third = spawn(&scene, first, scene.cids[1]); // of them all, whoever has them
    assert_int_equal(have(&scene, parent, scene.cids[1]), SPAWN_LIMIT);
    assert_int_equal(have(&scene, third, scene.cids[1]), SPAWN_LIMIT);
    say(&scene, scene.cids[0], KERNEL_ALLOW, "children:4");
    assert_true(have(&scene, third, scene.cids[1]) > 0);
    assert_int_equal(have(&scene, second, scene.cids[1]), SPAWN_LIMIT);
    // One that has ended and was awaited makes room for another.
    stage_kill(&scene.stage, second);
    assert_int_equal(have(&scene, parent, scene.cids[1]), SPAWN_LIMIT);
    (void)puppet_await_end(&scene.stage, parent, second->process);
    stage_settle(&scene.stage, 1000);
    assert_true(have(&scene, parent, scene.cids[1]) > 0);
    // A child's own budget is of its own children.
    say(&scene, scene.cids[0], KERNEL_ALLOW, "");
    say(&scene, scene.cids[1], KERNEL_ALLOW, "children:1");
    assert_int_equal(have(&scene, first, scene.cids[1]), SPAWN_LIMIT);
    assert_true(have(&scene, parent, scene.cids[1]) > 0);
    say(&scene, scene.cids[0], KERNEL_ALLOW, "children:0");
    assert_int_equal(have(&scene, parent, scene.cids[1]), SPAWN_LIMIT);
    stage_close(&scene.stage);
}

static void note_end(void *context, struct kernel_process_id process, struct kernel_ending ending)
{
    (void)process;
    *(struct kernel_ending *)context = ending;
}

static void threads_are_no_children(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 12);
    char cid[KERNEL_CID_TEXT_BYTES];
    stage_add(&scene.stage, stage_file("build/test/kernel/threads.wasm"), (struct span){0}, cid);
    say(&scene, cid, KERNEL_ALLOW, "children:0,messages:1,memory:64MiB");
    struct span arguments[] = {SPAN_LITERAL("threads"), SPAN_LITERAL("limit")};
    struct kernel_ending ending = {.kind = KERNEL_KILLED};
    struct kernel_start start = {.cid = span_string(cid),
                                 .arguments = arguments,
                                 .argument_count = COUNT_OF(arguments),
                                 .on_end = note_end,
                                 .context = &ending};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(scene.stage.kernel, &start, &id, NULL), ERR_OK);
    stage_settle(&scene.stage, 100000);
    assert_int_equal(ending.kind, KERNEL_EXITED);
    assert_int_equal(ending.code, KERNEL_THREADS);
    stage_close(&scene.stage);
}

// ---- messages

static const struct stage_interface alpha = {"test:budgets/alpha", {{"call", 0}}};

// A client of somebody who takes nothing.
static u32 mute_open(struct scene *scene, struct puppet **client, char cid[KERNEL_CID_TEXT_BYTES])
{
    const struct stage_interface *interfaces[] = {&alpha};
    const struct stage_interface *others[] = {&alpha, &marks[0]};
    char mute_cid[KERNEL_CID_TEXT_BYTES];
    stage_program(&scene->stage, interfaces, 1, cid);
    stage_program(&scene->stage, others, 2, mute_cid);
    struct puppet *mute = stage_start(&scene->stage, mute_cid);
    assert_true(puppet_register(&scene->stage, mute, &alpha) > 0);
    *client = stage_start(&scene->stage, cid);
    i64 bond = puppet_bind(&scene->stage, *client, &alpha, false);
    assert_true(bond > 0);
    return (u32)bond;
}

static i64 send(struct scene *scene, struct puppet *client, u32 bond, u32 size)
{
    struct puppet_order order = {.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = stage_function_id(&alpha, 0),
                                 .c = client->area,
                                 .d = size};
    return puppet_do(&scene->stage, client, &order);
}

// Sends until it is refused; then takes one back, as it can say so by a message alone.
static u32 fill(struct scene *scene, struct puppet *client, u32 bond)
{
    u32 sent;
    i64 error =
        puppet_fill(&scene->stage, client, bond, stage_function_id(&alpha, 0), 8, 0, 0, &sent);
    assert_int_equal(error, E_LIMIT);
    return sent;
}

static void limit_of_messages(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 10);
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *client;
    u32 bond = mute_open(&scene, &client, cid);
    const struct process *process = record(&scene, client->process);
    say(&scene, cid, KERNEL_ALLOW, "messages:4");
    assert_int_equal(fill(&scene, client, bond), 3);
    assert_int_equal(process->message_count, 4); // with the one that asks what to do next
    assert_int_equal(fill(&scene, client, bond), 0);
    say(&scene, cid, KERNEL_ALLOW, "messages:10");
    assert_int_equal(fill(&scene, client, bond), 6);
    // Left less than it has, it can still ask the kernel, and so take one back; but nobody else.
    say(&scene, cid, KERNEL_ALLOW, "messages:1");
    assert_int_equal(process->budget.messages, 1);
    assert_int_equal(process->call_most, 10);
    say(&scene, cid, KERNEL_ALLOW, "messages:11");
    assert_int_equal(process->call_most, 11);
    assert_int_equal(fill(&scene, client, bond), 1);
    say(&scene, cid, KERNEL_ALLOW, "messages:10");
    assert_int_equal(send(&scene, client, bond, 8), ENDED); // refused, and so is what it says next
    stage_close(&scene.stage);
}

static void limit_of_queued_bytes(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 11);
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *client;
    u32 bond = mute_open(&scene, &client, cid);
    // What asks for the next command has to fit as well.
    u32 next = (u32)record(&scene, client->process)->message_bytes;
    char limit[32];
    snprintf(limit, sizeof limit, "queued:%u", next + 4096);
    say(&scene, cid, KERNEL_ALLOW, limit);
    assert_true(send(&scene, client, bond, 4000) > 0);
    assert_int_equal(send(&scene, client, bond, next + 97), E_LIMIT);
    assert_true(send(&scene, client, bond, 96) > 0);
    assert_int_equal(send(&scene, client, bond, next + 1), E_LIMIT);
    assert_true(send(&scene, client, bond, 0) > 0);
    say(&scene, cid, KERNEL_ALLOW, "queued:0");
    assert_int_equal(send(&scene, client, bond, 1), ENDED); // refused, and so is what it says next
    stage_close(&scene.stage);
}

// ---- addressing

static void addressing_is_what_the_rows_say(void **state)
{
    enum { AUTO = KERNEL_MEMORY_AUTO, FAST = KERNEL_MEMORY_FAST, SMALL = KERNEL_MEMORY_SMALL };
    static const char *const limits[] = {
        [AUTO] = "addressing:auto", [FAST] = "addressing:fast", [SMALL] = "addressing:small"};
    (void)state;
    struct scene scene;
    scene_open(&scene, 6);
    for (u32 above = AUTO; above <= SMALL; above++) {
        for (u32 own = AUTO; own <= SMALL; own++) {
            say(&scene, scene.cids[0], KERNEL_ALLOW, limits[above]);
            say(&scene, scene.cids[1], KERNEL_ALLOW, limits[own]);
            struct puppet *parent = stage_start(&scene.stage, scene.cids[0]);
            assert_int_equal(record(&scene, parent->process)->budget.addressing, above);
            struct puppet *child = spawn(&scene, parent, scene.cids[1]);
            u32 gets = above == SMALL ? SMALL : own;
            assert_int_equal(record(&scene, child->process)->budget.addressing, gets);
            struct span cid = span_string(scene.cids[1]);
            i64 id = puppet_spawn_within(&scene.stage, parent, cid, SYSTEM_MEMORY_KIND_FAST);
            if (above == SMALL) {
                assert_int_equal(id, SPAWN_DENIED);
            } else {
                gets = own == SMALL ? SMALL : FAST;
                assert_int_equal(record(&scene, (u64)id)->budget.addressing, gets);
            }
            id = puppet_spawn_within(&scene.stage, parent, cid, SYSTEM_MEMORY_KIND_SMALL);
            assert_int_equal(record(&scene, (u64)id)->budget.addressing, SMALL);
        }
    }
    stage_close(&scene.stage);
}

// ---- time

enum { SLICE = 500000, ROUNDS = 40 }; // units of fuel

static struct kernel_process_id start_vandal(struct scene *scene, const char *cid, const char *what)
{
    struct span arguments[] = {SPAN_LITERAL("vandal"), span_string(what)};
    struct kernel_start start = {
        .cid = span_string(cid), .arguments = arguments, .argument_count = COUNT_OF(arguments)};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(scene->stage.kernel, &start, &id, NULL), ERR_OK);
    return id;
}

// Whole slices, one after the other.
static void run(struct scene *scene, u32 turns)
{
    for (u32 i = 0; i < turns; i++) {
        assert_true(kernel_worker_step(scene->stage.kernel, 0, SLICE));
        kernel_check(scene->stage.kernel);
    }
}

static u64 fuel_of(struct scene *scene, struct kernel_process_id id)
{
    return record(scene, id.value)->fuel_used;
}

static void add_vandals(struct scene *scene, char cids[4][KERNEL_CID_TEXT_BYTES])
{
    static const char *const files[] = {
        "build/test/kernel/vandal.wasm", "build/test/kernel/idle.wasm",
        "build/test/kernel/ponger.wasm", "build/test/kernel/pinger.wasm"};
    for (u32 i = 0; i < COUNT_OF(files); i++) {
        stage_add(&scene->stage, stage_file(files[i]), (struct span){0}, cids[i]);
    }
}

// Of two that never wait, one has a part of a slice whenever the other has a whole one. It counts
// from the next turn on.
static void a_share_is_part_of_a_slice(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 13);
    struct puppet *whole = stage_start(&scene.stage, scene.cids[0]);
    struct puppet *part = stage_start(&scene.stage, scene.cids[1]);
    const struct puppet_order spin = {.kind = PUPPET_SPIN};
    puppet_tell(&scene.stage, whole, &spin);
    puppet_tell(&scene.stage, part, &spin);
    run(&scene, 4);
    static const u32 shares[] = {25, 100, 1, 50};
    for (u32 i = 0; i < COUNT_OF(shares); i++) {
        char limit[16];
        snprintf(limit, sizeof limit, "cpu:%u", shares[i]);
        say(&scene, scene.cids[1], KERNEL_ALLOW, limit);
        u64 before[] = {record(&scene, whole->process)->fuel_used,
                        record(&scene, part->process)->fuel_used};
        run(&scene, 2 * ROUNDS);
        u64 used[] = {record(&scene, whole->process)->fuel_used - before[0],
                      record(&scene, part->process)->fuel_used - before[1]};
        assert_in_range(used[0], (u64)SLICE * ROUNDS, (u64)SLICE * ROUNDS + ROUNDS * 100);
        u64 due = (u64)SLICE * ROUNDS * shares[i] / 100;
        assert_in_range(used[1], due, due + ROUNDS * 100);
    }
    stage_close_running(&scene.stage);
}

// All that a program starts has one share together; and one of them less than its part, if that is
// what is left to it.
static void a_family_has_one_share(void **state)
{
    (void)state;
    enum { CHILDREN = 4 };
    struct scene scene;
    scene_open(&scene, 14);
    const struct puppet_order spin = {.kind = PUPPET_SPIN};
    struct puppet *other = stage_start(&scene.stage, scene.cids[0]);
    struct puppet *parent = stage_start(&scene.stage, scene.cids[1]);
    struct puppet *family[CHILDREN];
    for (u32 i = 0; i < CHILDREN; i++) {
        family[i] = spawn(&scene, parent, scene.cids[i == 0 ? 2 : 1]);
    }
    say(&scene, scene.cids[1], KERNEL_ALLOW, "cpu:50");
    say(&scene, scene.cids[2], KERNEL_ALLOW, "cpu:5");
    puppet_tell(&scene.stage, other, &spin);
    for (u32 i = 0; i < CHILDREN; i++) {
        puppet_tell(&scene.stage, family[i], &spin);
    }
    run(&scene, 20); // all of them are ready from here on
    u64 before[CHILDREN + 1] = {record(&scene, other->process)->fuel_used};
    for (u32 i = 0; i < CHILDREN; i++) {
        before[i + 1] = record(&scene, family[i]->process)->fuel_used;
    }
    run(&scene, (CHILDREN + 1) * ROUNDS);
    u64 whole = (u64)SLICE * ROUNDS;
    u64 used = record(&scene, other->process)->fuel_used - before[0];
    assert_in_range(used, whole, whole + ROUNDS * 100);
    for (u32 i = 0; i < CHILDREN; i++) {
        used = record(&scene, family[i]->process)->fuel_used - before[i + 1];
        u64 due = i == 0 ? whole / 20 : whole / 2 / CHILDREN;
        assert_in_range(used, due, due + ROUNDS * 100);
    }
    stage_close_running(&scene.stage);
}

// Messages that a pair passes while so much fuel is used in all.
static u64 progress(struct scene *scene, struct kernel_process_id client)
{
    u64 until = scene->stage.kernel->run_fuel + (u64)ROUNDS * SLICE;
    u64 before = record(scene, client.value)->sent_total;
    while (scene->stage.kernel->run_fuel < until) {
        assert_true(kernel_worker_step(scene->stage.kernel, 0, SLICE));
    }
    kernel_check(scene->stage.kernel);
    return record(scene, client.value)->sent_total - before;
}

static struct kernel_process_id start_pair(struct scene *scene, const char *ponger,
                                           const char *pinger)
{
    struct kernel_process_id ids[2];
    const char *cids[] = {ponger, pinger};
    for (u32 i = 0; i < 2; i++) {
        struct span arguments[] = {SPAN_LITERAL("pair"), SPAN_LITERAL("1000000000"),
                                   SPAN_LITERAL("64")};
        struct kernel_start start = {.cid = span_string(cids[i]),
                                     .arguments = arguments,
                                     .argument_count = COUNT_OF(arguments)};
        assert_int_equal(kernel_start(scene->stage.kernel, &start, &ids[i], NULL), ERR_OK);
    }
    return ids[1];
}

// A fork bomb, a flood of messages to the pair's own handler, a hoarder and a spinner, each left
// what programs of no account are: the pair goes on at half its pace or more.
static void a_pair_goes_on_beside_vandals(void **state)
{
    (void)state;
    static const char *const whats[] = {"fork", "flood", "hoard", "spin"};
    char cids[4][KERNEL_CID_TEXT_BYTES];
    struct scene scene;
    scene_open(&scene, 15);
    add_vandals(&scene, cids);
    struct kernel_process_id client = start_pair(&scene, cids[2], cids[3]);
    (void)progress(&scene, client);
    u64 quiet = progress(&scene, client);
    assert_true(quiet > 1000);
    say(&scene, cids[0], KERNEL_ALLOW,
        "cpu:20,memory:8MiB,children:20,messages:8,queued:16KiB,addressing:small");
    struct kernel_process_id vandals[COUNT_OF(whats)];
    for (u32 i = 0; i < COUNT_OF(whats); i++) {
        vandals[i] = start_vandal(&scene, cids[0], whats[i]);
    }
    (void)progress(&scene, client); // until they have all that they get
    u64 loud = progress(&scene, client);
    assert_true(2 * loud >= quiet);
    // They do get what is left to them, and no more.
    assert_int_equal(record(&scene, vandals[0].value)->family_count, 20);
    assert_int_equal(record(&scene, vandals[1].value)->message_count, 8);
    assert_in_range(record(&scene, vandals[2].value)->memory_bytes, (8 << 20) - PAGE, 8 << 20);
    for (u32 i = 0; i < COUNT_OF(vandals); i++) {
        assert_true(fuel_of(&scene, vandals[i]) > SLICE / 10);
    }
    // Without budgets it is one of many.
    say(&scene, cids[0], KERNEL_ALLOW, "");
    (void)progress(&scene, client);
    assert_true(4 * progress(&scene, client) < quiet);
    stage_close_running(&scene.stage);
}

// ---- none

static void expect_denied(struct scene *scene, const char *cid, const char *whose)
{
    u32 before = refusals;
    struct puppet *puppet = stage_start_any(&scene->stage, cid);
    stage_settle(&scene->stage, 1000);
    assert_true(puppet->has_ended);
    assert_int_equal(puppet->ending.kind, KERNEL_NOT_LOADED);
    assert_int_equal(puppet->ending.load, KERNEL_LOAD_DENIED);
    assert_string_equal(puppet->ending_text, "the user has taken back its budget");
    assert_int_equal(refusals, before + 1);
    assert_string_equal(refused_cid, whose);
}

static void without_a_budget_nothing_runs(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 7);
    struct puppet *parent = stage_start(&scene.stage, scene.cids[1]);
    struct puppet *running = stage_start(&scene.stage, scene.cids[0]);
    say(&scene, scene.cids[0], KERNEL_DENY, "");
    stage_settle(&scene.stage, 1000);
    assert_true(running->has_ended && !parent->has_ended);
    assert_int_equal(running->ending.kind, KERNEL_KILLED);
    expect_denied(&scene, scene.cids[0], scene.cids[0]);
    assert_int_equal(puppet_spawn(&scene.stage, parent, span_string(scene.cids[0])), SPAWN_DENIED);
    say(&scene, scene.cids[0], KERNEL_ASK, ""); // of this nobody is asked
    expect_denied(&scene, scene.cids[0], scene.cids[0]);
    say(&scene, scene.cids[0], KERNEL_ALLOW, "everything"); // what cannot be read says nothing
    expect_denied(&scene, scene.cids[0], scene.cids[0]);
    // Who is below one that has none has none.
    struct puppet *child = spawn(&scene, parent, scene.cids[2]);
    say(&scene, scene.cids[1], KERNEL_DENY, "");
    stage_settle(&scene.stage, 1000);
    assert_true(parent->has_ended && child->has_ended);
    stage_close(&scene.stage);
}

static void a_word_for_all_programs_comes_last(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 8);
    say(&scene, scene.cids[0], KERNEL_ALLOW, "");
    say(&scene, NULL, KERNEL_DENY, "");
    struct puppet *parent = stage_start(&scene.stage, scene.cids[0]);
    expect_denied(&scene, scene.cids[1], scene.cids[1]);
    assert_int_equal(puppet_spawn(&scene.stage, parent, span_string(scene.cids[1])), SPAWN_DENIED);
    assert_string_equal(refused_cid, scene.cids[1]);
    leave_bytes(&scene, NULL, 32 << 20);
    struct puppet *child = spawn(&scene, parent, scene.cids[1]);
    assert_int_equal(record(&scene, child->process)->budget.memory_bytes, 32 << 20);
    assert_int_equal(record(&scene, parent->process)->budget.memory_bytes, KERNEL_BUDGET_BYTES);
    // No interface is meant by it, and none means it.
    say(&scene, NULL, KERNEL_ALLOW, "");
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, scene.cids[1], &grants_puppet, "");
    grants_say(&scene.stage, KERNEL_USE, KERNEL_DENY, scene.cids[1], NULL, "");
    (void)spawn(&scene, parent, scene.cids[1]);
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_of_memory_to_the_page),
        cmocka_unit_test(limit_of_memory_to_begin_with),
        cmocka_unit_test(limit_of_a_tables_memory),
        cmocka_unit_test(a_family_has_one_budget_together),
        cmocka_unit_test(nobody_has_more_than_those_above),
        cmocka_unit_test(limit_of_children),
        cmocka_unit_test(threads_are_no_children),
        cmocka_unit_test(limit_of_messages),
        cmocka_unit_test(limit_of_queued_bytes),
        cmocka_unit_test(addressing_is_what_the_rows_say),
        cmocka_unit_test(a_share_is_part_of_a_slice),
        cmocka_unit_test(a_family_has_one_share),
        cmocka_unit_test(a_pair_goes_on_beside_vandals),
        cmocka_unit_test(without_a_budget_nothing_runs),
        cmocka_unit_test(a_word_for_all_programs_comes_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
