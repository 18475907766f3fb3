// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_life.c: how processes begin, run beside each other and end: loading by name,
// children, traps, slices, adapters, and what inspect says of it.
#include "core/base/cid.h"
#include "core/base/unixfs.h"
#include "core/kernel/device.h"
#include "core/kernel/inspect.h"
#include "core/kernel/limits.h"
#include "core/platform.h"
#include "interfaces/inspect.h"
#include "interfaces/loader.h"
#include "interfaces/system.h"
#include "machines/sim/sim.h"
#include "tests/kernel/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct stage_interface alpha = {"test:life/alpha", {{"one", 0}}};
static const struct stage_interface loader = {.name = LOADER_NAME, .real = &loader_interface};
static const struct stage_interface inspect = {.name = INSPECT_NAME, .real = &inspect_interface};

static void open_with(struct stage *stage, u64 seed, u32 workers, char cid[KERNEL_CID_TEXT_BYTES])
{
    stage_open(stage, seed, workers, NULL);
    const struct stage_interface *interfaces[] = {&alpha, &loader, &inspect};
    stage_program(stage, interfaces, 3, cid);
}

// Settles until the child comes to `next`.
static struct puppet *child_of(struct stage *stage, i64 process)
{
    assert_true(process > 0);
    for (u32 i = 0; i < 10000; i++) {
        struct puppet *child = stage_find(stage, (u64)process);
        if (child != NULL && child->is_idle) {
            return child;
        }
        stage_turn(stage);
    }
    fail();
    return NULL;
}

static void finish(struct stage *stage, struct puppet *puppet, u32 kind, u64 a)
{
    struct puppet_order order = {.kind = kind, .a = a};
    puppet_tell(stage, puppet, &order);
    stage_settle(stage, 5000);
}

// ---- children

static void a_parent_learns_how_its_child_ended(void **state)
{
    (void)state;
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 1, 2, cid);
    struct puppet *parent = stage_start(&stage, cid);
    static const struct {
        u32 kind;
        u64 a;
        i64 ending;
    } ways[] = {{PUPPET_RETURN, 7, 7},
                {PUPPET_RETURN, 0, 0},
                {PUPPET_TRAP, 0, -1},
                {PUPPET_RECURSE, 0, -1}};
    for (u32 i = 0; i < sizeof ways / sizeof *ways; i++) {
        // Asked before it ends, and after.
        for (u32 before = 0; before < 2; before++) {
            i64 process = puppet_spawn(&stage, parent, span_string(cid));
            struct puppet *child = child_of(&stage, process);
            if (before == 0) {
                finish(&stage, child, ways[i].kind, ways[i].a);
                assert_int_equal(puppet_await_end(&stage, parent, (u64)process), ways[i].ending);
            } else {
                assert_int_equal(puppet_await_end(&stage, parent, (u64)process), BLOCKED);
                finish(&stage, child, ways[i].kind, ways[i].a);
                i64 len = puppet_resume(&stage, parent);
                assert_true(len > 0);
                (void)puppet_peek(&stage, parent, puppet_answer_address(parent), (u32)len);
                assert_int_equal(puppet_ending(parent, (size_t)len), ways[i].ending);
            }
            if (ways[i].kind == PUPPET_TRAP) {
                assert_non_null(strstr((const char *)parent->bytes, "unreachable"));
                assert_non_null(strstr((const char *)parent->bytes, "offset 0x"));
                assert_non_null(strstr((const char *)parent->bytes, "\""));
            }
            if (ways[i].kind == PUPPET_RECURSE) {
                assert_non_null(strstr((const char *)parent->bytes, "exhausted"));
                assert_non_null(strstr((const char *)parent->bytes, "recurse"));
            }
            // Once only.
            assert_int_equal(puppet_await_end(&stage, parent, (u64)process), -1000);
        }
    }
    stage_close(&stage);
}

static void a_parent_kills_its_child_and_nobody_else_does(void **state)
{
    (void)state;
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 2, 2, cid);
    struct puppet *parent = stage_start(&stage, cid);
    struct puppet *other = stage_start(&stage, cid);
    i64 process = puppet_spawn(&stage, parent, span_string(cid));
    struct puppet *child = child_of(&stage, process);
    assert_int_equal(puppet_kill(&stage, other, (u64)process), -1000);
    assert_int_equal(puppet_await_end(&stage, other, (u64)process), -1000);
    assert_int_equal(puppet_kill(&stage, child, (u64)process), -1000);
    assert_int_equal(puppet_kill(&stage, child, parent->process), -1000);
    struct puppet_order spin = {.kind = PUPPET_SPIN};
    puppet_tell(&stage, child, &spin);
    stage_settle(&stage, 100);
    assert_true(child->is_blocked);
    assert_int_equal(puppet_kill(&stage, parent, (u64)process), 0);
    stage_settle(&stage, 100);
    assert_int_equal(puppet_await_end(&stage, parent, (u64)process), -2);
    assert_int_equal(puppet_kill(&stage, parent, (u64)process), -1000);
    // A parent's end leaves its children running, as nobody's.
    process = puppet_spawn(&stage, parent, span_string(cid));
    child = child_of(&stage, process);
    finish(&stage, parent, PUPPET_RETURN, 0);
    struct puppet_order grow = {.kind = PUPPET_GROW};
    assert_true(puppet_do(&stage, child, &grow) > 0);
    stage_close(&stage);
}

// A machine that kills at the worst moment: while the process runs, in a call that goes on.
struct killer {
    struct kernel *kernel;
    u64 process;
};

static void kill_now(void *context)
{
    struct killer *killer = context;
    struct kernel_process_id id = {killer->process};
    assert_int_equal(kernel_kill(killer->kernel, id), 0);
}

static void a_kill_while_it_runs_reaches_it_when_it_blocks(void **state)
{
    (void)state;
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 5, 1, cid);
    struct puppet *puppet = stage_start(&stage, cid);
    struct killer killer = {stage.kernel, puppet->process};
    struct kernel_device_config config = {
        .interface = &loader_interface, .wake = kill_now, .context = &killer};
    struct kernel_device *device;
    assert_int_equal(kernel_device_register(stage.kernel, &config, &device), ERR_OK);
    i64 bond = puppet_bind(&stage, puppet, &loader, false);
    assert_true(bond > 0);
    // It goes on to `next`, where it waits for its test.
    assert_int_equal(
        puppet_send(&stage, puppet, (u32)bond, LOADER_LOAD_ID, SPAN_LITERAL("x"), SEND_NO_ANSWER),
        ENDED);
    assert_int_equal(puppet->ending.kind, KERNEL_KILLED);
    struct kernel_event event;
    while (kernel_device_take(device, &event)) {
    }
    stage_close(&stage);
}

static void exit_ends_with_its_code_and_is_never_answered(void **state)
{
    (void)state;
    for (u32 flags = 0; flags <= 2; flags++) {
        struct stage stage;
        char cid[KERNEL_CID_TEXT_BYTES];
        open_with(&stage, 3, 1, cid);
        struct puppet *puppet = stage_start(&stage, cid);
        u8 code[4] = {42};
        assert_int_equal(puppet_send(&stage, puppet, 0, SYSTEM_EXIT_ID, span_of(code, 4), flags),
                         ENDED);
        assert_int_equal(puppet->ending.kind, KERNEL_EXITED);
        assert_int_equal(puppet->ending.code, 42);
        stage_close(&stage);
    }
}

// ---- loading

struct loading {
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct puppet *loader;
    struct puppet *parent;
};

static void loading_open(struct loading *loading, u64 seed)
{
    open_with(&loading->stage, seed, 2, loading->cid);
    loading->loader = stage_start(&loading->stage, loading->cid);
    loading->parent = stage_start(&loading->stage, loading->cid);
    assert_true(puppet_register(&loading->stage, loading->loader, &loader) > 0);
}

static void name_of(struct span bytes, char cid[CID_TEXT_BYTES])
{
    struct cid name = cid_of_block(CID_RAW, bytes, platform_sha256);
    cid_write_text(&name, cid);
}

// The loader's next message, which must ask for that program.
static u64 expect_load(struct loading *loading, const char *cid)
{
    static struct notification note;
    stage_settle(&loading->stage, 1000);
    assert_true(puppet_next(&loading->stage, loading->loader, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
    assert_int_equal(note.header.function, LOADER_LOAD_ID);
    struct loader_load_call call;
    assert_int_equal(loader_load_decode_call(span_of(note.body, note.header.body_len), &call), 0);
    assert_true(span_equal(call.cid, span_string(cid)));
    return note.header.id;
}

static void give(struct loading *loading, u64 id, const struct loader_result_bytes_error *result)
{
    static u8 body[1 << 16];
    size_t size = loader_load_encode_result(body, sizeof body, result);
    assert_true(size <= sizeof body);
    assert_int_equal(puppet_answer(&loading->stage, loading->loader, id, span_of(body, size), 0),
                     0);
    stage_settle(&loading->stage, 1000);
}

static struct span other_program(void)
{
    static const struct stage_interface beta = {"test:life/beta", {{"one", 0}}};
    const struct stage_interface *interfaces[] = {&beta};
    return stage_program_bytes(interfaces, 1);
}

static void a_program_comes_through_the_loader_once(void **state)
{
    (void)state;
    struct loading loading;
    loading_open(&loading, 10);
    struct span bytes = other_program();
    char cid[CID_TEXT_BYTES];
    name_of(bytes, cid);
    // Three who want the same program: one load.
    struct puppet *starts[3];
    for (u32 i = 0; i < 3; i++) {
        starts[i] = stage_start_any(&loading.stage, cid);
    }
    u64 id = expect_load(&loading, cid);
    struct notification note;
    assert_false(puppet_next(&loading.stage, loading.loader, &note));
    // One of them does not live to see it.
    stage_kill(&loading.stage, starts[1]);
    stage_settle(&loading.stage, 100);
    assert_int_equal(starts[1]->ending.kind, KERNEL_KILLED);
    give(&loading, id, &(struct loader_result_bytes_error){.ok = true, .value = bytes});
    stage_settle(&loading.stage, 1000);
    assert_true(starts[0]->is_idle);
    assert_true(starts[2]->is_idle);
    // Translated once, started again without asking, also after everybody left.
    finish(&loading.stage, starts[0], PUPPET_RETURN, 0);
    finish(&loading.stage, starts[2], PUPPET_RETURN, 0);
    stage_kill(&loading.stage, loading.loader);
    struct puppet *again = stage_start_any(&loading.stage, cid);
    stage_settle(&loading.stage, 1000);
    assert_true(again->is_idle);
    stage_close(&loading.stage);
    free((void *)bytes.data);
}

// What a large program was made of is given back in a turn of its own, without the lock.
static void a_large_program_is_freed_by_itself(void **state)
{
    (void)state;
    struct loading loading;
    loading_open(&loading, 12);
    enum { LONG = 2 << 20 };
    struct span bytes = other_program();
    char cid[CID_TEXT_BYTES];
    name_of(bytes, cid);
    struct puppet *start = stage_start_any(&loading.stage, cid);
    u64 id = expect_load(&loading, cid);
    struct puppet_order grow = {.kind = PUPPET_GROW, .a = (LONG >> 16) + 1};
    u64 at = (u64)puppet_do(&loading.stage, loading.loader, &grow) << 16;
    u8 header[5] = {0}; // ok, and the length of a list of zeros, which is another program
    mem_store_u32(header + 1, LONG);
    puppet_poke(&loading.stage, loading.loader, (u32)at, span_of(header, sizeof header));
    struct puppet_order answer = {
        .kind = PUPPET_ANSWER, .a = id, .b = at, .c = sizeof header + LONG};
    puppet_tell(&loading.stage, loading.loader, &answer);
    while (!start->has_ended) {
        assert_true(stage_turn(&loading.stage));
    }
    assert_int_equal(start->ending.load, KERNEL_LOAD_WRONG_BYTES);
    assert_true(sim_memory_bytes() > LONG);
    u64 before = sim_memory_bytes();
    assert_true(kernel_worker_step(loading.stage.kernel, 0, 1000));
    assert_true(sim_memory_bytes() + LONG <= before);
    stage_close(&loading.stage);
    free((void *)bytes.data);
}

static void expect_not_loaded(struct puppet *puppet, enum kernel_load_error error, const char *word)
{
    assert_true(puppet->has_ended);
    assert_int_equal(puppet->ending.kind, KERNEL_NOT_LOADED);
    assert_int_equal(puppet->ending.load, error);
    if (strstr(puppet->ending_text, word) == NULL) {
        fprintf(stderr, "\"%s\" does not say \"%s\"\n", puppet->ending_text, word);
    }
    assert_non_null(strstr(puppet->ending_text, word));
}

static void each_failure_to_load_is_told_apart(void **state)
{
    (void)state;
    struct loading loading;
    loading_open(&loading, 11);
    struct span bytes = other_program();
    char cid[CID_TEXT_BYTES];
    name_of(bytes, cid);
    u8 *flipped = malloc(bytes.size);
    memcpy(flipped, bytes.data, bytes.size);
    flipped[bytes.size / 2] ^= 1;
    struct span name = SPAN_LITERAL("why");
    const struct {
        struct loader_result_bytes_error answer;
        enum kernel_load_error error;
        const char *word;
    } ways[] = {
        {{.error = {LOADER_ERROR_NOT_FOUND, {.not_found = name}}}, KERNEL_LOAD_NOT_FOUND, "why"},
        {{.error = {LOADER_ERROR_DAMAGED, {.damaged = name}}}, KERNEL_LOAD_WRONG_BYTES, "why"},
        {{.error = {LOADER_ERROR_TOO_LARGE, {.too_large = name}}}, KERNEL_LOAD_LIMIT, "why"},
        {{.error = {LOADER_ERROR_UNSUPPORTED, {.unsupported = name}}}, KERNEL_LOAD_BAD_CID, "why"},
        {{.error = {LOADER_ERROR_FAILED, {.failed = name}}}, KERNEL_LOAD_FAILED, "why"},
        {{.ok = true, .value = span_of(flipped, bytes.size)}, KERNEL_LOAD_WRONG_BYTES, "another"},
        {{.ok = true, .value = span_of(bytes.data, bytes.size - 1)},
         KERNEL_LOAD_WRONG_BYTES,
         "another"},
        {{.ok = true, .value = span_of(bytes.data, 0)}, KERNEL_LOAD_WRONG_BYTES, "another"},
    };
    for (u32 i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct puppet *start = stage_start_any(&loading.stage, cid);
        give(&loading, expect_load(&loading, cid), &ways[i].answer);
        expect_not_loaded(start, ways[i].error, ways[i].word);
    }
    // An answer that is none, an error answer, and no answer.
    struct puppet *start = stage_start_any(&loading.stage, cid);
    u64 id = expect_load(&loading, cid);
    assert_int_equal(
        puppet_answer(&loading.stage, loading.loader, id, SPAN_LITERAL("\x07nonsense"), 0), 0);
    stage_settle(&loading.stage, 1000);
    expect_not_loaded(start, KERNEL_LOAD_FAILED, "decode");
    start = stage_start_any(&loading.stage, cid);
    id = expect_load(&loading, cid);
    assert_int_equal(
        puppet_answer(&loading.stage, loading.loader, id, SPAN_LITERAL("\x0d\0\0\0"), ANSWER_ERROR),
        0);
    stage_settle(&loading.stage, 1000);
    expect_not_loaded(start, KERNEL_LOAD_FAILED, "error answer");
    // Wanted from a process: the same, as values.
    assert_int_equal(puppet_spawn(&loading.stage, loading.parent, SPAN_LITERAL("nonsense")), -1000);
    assert_int_equal(puppet_spawn(&loading.stage, loading.parent, span_string(cid)), BLOCKED);
    give(&loading, expect_load(&loading, cid), &ways[0].answer);
    i64 len = puppet_resume(&loading.stage, loading.parent);
    assert_true(len > 0);
    start = stage_start_any(&loading.stage, cid);
    (void)expect_load(&loading, cid);
    stage_kill(&loading.stage, loading.loader);
    stage_settle(&loading.stage, 1000);
    expect_not_loaded(start, KERNEL_LOAD_FAILED, "ended");
    start = stage_start_any(&loading.stage, cid);
    stage_settle(&loading.stage, 1000);
    expect_not_loaded(start, KERNEL_LOAD_NO_LOADER, "loader");
    stage_close(&loading.stage);
    free(flipped);
    free((void *)bytes.data);
}

static void a_spawn_that_is_cancelled_leaves_nobodys_child(void **state)
{
    (void)state;
    struct loading loading;
    loading_open(&loading, 4);
    struct span bytes = other_program();
    char cid[CID_TEXT_BYTES];
    name_of(bytes, cid);
    u8 body[256];
    struct system_spawn_call call = {.request = {.program = span_string(cid)}};
    size_t size = system_spawn_encode_call(body, sizeof body, &call);
    i64 spawn =
        puppet_send(&loading.stage, loading.parent, 0, SYSTEM_SPAWN_ID, span_of(body, size), 0);
    assert_true(spawn > 0);
    u64 id = expect_load(&loading, cid);
    assert_int_equal(puppet_cancel(&loading.stage, loading.parent, (u64)spawn), 0);
    struct notification note;
    assert_true(puppet_next(&loading.stage, loading.parent, &note));
    assert_int_equal(note.header.id, spawn);
    assert_int_equal(mem_load_u32(note.body), -E_CANCELLED);
    give(&loading, id, &(struct loader_result_bytes_error){.ok = true, .value = bytes});
    assert_false(puppet_next(&loading.stage, loading.parent, &note));
    // It runs all the same, and its end leaves no record.
    u64 process = loading.parent->process + 1;
    struct puppet *child = child_of(&loading.stage, (i64)process);
    finish(&loading.stage, child, PUPPET_RETURN, 0);
    assert_int_equal(puppet_await_end(&loading.stage, loading.parent, process), -1000);
    stage_close(&loading.stage);
    free((void *)bytes.data);
}

static void names_that_are_no_names(void **state)
{
    (void)state;
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 12, 1, cid);
    const char *names[] = {"",
                           "b",
                           "hello",
                           "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG",
                           "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykU",
                           "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykua"};
    for (u32 i = 0; i < sizeof names / sizeof *names; i++) {
        struct puppet *start = stage_start_any(&stage, names[i]);
        stage_settle(&stage, 100);
        expect_not_loaded(start, KERNEL_LOAD_BAD_CID, "");
        assert_int_not_equal(start->ending_text[0], 0);
    }
    stage_close(&stage);
}

static void bytes_that_are_no_program(void **state)
{
    (void)state;
    struct loading loading;
    loading_open(&loading, 13);
    static const u8 empty_module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    static const u8 import[] = {0, 'a', 's', 'm', 1, 0, 0,   0, 1,   4, 1, 0x60,
                                0, 0,   2,   7,   1, 1, 'x', 1, 'y', 0, 0};
    static const u8 wrong_type[] = {0,    'a', 's', 'm', 1,  0,   0,   0,   1,   4,   1,
                                    0x60, 0,   0,   2,   17, 1,   8,   'r', 'e', 'd', 's',
                                    'h',  'i', 'r', 't', 4,  's', 'e', 'n', 'd', 0,   0};
    const struct {
        struct span bytes;
        const char *word;
    } programs[] = {
        {SPAN_LITERAL("#!/bin/sh\n"), "magic"},
        {span_of(empty_module, 4), "end"},
        {span_of(empty_module, 8), "_start"},
        {span_of(import, sizeof import), "unknown module"},
        {span_of(wrong_type, sizeof wrong_type), "type"},
    };
    for (u32 i = 0; i < sizeof programs / sizeof *programs; i++) {
        char cid[CID_TEXT_BYTES];
        name_of(programs[i].bytes, cid);
        struct puppet *start = stage_start_any(&loading.stage, cid);
        give(&loading, expect_load(&loading, cid),
             &(struct loader_result_bytes_error){.ok = true, .value = programs[i].bytes});
        expect_not_loaded(start, KERNEL_LOAD_NOT_A_PROGRAM, programs[i].word);
    }
    stage_close(&loading.stage);
}

// ---- time slices

// Three processes on one worker: two that never give the CPU away, and one that answers. The fuel
// that goes by before the third has its turn is at most a slice for each of the others.
static void preemption(u32 kind)
{
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 20, 1, cid);
    stage.check = false;
    struct puppet *hogs[2];
    struct puppet_order forever = {.kind = kind};
    for (u32 i = 0; i < 2; i++) {
        hogs[i] = stage_start(&stage, cid);
        puppet_tell(&stage, hogs[i], &forever);
    }
    stage_settle(&stage, 50);
    struct puppet *neighbour = stage_start(&stage, cid);
    enum { SLICE = 100000 };
    for (u32 round = 0; round < 50; round++) {
        struct puppet_order order = {.kind = PUPPET_GROW};
        puppet_tell(&stage, neighbour, &order);
        u32 slices = 0;
        while (neighbour->is_blocked) {
            assert_true(kernel_worker_step(stage.kernel, 0, SLICE));
            slices++;
            stage_take(&stage); // the device's side of `next`, without another slice
        }
        assert_true(slices <= 3); // both hogs, then itself
        for (u32 i = 0; i < 2; i++) {
            assert_true(hogs[i]->is_blocked);
            assert_false(hogs[i]->has_ended);
        }
    }
    stage_close_running(&stage);
}

static void a_loop_does_not_delay_a_neighbour_beyond_a_slice(void **state)
{
    (void)state;
    preemption(PUPPET_SPIN);
}

static void a_loop_of_host_calls_does_not_delay_a_neighbour_beyond_a_slice(void **state)
{
    (void)state;
    preemption(PUPPET_POLL);
}

// A pair that hands the worker to and fro has one slice between the two.
static void a_ping_pong_pair_does_not_starve_a_third(void **state)
{
    (void)state;
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 21, 1, cid);
    stage.check = false;
    struct puppet *handler = stage_start(&stage, cid);
    struct puppet *client = stage_start(&stage, cid);
    struct puppet *third = stage_start(&stage, cid);
    assert_true(puppet_register(&stage, handler, &alpha) > 0);
    i64 bond = puppet_bind(&stage, client, &alpha, false);
    struct puppet_order echo = {.kind = PUPPET_ECHO};
    puppet_tell(&stage, handler, &echo);
    stage_settle(&stage, 100);
    struct puppet_order call = {.kind = PUPPET_CALL,
                                .a = (u64)bond,
                                .b = stage_function_id(&alpha, 0),
                                .c = 8,
                                .d = UINT64_MAX};
    puppet_tell(&stage, client, &call);
    stage_settle(&stage, 50);
    for (u32 round = 0; round < 50; round++) {
        struct puppet_order order = {.kind = PUPPET_GROW};
        puppet_tell(&stage, third, &order);
        u32 slices = 0;
        while (third->is_blocked) {
            assert_true(kernel_worker_step(stage.kernel, 0, 100000));
            slices++;
            stage_take(&stage);
        }
        assert_true(slices <= 3);
        assert_true(client->is_blocked);
    }
    stage_close_running(&stage);
}

// ---- adapters

static void a_program_runs_over_its_adapter(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 30, 1, NULL);
    char adapter[KERNEL_CID_TEXT_BYTES];
    char program[KERNEL_CID_TEXT_BYTES];
    stage_add(&stage, stage_file("build/test/kernel/adapter.wasm"), SPAN_LITERAL("test_adapter"),
              adapter);
    stage_add(&stage, stage_file("build/test/kernel/adapted.wasm"), (struct span){0}, program);
    struct puppet *puppets[5];
    for (u32 i = 0; i < 5; i++) {
        puppets[i] = stage_start_any(&stage, program);
    }
    stage_settle(&stage, 10000);
    for (u32 i = 0; i < 5; i++) {
        assert_true(puppets[i]->has_ended);
        assert_string_equal(puppets[i]->ending_text, "");
        assert_int_equal(puppets[i]->ending.kind, KERNEL_EXITED);
    }
    stage_close(&stage);
}

static void without_its_adapter_a_program_is_refused(void **state)
{
    (void)state;
    struct loading loading;
    loading_open(&loading, 31);
    struct span bytes = stage_file("build/test/kernel/adapted.wasm");
    char cid[CID_TEXT_BYTES];
    name_of(bytes, cid);
    struct puppet *start = stage_start_any(&loading.stage, cid);
    give(&loading, expect_load(&loading, cid),
         &(struct loader_result_bytes_error){.ok = true, .value = bytes});
    expect_not_loaded(start, KERNEL_LOAD_NOT_A_PROGRAM, "test_adapter");
    stage_close(&loading.stage);
}

// ---- inspect

// The machine is told the same as a program: here, what stands behind `after`.
static void machine_inspects(struct stage *stage, u64 after, u64 next)
{
    struct inspect_list_process list;
    struct inspect_process process;
    struct kernel *kernel = stage->kernel;
    struct span call = span_of(&after, sizeof after);
    u8 told[16384];
    size_t size;
    enum err err = kernel_inspect(kernel, INSPECT_PROCESSES_ID, call, told, sizeof told, &size);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(inspect_processes_decode_result(span_of(told, size), &list), 0);
    assert_true(list.count == 1 && inspect_list_process_next(&list, &process));
    assert_int_equal(process.id, next);
    err = kernel_inspect(kernel, INSPECT_PROCESSES_ID, call, told, size - 1, &size);
    assert_int_equal(err, ERR_LIMIT);
    assert_int_equal(size, 0);
    err = kernel_inspect(kernel, INSPECT_PROCESSES_ID, span_of(&after, 7), told, 64, &size);
    assert_int_equal(err, ERR_MALFORMED);
    err = kernel_inspect(kernel, INSPECT_PROCESSES_ID + 1, call, told, sizeof told, &size);
    assert_int_equal(err, ERR_MALFORMED);
}

static void inspect_says_what_runs(void **state)
{
    (void)state;
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 40, 3, cid);
    struct puppet *watcher = stage_start(&stage, cid);
    struct puppet *handler = stage_start(&stage, cid);
    assert_true(puppet_register(&stage, handler, &alpha) > 0);
    i64 bond = puppet_bind(&stage, watcher, &inspect, false);
    assert_true(bond > 0);
    i64 len =
        puppet_send(&stage, watcher, (u32)bond, INSPECT_SUMMARY_ID, (struct span){0}, SEND_WAIT);
    struct inspect_totals totals;
    struct span body = puppet_peek(&stage, watcher, puppet_answer_address(watcher), (u32)len);
    assert_int_equal(inspect_summary_decode_result(body, &totals), 0);
    assert_int_equal(totals.workers, 3);
    assert_int_equal(totals.processes, 2);
    assert_true(totals.messages > 4 && totals.uptime > 0);
    u64 after = 0;
    len = puppet_send(&stage, watcher, (u32)bond, INSPECT_PROCESSES_ID, span_of(&after, 8),
                      SEND_WAIT);
    body = puppet_peek(&stage, watcher, puppet_answer_address(watcher), (u32)len);
    struct inspect_list_process list;
    assert_int_equal(inspect_processes_decode_result(body, &list), 0);
    assert_int_equal(list.count, 2);
    struct inspect_process process;
    assert_true(inspect_list_process_next(&list, &process));
    assert_int_equal(process.id, watcher->process);
    assert_int_equal(process.state, INSPECT_STATE_RUNNING);
    assert_true(span_equal(process.program, span_string(cid)));
    assert_true(span_equal(process.name, SPAN_LITERAL("puppet")));
    assert_int_equal(process.bonds, 2);
    assert_true(process.memory >= 65536 && process.messages_sent > 3);
    assert_true(inspect_list_process_next(&list, &process));
    assert_int_equal(process.id, handler->process);
    after = watcher->process;
    len = puppet_send(&stage, watcher, (u32)bond, INSPECT_PROCESSES_ID, span_of(&after, 8),
                      SEND_WAIT);
    body = puppet_peek(&stage, watcher, puppet_answer_address(watcher), (u32)len);
    assert_int_equal(inspect_processes_decode_result(body, &list), 0);
    assert_int_equal(list.count, 1);
    len =
        puppet_send(&stage, watcher, (u32)bond, INSPECT_INTERFACES_ID, (struct span){0}, SEND_WAIT);
    body = puppet_peek(&stage, watcher, puppet_answer_address(watcher), (u32)len);
    struct inspect_list_registration registrations;
    assert_int_equal(inspect_interfaces_decode_result(body, &registrations), 0);
    bool found = false;
    struct inspect_registration registration;
    while (inspect_list_registration_next(&registrations, &registration)) {
        if (span_equal(registration.name, span_string(alpha.name))) {
            assert_int_equal(registration.handler, handler->process);
            found = true;
        }
    }
    assert_true(found);
    machine_inspects(&stage, after, handler->process);
    stage_close(&stage);
}

// Slices of so much fuel that the puppet needs for an order.
static u32 slices_of(struct stage *stage, struct puppet *puppet, const struct puppet_order *order,
                     i64 fuel)
{
    puppet_tell(stage, puppet, order);
    u32 slices = 0;
    for (; puppet->is_blocked; slices++) {
        assert_true(kernel_worker_step(stage->kernel, 0, fuel));
        stage_take(stage);
    }
    return slices;
}

// A syscall costs what it takes, and so does each byte that it copies.
static void syscalls_cost_what_they_take(void **state)
{
    (void)state;
    enum { CALLS = 1000, SENDS = 20, LONG = PUPPET_AREA_BYTES / 2 };
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 43, 1, cid);
    struct puppet *handler = stage_start(&stage, cid);
    struct puppet *client = stage_start(&stage, cid);
    assert_true(puppet_register(&stage, handler, &alpha) > 0);
    i64 bond = puppet_bind(&stage, client, &alpha, false);
    struct puppet_order poll = {.kind = PUPPET_POLL, .a = CALLS};
    assert_true(slices_of(&stage, client, &poll, CALLS * KERNEL_FUEL_SYSCALL / 10) >= 10);
    struct puppet_order fill = {.kind = PUPPET_FILL,
                                .a = (u64)bond,
                                .b = stage_function_id(&alpha, 0),
                                .c = LONG,
                                .d = SEND_NO_ANSWER,
                                .e = SENDS};
    assert_true(slices_of(&stage, client, &fill, SENDS * (LONG / KERNEL_FUEL_BYTES) / 10) >= 10);
    struct puppet_order grow = {.kind = PUPPET_GROW, .a = 100};
    u64 at = (u64)puppet_do(&stage, handler, &grow) << 16;
    struct puppet_order wait = {.kind = PUPPET_WAIT, .a = at, .b = LONG + 64};
    u32 slices = 0;
    for (u32 i = 0; i < SENDS; i++) { // a costly one ends its slice, and the next goes on
        slices += slices_of(&stage, handler, &wait, LONG / KERNEL_FUEL_BYTES);
    }
    assert_true(slices >= 2 * SENDS);
    stage_close(&stage);
}

// A long answer costs its asker fuel, so that asking again and again is no way to keep a worker.
static void asking_the_kernel_costs_what_it_takes(void **state)
{
    (void)state;
    enum { PROCESSES = 100, CALLS = 20 };
    struct stage stage;
    char cid[KERNEL_CID_TEXT_BYTES];
    open_with(&stage, 42, 1, cid);
    stage.check = false;
    for (u32 i = 1; i < PROCESSES; i++) {
        stage_start(&stage, cid);
    }
    struct puppet *watcher = stage_start(&stage, cid);
    i64 bond = puppet_bind(&stage, watcher, &inspect, false);
    struct puppet_order call = {.kind = PUPPET_CALL,
                                .a = (u64)bond,
                                .b = INSPECT_PROCESSES_ID,
                                .c = 8, // zeros: after the first of all
                                .d = CALLS};
    puppet_tell(&stage, watcher, &call);
    u32 slices = 0;
    for (; watcher->is_blocked; slices++) {
        assert_true(kernel_worker_step(stage.kernel, 0, KERNEL_FUEL_ITEM * PROCESSES));
        stage_take(&stage);
    }
    assert_true(slices >= CALLS);
    stage_close(&stage);
}

static void one_seed_gives_one_run(void **state)
{
    (void)state;
    u64 hashes[3];
    for (u32 run = 0; run < 3; run++) {
        struct stage stage;
        char cid[KERNEL_CID_TEXT_BYTES];
        open_with(&stage, run == 2 ? 51 : 50, 3, cid);
        struct puppet *parent = stage_start(&stage, cid);
        for (u32 i = 0; i < 5; i++) {
            i64 child = puppet_spawn(&stage, parent, span_string(cid));
            stage_settle(&stage, 100);
            (void)puppet_kill(&stage, parent, (u64)child);
        }
        stage_close(&stage);
        hashes[run] = sim_trace_hash();
    }
    assert_int_equal(hashes[0], hashes[1]);
    assert_int_not_equal(hashes[0], hashes[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_learns_how_its_child_ended),
        cmocka_unit_test(a_parent_kills_its_child_and_nobody_else_does),
        cmocka_unit_test(a_spawn_that_is_cancelled_leaves_nobodys_child),
        cmocka_unit_test(a_kill_while_it_runs_reaches_it_when_it_blocks),
        cmocka_unit_test(exit_ends_with_its_code_and_is_never_answered),
        cmocka_unit_test(a_program_comes_through_the_loader_once),
        cmocka_unit_test(a_large_program_is_freed_by_itself),
        cmocka_unit_test(each_failure_to_load_is_told_apart),
        cmocka_unit_test(names_that_are_no_names),
        cmocka_unit_test(bytes_that_are_no_program),
        cmocka_unit_test(a_loop_does_not_delay_a_neighbour_beyond_a_slice),
        cmocka_unit_test(a_loop_of_host_calls_does_not_delay_a_neighbour_beyond_a_slice),
        cmocka_unit_test(a_ping_pong_pair_does_not_starve_a_third),
        cmocka_unit_test(a_program_runs_over_its_adapter),
        cmocka_unit_test(without_its_adapter_a_program_is_refused),
        cmocka_unit_test(inspect_says_what_runs),
        cmocka_unit_test(syscalls_cost_what_they_take),
        cmocka_unit_test(asking_the_kernel_costs_what_it_takes),
        cmocka_unit_test(one_seed_gives_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
