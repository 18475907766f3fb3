// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/compiled.c: the kernel's two engines on the hosted machine (core/kernel/compiled.h):
// who is fast, what compiled code does to its neighbours, and how it ends.
#include "core/jit/limits.h"
#include "core/jit/thread.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
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
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES = 1 << 16, SLICE_NS = 2000000, PATIENCE_NS = 2000000000 };

struct machine {
    struct hosted_memory memory;
    struct kernel *kernel;
    u32 exited;
    u32 killed;
    u8 files[2][FILE_BYTES];
    char spin[KERNEL_CID_TEXT_BYTES];
    char exit[KERNEL_CID_TEXT_BYTES];
};

static void add(struct machine *machine, u32 slot, const char *path, char *cid)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(machine->files[slot], 1, FILE_BYTES, file);
    fclose(file);
    assert_int_equal(kernel_program_add(machine->kernel, span_of(machine->files[slot], size),
                                        (struct span){0}, cid, NULL),
                     ERR_OK);
}

static void machine_open(struct machine *machine, enum kernel_engine engine)
{
    memset(machine, 0, sizeof *machine);
    assert_int_equal(hosted_platform_start(1, NULL), ERR_OK);
    assert_int_equal(hosted_interrupts_open(0), ERR_OK);
    hosted_memory_init(&machine->memory, (u64)1 << 32);
    struct kernel_config config = {.engine = engine,
                                   .memory = &machine->memory.base,
                                   .memory_bytes = (u64)1 << 32,
                                   .guest_memory_bytes = (u64)1 << 32,
                                   .workers = 1,
                                   .slice_ns = SLICE_NS};
    assert_int_equal(kernel_create(&config, &machine->kernel, NULL), ERR_OK);
    add(machine, 0, "build/test/kernel/spin.wasm", machine->spin);
    add(machine, 1, "build/test/kernel/exit.wasm", machine->exit);
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
}

static struct kernel_process_id start(struct machine *machine, const char *cid)
{
    struct span name = SPAN_LITERAL("test");
    struct kernel_start start = {.cid = span_string(cid),
                                 .arguments = &name,
                                 .argument_count = 1,
                                 .on_end = on_end,
                                 .context = machine};
    struct kernel_process_id id;
    assert_int_equal(kernel_start(machine->kernel, &start, &id, NULL), ERR_OK);
    return id;
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
    static const enum kernel_engine engines[] = {KERNEL_ENGINE_INTERPRETER, KERNEL_ENGINE_AUTO,
                                                 KERNEL_ENGINE_COMPILED};
    for (u32 i = 0; i < COUNT_OF(engines); i++) {
        machine_open(&machine, engines[i]);
        struct kernel_process_id spinners[] = {start(&machine, machine.spin),
                                               start(&machine, machine.spin)};
        u64 until_ns = platform_clock_ns() + PATIENCE_NS;
        bool is_compiled = engines[i] == KERNEL_ENGINE_INTERPRETER;
        for (u32 step = 0; step < 12 || !is_compiled; step++) {
            assert_true(platform_clock_ns() < until_ns);
            assert_true(kernel_worker_step(machine.kernel, 0, INT64_MAX));
            const struct process *process = process_of(&machine, spinners[0]);
            is_compiled |= process->compiled != NULL && process->compiled->top != NULL;
        }
        (void)start(&machine, machine.exit);
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

// As many as may be are fast; one more is not; when one ends, there is room for another.
static void so_many_are_fast(void **state)
{
    (void)state;
    static struct machine machine;
    static struct kernel_process_id ids[KERNEL_FAST + 2];
    machine_open(&machine, KERNEL_ENGINE_AUTO);
    for (u32 i = 0; i <= KERNEL_FAST; i++) {
        ids[i] = start(&machine, machine.spin);
        while (process_of(&machine, ids[i])->instance == NULL) {
            assert_true(kernel_worker_step(machine.kernel, 0, 50));
        }
    }
    assert_int_equal(machine.kernel->fast_count, KERNEL_FAST);
    assert_true(process_of(&machine, ids[KERNEL_FAST - 1])->is_fast);
    assert_false(process_of(&machine, ids[KERNEL_FAST])->is_fast);
    assert_int_equal(kernel_kill(machine.kernel, ids[0]), ERR_OK);
    while (machine.killed == 0) {
        assert_true(kernel_worker_step(machine.kernel, 0, 50));
    }
    assert_int_equal(machine.kernel->fast_count, KERNEL_FAST - 1);
    ids[0] = start(&machine, machine.spin);
    while (process_of(&machine, ids[0])->instance == NULL) {
        assert_true(kernel_worker_step(machine.kernel, 0, 50));
    }
    assert_true(process_of(&machine, ids[0])->is_fast);
    machine_close(&machine);
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
    struct kernel_process_id neighbour = start(&machine, machine.spin);
    while (process_of(&machine, neighbour)->compiled == NULL) {
        assert_true(kernel_worker_step(machine.kernel, 0, FUEL));
    }
    struct kernel_process_id id = start(&machine, large);
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
    struct kernel_process_id ids[] = {start(&machine, large), start(&machine, large)};
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
    ids[0] = start(&machine, large);
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
        struct kernel_process_id id = start(&machine, cid);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_run_while_others_compile),
        cmocka_unit_test(who_waits_for_code_can_be_killed),
        cmocka_unit_test(so_many_loops_are_hot),
        cmocka_unit_test(spinners_are_interrupted),
        cmocka_unit_test(so_many_are_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
