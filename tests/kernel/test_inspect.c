// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_inspect.c: what inspect says of bonds, budgets and refusals, with its bounds;
// and how it passes processes over. What it says of them and of interfaces is in test_life.c and
// test_limits.c.
#include "core/kernel/inspect.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "interfaces/budget.h"
#include "interfaces/inspect.h"
#include "interfaces/system.h"
#include "machines/sim/sim.h"
#include "tests/kernel/grants.h"
#include "tests/kernel/pauses.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct stage_interface alpha = {"t:inspect/a", {{"one", 0}}};
static const struct stage_interface budget = {.name = BUDGET_NAME};
static const struct stage_interface inspect = {INSPECT_NAME, .real = &inspect_interface};

enum {
    BIND_DENIED = -1000 - SYSTEM_BIND_ERROR_DENIED,
    REGISTER_DENIED = -1000 - SYSTEM_REGISTER_ERROR_DENIED,
};

struct scene {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *watcher;
    u32 watching;
    struct puppet *handler;
    struct puppet *client;
    u32 bond;
};

// Everything is allowed, but for what a test takes back.
static void scene_open(struct scene *scene, u64 seed)
{
    struct stage *stage = &scene->stage;
    grants_stage_open(stage, seed, KERNEL_ALLOW);
    const struct stage_interface *interfaces[] = {&alpha, &inspect};
    stage_program(stage, interfaces, COUNT_OF(interfaces), scene->cid);
    scene->watcher = stage_start(stage, scene->cid);
    scene->watching = (u32)puppet_bind(stage, scene->watcher, &inspect, false);
    scene->handler = stage_start(stage, scene->cid);
    scene->client = stage_start(stage, scene->cid);
    assert_true(puppet_register(stage, scene->handler, &alpha) > 0);
    scene->bond = (u32)puppet_bind(stage, scene->client, &alpha, false);
}

// What inspect answers; valid until the watcher's next command.
static struct span ask(struct scene *scene, u64 function, struct span body)
{
    i64 len =
        puppet_send(&scene->stage, scene->watcher, scene->watching, function, body, SEND_WAIT);
    assert_true(len > 0);
    return puppet_peek(&scene->stage, scene->watcher, puppet_answer_address(scene->watcher),
                       (u32)len);
}

static struct inspect_bonds_part ask_bonds(struct scene *scene, u32 start)
{
    struct inspect_bonds_part part;
    struct span body = ask(scene, INSPECT_BONDS_ID, span_of(&start, sizeof start));
    assert_int_equal(inspect_bonds_decode_result(body, &part), ERR_OK);
    return part;
}

static struct inspect_refusals_part ask_refusals(struct scene *scene)
{
    struct inspect_refusals_part part;
    struct span body = ask(scene, INSPECT_REFUSALS_ID, (struct span){0});
    assert_int_equal(inspect_refusals_decode_result(body, &part), ERR_OK);
    return part;
}

// ---- bonds

// The client's only bond to alpha.
static struct inspect_bond find_bond(struct scene *scene)
{
    struct inspect_bonds_part part = ask_bonds(scene, 0);
    struct inspect_bond bond, found = {0};
    u32 count = 0;
    while (inspect_list_bond_next(&part.bonds, &bond)) {
        if (bond.client == scene->client->process &&
            span_equal(bond.name, span_string(alpha.name))) {
            found = bond;
            count++;
        }
    }
    assert_int_equal(part.next, 0);
    assert_int_equal(count, 1);
    return found;
}

static void expect_bond(struct scene *scene, u64 messages, u64 bytes, u64 answer_bytes)
{
    struct inspect_bond bond = find_bond(scene);
    assert_true(bond.handler.some);
    assert_int_equal(bond.handler.value, scene->handler->process);
    assert_int_equal(bond.messages, messages);
    assert_int_equal(bond.bytes, bytes);
    assert_int_equal(bond.answer_bytes, answer_bytes);
}

static i64 send(struct scene *scene, size_t size, u32 flags)
{
    static const u8 body[2 * KERNEL_BODY_INLINE];
    return puppet_send(&scene->stage, scene->client, scene->bond, stage_function_id(&alpha, 0),
                       span_of(body, size), flags);
}

// Of what waits for its answer: gives it one.
static void answer(struct scene *scene, size_t size, u32 flags)
{
    static const u8 body[2 * KERNEL_BODY_INLINE];
    static struct notification note;
    assert_true(puppet_next(&scene->stage, scene->handler, &note));
    assert_int_equal(
        puppet_answer(&scene->stage, scene->handler, note.header.id, span_of(body, size), flags),
        0);
}

static void bonds_count_messages_and_bytes(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 1);
    expect_bond(&scene, 0, 0, 0);
    assert_int_equal(send(&scene, 10, SEND_NO_ANSWER), 0);
    expect_bond(&scene, 1, 10, 0);
    static struct notification note;
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    assert_true(send(&scene, 3, 0) > 0); // queued; its answer, too
    answer(&scene, KERNEL_BODY_INLINE + 5, 0);
    expect_bond(&scene, 2, 13, KERNEL_BODY_INLINE + 5);
    assert_true(puppet_next(&scene.stage, scene.client, &note));
    assert_int_equal(send(&scene, 2 * KERNEL_BODY_INLINE, SEND_WAIT), BLOCKED); // straight back
    answer(&scene, 7, 0);
    assert_int_equal(puppet_resume(&scene.stage, scene.client), 7);
    expect_bond(&scene, 3, 13 + 2 * KERNEL_BODY_INLINE, KERNEL_BODY_INLINE + 12);
    // An error has no body to count, and what is not sent counts as nothing.
    assert_int_equal(send(&scene, 0, SEND_WAIT), BLOCKED);
    assert_true(puppet_next(&scene.stage, scene.handler, &note));
    u32 code = -E_GONE;
    assert_int_equal(
        puppet_answer(&scene.stage, scene.handler, note.header.id, span_of(&code, 4), ANSWER_ERROR),
        0);
    assert_true(puppet_resume(&scene.stage, scene.client) > 0);
    assert_int_equal(puppet_send(&scene.stage, scene.client, scene.bond, 1, (struct span){0}, 0),
                     E_FUNCTION);
    expect_bond(&scene, 4, 13 + 2 * KERNEL_BODY_INLINE, KERNEL_BODY_INLINE + 12);
    stage_close(&scene.stage);
}

// The fast path, under the worker's own lock and under the kernel's.
static void bonds_count_local_calls(void **state)
{
    (void)state;
    static struct scene scene;
    enum { TIMES = 3 * KERNEL_LOCAL_AFTER, LEN = 32 };
    scene_open(&scene, 2);
    scene.stage.fuel_most = 1000000;
    struct puppet_order echo = {.kind = PUPPET_ECHO};
    puppet_tell(&scene.stage, scene.handler, &echo);
    struct puppet_order call = {.kind = PUPPET_CALL,
                                .a = scene.bond,
                                .b = stage_function_id(&alpha, 0),
                                .c = LEN,
                                .d = TIMES};
    assert_true(puppet_do(&scene.stage, scene.client, &call) >= 0);
    expect_bond(&scene, TIMES, TIMES * LEN, TIMES * LEN);
    stage_kill(&scene.stage, scene.handler);
    stage_settle(&scene.stage, 1000);
    stage_close(&scene.stage);
}

static void bonds_say_who_handles_them_now(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 3);
    struct inspect_bonds_part part = ask_bonds(&scene, 0);
    struct inspect_bond bond;
    u32 kernels = 0, machines = 0;
    while (inspect_list_bond_next(&part.bonds, &bond)) {
        bool is_kernels = span_equal(bond.name, span_string(inspect.name));
        bool is_machines = span_equal(bond.name, span_string(grants_puppet.name));
        kernels += is_kernels;
        machines += is_machines;
        assert_true(!(is_kernels || is_machines) || (bond.handler.some && bond.handler.value == 0));
    }
    assert_int_equal(kernels, 1);
    assert_int_equal(machines, 3);
    stage_kill(&scene.stage, scene.handler);
    stage_settle(&scene.stage, 1000);
    assert_false(find_bond(&scene).handler.some);
    struct puppet *other = stage_start(&scene.stage, scene.cid);
    assert_true(puppet_register(&scene.stage, other, &alpha) > 0);
    assert_int_equal(find_bond(&scene).handler.value, other->process);
    stage_close(&scene.stage);
}

// Places are looked at in parts, each bond is in one of them, and beyond the last there is nothing.
static void limit_of_bonds_that_one_answer_looks_at(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 4);
    struct kernel *kernel = scene.stage.kernel;
    struct puppet *holders[] = {scene.client, scene.handler};
    u32 holder = 0;
    while (kernel->bonds.used < KERNEL_INSPECT_BONDS) {
        if (puppet_bind(&scene.stage, holders[holder], &alpha, false) < 0) {
            assert_int_equal(holder++, 0); // it has KERNEL_BONDS
        }
    }
    struct inspect_bonds_part part = ask_bonds(&scene, 0);
    assert_int_equal(part.bonds.count, KERNEL_INSPECT_BONDS);
    assert_int_equal(part.next, 0);
    assert_true(puppet_bind(&scene.stage, scene.handler, &alpha, false) > 0);
    part = ask_bonds(&scene, 0);
    assert_int_equal(part.bonds.count, KERNEL_INSPECT_BONDS);
    assert_int_equal(part.next, KERNEL_INSPECT_BONDS);
    part = ask_bonds(&scene, part.next);
    assert_int_equal(part.bonds.count, 1);
    assert_int_equal(part.next, 0);
    const u32 beyond[] = {KERNEL_INSPECT_BONDS + POOL_CHUNK_ITEMS, KERNEL_BONDS_ALL, UINT32_MAX};
    for (u32 i = 0; i < COUNT_OF(beyond); i++) {
        part = ask_bonds(&scene, beyond[i]);
        assert_int_equal(part.bonds.count, 0);
        assert_int_equal(part.next, 0);
    }
    // Who is gone is in no list, and the places stay.
    stage_kill(&scene.stage, scene.client);
    stage_settle(&scene.stage, 20000);
    part = ask_bonds(&scene, 0);
    assert_true(part.bonds.count < KERNEL_INSPECT_BONDS);
    assert_int_equal(part.next, KERNEL_INSPECT_BONDS);
    stage_close(&scene.stage);
}

// ---- budgets

static struct inspect_budget find_budget(struct scene *scene, u64 process)
{
    struct inspect_list_budget list;
    struct inspect_budget found;
    u64 after = process - 1;
    struct span body = ask(scene, INSPECT_BUDGETS_ID, span_of(&after, sizeof after));
    assert_int_equal(inspect_budgets_decode_result(body, &list), ERR_OK);
    assert_true(inspect_list_budget_next(&list, &found));
    assert_int_equal(found.process, process);
    return found;
}

static void expect_amount(struct inspect_amount amount, u64 used, u64 most)
{
    assert_int_equal(amount.used, used);
    assert_true(amount.most.some);
    assert_int_equal(amount.most.value, most);
}

static void budgets_of_who_has_none_are_what_there_is(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 5);
    assert_int_equal(send(&scene, 9, SEND_WAIT), BLOCKED);
    struct inspect_budget found = find_budget(&scene, scene.client->process);
    assert_int_equal(found.family, scene.client->process);
    assert_true(found.memory.used >= 65536 && found.memory.used == found.family_memory.used);
    assert_false(found.memory.most.some || found.family_memory.most.some);
    assert_false(found.cpu.some || found.family_cpu.some);
    expect_amount(found.children, 0, KERNEL_CHILDREN);
    expect_amount(found.family_children, 0, KERNEL_FAMILY);
    expect_amount(found.messages, 1, KERNEL_MESSAGES);
    expect_amount(found.queued, 9, KERNEL_MESSAGE_BYTES);
    stage_close(&scene.stage);
}

static void budgets_are_what_the_user_leaves(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 6);
    grants_say(&scene.stage, KERNEL_USE, KERNEL_ALLOW, scene.cid, &budget,
               "memory:4MiB,children:5,messages:6,queued:7KiB,cpu:8");
    i64 process = puppet_spawn(&scene.stage, scene.client, span_string(scene.cid));
    assert_true(process > 0);
    stage_settle(&scene.stage, 1000);
    struct inspect_budget child = find_budget(&scene, (u64)process);
    struct inspect_budget parent = find_budget(&scene, scene.client->process);
    assert_int_equal(child.family, scene.client->process);
    assert_int_equal(parent.family, scene.client->process);
    expect_amount(child.memory, child.memory.used, 4 << 20);
    expect_amount(child.family_memory, child.memory.used + parent.memory.used, 4 << 20);
    expect_amount(child.children, 0, 5);
    expect_amount(parent.children, 1, 5);
    expect_amount(child.family_children, 1, 5);
    expect_amount(child.messages, 1, 6); // its `next`
    assert_int_equal(child.queued.most.value, 7 << 10);
    assert_true(child.cpu.some && child.family_cpu.some);
    assert_int_equal(child.cpu.value, 8);
    assert_int_equal(child.family_cpu.value, 8);
    // The list goes on like that of processes.
    u64 after = 0;
    struct inspect_list_budget list;
    struct span body = ask(&scene, INSPECT_BUDGETS_ID, span_of(&after, sizeof after));
    assert_int_equal(inspect_budgets_decode_result(body, &list), ERR_OK);
    assert_int_equal(list.count, 4);
    after = (u64)process;
    body = ask(&scene, INSPECT_BUDGETS_ID, span_of(&after, sizeof after));
    assert_int_equal(inspect_budgets_decode_result(body, &list), ERR_OK);
    assert_int_equal(list.count, 0);
    stage_close(&scene.stage);
}

// ---- processes that are passed over

enum { RECORDS = 5 * KERNEL_SWEEP }; // of the client's children, who have ended unasked

// The last of all processes stands behind them.
static struct puppet *crowded_open(struct scene *scene, u64 seed)
{
    struct stage *stage = &scene->stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    scene_open(scene, seed);
    stage->check = false;
    stage_add(stage, stage_file("build/test/kernel/exit.wasm"), (struct span){0}, cid);
    for (u32 i = 0; i < RECORDS; i++) {
        assert_true(puppet_spawn(stage, scene->client, span_string(cid)) > 0);
    }
    stage_settle(stage, 10 * RECORDS);
    return stage_start(stage, scene->cid);
}

// The first that the machine is told of behind `after`, and how many.
static u64 machine_asks(struct stage *stage, u64 after, u32 *count)
{
    u8 told[4096];
    size_t size;
    struct inspect_list_process list;
    struct inspect_process process;
    enum err err = kernel_inspect(stage->kernel, INSPECT_PROCESSES_ID,
                                  span_of(&after, sizeof after), told, sizeof told, &size);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(inspect_processes_decode_result(span_of(told, size), &list), ERR_OK);
    *count = list.count;
    assert_true(inspect_list_process_next(&list, &process));
    return process.id;
}

static void records_are_passed_over_in_portions(void **state)
{
    (void)state;
    static struct scene scene;
    struct pauses pauses = {0};
    struct puppet *last = crowded_open(&scene, 12);
    u32 count;
    pauses_begin(&pauses, &scene.stage);
    assert_int_equal(machine_asks(&scene.stage, scene.client->process, &count), last->process);
    pauses_end(&pauses);
    assert_int_equal(count, 1);
    assert_true(pauses.count >= RECORDS / KERNEL_SWEEP);
    stage_close(&scene.stage);
}

static void end_handler(void *context, u32 count)
{
    struct scene *scene = context;
    if (count == 2) {
        stage_kill(&scene->stage, scene->handler);
        stage_settle(&scene->stage, 1000);
        assert_true(scene->handler->has_ended);
    }
}

// It was found, and ends while others are looked for.
static void who_ends_meanwhile_is_not_told_of(void **state)
{
    (void)state;
    static struct scene scene;
    struct pauses pauses = {.meanwhile = end_handler, .context = &scene};
    (void)crowded_open(&scene, 13);
    u32 before, after;
    u64 watcher = scene.watcher->process;
    assert_int_equal(machine_asks(&scene.stage, watcher, &before), scene.handler->process);
    pauses_begin(&pauses, &scene.stage);
    assert_int_equal(machine_asks(&scene.stage, watcher, &after), scene.client->process);
    pauses_end(&pauses);
    assert_int_equal(after, before - 1);
    stage_close(&scene.stage);
}

// ---- refusals

// The one at that place, the latest first.
static struct inspect_refusal refusal_at(struct scene *scene, u32 index)
{
    struct inspect_refusals_part part = ask_refusals(scene);
    struct inspect_refusal refusal;
    for (u32 i = 0; i <= index; i++) {
        assert_true(inspect_list_refusal_next(&part.refusals, &refusal));
    }
    return refusal;
}

static void refusals_are_counted_the_latest_first(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 7);
    struct stage *stage = &scene.stage;
    struct inspect_refusals_part part = ask_refusals(&scene);
    assert_true(part.total == 0 && part.refusals.count == 0);
    grants_say(stage, KERNEL_USE, KERNEL_DENY, scene.cid, &alpha, "");
    grants_say(stage, KERNEL_HANDLE, KERNEL_DENY, scene.cid, &alpha, "");
    struct puppet *late = stage_start(stage, scene.cid);
    assert_int_equal(puppet_bind(stage, scene.client, &alpha, false), BIND_DENIED);
    assert_int_equal(puppet_register(stage, late, &alpha), REGISTER_DENIED);
    struct inspect_refusal last = refusal_at(&scene, 0);
    assert_int_equal(last.right, INSPECT_RIGHT_HANDLE);
    assert_int_equal(last.process, late->process);
    assert_true(span_equal(last.started_as, SPAN_LITERAL("puppet")));
    assert_true(span_equal(last.program, span_string(scene.cid)));
    assert_true(span_equal(last.name, span_string(alpha.name)));
    assert_int_equal(last.hash.size, 64);
    u64 when = last.last;
    struct inspect_refusal first = refusal_at(&scene, 1);
    assert_int_equal(first.right, INSPECT_RIGHT_BIND);
    assert_int_equal(first.process, scene.client->process);
    assert_true(first.count == 1 && first.last < when);
    // The same again is no other row, but the latest, of who was refused now.
    assert_int_equal(puppet_bind(stage, late, &alpha, false), BIND_DENIED);
    first = refusal_at(&scene, 0);
    assert_int_equal(first.right, INSPECT_RIGHT_BIND);
    assert_int_equal(first.process, late->process);
    assert_true(first.count == 2 && first.last > when);
    part = ask_refusals(&scene);
    assert_true(part.total == 3 && part.refusals.count == 2);
    stage_close(stage);
}

// What the program above it lacks is that one's refusal; a budget taken back is one, too.
static void refusals_name_who_lacks_the_grant(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 8);
    struct stage *stage = &scene.stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    const struct stage_interface *interfaces[] = {&alpha};
    stage_program(stage, interfaces, COUNT_OF(interfaces), cid);
    grants_say(stage, KERNEL_USE, KERNEL_DENY, scene.cid, &alpha, "");
    i64 process = puppet_spawn(stage, scene.client, span_string(cid));
    assert_true(process > 0);
    stage_settle(stage, 1000);
    assert_int_equal(puppet_bind(stage, stage_find(stage, (u64)process), &alpha, false),
                     BIND_DENIED);
    struct inspect_refusal refusal = refusal_at(&scene, 0);
    assert_true(span_equal(refusal.program, span_string(scene.cid)));
    assert_int_equal(refusal.process, process);
    assert_true(span_equal(refusal.started_as, SPAN_LITERAL("child")));
    grants_say(stage, KERNEL_USE, KERNEL_DENY, cid, &budget, "");
    (void)stage_start_any(stage, cid);
    stage_settle(stage, 1000);
    refusal = refusal_at(&scene, 0);
    assert_true(span_equal(refusal.program, span_string(cid)));
    assert_true(span_equal(refusal.name, SPAN_LITERAL(BUDGET_NAME)));
    stage_close(stage);
}

enum {
    CROWD = KERNEL_REFUSALS / KERNEL_PROGRAM_REFUSALS + 1, // programs that fill the list, and one
    WANTED = KERNEL_PROGRAM_REFUSALS + 1,                  // interfaces of each
};

struct crowd {
    struct stage_interface wanted[WANTED];
    char names[WANTED][32];
    char cids[CROWD][KERNEL_CID_TEXT_BYTES];
};

// Programs that differ in an interface, each of which may use none of those wanted.
static void crowd_open(struct crowd *crowd, struct stage *stage)
{
    const struct stage_interface *interfaces[WANTED + 1];
    for (u32 i = 0; i < WANTED; i++) {
        snprintf(crowd->names[i], sizeof crowd->names[i], "t:wanted/n%u", i);
        crowd->wanted[i] = (struct stage_interface){crowd->names[i], {{"one", 0}}};
        interfaces[i] = &crowd->wanted[i];
    }
    for (u32 i = 0; i < CROWD; i++) {
        struct stage_interface own = {"t:wanted/own", {{"one", i}}};
        interfaces[WANTED] = &own;
        stage_program(stage, interfaces, WANTED + 1, crowd->cids[i]);
        grants_say(stage, KERNEL_USE, KERNEL_DENY, crowd->cids[i], NULL, "");
        grants_say(stage, KERNEL_USE, KERNEL_ALLOW, crowd->cids[i], &grants_puppet, "");
    }
}

static void limits_of_refusals(void **state)
{
    (void)state;
    static struct scene scene;
    static struct crowd crowd;
    scene_open(&scene, 9);
    struct stage *stage = &scene.stage;
    crowd_open(&crowd, stage);
    u64 total = 0;
    for (u32 i = 0; i < CROWD; i++) {
        struct puppet *puppet = stage_start(stage, crowd.cids[i]);
        u32 kept = i * KERNEL_PROGRAM_REFUSALS; // of those before it
        kept = kept < KERNEL_REFUSALS ? kept : KERNEL_REFUSALS;
        for (u32 j = 0; j < WANTED; j++) {
            assert_int_equal(puppet_bind(stage, puppet, &crowd.wanted[j], false), BIND_DENIED);
            struct inspect_refusals_part part = ask_refusals(&scene);
            u32 own = j < KERNEL_PROGRAM_REFUSALS ? j + 1 : KERNEL_PROGRAM_REFUSALS;
            u32 all = kept + own < KERNEL_REFUSALS ? kept + own : KERNEL_REFUSALS;
            assert_int_equal(part.refusals.count, all);
            assert_int_equal(part.total, ++total);
        }
        // Its own first one is gone for its last one.
        struct inspect_refusal oldest = refusal_at(&scene, KERNEL_PROGRAM_REFUSALS - 1);
        assert_true(span_equal(oldest.program, span_string(crowd.cids[i])));
        assert_true(span_equal(oldest.name, span_string(crowd.names[1])));
    }
    // The first program's are gone for the last one's, which has no more than its part.
    struct inspect_refusal oldest = refusal_at(&scene, KERNEL_REFUSALS - 1);
    assert_true(span_equal(oldest.program, span_string(crowd.cids[1])));
    assert_true(span_equal(oldest.name, span_string(crowd.names[1])));
    stage_close(stage);
}

// One that starts them all hides nobody else's.
static void limit_of_a_familys_refusals(void **state)
{
    (void)state;
    static struct scene scene;
    static struct crowd crowd;
    scene_open(&scene, 14);
    struct stage *stage = &scene.stage;
    crowd_open(&crowd, stage);
    struct puppet *other = stage_start(stage, crowd.cids[0]);
    assert_int_equal(puppet_bind(stage, other, &crowd.wanted[WANTED - 1], false), BIND_DENIED);
    for (u32 i = 0; i < CROWD; i++) {
        i64 process = puppet_spawn(stage, scene.client, span_string(crowd.cids[i]));
        assert_true(process > 0);
        stage_settle(stage, 1000);
        struct puppet *child = stage_find(stage, (u64)process);
        for (u32 j = 0; j < KERNEL_PROGRAM_REFUSALS - 1; j++) {
            assert_int_equal(puppet_bind(stage, child, &crowd.wanted[j], false), BIND_DENIED);
        }
    }
    struct inspect_refusals_part part = ask_refusals(&scene);
    assert_int_equal(part.refusals.count, KERNEL_FAMILY_REFUSALS + 1);
    struct inspect_refusal oldest = refusal_at(&scene, KERNEL_FAMILY_REFUSALS);
    assert_int_equal(oldest.process, other->process);
    assert_int_equal(refusal_at(&scene, 0).process,
                     stage->puppets[stage->puppet_count - 1]->process);
    stage_close(stage);
}

// ---- time

static u64 ask_time(struct scene *scene)
{
    u64 after = scene->client->process - 1;
    struct span body = ask(scene, INSPECT_PROCESSES_ID, span_of(&after, sizeof after));
    struct inspect_list_process processes;
    struct inspect_process process;
    assert_int_equal(inspect_processes_decode_result(body, &processes), ERR_OK);
    assert_true(inspect_list_process_next(&processes, &process));
    assert_int_equal(process.id, scene->client->process);
    return process.time;
}

// A process's time is told from its fuel, at what fuel has cost so far; that may have been much.
static void time_never_goes_back(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 11);
    sim_clock_advance(1000000000000);
    scene.stage.kernel->run_ns += 1000000000;
    u64 before = ask_time(&scene);
    assert_true(before > 0);
    scene.stage.kernel->run_ns /= 1000;
    assert_int_equal(ask_time(&scene), before);
    scene.stage.kernel->run_ns *= 2000;
    assert_true(ask_time(&scene) > before);
    stage_close(&scene.stage);
}

// What fuel cost at first says nothing yet: nobody has run for longer than the machine did.
static void time_is_no_more_than_there_was(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 15);
    struct kernel *kernel = scene.stage.kernel;
    sim_clock_advance(1000);
    kernel->run_ns += 1000000000000;
    u64 time = ask_time(&scene);
    u64 most = (platform_clock_ns() - kernel->start_ns) * kernel->config.workers;
    assert_true(time > 0 && time <= most);
    stage_close(&scene.stage);
}

// Its time when a unit of fuel is known to take that long.
static u64 time_at(struct scene *scene, u64 ns)
{
    struct kernel *kernel = scene->stage.kernel;
    kernel->run_ns = kernel->run_fuel * ns;
    return process_time_ns_locked(process_find_locked(kernel, scene->client->process));
}

// Ten times too much was said: it goes on at once, half as fast, and is right after a while.
static void time_comes_right(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 16);
    sim_clock_advance(1000000000000);
    struct process *process = process_find_locked(scene.stage.kernel, scene.client->process);
    u64 said = time_at(&scene, 20);
    u64 first_said = said;
    assert_int_equal(time_at(&scene, 2), said);
    u64 fuel = process->fuel_used;
    struct puppet_order spin = {.kind = PUPPET_SPIN, .a = 1000};
    u32 rounds = 0;
    for (; said > 2 * process->fuel_used && rounds < 1000; rounds++) {
        assert_true(puppet_do(&scene.stage, scene.client, &spin) >= 0);
        u64 ran = 2 * (process->fuel_used - fuel);
        fuel = process->fuel_used;
        u64 now = time_at(&scene, 2);
        bool is_right = now == 2 * fuel;
        assert_true(is_right || now == said + ran / 2);
        said = now;
    }
    assert_true(rounds > 1 && rounds < 1000);
    assert_int_equal(said, 2 * process->fuel_used);
    assert_true(said < 3 * first_said);
    stage_close(&scene.stage);
}

// ---- bodies

static void calls_that_are_none_are_refused(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 10);
    const struct {
        u64 function;
        u32 size;
    } calls[] = {{INSPECT_SUMMARY_ID, 0},    {INSPECT_PROCESSES_ID, 8}, {INSPECT_BUDGETS_ID, 8},
                 {INSPECT_INTERFACES_ID, 0}, {INSPECT_BONDS_ID, 4},     {INSPECT_REFUSALS_ID, 0}};
    static const u8 body[16];
    for (u32 i = 0; i < COUNT_OF(calls); i++) {
        for (u32 size = 0; size < sizeof body; size++) {
            i64 result = puppet_send(&scene.stage, scene.watcher, scene.watching, calls[i].function,
                                     span_of(body, size), SEND_WAIT);
            bool is_error = (result & ANSWER_IS_ERROR) != 0;
            assert_int_equal(is_error, size != calls[i].size);
            if (is_error) {
                u32 at = puppet_answer_address(scene.watcher);
                struct span code = puppet_peek(&scene.stage, scene.watcher, at, 4);
                assert_int_equal(mem_load_u32(code.data), -E_MALFORMED);
            }
        }
    }
    stage_close(&scene.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bonds_count_messages_and_bytes),
        cmocka_unit_test(bonds_count_local_calls),
        cmocka_unit_test(bonds_say_who_handles_them_now),
        cmocka_unit_test(limit_of_bonds_that_one_answer_looks_at),
        cmocka_unit_test(budgets_of_who_has_none_are_what_there_is),
        cmocka_unit_test(budgets_are_what_the_user_leaves),
        cmocka_unit_test(records_are_passed_over_in_portions),
        cmocka_unit_test(who_ends_meanwhile_is_not_told_of),
        cmocka_unit_test(refusals_are_counted_the_latest_first),
        cmocka_unit_test(refusals_name_who_lacks_the_grant),
        cmocka_unit_test(limits_of_refusals),
        cmocka_unit_test(limit_of_a_familys_refusals),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(time_is_no_more_than_there_was),
        cmocka_unit_test(time_comes_right),
        cmocka_unit_test(calls_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
