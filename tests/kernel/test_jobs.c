// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_jobs.c: the kernel's own jobs beside the processes: their turns, their share,
// and what is left of a check that nobody waits for any more.
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "core/kernel/device.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "interfaces/loader.h"
#include "machines/sim/sim.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS = 1 << 16,
    TURN = 200000,        // units
    OVERRUN = 60000,      // beyond them, by what a job cannot interrupt,
    LEAF_UNITS = 1 << 20, // but for a leaf of the program that is hashed
};

// A kernel, a loader that is a device and knows one program, and what happened.
struct scene {
    struct kernel *kernel;
    struct kernel_device *loader;
    struct span program;
    char cid[CID_TEXT_BYTES];
    char spinner[KERNEL_CID_TEXT_BYTES];
    u32 ended;
    struct kernel_ending ending; // the last
    struct event {
        enum kernel_trace_kind kind;
        u64 a;
        u64 b;
    } events[EVENTS];
    u32 event_count;
};

static void trace(void *context, enum kernel_trace_kind kind, u64 a, u64 b)
{
    struct scene *scene = context;
    sim_trace_kernel(NULL, kind, a, b);
    if (scene->event_count < EVENTS) {
        scene->events[scene->event_count++] = (struct event){kind, a, b};
    }
}

static void wake(void *context)
{
    (void)context;
}

static void on_end(void *context, struct kernel_process_id id, struct kernel_ending ending)
{
    struct scene *scene = context;
    (void)id;
    scene->ended++;
    scene->ending = ending;
    if (ending.kind == KERNEL_NOT_LOADED) {
        print_message("%.*s\n", (int)ending.text.size, (const char *)ending.text.data);
    }
}

// A module that exports a memory and `_start`, which has this code; then `write`'s other sections.
static struct wasm_bytes module_begin(const char *code, size_t size)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 5);
    PUT(&b, "\x01\x00\x01");
    end_section(&b);
    put_section(&b, 7);
    PUT(&b, "\x02\x06memory\x02\x00\x06_start\x00\x00");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x00");
    put_bytes(&b, code, size);
    PUT(&b, "\x0b");
    end_body(&b, body);
    end_section(&b);
    return b;
}

static void name_of(struct span bytes, char cid[CID_TEXT_BYTES])
{
    struct cid name;
    struct arena scratch;
    arena_init(&scratch, sim_memory(), KERNEL_NAME_SCRATCH);
    assert_int_equal(unixfs_cid(bytes, platform_sha256, &scratch, &name), ERR_OK);
    arena_drop(&scratch);
    cid_write_text(&name, cid);
}

static void scene_open(struct scene *scene, u64 seed, u32 workers, struct span program)
{
    *scene = (struct scene){.program = program};
    sim_reset(seed, NULL);
    struct kernel_config config = sim_kernel_config(workers);
    config.trace = trace;
    config.trace_context = scene;
    assert_int_equal(kernel_create(&config, &scene->kernel, NULL), ERR_OK);
    struct kernel_device_config device = {.interface = &loader_interface, .wake = wake};
    assert_int_equal(kernel_device_register(scene->kernel, &device, &scene->loader), ERR_OK);
    static struct wasm_bytes spinner;
    if (spinner.data == NULL) {
        spinner = module_begin("\x03\x40\x0c\x00\x0b", 5);
    }
    assert_int_equal(kernel_program_add(scene->kernel, wasm_bytes_span(&spinner), (struct span){0},
                                        scene->spinner, NULL),
                     ERR_OK);
    name_of(program, scene->cid);
}

static void scene_close(struct scene *scene)
{
    kernel_check(scene->kernel);
    kernel_destroy(scene->kernel);
    sim_close();
}

static struct kernel_process_id start(struct scene *scene, const char *cid)
{
    struct span argument = SPAN_LITERAL("job");
    struct kernel_start start = {.cid = span_string(cid),
                                 .arguments = &argument,
                                 .argument_count = 1,
                                 .on_end = on_end,
                                 .context = scene};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(scene->kernel, &start, &id, NULL), ERR_OK);
    return id;
}

// The one program that is being fetched.
static struct message *load_of(struct kernel *kernel)
{
    for (u32 slot = 0; slot < kernel->programs.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        struct program *program = pool_at(&kernel->programs, slot);
        if (program != NULL && program->load != NULL) {
            return program->load;
        }
    }
    fail();
    return NULL;
}

// Answers the kernel itself: a device may not answer with so much, a process may.
static void answer_large(struct scene *scene, struct span body)
{
    u8 *allocated = body_new(scene->kernel, (u32)body.size);
    assert_non_null(allocated);
    memcpy(allocated, body.data, body.size);
    kernel_lock(scene->kernel);
    message_answer_locked(scene->kernel, load_of(scene->kernel), span_of(allocated, body.size),
                          allocated);
    kernel_unlock(scene->kernel);
}

// The loader gives whoever asks the one program.
static void load(struct scene *scene)
{
    struct kernel_event event;
    while (kernel_device_take(scene->loader, &event)) {
        if (event.kind != KERNEL_EVENT_MESSAGE) {
            continue;
        }
        struct loader_result_bytes_error result = {.ok = true, .value = scene->program};
        size_t room = scene->program.size + 64;
        u8 *body = malloc(room);
        size_t size = loader_load_encode_result(body, room, &result);
        assert_true(size <= room);
        if (size > KERNEL_BODY_BYTES) {
            answer_large(scene, span_of(body, size));
        } else {
            kernel_device_answer(scene->loader, event.id, span_of(body, size));
        }
        free(body);
    }
}

static void settle(struct scene *scene)
{
    load(scene);
    while (kernel_worker_step(scene->kernel, 0, TURN)) {
        load(scene);
    }
}

// ---- turns

// A valid program of 64 MiB, an eighth of it code.
static struct wasm_bytes large_program(void)
{
    enum { BODIES = 1 };
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, BODIES + 1);
    put_section(&b, 5);
    PUT(&b, "\x01\x00\x01");
    end_section(&b);
    put_section(&b, 7);
    PUT(&b, "\x02\x06memory\x02\x00\x06_start\x00\x00");
    end_section(&b);
    put_section(&b, 10);
    put_u32(&b, BODIES + 1);
    for (u32 i = 0; i <= BODIES; i++) {
        size_t body = put_body(&b);
        PUT(&b, "\x00");
        put_run(&b, 0x01, i == 0 ? 0 : WASM_BODY_BYTES - 16);
        PUT(&b, "\x0b");
        end_body(&b, body);
    }
    end_section(&b);
    put_section(&b, 0);
    put_name(&b, "rest");
    put_run(&b, 0, WASM_MODULE_BYTES - b.size);
    end_section(&b);
    assert_int_equal(b.size, WASM_MODULE_BYTES);
    return b;
}

// Between two turns of a process no more than one of each other process, and one of all jobs.
static void expect_turns(const struct scene *scene, const u64 *processes, u32 count)
{
    u64 jobs = 0;
    for (u32 p = 0; p < count; p++) {
        u64 since[8] = {0};
        u32 jobs_since = 0;
        u32 turns = 0;
        for (u32 i = 0; i < scene->event_count; i++) {
            const struct event *event = &scene->events[i];
            if (event->kind == KERNEL_TRACE_JOB) {
                if (event->b > TURN + OVERRUN + LEAF_UNITS) {
                    fail_msg("turn %u of a job took %llu", jobs_since,
                             (unsigned long long)event->b);
                }
                jobs_since++;
                jobs++;
            }
            for (u32 q = 0; q < count && event->kind == KERNEL_TRACE_RUN; q++) {
                since[q] += event->a == processes[q];
            }
            if (event->kind == KERNEL_TRACE_RUN && event->a == processes[p]) {
                for (u32 q = 0; q < count && turns > 1; q++) {
                    assert_true(since[q] <= 1);
                }
                assert_true(jobs_since <= 1);
                memset(since, 0, sizeof since);
                jobs_since = 0;
                turns++;
            }
        }
        assert_true(turns > 100);
    }
    assert_true(jobs / count > 100);
}

static u64 run_beside_a_large_check(struct span program, u64 seed)
{
    static struct scene scene;
    scene_open(&scene, seed, 1, program);
    u64 spinners[2];
    for (u32 i = 0; i < COUNT_OF(spinners); i++) {
        spinners[i] = start(&scene, scene.spinner).value;
    }
    (void)start(&scene, scene.cid);
    load(&scene);
    for (u32 i = 0; i < EVENTS && scene.ended == 0; i++) {
        assert_true(kernel_worker_step(scene.kernel, 0, TURN));
    }
    assert_int_equal(scene.ended, 1);
    assert_int_equal(scene.ending.kind, KERNEL_EXITED);
    assert_true(scene.event_count < EVENTS);
    expect_turns(&scene, spinners, COUNT_OF(spinners));
    u32 long_turns = 0; // only the hash of a leaf may be as long as that
    for (u32 i = 0; i < scene.event_count; i++) {
        long_turns +=
            scene.events[i].kind == KERNEL_TRACE_JOB && scene.events[i].b > TURN + OVERRUN;
    }
    assert_true(long_turns <= WASM_MODULE_BYTES / LEAF_UNITS + 1);
    u64 hash = sim_trace_hash();
    scene_close(&scene);
    return hash;
}

static void a_large_check_takes_turns_with_processes(void **state)
{
    (void)state;
    struct wasm_bytes b = large_program();
    u64 hash = run_beside_a_large_check(wasm_bytes_span(&b), 1);
    assert_true(run_beside_a_large_check(wasm_bytes_span(&b), 1) == hash);
    wasm_bytes_free(&b);
}

// ---- kills

// A program with something in every section that a check goes through.
static struct wasm_bytes varied_program(void)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x03\x60\x00\x00\x60\x03\x7f\x7f\x7f\x01\x7f\x60\x00\x00");
    end_section(&b);
    put_section(&b, 2);
    PUT(&b, "\x01\x08redshirt\x04wait\x00\x01");
    end_section(&b);
    put_section(&b, 3);
    PUT(&b, "\x02\x00\x02");
    end_section(&b);
    put_section(&b, 4);
    PUT(&b, "\x01\x70\x00\x04");
    end_section(&b);
    put_section(&b, 5);
    PUT(&b, "\x01\x00\x01");
    end_section(&b);
    put_section(&b, 6);
    PUT(&b, "\x01\x7f\x00\x41\x01\x0b");
    end_section(&b);
    put_section(&b, 7);
    PUT(&b, "\x02\x06memory\x02\x00\x06_start\x00\x01");
    end_section(&b);
    put_section(&b, 9);
    PUT(&b, "\x01\x00\x41\x00\x0b\x03\x00\x01\x02");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x02\x0c\x00\x02\x40\x41\x01\x0d\x00\x41\x00\x1a\x0b\x0b"
            "\x0c\x01\x03\x7f\x20\x00\x21\x01\x0c\x00\x01\x01\x0b");
    end_section(&b);
    put_section(&b, 11);
    PUT(&b, "\x01\x00\x41\x00\x0b\x04"
            "abcd");
    end_section(&b);
    put_section(&b, 0);
    put_name(&b, "name");
    PUT(&b, "\x01\x07\x02\x00\x01w\x01\x01s");
    end_section(&b);
    put_section(&b, 0);
    put_name(&b, "redshirt:interfaces");
    end_section(&b);
    return b;
}

// Starts the program, takes `steps` of the smallest steps, and kills it. False: it had ended.
static bool kill_after(struct scene *scene, u32 steps, bool again)
{
    u32 ended = scene->ended;
    struct kernel_process_id id = start(scene, scene->cid);
    load(scene);
    for (u32 i = 0; i < steps && scene->ended == ended; i++) {
        (void)kernel_worker_step(scene->kernel, 0, 1);
        kernel_check(scene->kernel);
    }
    bool was_alive = scene->ended == ended;
    if (was_alive) {
        assert_int_equal(kernel_kill(scene->kernel, id), ERR_OK);
    }
    if (was_alive && again) { // while what is left of the first is still there
        (void)kernel_worker_step(scene->kernel, 0, 1);
        (void)start(scene, scene->cid);
        settle(scene);
        assert_int_equal(scene->ended, ended + 2);
        assert_int_equal(scene->ending.kind, KERNEL_EXITED);
    }
    settle(scene);
    kernel_check_empty(scene->kernel);
    return was_alive;
}

// Forgets the program, if it is in the cache.
static void uncache(struct scene *scene, const struct wasm_bytes *program, u64 seed)
{
    kernel_destroy(scene->kernel);
    sim_close();
    scene_open(scene, seed, 1, wasm_bytes_span(program));
}

static void a_kill_at_any_step_of_a_check_leaves_nothing(void **state)
{
    (void)state;
    struct wasm_bytes b = varied_program();
    static struct scene scene;
    scene_open(&scene, 2, 1, wasm_bytes_span(&b));
    settle(&scene);
    u64 bytes = 0;
    u32 steps = 0;
    for (bool was_alive = true; was_alive; steps++) {
        was_alive = kill_after(&scene, steps, false);
        bool is_cached = !list_is_empty(&scene.kernel->cache);
        if (is_cached || !was_alive) {
            uncache(&scene, &b, 2);
            bytes = 0;
        } else if (bytes == 0) { // tables and pools are there from the first time on
            bytes = sim_memory_bytes();
        } else {
            assert_int_equal(sim_memory_bytes(), bytes);
        }
        assert_int_equal(scene.kernel->program_count, 1);
    }
    assert_true(steps > 60);
    for (u32 i = 0; i < steps; i += 7) {
        uncache(&scene, &b, 2);
        (void)kill_after(&scene, i, true);
    }
    scene_close(&scene);
    wasm_bytes_free(&b);
}

static void a_kernel_ends_in_the_middle_of_a_check(void **state)
{
    (void)state;
    struct wasm_bytes b = varied_program();
    static struct scene scene;
    for (u32 steps = 0; steps < 300; steps += 3) {
        scene_open(&scene, 3, 1, wasm_bytes_span(&b));
        (void)start(&scene, scene.cid);
        load(&scene);
        for (u32 i = 0; i < steps; i++) {
            (void)kernel_worker_step(scene.kernel, 0, 1);
        }
        scene_close(&scene); // asserts that nothing leaked
    }
    wasm_bytes_free(&b);
}

static void a_check_goes_on_for_who_is_left(void **state)
{
    (void)state;
    struct wasm_bytes b = varied_program();
    static struct scene scene;
    scene_open(&scene, 4, 1, wasm_bytes_span(&b));
    struct kernel_process_id first = start(&scene, scene.cid);
    (void)start(&scene, scene.cid);
    load(&scene);
    for (u32 i = 0; i < 50; i++) {
        (void)kernel_worker_step(scene.kernel, 0, 1);
    }
    assert_int_equal(kernel_kill(scene.kernel, first), ERR_OK);
    settle(&scene);
    assert_int_equal(scene.ended, 2);
    assert_int_equal(scene.ending.kind, KERNEL_EXITED);
    u32 loads = 0;
    for (u32 i = 0; i < scene.event_count; i++) {
        loads += scene.events[i].kind == KERNEL_TRACE_LOAD;
    }
    assert_int_equal(loads, 1);
    scene_close(&scene);
    wasm_bytes_free(&b);
}

// ---- instances and ends

enum { WIDE_PAGES = 1024, WIDE_ITEMS = 1 << 20, WIDE_GLOBALS = 1 << 15 };

// A program whose instance takes long to make, and whose process then grows a table, and ends with
// 64 MiB of memory.
static struct wasm_bytes wide_program(void)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 4);
    PUT(&b, "\x02\x70\x00");
    put_u32(&b, WIDE_ITEMS);
    PUT(&b, "\x6f\x00");
    put_u32(&b, WIDE_ITEMS);
    end_section(&b);
    put_section(&b, 5);
    PUT(&b, "\x01\x00");
    put_u32(&b, WIDE_PAGES);
    end_section(&b);
    put_section(&b, 6);
    put_u32(&b, WIDE_GLOBALS);
    for (u32 i = 0; i < WIDE_GLOBALS; i++) {
        PUT(&b, "\x7f\x01\x41\x05\x0b");
    }
    end_section(&b);
    put_section(&b, 7);
    PUT(&b, "\x02\x06memory\x02\x00\x06_start\x00\x00");
    end_section(&b);
    put_section(&b, 9);
    PUT(&b, "\x01\x00\x41\x00\x0b");
    put_u32(&b, WIDE_ITEMS);
    put_run(&b, 0, WIDE_ITEMS);
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t body = put_body(&b);
    PUT(&b, "\x00\xd0\x70\x41");
    put_i32(&b, WIDE_ITEMS);
    PUT(&b, "\xfc\x0f\x00\x41");
    put_i32(&b, WIDE_ITEMS);
    PUT(&b, "\x47\x04\x40\x00\x0b\x0b"); // unreachable unless it grew from that
    end_body(&b, body);
    end_section(&b);
    put_section(&b, 11);
    PUT(&b, "\x01\x00\x41\x00\x0b");
    put_u32(&b, 8 << 20);
    put_run(&b, 'x', 8 << 20);
    end_section(&b);
    return b;
}

// The turns that a process had, none of which may be longer than it should.
static u32 turns_of(const struct scene *scene, u64 process)
{
    u32 turns = 0;
    for (u32 i = 0; i < scene->event_count; i++) {
        const struct event *event = &scene->events[i];
        if (event->kind == KERNEL_TRACE_RUN && event->a == process) {
            assert_true(event->b <= TURN + OVERRUN);
            turns++;
        }
    }
    return turns;
}

static u32 job_turns(const struct scene *scene)
{
    u32 turns = 0;
    for (u32 i = 0; i < scene->event_count; i++) {
        turns += scene->events[i].kind == KERNEL_TRACE_JOB;
    }
    return turns;
}

static void an_instance_is_made_and_ended_in_turns(void **state)
{
    (void)state;
    struct wasm_bytes b = wide_program();
    static struct scene scene;
    scene_open(&scene, 7, 1, (struct span){0});
    char cid[KERNEL_CID_TEXT_BYTES];
    assert_int_equal(
        kernel_program_add(scene.kernel, wasm_bytes_span(&b), (struct span){0}, cid, NULL), ERR_OK);
    u64 process = start(&scene, cid).value;
    settle(&scene);
    assert_int_equal(scene.ended, 1);
    assert_int_equal(scene.ending.kind, KERNEL_EXITED);
    u32 turns = turns_of(&scene, process);
    assert_true(turns > 30);
    // 64 MiB are given back at KERNEL_FUEL_FREE_BYTES for a unit.
    u64 units = ((u64)WIDE_PAGES << 16) / KERNEL_FUEL_FREE_BYTES;
    assert_true(job_turns(&scene) >= units / (TURN + OVERRUN));
    kernel_check_empty(scene.kernel);
    u64 bytes = sim_memory_bytes();
    for (u32 killed_at = 0; killed_at <= turns; killed_at++) {
        u32 ended = scene.ended;
        scene.event_count = 0;
        struct kernel_process_id id = start(&scene, cid);
        for (u32 i = 0; i < killed_at; i++) {
            (void)kernel_worker_step(scene.kernel, 0, TURN);
            kernel_check(scene.kernel);
        }
        (void)!kernel_kill(scene.kernel, id);
        settle(&scene);
        assert_int_equal(scene.ended, ended + 1);
        kernel_check_empty(scene.kernel);
        assert_int_equal(sim_memory_bytes(), bytes);
    }
    scene_close(&scene);
    wasm_bytes_free(&b);
}

static void a_kernel_ends_while_a_process_ends(void **state)
{
    (void)state;
    struct wasm_bytes b = wide_program();
    static struct scene scene;
    for (u32 turns = 0; turns < 60; turns += 4) {
        scene_open(&scene, 8, 1, (struct span){0});
        char cid[KERNEL_CID_TEXT_BYTES];
        assert_int_equal(
            kernel_program_add(scene.kernel, wasm_bytes_span(&b), (struct span){0}, cid, NULL),
            ERR_OK);
        (void)start(&scene, cid);
        for (u32 i = 0; i < turns; i++) {
            (void)kernel_worker_step(scene.kernel, 0, TURN);
        }
        scene_close(&scene);
        assert_int_equal(scene.ended, 1);
    }
    wasm_bytes_free(&b);
}

// ---- shares

struct counted {
    struct job job;
    u64 fuel;
    u64 most; // the job is done then
    bool was_cancelled;
};

static bool count(struct job *job, i64 *fuel)
{
    struct counted *counted = CONTAINER_OF(job, struct counted, job);
    if (job_is_cancelled(job)) {
        counted->was_cancelled = true;
        *fuel -= 1;
        return false;
    }
    counted->fuel += (u64)*fuel;
    *fuel = 0;
    return counted->fuel < counted->most;
}

static u64 run_fuel(const struct scene *scene, u64 process)
{
    u64 fuel = 0;
    for (u32 i = 0; i < scene->event_count; i++) {
        bool is_its = scene->events[i].kind == KERNEL_TRACE_RUN && scene->events[i].a == process;
        fuel += is_its ? scene->events[i].b : 0;
    }
    return fuel;
}

static void add_job(struct scene *scene, struct counted *counted, enum job_share share)
{
    kernel_lock(scene->kernel);
    job_start_locked(scene->kernel, &counted->job, share, count);
    kernel_unlock(scene->kernel);
}

static void jobs_have_one_share_and_low_ones_a_tenth(void **state)
{
    (void)state;
    enum { SLICE = 10 * KERNEL_FUEL_LOW, TURNS = 400 };
    struct wasm_bytes b = varied_program();
    static struct scene scene;
    for (u32 low = 0; low < 2; low++) {
        scene_open(&scene, 5, 1, wasm_bytes_span(&b));
        u64 spinner = start(&scene, scene.spinner).value;
        struct counted jobs[4] = {0};
        for (u32 i = 0; i < COUNT_OF(jobs); i++) {
            jobs[i].most = UINT64_MAX;
            add_job(&scene, &jobs[i], low ? JOB_LOW : JOB_NORMAL);
        }
        for (u32 i = 0; i < TURNS; i++) {
            assert_true(kernel_worker_step(scene.kernel, 0, SLICE));
        }
        u64 all = 0;
        for (u32 i = 0; i < COUNT_OF(jobs); i++) {
            assert_in_range(jobs[i].fuel, jobs[0].fuel * 9 / 10, jobs[0].fuel * 11 / 10);
            all += jobs[i].fuel;
        }
        u64 its = run_fuel(&scene, spinner) / (low ? 10 : 1);
        assert_in_range(all, its * 9 / 10, its * 11 / 10);
        scene_close(&scene);
        for (u32 i = 0; i < COUNT_OF(jobs); i++) {
            assert_true(jobs[i].was_cancelled);
        }
    }
    wasm_bytes_free(&b);
}

static void a_low_job_waits_for_the_others_and_then_has_all(void **state)
{
    (void)state;
    struct wasm_bytes b = varied_program();
    static struct scene scene;
    scene_open(&scene, 6, 1, wasm_bytes_span(&b));
    struct counted low = {.most = 5 * KERNEL_FUEL_LOW};
    struct counted normal = {.most = 5 * TURN};
    add_job(&scene, &low, JOB_LOW);
    add_job(&scene, &normal, JOB_NORMAL);
    while (normal.fuel < normal.most) {
        assert_true(kernel_worker_step(scene.kernel, 0, TURN));
        assert_int_equal(low.fuel, 0);
    }
    u32 turns = 0;
    while (kernel_worker_step(scene.kernel, 0, 10 * KERNEL_FUEL_LOW)) {
        turns++;
    }
    assert_int_equal(turns, 5);
    assert_int_equal(low.fuel, low.most);
    scene_close(&scene);
    wasm_bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_check_takes_turns_with_processes),
        cmocka_unit_test(a_kill_at_any_step_of_a_check_leaves_nothing),
        cmocka_unit_test(a_kernel_ends_in_the_middle_of_a_check),
        cmocka_unit_test(a_check_goes_on_for_who_is_left),
        cmocka_unit_test(an_instance_is_made_and_ended_in_turns),
        cmocka_unit_test(a_kernel_ends_while_a_process_ends),
        cmocka_unit_test(jobs_have_one_share_and_low_ones_a_tenth),
        cmocka_unit_test(a_low_job_waits_for_the_others_and_then_has_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
