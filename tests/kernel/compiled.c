// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/compiled.c: the kernel's two engines on the hosted machine (core/kernel/compiled.h):
// who is fast and who is small, what compiled code does to its neighbours, and how it ends.
#include "core/base/cid.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/segment.h"
#include "core/jit/space.h"
#include "core/jit/thread.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "interfaces/budget.h"
#include "interfaces/loader.h"
#include "interfaces/stdio.h"
#include "machines/hosted/kept.h"
#include "machines/hosted/memory.h"
#include "machines/hosted/platform.h"
#include "tests/unit/large_bodies.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES = 1 << 16, SLICE_NS = 2000000, PATIENCE_NS = 2000000000 };
enum { FILE_SPIN, FILE_EXIT, FILE_IDLE, FILE_DEEP, FILE_BROOD, FILE_TALKER, FILE_COUNT };

struct machine {
    struct hosted_memory memory;
    struct kernel *kernel;
    u32 exited;
    u32 killed;
    u32 trapped;
    u32 not_loaded;
    char text[128]; // of the last trap
    u8 files[FILE_COUNT][FILE_BYTES];
    struct span loaded; // what the loader has
    u32 loads;          // that were asked for
    char cids[FILE_COUNT][KERNEL_CID_TEXT_BYTES];
};

static struct span read_file(struct machine *machine, u32 slot)
{
    static const char *const names[FILE_COUNT] = {"spin", "exit",  "idle",
                                                  "deep", "brood", "talker"};
    char path[64];
    snprintf(path, sizeof path, "build/test/kernel/%s.wasm", names[slot]);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(machine->files[slot], 1, FILE_BYTES, file);
    fclose(file);
    return span_of(machine->files[slot], size);
}

static void add(struct machine *machine, u32 slot)
{
    assert_int_equal(kernel_program_add(machine->kernel, read_file(machine, slot), (struct span){0},
                                        machine->cids[slot], NULL),
                     ERR_OK);
}

// Without programs.
static void machine_make(struct machine *machine, enum kernel_engine engine)
{
    memset(machine, 0, sizeof *machine);
    assert_int_equal(hosted_platform_start(1, NULL), ERR_OK);
    assert_int_equal(hosted_interrupts_open(0), ERR_OK);
    hosted_memory_init(&machine->memory, (u64)1 << 33);
    struct kernel_config config = {.engine = engine,
                                   .unknown = {KERNEL_ALLOW, KERNEL_ALLOW},
                                   .memory = &machine->memory.base,
                                   .memory_bytes = (u64)1 << 33,
                                   .guest_memory_bytes = (u64)1 << 34,
                                   .workers = 1,
                                   .slice_ns = SLICE_NS};
    assert_int_equal(kernel_create(&config, &machine->kernel, NULL), ERR_OK);
}

static void machine_open(struct machine *machine, enum kernel_engine engine)
{
    machine_make(machine, engine);
    for (u32 i = 0; i < FILE_COUNT; i++) {
        add(machine, i);
    }
}

static void machine_close(struct machine *machine)
{
    hosted_platform_stop();
    kernel_destroy(machine->kernel);
    hosted_interrupts_close(0);
}

static void on_end(void *context, struct kernel_process_id id, struct kernel_ending ending)
{
    struct machine *machine = context;
    (void)id;
    machine->exited += ending.kind == KERNEL_EXITED;
    machine->killed += ending.kind == KERNEL_KILLED;
    machine->not_loaded += ending.kind == KERNEL_NOT_LOADED;
    if (ending.kind == KERNEL_TRAPPED) {
        machine->trapped++;
        snprintf(machine->text, sizeof machine->text, "%.*s", (int)ending.text.size,
                 (const char *)ending.text.data);
    }
}

static struct kernel_process_id start_named(struct machine *machine, const char *cid,
                                            enum kernel_memory memory)
{
    struct span name = SPAN_LITERAL("test");
    struct kernel_start start = {.cid = span_string(cid),
                                 .arguments = &name,
                                 .argument_count = 1,
                                 .limits = {memory},
                                 .on_end = on_end,
                                 .context = machine};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(machine->kernel, &start, &id, NULL), ERR_OK);
    return id;
}

static struct kernel_process_id start(struct machine *machine, u32 slot, enum kernel_memory memory)
{
    return start_named(machine, machine->cids[slot], memory);
}

static struct process *process_of(struct machine *machine, struct kernel_process_id id)
{
    return process_find_locked(machine->kernel, id.value);
}

// A loop without an end runs in compiled code, is interrupted at the end of each slice, lets its
// neighbours run, and is killed in the middle.
static void spinners_are_interrupted(void **state)
{
    (void)state;
    static struct machine machine;
    static const struct {
        enum kernel_engine engine;
        enum kernel_memory memory;
    } cases[] = {{KERNEL_ENGINE_INTERPRETER, KERNEL_MEMORY_AUTO},
                 {KERNEL_ENGINE_INTERPRETER, KERNEL_MEMORY_FAST},
                 {KERNEL_ENGINE_INTERPRETER, KERNEL_MEMORY_SMALL},
                 {KERNEL_ENGINE_AUTO, KERNEL_MEMORY_AUTO},
                 {KERNEL_ENGINE_AUTO, KERNEL_MEMORY_SMALL},
                 {KERNEL_ENGINE_COMPILED, KERNEL_MEMORY_FAST},
                 {KERNEL_ENGINE_COMPILED, KERNEL_MEMORY_SMALL}};
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        machine_open(&machine, cases[i].engine);
        // The second is fast in any case, so that the program has code of both kinds.
        struct kernel_process_id spinners[] = {start(&machine, FILE_SPIN, cases[i].memory),
                                               start(&machine, FILE_SPIN, KERNEL_MEMORY_FAST)};
        u64 until_ns = platform_clock_ns() + PATIENCE_NS;
        bool is_compiled = cases[i].engine == KERNEL_ENGINE_INTERPRETER;
        for (u32 step = 0; step < 12 || !is_compiled; step++) {
            assert_true(platform_clock_ns() < until_ns);
            assert_true(kernel_worker_step(machine.kernel, 0, INT64_MAX));
            const struct process *process = process_of(&machine, spinners[0]);
            is_compiled |= process->compiled != NULL && process->compiled->top != NULL;
        }
        bool is_fast =
            cases[i].engine != KERNEL_ENGINE_INTERPRETER && cases[i].memory != KERNEL_MEMORY_SMALL;
        assert_int_equal(process_of(&machine, spinners[0])->is_fast, is_fast);
        (void)start(&machine, FILE_EXIT, cases[i].memory);
        while (machine.exited == 0) { // beside both
            assert_true(platform_clock_ns() < until_ns);
            assert_true(kernel_worker_step(machine.kernel, 0, INT64_MAX));
        }
        for (u32 j = 0; j < COUNT_OF(spinners); j++) {
            assert_true(process_of(&machine, spinners[j])->fuel_used > 0);
            assert_int_equal(kernel_kill(machine.kernel, spinners[j]), ERR_OK);
        }
        while (machine.killed < COUNT_OF(spinners)) {
            assert_true(kernel_worker_step(machine.kernel, 0, INT64_MAX));
        }
        assert_int_equal(machine.kernel->fast_count, 0);
        kernel_check_empty(machine.kernel);
        machine_close(&machine);
    }
}

// A loop that is seen while kept code is being placed is compiled behind it: what was kept has no
// loops of their own.
static void kept_code_leaves_loops_to_compile(void **state)
{
    (void)state;
    static struct machine machine;
    char home[] = "/tmp/redshirt-compiled-XXXXXX";
    assert_non_null(mkdtemp(home));
    int folder = open(home, O_RDONLY | O_DIRECTORY);
    assert_true(folder >= 0);
    for (u32 run = 0; run < 6; run++) { // nothing is kept for the first
        assert_int_equal(hosted_kept_open(folder), ERR_OK);
        machine_open(&machine, KERNEL_ENGINE_AUTO);
        struct kernel_process_id spinner = start(&machine, FILE_SPIN, KERNEL_MEMORY_AUTO);
        u64 until_ns = platform_clock_ns() + PATIENCE_NS;
        const struct process *process = process_of(&machine, spinner);
        while (process->compiled == NULL || process->compiled->top == NULL) {
            assert_true(platform_clock_ns() < until_ns);
            assert_true(kernel_worker_step(machine.kernel, 0, INT64_MAX));
        }
        assert_int_equal(kernel_kill(machine.kernel, spinner), ERR_OK);
        while (machine.killed == 0) {
            assert_true(kernel_worker_step(machine.kernel, 0, INT64_MAX));
        }
        hosted_kept_settle();
        machine_close(&machine);
        hosted_kept_close();
    }
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", home);
    assert_int_equal(system(command), 0);
    close(folder);
}

static void wake(void *context)
{
    (void)context;
}

// Whether the loop that the interpreter began is in compiled code, and not only what it calls.
static bool is_begun_at_loop(const struct process *process)
{
    const struct jit_segment *segment = process->compiled == NULL ? NULL : process->compiled->top;
    while (segment != NULL && segment->previous != NULL) {
        segment = segment->previous;
    }
    return segment != NULL && segment->at_loop;
}

// A program that waits after every few turns of its loop becomes hot all the same: by what it has
// used in all, however little at once.
static void who_waits_often_becomes_hot(void **state)
{
    (void)state;
    enum { MESSAGES = 100000, TEXT_BYTES = 64 };
    static struct machine machine;
    machine_open(&machine, KERNEL_ENGINE_AUTO);
    struct kernel_device_config config = {.interface = &stdio_interface, .wake = wake};
    struct kernel_device *device;
    assert_int_equal(kernel_device_register(machine.kernel, &config, &device), ERR_OK);
    struct kernel_process_id id = start(&machine, FILE_TALKER, KERNEL_MEMORY_AUTO);
    const struct process *process = process_of(&machine, id);
    u32 messages = 0;
    while (!is_begun_at_loop(process) && messages < MESSAGES) {
        struct kernel_event event;
        u8 answer[TEXT_BYTES];
        struct stdio_result_none_error result = {.ok = true};
        while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
        }
        while (kernel_device_take(device, &event)) {
            size_t size = stdio_write_encode_result(answer, sizeof answer, &result);
            kernel_device_answer(device, event.id, span_of(answer, size));
            messages++;
        }
    }
    assert_true(is_begun_at_loop(process));
    machine_close(&machine);
}

// As many as may be are fast; one more is small, or, if it must be fast, does not begin; when one
// ends, there is room for another.
static void so_many_are_fast(void **state)
{
    (void)state;
    static struct machine machine;
    static struct kernel_process_id ids[KERNEL_FAST + 2];
    machine_open(&machine, KERNEL_ENGINE_AUTO);
    for (u32 i = 0; i <= KERNEL_FAST; i++) {
        ids[i] = start(&machine, FILE_SPIN, KERNEL_MEMORY_AUTO);
        while (process_of(&machine, ids[i])->instance == NULL) {
            assert_true(kernel_worker_step(machine.kernel, 0, 50));
        }
    }
    assert_int_equal(machine.kernel->fast_count, KERNEL_FAST);
    assert_true(process_of(&machine, ids[KERNEL_FAST - 1])->is_fast);
    assert_false(process_of(&machine, ids[KERNEL_FAST])->is_fast);
    (void)start(&machine, FILE_SPIN, KERNEL_MEMORY_FAST);
    while (machine.not_loaded == 0) {
        assert_true(kernel_worker_step(machine.kernel, 0, 50));
    }
    assert_int_equal(kernel_kill(machine.kernel, ids[0]), ERR_OK);
    while (machine.killed == 0) {
        assert_true(kernel_worker_step(machine.kernel, 0, 50));
    }
    assert_int_equal(machine.kernel->fast_count, KERNEL_FAST - 1);
    ids[0] = start(&machine, FILE_SPIN, KERNEL_MEMORY_FAST);
    while (process_of(&machine, ids[0])->instance == NULL) {
        assert_true(kernel_worker_step(machine.kernel, 0, 50));
    }
    assert_true(process_of(&machine, ids[0])->is_fast);
    machine_close(&machine);
}

// The process that has all those children, so that they are one family.
//   small  "", or their number
static struct kernel_process_id start_brood(struct machine *machine, const char *small)
{
    struct span arguments[] = {SPAN_LITERAL("brood"), span_string(machine->cids[FILE_IDLE]),
                               span_string(small)};
    struct kernel_start start = {.cid = span_string(machine->cids[FILE_BROOD]),
                                 .arguments = arguments,
                                 .argument_count = COUNT_OF(arguments),
                                 .on_end = on_end,
                                 .context = machine};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(machine->kernel, &start, &id, NULL), ERR_OK);
    while (kernel_worker_step(machine->kernel, 0, INT64_MAX)) {
    }
    assert_int_equal(machine->exited, 0); // nothing surprised it
    return id;
}

// A family that takes what it can get comes to a limit of its own. It has one's place again when
// that has ended, and what may be small goes on as that; other families have theirs.
static void one_family_does_not_take_all(void **state)
{
    (void)state;
    enum { FAMILIES = KERNEL_FAST / KERNEL_FAMILY_FAST };
    static struct machine machine;
    static struct kernel_process_id families[FAMILIES];
    machine_open(&machine, KERNEL_ENGINE_AUTO);
    for (u32 i = 0; i < FAMILIES; i++) {
        families[i] = start_brood(&machine, "");
        const struct process *first = process_of(&machine, families[i]);
        assert_int_equal(first->fast_count, KERNEL_FAMILY_FAST);
        assert_int_equal(first->family_count, KERNEL_FAMILY_FAST); // itself not, and one is small
        assert_int_equal(machine.kernel->fast_count, (i + 1) * KERNEL_FAMILY_FAST);
        kernel_check(machine.kernel);
    }
    for (u32 i = 0; i < FAMILIES; i++) {
        assert_int_equal(kernel_kill(machine.kernel, families[i]), ERR_OK);
    }
    while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
    }
    assert_int_equal(machine.kernel->fast_count, FAMILIES * (KERNEL_FAMILY_FAST - 1)); // orphans
    machine_close(&machine);
}

static u32 compiled_count(struct machine *machine)
{
    u32 count = 0;
    struct list *all = &machine->kernel->all_processes;
    for (struct list_node *node = list_first(all); node != NULL; node = list_next(all, node)) {
        count += LIST_ITEM(node, struct process, of_kernel)->compiled != NULL;
    }
    return count;
}

// A family has so many stacks for compiled code; who comes later runs all the same, and one that
// comes when another has ended has its stack.
static void a_family_has_so_many_stacks(void **state)
{
    (void)state;
    static struct machine machine;
    for (u32 beyond = 0; beyond <= 2; beyond++) {
        machine_open(&machine, KERNEL_ENGINE_COMPILED);
        char text[16];
        snprintf(text, sizeof text, "%d", KERNEL_FAMILY_STACKS - 1 + (int)beyond);
        struct kernel_process_id id = start_brood(&machine, text);
        const struct process *first = process_of(&machine, id);
        assert_int_equal(first->family_count, KERNEL_FAMILY_STACKS - 1 + beyond); // not itself
        assert_int_equal(first->stack_count, KERNEL_FAMILY_STACKS);
        assert_int_equal(compiled_count(&machine), KERNEL_FAMILY_STACKS);
        (void)start(&machine, FILE_IDLE, KERNEL_MEMORY_SMALL); // of another family
        while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
        }
        assert_int_equal(compiled_count(&machine), KERNEL_FAMILY_STACKS + 1);
        machine_close(&machine);
    }
}

// The largest function there may be is compiled before its program runs; whoever else wants the
// one worker has it between any two portions, and no portion is longer than it may be.
static void neighbours_run_while_others_compile(void **state)
{
    (void)state;
    enum { FUEL = 20000, PLACING = 200000 }; // PLACING: the batch, at the end
    static struct machine machine;
    struct wasm_bytes bytes = large_module(5, JIT_BODY_BYTES);
    machine_open(&machine, KERNEL_ENGINE_COMPILED);
    char large[KERNEL_CID_TEXT_BYTES];
    assert_int_equal(
        kernel_program_add(machine.kernel, wasm_bytes_span(&bytes), (struct span){0}, large, NULL),
        ERR_OK);
    struct kernel_process_id neighbour = start(&machine, FILE_SPIN, KERNEL_MEMORY_AUTO);
    while (process_of(&machine, neighbour)->compiled == NULL) {
        assert_true(kernel_worker_step(machine.kernel, 0, FUEL));
    }
    struct kernel_process_id id = start_named(&machine, large, KERNEL_MEMORY_AUTO);
    const struct process *process = process_of(&machine, id);
    u64 paid = 0;
    u32 portions = 0;
    u32 without = 0; // steps in a row in which the neighbour did not run
    u64 ran = 0;
    while (machine.exited == 0) {
        assert_true(kernel_worker_step(machine.kernel, 0, FUEL));
        u64 now = process_of(&machine, neighbour)->fuel_used;
        without = now == ran ? without + 1 : 0;
        assert_true(without <= 2); // a job's portion, or the process's own
        ran = now;
        process = process_of(&machine, id);
        if (process != NULL && process->compiling_fuel != paid) {
            assert_true(process->compiling_fuel - paid <= FUEL + JIT_PACE_UNITS + PLACING);
            assert_true(process->compiling_bytes <= KERNEL_FAMILY_COMPILING_BYTES);
            paid = process->compiling_fuel;
            portions++;
        }
    }
    assert_true(portions > 500);
    assert_int_equal(kernel_kill(machine.kernel, neighbour), ERR_OK);
    while (machine.killed == 0) {
        assert_true(kernel_worker_step(machine.kernel, 0, FUEL));
    }
    kernel_check_empty(machine.kernel);
    machine_close(&machine);
    wasm_bytes_free(&bytes);
}

// One that waits for its code can be killed; the job goes on without it, and serves the next.
static void who_waits_for_code_can_be_killed(void **state)
{
    (void)state;
    enum { FUEL = 20000 };
    static struct machine machine;
    struct wasm_bytes bytes = large_module(5, JIT_BODY_BYTES);
    machine_open(&machine, KERNEL_ENGINE_COMPILED);
    char large[KERNEL_CID_TEXT_BYTES];
    assert_int_equal(
        kernel_program_add(machine.kernel, wasm_bytes_span(&bytes), (struct span){0}, large, NULL),
        ERR_OK);
    struct kernel_process_id ids[] = {start_named(&machine, large, KERNEL_MEMORY_AUTO),
                                      start_named(&machine, large, KERNEL_MEMORY_AUTO)};
    while (process_of(&machine, ids[0])->compiling_fuel == 0 ||
           process_of(&machine, ids[1])->state != PROCESS_LOADING) {
        assert_true(kernel_worker_step(machine.kernel, 0, FUEL));
        kernel_check(machine.kernel);
    }
    assert_int_equal(process_of(&machine, ids[0])->state, PROCESS_LOADING);
    assert_int_equal(kernel_kill(machine.kernel, ids[0]), ERR_OK);
    while (machine.killed == 0 || machine.exited == 0) {
        assert_true(kernel_worker_step(machine.kernel, 0, FUEL));
        kernel_check(machine.kernel);
    }
    kernel_check_empty(machine.kernel);
    // And the kernel may go while one waits, in the middle of a function.
    machine_close(&machine);
    machine_open(&machine, KERNEL_ENGINE_COMPILED);
    assert_int_equal(
        kernel_program_add(machine.kernel, wasm_bytes_span(&bytes), (struct span){0}, large, NULL),
        ERR_OK);
    ids[0] = start_named(&machine, large, KERNEL_MEMORY_AUTO);
    while (process_of(&machine, ids[0])->compiling_fuel < 1000000) {
        assert_true(kernel_worker_step(machine.kernel, 0, FUEL));
    }
    machine_close(&machine);
    wasm_bytes_free(&bytes);
}

// A program of so many loops one behind the other, each of which takes some portions, in a function
// that is too large to be compiled.
static struct wasm_bytes many_loops(u32 count)
{
    enum { FIRST = 1200000, TURNS = 3000 };
    struct wasm_bytes bytes = wasm_bytes_begin();
    put_plain_functions(&bytes, 1);
    put_section(&bytes, 5);
    PUT(&bytes, "\x01\x00\x01");
    end_section(&bytes);
    put_section(&bytes, 7);
    PUT(&bytes, "\x02\x06memory\x02\x00\x06_start\x00\x00");
    end_section(&bytes);
    put_section(&bytes, 10);
    put_u32(&bytes, 1);
    size_t body = put_body(&bytes);
    PUT(&bytes, "\x01\x01\x7f"); // a local, i32
    for (u32 i = 0; i < count; i++) {
        put_u8(&bytes, 0x41);
        put_i32(&bytes, i == 0 ? FIRST : TURNS); // the first until it is hot
        PUT(&bytes, "\x21\x00\x03\x40\x20\x00\x41\x7f\x6a\x22\x00\x0d\x00\x0b");
    }
    put_run(&bytes, 0x01, JIT_BODY_BYTES);
    PUT(&bytes, "\x0b");
    end_body(&bytes, body);
    end_section(&bytes);
    return bytes;
}

// The loops that are compiled first have a number, and what is beyond it makes no difference.
static void so_many_loops_are_hot(void **state)
{
    (void)state;
    for (u32 count = KERNEL_HOT; count <= KERNEL_HOT + 2; count++) {
        static struct machine machine;
        struct wasm_bytes bytes = many_loops(count);
        machine_open(&machine, KERNEL_ENGINE_AUTO);
        char cid[KERNEL_CID_TEXT_BYTES];
        assert_int_equal(kernel_program_add(machine.kernel, wasm_bytes_span(&bytes),
                                            (struct span){0}, cid, NULL),
                         ERR_OK);
        struct kernel_process_id id = start_named(&machine, cid, KERNEL_MEMORY_AUTO);
        struct program *program = NULL;
        u32 hot = 0;
        while (machine.exited == 0) {
            assert_true(kernel_worker_step(machine.kernel, 0, 500));
            const struct process *process = process_of(&machine, id);
            program = process != NULL ? process->program : NULL;
            hot = program != NULL ? compiled_hot_count(program) : hot;
            assert_true(hot <= KERNEL_HOT);
        }
        assert_int_equal(hot, KERNEL_HOT);
        machine_close(&machine);
        wasm_bytes_free(&bytes);
    }
}

// The user's word about a program, or all: its budget.
static void say(struct machine *machine, const char *cid, const char *limit)
{
    static const u8 budget[32] = BUDGET_HASH;
    struct kernel_grant grant = {.word = KERNEL_ALLOW, .limit = span_string(limit)};
    memcpy(grant.interface, budget, sizeof budget);
    if (cid != NULL) {
        struct cid program;
        assert_int_equal(cid_parse_text(span_string(cid), &program, NULL), ERR_OK);
        memcpy(grant.program, program.digest, sizeof grant.program);
    }
    assert_int_equal(kernel_grant_set(machine->kernel, &grant), ERR_OK);
}

// One program, started in the same way: what it is, the user has said. Whoever runs stays as it is.
static void the_users_word_makes_it_fast_or_small(void **state)
{
    (void)state;
    static const struct {
        const char *limit;
        bool is_fast;
    } cases[] = {{"", true},
                 {"addressing:small", false},
                 {"addressing:fast", true},
                 {"addressing:small,memory:1MiB", false},
                 {"addressing:auto", true}};
    static struct machine machine;
    struct kernel_process_id ids[COUNT_OF(cases)];
    machine_open(&machine, KERNEL_ENGINE_COMPILED);
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        say(&machine, machine.cids[FILE_IDLE], cases[i].limit);
        ids[i] = start(&machine, FILE_IDLE, KERNEL_MEMORY_AUTO);
        while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
        }
        for (u32 j = 0; j <= i; j++) {
            const struct process *process = process_of(&machine, ids[j]);
            assert_int_equal(process->is_fast, cases[j].is_fast);
            assert_int_equal(process->compiled->bounds,
                             cases[j].is_fast ? JIT_BOUNDS_GUARD : JIT_BOUNDS_CHECK);
        }
    }
    assert_int_equal(machine.kernel->fast_count, 3);
    kernel_check(machine.kernel);
    machine_close(&machine);
}

// A hundred thousand processes in compiled code at once, and none of them costs a mapping; because
// the user has said so.
static void so_many_are_small(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    static struct machine machine;
    static struct kernel_process_id ids[COUNT];
    machine_open(&machine, KERNEL_ENGINE_COMPILED);
    say(&machine, NULL, "addressing:small");
    for (u32 i = 0; i < COUNT; i++) {
        ids[i] = start(&machine, FILE_IDLE, KERNEL_MEMORY_AUTO);
    }
    while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
    }
    for (u32 i = 0; i < COUNT; i++) {
        const struct process *process = process_of(&machine, ids[i]);
        assert_int_equal(process->state, PROCESS_WAITING);
        assert_false(process->is_fast);
        assert_non_null(process->compiled);
        assert_non_null(process->compiled->top); // in a frame of compiled code
    }
    for (u32 i = 0; i < COUNT; i += 1000) {
        assert_int_equal(kernel_kill(machine.kernel, ids[i]), ERR_OK);
    }
    while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
    }
    assert_int_equal(machine.killed, COUNT / 1000);
    (void)start(&machine, FILE_EXIT, KERNEL_MEMORY_SMALL); // on the stack of one that has ended
    while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
    }
    assert_int_equal(machine.exited, 1);
    kernel_check(machine.kernel);
    machine_close(&machine);
}

// ---- reservations that are used again

// A program whose memory must be zero to begin with. Then it grows, is filled, and is read at
// `probe`, where it may end.
static struct wasm_bytes filler(u32 pages, u32 more_pages, u32 probe)
{
    enum { TYPE = 1, FUNCTION = 3, MEMORY = 5, EXPORT = 7, CODE = 10 };
    struct wasm_bytes bytes = wasm_bytes_begin();
    put_section(&bytes, TYPE);
    PUT(&bytes, "\x01\x60\x00\x00");
    end_section(&bytes);
    put_section(&bytes, FUNCTION);
    PUT(&bytes, "\x01\x00");
    end_section(&bytes);
    put_section(&bytes, MEMORY);
    PUT(&bytes, "\x01\x00");
    put_u32(&bytes, pages);
    end_section(&bytes);
    put_section(&bytes, EXPORT);
    PUT(&bytes, "\x02");
    put_name(&bytes, "_start");
    PUT(&bytes, "\x00\x00");
    put_name(&bytes, "memory");
    PUT(&bytes, "\x02\x00");
    end_section(&bytes);
    put_section(&bytes, CODE);
    PUT(&bytes, "\x01");
    size_t body = put_body(&bytes);
    PUT(&bytes, "\x01\x01\x7f"
                "\x03\x40\x20\x00\x28\x02\x00\x04\x40\x00\x0b" // a word that is not 0: unreachable
                "\x20\x00\x41\x20\x6a\x22\x00\x41");           // every 32 bytes
    put_i32(&bytes, (i32)(pages * WASM_PAGE_BYTES));
    PUT(&bytes, "\x49\x0d\x00\x0b\x41");
    put_i32(&bytes, (i32)more_pages);
    PUT(&bytes, "\x40\x00\x1a\x41\x00\x41\x7f\x41");
    put_i32(&bytes, (i32)((pages + more_pages) * WASM_PAGE_BYTES));
    PUT(&bytes, "\xfc\x0b\x00\x41");
    put_i32(&bytes, (i32)probe);
    PUT(&bytes, "\x28\x02\x00\x1a\x0b");
    end_body(&bytes, body);
    end_section(&bytes);
    return bytes;
}

// Runs it to its end. The kernel borrows its bytes.
static void run_filler(struct machine *machine, const struct wasm_bytes *bytes)
{
    char cid[KERNEL_CID_TEXT_BYTES];
    enum err err =
        kernel_program_add(machine->kernel, wasm_bytes_span(bytes), (struct span){0}, cid, NULL);
    assert_int_equal(err, ERR_OK);
    (void)start_named(machine, cid, KERNEL_MEMORY_FAST);
    while (kernel_worker_step(machine->kernel, 0, INT64_MAX)) {
    }
}

// Who gets a reservation that another has filled finds zeros in its memory and a fault behind it,
// whether it has less, as much or more, and however the other has ended.
static void reservations_are_used_again(void **state)
{
    (void)state;
    static struct machine machine;
    enum { LARGE = KERNEL_SPARE_BYTES / WASM_PAGE_BYTES };
    static const struct {
        u32 pages;
        u32 more_pages;
    } cases[] = {{3, 2},         {2, 3},     {1, 0}, {1, 1},     {9, 0},          {2, 0},
                 {1, LARGE - 1}, {LARGE, 0}, {1, 3}, {2, LARGE}, {3, LARGE + 40}, {4, 0}};
    struct wasm_bytes bytes[COUNT_OF(cases)][2];
    machine_open(&machine, KERNEL_ENGINE_COMPILED);
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        u32 end = (cases[i].pages + cases[i].more_pages) * WASM_PAGE_BYTES;
        bytes[i][0] = filler(cases[i].pages, cases[i].more_pages, end - 4);
        run_filler(&machine, &bytes[i][0]);
        assert_int_equal(machine.exited, i + 1);
        assert_int_equal(machine.kernel->guest.spare_count, 1);
        bytes[i][1] = filler(cases[i].pages, cases[i].more_pages, end);
        run_filler(&machine, &bytes[i][1]);
        assert_int_equal(machine.trapped, i + 1);
        assert_non_null(strstr(machine.text, "out of bounds memory access"));
    }
    assert_int_equal(machine.kernel->guest.used_bytes, 0);
    machine_close(&machine);
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        wasm_bytes_free(&bytes[i][0]);
        wasm_bytes_free(&bytes[i][1]);
    }
}

// So many are kept, no more.
static void so_many_reservations_are_spare(void **state)
{
    (void)state;
    static struct machine machine;
    static struct kernel_process_id ids[KERNEL_SPARE + 1];
    machine_open(&machine, KERNEL_ENGINE_AUTO);
    for (u32 i = 0; i <= KERNEL_SPARE; i++) {
        ids[i] = start(&machine, FILE_SPIN, KERNEL_MEMORY_FAST);
        while (process_of(&machine, ids[i])->instance == NULL) {
            assert_true(kernel_worker_step(machine.kernel, 0, 50));
        }
    }
    for (u32 i = 0; i <= KERNEL_SPARE; i++) {
        assert_int_equal(machine.kernel->guest.spare_count, i);
        assert_int_equal(kernel_kill(machine.kernel, ids[i]), ERR_OK);
        while (machine.killed == i) {
            assert_true(kernel_worker_step(machine.kernel, 0, 50));
        }
    }
    assert_int_equal(machine.kernel->guest.spare_count, KERNEL_SPARE);
    machine_close(&machine);
}

static u64 sum(const u8 *bytes, size_t size)
{
    u64 hash = 0;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    }
    return hash;
}

// A stack without a guard ends in a trap all the same, and what lies below it is not touched: the
// stack of who came before.
static void stacks_end(void **state)
{
    (void)state;
    static struct machine machine;
    static const enum kernel_memory kinds[] = {KERNEL_MEMORY_FAST, KERNEL_MEMORY_SMALL};
    char texts[COUNT_OF(kinds)][sizeof machine.text];
    for (u32 i = 0; i < COUNT_OF(kinds); i++) {
        machine_open(&machine, KERNEL_ENGINE_COMPILED);
        struct kernel_process_id idle = start(&machine, FILE_IDLE, kinds[i]);
        while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
        }
        const struct jit_thread *before = process_of(&machine, idle)->compiled;
        u64 hash = sum(before->stack, JIT_STACK_BYTES);
        (void)start(&machine, FILE_DEEP, kinds[i]);
        while (kernel_worker_step(machine.kernel, 0, INT64_MAX)) {
        }
        assert_int_equal(machine.trapped, 1);
        assert_non_null(strstr(machine.text, "call stack exhausted"));
        assert_true(sum(before->stack, JIT_STACK_BYTES) == hash);
        memcpy(texts[i], machine.text, sizeof machine.text);
        machine_close(&machine);
    }
    assert_string_equal(texts[0], texts[1]);
}

// ---- a loader that has one program, the first that it is asked for

static void answer_loads(struct machine *machine, struct kernel_device *device)
{
    struct kernel_event event;
    while (kernel_device_take(device, &event)) {
        if (event.kind != KERNEL_EVENT_MESSAGE) {
            continue;
        }
        struct loader_result_bytes_error result = {.ok = machine->loads++ == 0};
        if (result.ok) {
            result.value = machine->loaded;
        } else {
            result.error.kind = LOADER_ERROR_NOT_FOUND;
        }
        static u8 answer[FILE_BYTES + 64];
        size_t size = loader_load_encode_result(answer, sizeof answer, &result);
        kernel_device_answer(device, event.id, span_of(answer, size));
    }
}

static void name_of(struct span bytes, char text[CID_TEXT_BYTES])
{
    struct cid cid = cid_of_block(CID_RAW, bytes, platform_sha256);
    cid_write_text(&cid, text);
}

// Loads and compiles a program for a family that has used so much already. Returns the bytes of its
// code; it waits, compiled or not.
static u64 compile_for_family(u64 code_bytes, u64 compiling_bytes)
{
    static struct machine machine;
    machine_make(&machine, KERNEL_ENGINE_COMPILED);
    struct kernel_device_config config = {.interface = &loader_interface, .wake = wake};
    struct kernel_device *device;
    assert_int_equal(kernel_device_register(machine.kernel, &config, &device), ERR_OK);
    machine.loaded = read_file(&machine, FILE_IDLE);
    char text[CID_TEXT_BYTES];
    name_of(machine.loaded, text);
    struct kernel_process_id id = start_named(&machine, text, KERNEL_MEMORY_AUTO);
    struct process *process = process_of(&machine, id);
    process->code_bytes = code_bytes;
    process->compiling_bytes = compiling_bytes;
    u64 until_ns = platform_clock_ns() + PATIENCE_NS;
    while (process->state != PROCESS_WAITING) {
        assert_true(platform_clock_ns() < until_ns);
        answer_loads(&machine, device);
        (void)kernel_worker_step(machine.kernel, 0, INT64_MAX);
    }
    assert_false(compiled_is_under_way(process->program));
    assert_int_equal(process->compiling_bytes, compiling_bytes); // all was given back
    assert_int_equal(process->code_bytes - code_bytes, process->program->code_bytes);
    u64 made = process->program->code_bytes;
    assert_int_equal(process->compiled->top != NULL, made > 0);
    machine_close(&machine);
    return made;
}

// The last byte of code that a family may have is placed; with one less, the program stays with
// the interpreter.
static void a_family_has_so_much_code(void **state)
{
    (void)state;
    u64 made = compile_for_family(0, 0);
    assert_true(made > 0);
    assert_int_equal(compile_for_family(KERNEL_FAMILY_CODE_BYTES - made, 0), made);
    assert_int_equal(compile_for_family(KERNEL_FAMILY_CODE_BYTES - made + 1, 0), 0);
    assert_int_equal(compile_for_family(KERNEL_FAMILY_CODE_BYTES, 0), 0);
    assert_int_equal(compile_for_family(KERNEL_FAMILY_CODE_BYTES + 1, 0), 0);
}

// The same of the memory to compile in, of which the most that this program takes at once is
// looked for.
static void a_family_compiles_in_so_much_memory(void **state)
{
    (void)state;
    u64 enough = KERNEL_FAMILY_COMPILING_BYTES / 2;
    u64 short_of = KERNEL_FAMILY_COMPILING_BYTES;
    assert_true(compile_for_family(0, enough) > 0);
    assert_int_equal(compile_for_family(0, short_of), 0);
    while (short_of - enough > 1) {
        u64 middle = enough + (short_of - enough) / 2;
        *(compile_for_family(0, middle) > 0 ? &enough : &short_of) = middle;
    }
    // What it takes does not depend on what others have.
    u64 most = KERNEL_FAMILY_COMPILING_BYTES - enough;
    assert_in_range(most, JIT_PAGE_BYTES, JIT_SCRATCH_KEPT);
}

// Takes up so many programs at once, which are none, that whatever nobody runs has to go, before
// any process gets on.
static void push_out(struct machine *machine, struct kernel_device *device, u64 pc, bool stays)
{
    u32 until = machine->not_loaded + KERNEL_PROGRAMS + 1;
    for (u32 i = 0; i <= KERNEL_PROGRAMS; i++) {
        char text[CID_TEXT_BYTES];
        name_of(span_of(&i, sizeof i), text);
        (void)start_named(machine, text, KERNEL_MEMORY_SMALL);
    }
    assert_int_equal(jit_space_run(machine->kernel->space, pc) != NULL, stays);
    while (machine->not_loaded < until) {
        answer_loads(machine, device);
        (void)kernel_worker_step(machine->kernel, 0, INT64_MAX);
    }
}

// A program goes from the cache when its last process has ended, and not before: also not when that
// was killed and still stands in its code.
static void code_stays_while_it_runs(void **state)
{
    (void)state;
    static struct machine machine;
    static const enum kernel_memory kinds[] = {KERNEL_MEMORY_FAST, KERNEL_MEMORY_SMALL};
    for (u32 i = 0; i < COUNT_OF(kinds); i++) {
        machine_make(&machine, KERNEL_ENGINE_COMPILED);
        struct kernel_device_config config = {.interface = &loader_interface, .wake = wake};
        struct kernel_device *device;
        assert_int_equal(kernel_device_register(machine.kernel, &config, &device), ERR_OK);
        machine.loaded = read_file(&machine, FILE_SPIN);
        char text[CID_TEXT_BYTES];
        name_of(machine.loaded, text);
        struct kernel_process_id id = start_named(&machine, text, kinds[i]);
        const struct process *process = process_of(&machine, id);
        u64 until_ns = platform_clock_ns() + PATIENCE_NS;
        while (process->compiled == NULL || process->compiled->registers.pc == 0) {
            assert_true(platform_clock_ns() < until_ns);
            answer_loads(&machine, device);
            (void)kernel_worker_step(machine.kernel, 0, INT64_MAX);
        }
        u64 pc = process->compiled->registers.pc; // where it was interrupted
        const struct jit_space *space = machine.kernel->space;
        struct jit_module *module;
        u32 offset;
        assert_non_null(jit_code_at(space, pc, &module, &offset));
        assert_int_equal(module->options.bounds,
                         kinds[i] == KERNEL_MEMORY_FAST ? JIT_BOUNDS_GUARD : JIT_BOUNDS_CHECK);
        push_out(&machine, device, pc, true);
        assert_int_equal(kernel_kill(machine.kernel, id), ERR_OK);
        push_out(&machine, device, pc, true);
        assert_int_equal(machine.killed, 1);
        push_out(&machine, device, pc, false);
        machine_close(&machine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_run_while_others_compile),
        cmocka_unit_test(who_waits_for_code_can_be_killed),
        cmocka_unit_test(so_many_loops_are_hot),
        cmocka_unit_test(who_waits_often_becomes_hot),
        cmocka_unit_test(a_family_has_so_much_code),
        cmocka_unit_test(a_family_compiles_in_so_much_memory),
        cmocka_unit_test(spinners_are_interrupted),
        cmocka_unit_test(kept_code_leaves_loops_to_compile),
        cmocka_unit_test(so_many_are_fast),
        cmocka_unit_test(reservations_are_used_again),
        cmocka_unit_test(so_many_reservations_are_spare),
        cmocka_unit_test(one_family_does_not_take_all),
        cmocka_unit_test(a_family_has_so_many_stacks),
        cmocka_unit_test(the_users_word_makes_it_fast_or_small),
        cmocka_unit_test(so_many_are_small),
        cmocka_unit_test(stacks_end),
        cmocka_unit_test(code_stays_while_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
