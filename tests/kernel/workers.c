// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/workers.c: several workers in one kernel, as OS threads, under ThreadSanitizer:
// messages one by one and many at once, processes that start, spin, end and are killed, a device on
// a thread of its own, code that is placed and dropped.
#include "core/base/abi.h"
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/kernel/grant.h"
#include "core/kernel/internal.h"
#include "core/kernel/replace.h"
#include "core/kernel/route.h"
#include "core/platform.h"
#include "interfaces/loader.h"
#include "interfaces/ping.h"
#include "machines/hosted/memory.h"
#include "machines/hosted/platform.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4, PINGERS = 6, TRIPS = 2000 };

struct machine {
    struct hosted_memory memory;
    struct kernel *kernel;
    u32 running; // atomic
    u32 failed;  // atomic
    bool stop;   // atomic
    char ponger[KERNEL_CID_TEXT_BYTES];
    char pinger[KERNEL_CID_TEXT_BYTES];
    char idle[KERNEL_CID_TEXT_BYTES];
    char exit[KERNEL_CID_TEXT_BYTES];
    char threads[KERNEL_CID_TEXT_BYTES];
    char warm[KERNEL_CID_TEXT_BYTES];
    struct kernel_device *device;
    u32 to_take;     // atomic
    u32 placed;      // atomic: functions, in compiled code
    u32 loads;       // of the one that serves them
    u64 cache_bytes; // that the kernel takes for used, and are not
};

static u8 files[6][1 << 16];
static size_t ponger_bytes; // of the first,
static size_t exit_bytes;   // and of the fourth

// Returns its bytes.
static size_t add(struct machine *machine, u32 slot, const char *path,
                  char cid[KERNEL_CID_TEXT_BYTES])
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(files[slot], 1, sizeof files[slot], file);
    fclose(file);
    struct report report = {0};
    assert_int_equal(kernel_program_add(machine->kernel, span_of(files[slot], size),
                                        (struct span){0}, cid, &report),
                     ERR_OK);
    return size;
}

static void count_placed(void *context, const struct kernel_code *code)
{
    struct machine *machine = context;
    if (code->kind == KERNEL_CODE_FUNCTION) {
        __atomic_fetch_add(&machine->placed, 1, __ATOMIC_RELAXED);
    }
}

static void machine_open_with(struct machine *machine, enum kernel_engine engine)
{
    memset(machine, 0, sizeof *machine);
    assert_int_equal(hosted_platform_start(WORKERS, NULL), ERR_OK);
    assert_int_equal(hosted_interrupts_open(0), ERR_OK);
    hosted_memory_init(&machine->memory, (u64)1 << 30);
    struct kernel_config config = {.engine = engine,
                                   .memory = &machine->memory.base,
                                   .unknown = {KERNEL_ALLOW, KERNEL_ALLOW},
                                   .memory_bytes = (u64)1 << 30,
                                   .guest_memory_bytes = (u64)1 << 30,
                                   .workers = WORKERS,
                                   .slice_ns = 2000000,
                                   .code_placed = count_placed,
                                   .code_context = machine};
    assert_int_equal(kernel_create(&config, &machine->kernel, NULL), ERR_OK);
    ponger_bytes = add(machine, 0, "build/test/kernel/ponger.wasm", machine->ponger);
    (void)add(machine, 1, "build/test/kernel/pinger.wasm", machine->pinger);
    (void)add(machine, 2, "build/test/kernel/idle.wasm", machine->idle);
    exit_bytes = add(machine, 3, "build/test/kernel/exit.wasm", machine->exit);
    (void)add(machine, 4, "build/test/kernel/threads.wasm", machine->threads);
    (void)add(machine, 5, "build/test/kernel/warm.wasm", machine->warm);
}

static void machine_open(struct machine *machine)
{
    machine_open_with(machine, KERNEL_ENGINE_INTERPRETER);
}

static void run_worker(void *context, u32 index)
{
    kernel_worker_run(((struct machine *)context)->kernel, index);
}

static void on_end(void *context, struct kernel_process_id id, struct kernel_ending ending)
{
    struct machine *machine = context;
    (void)id;
    if (ending.kind != KERNEL_EXITED || ending.code != 0) {
        __atomic_fetch_add(&machine->failed, 1, __ATOMIC_RELAXED);
    }
    if (__atomic_sub_fetch(&machine->running, 1, __ATOMIC_ACQ_REL) == 0) {
        kernel_stop(machine->kernel);
    }
}

static struct kernel_process_id start_in(struct machine *machine, const char *cid, u32 count,
                                         const char *bytes, const char *most, const char *lane,
                                         bool counts)
{
    char trips[16];
    snprintf(trips, sizeof trips, "%u", count);
    struct span arguments[] = {SPAN_LITERAL("workers"), span_string(trips), span_string(bytes),
                               span_string(most), span_string(lane)};
    struct kernel_start start = {.cid = span_string(cid),
                                 .arguments = arguments,
                                 .argument_count = 5,
                                 .on_end = counts ? on_end : NULL,
                                 .context = machine};
    struct kernel_process_id id;
    if (counts) {
        __atomic_fetch_add(&machine->running, 1, __ATOMIC_RELAXED);
    }
    assert_int_equal(kernel_start(machine->kernel, &start, &id, NULL), ERR_OK);
    return id;
}

static struct kernel_process_id start(struct machine *machine, const char *cid, const char *bytes,
                                      const char *most, bool counts)
{
    return start_in(machine, cid, TRIPS, bytes, most, "0", counts);
}

static void run(struct machine *machine)
{
    for (u32 i = 1; i < WORKERS; i++) {
        assert_int_equal(platform_worker_start(i, run_worker, machine), ERR_OK);
    }
    kernel_worker_run(machine->kernel, 0);
}

static void machine_close(struct machine *machine)
{
    hosted_platform_stop();
    machine->kernel->cache_bytes -= machine->cache_bytes;
    kernel_check(machine->kernel);
    kernel_destroy(machine->kernel);
    hosted_interrupts_close(0);
    assert_int_equal(machine->failed, 0);
}

static void start_pingers(struct machine *machine)
{
    for (u32 i = 0; i < PINGERS; i++) {
        (void)start(machine, machine->pinger, i % 3 == 0 ? "5000" : "64", i % 2 == 0 ? "0" : "16",
                    true);
    }
}

static void messages_between_processes_on_several_workers(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open(&machine);
    (void)start(&machine, machine.ponger, "0", "0", false);
    start_pingers(&machine);
    run(&machine);
    machine_close(&machine);
}

// Two pairs that only call, each on a worker of its own before long, without the kernel's lock;
// until others send messages to the one handler, or call the other, and take it.
static void pairs_call_beside_each_other(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open(&machine);
    for (u32 i = 0; i < 2; i++) {
        const char *lane = i == 0 ? "0" : "1";
        (void)start_in(&machine, machine.ponger, 0, "0", "0", lane, false);
        (void)start_in(&machine, machine.pinger, 20 * TRIPS, "64", "0", lane, true);
        (void)start_in(&machine, machine.pinger, TRIPS, "64", i == 0 ? "16" : "0", lane, true);
    }
    run(&machine);
    machine_close(&machine);
}

// ---- beside them, processes come and go

static void *stir(void *context)
{
    struct machine *machine = context;
    while (!__atomic_load_n(&machine->stop, __ATOMIC_ACQUIRE)) {
        struct kernel_process_id victims[8];
        for (u32 i = 0; i < 8; i++) {
            victims[i] =
                start(machine, i % 2 == 0 ? machine->idle : machine->exit, "0", "0", false);
        }
        struct timespec pause = {0, 200000};
        (void)nanosleep(&pause, NULL);
        for (u32 i = 0; i < 8; i++) {
            (void)!kernel_kill(machine->kernel, victims[i]);
        }
    }
    return NULL;
}

static void processes_come_and_go_beside_them(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open(&machine);
    (void)start(&machine, machine.ponger, "0", "0", false);
    start_pingers(&machine);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stir, &machine), 0);
    run(&machine);
    __atomic_store_n(&machine.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    machine_close(&machine);
}

// ---- beside them, both sides of calls end in the middle of one

enum { VICTIMS = 4 }; // handler, two clients that call, one that keeps messages under way

static void *cut(void *context)
{
    struct machine *machine = context;
    for (u32 turn = 0; !__atomic_load_n(&machine->stop, __ATOMIC_ACQUIRE); turn++) {
        struct kernel_process_id victims[VICTIMS];
        victims[0] = start_in(machine, machine->ponger, 0, "0", "0", "0", false);
        for (u32 i = 1; i < VICTIMS; i++) {
            const char *most = i == 3 ? "16" : "0";
            victims[i] = start_in(machine, machine->pinger, 100000000, "64", most, "0", false);
        }
        struct timespec pause = {0, 300000 + turn % 16 * 100000};
        (void)nanosleep(&pause, NULL);
        for (u32 i = 0; i < VICTIMS; i++) {
            (void)!kernel_kill(machine->kernel, victims[(i + turn) % VICTIMS]);
        }
    }
    return NULL;
}

static void pairs_are_cut_beside_one_that_calls(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open(&machine);
    (void)start_in(&machine, machine.ponger, 0, "0", "0", "1", false);
    (void)start_in(&machine, machine.pinger, 30 * TRIPS, "64", "0", "1", true);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cut, &machine), 0);
    run(&machine);
    __atomic_store_n(&machine.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    machine_close(&machine);
}

// ---- a device on a thread of its own

static void wake(void *context)
{
    struct machine *machine = context;
    __atomic_store_n(&machine->to_take, 1, __ATOMIC_RELEASE);
}

static void *serve(void *context)
{
    struct machine *machine = context;
    while (!__atomic_load_n(&machine->stop, __ATOMIC_ACQUIRE)) {
        struct kernel_event event;
        if (__atomic_exchange_n(&machine->to_take, 0, __ATOMIC_ACQ_REL) == 0) {
            struct timespec pause = {0, 10000};
            (void)nanosleep(&pause, NULL);
            continue;
        }
        while (kernel_device_take(machine->device, &event)) {
            if (event.kind == KERNEL_EVENT_MESSAGE && event.id != 0) {
                kernel_device_answer(machine->device, event.id, event.body);
            }
        }
    }
    return NULL;
}

static void a_device_answers_from_a_thread_of_its_own(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open(&machine);
    struct kernel_device_config config = {
        .interface = &ping_interface, .wake = wake, .context = &machine};
    assert_int_equal(kernel_device_register(machine.kernel, &config, &machine.device), ERR_OK);
    for (u32 i = 0; i < 3; i++) {
        (void)start(&machine, machine.pinger, i == 0 ? "3000" : "64", "32", true);
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &machine), 0);
    run(&machine);
    __atomic_store_n(&machine.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    machine_close(&machine);
}

// ---- threads of a process, on several workers at once

static struct kernel_process_id start_threads(struct machine *machine, const char *what,
                                              bool counts)
{
    struct span arguments[] = {SPAN_LITERAL("threads"), span_string(what)};
    struct kernel_start start = {.cid = span_string(machine->threads),
                                 .arguments = arguments,
                                 .argument_count = 2,
                                 .on_end = counts ? on_end : NULL,
                                 .context = machine};
    struct kernel_process_id id;
    if (counts) {
        __atomic_fetch_add(&machine->running, 1, __ATOMIC_RELAXED);
    }
    assert_int_equal(kernel_start(machine->kernel, &start, &id, NULL), ERR_OK);
    return id;
}

static void *stir_threads(void *context)
{
    static const char *const whats[] = {"stay", "exit", "trap", "count"};
    struct machine *machine = context;
    for (u32 turn = 0; !__atomic_load_n(&machine->stop, __ATOMIC_ACQUIRE); turn++) {
        struct kernel_process_id victim = start_threads(machine, whats[turn % 4], false);
        struct timespec pause = {0, 300000 + turn % 16 * 100000};
        (void)nanosleep(&pause, NULL);
        (void)!kernel_kill(machine->kernel, victim);
    }
    return NULL;
}

static void threads_of_a_process_run_and_end(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open(&machine);
    for (u32 i = 0; i < 12; i++) {
        (void)start_threads(&machine, i % 3 == 0 ? "times" : "count", true);
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stir_threads, &machine), 0);
    run(&machine);
    __atomic_store_n(&machine.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    machine_close(&machine);
}

// ---- code that is placed, and dropped, beside others that run theirs

// A program gets hot, which several processes on all workers run meanwhile, and go over to code.
static void code_is_placed_while_others_run(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open_with(&machine, KERNEL_ENGINE_AUTO);
    for (u32 i = 0; i < 2 * WORKERS; i++) {
        (void)start(&machine, machine.warm, "0", "0", true);
    }
    run(&machine);
    bool is_compiled = __atomic_load_n(&machine.placed, __ATOMIC_RELAXED) > 0;
    assert_int_equal(is_compiled, machine.kernel->space != NULL);
    machine_close(&machine);
}

// Programs that do nothing, each with a name of its own, and a loader that has them.
enum { COPIES = 8, COPY_BYTES = 4 };
struct copy {
    u8 bytes[sizeof files[0]];
    size_t size;
    char cid[CID_TEXT_BYTES];
};
static struct copy copies[COPIES];

static void copies_make(void)
{
    static const u8 section[] = {0, 1 + 1 + COPY_BYTES, 1, 'n'};
    for (u32 i = 0; i < COPIES; i++) {
        struct copy *copy = &copies[i];
        mem_copy(copy->bytes, files[3], exit_bytes);
        mem_copy(copy->bytes + exit_bytes, section, sizeof section);
        copy->size = exit_bytes + sizeof section + COPY_BYTES;
        mem_store_u32(copy->bytes + copy->size - COPY_BYTES, i);
        struct cid cid = cid_of_block(CID_RAW, span_of(copy->bytes, copy->size), platform_sha256);
        cid_write_text(&cid, copy->cid);
    }
}

static void answer_load(struct machine *machine, const struct kernel_event *event)
{
    static u8 answer[sizeof files[0] + 64];
    struct loader_load_call call;
    assert_int_equal(loader_load_decode_call(event->body, &call), ERR_OK);
    u32 i = 0;
    while (!span_equal(call.cid, span_string(copies[i].cid))) {
        assert_true(++i < COPIES);
    }
    struct loader_result_bytes_error result = {.ok = true,
                                               .value = span_of(copies[i].bytes, copies[i].size)};
    size_t size = loader_load_encode_result(answer, sizeof answer, &result);
    machine->loads++;
    kernel_device_answer(machine->device, event->id, span_of(answer, size));
}

static void *serve_loads(void *context)
{
    struct machine *machine = context;
    while (!__atomic_load_n(&machine->stop, __ATOMIC_ACQUIRE)) {
        struct kernel_event event;
        if (__atomic_exchange_n(&machine->to_take, 0, __ATOMIC_ACQ_REL) == 0) {
            struct timespec pause = {0, 10000};
            (void)nanosleep(&pause, NULL);
            continue;
        }
        while (kernel_device_take(machine->device, &event)) {
            if (event.kind == KERNEL_EVENT_MESSAGE) {
                answer_load(machine, &event);
            }
        }
    }
    return NULL;
}

static void *stir_copies(void *context)
{
    struct machine *machine = context;
    for (u32 turn = 0; !__atomic_load_n(&machine->stop, __ATOMIC_ACQUIRE); turn++) {
        struct kernel_process_id id = start(machine, copies[turn % COPIES].cid, "0", "0", false);
        struct timespec pause = {0, 100000 + turn % 16 * 100000};
        (void)nanosleep(&pause, NULL);
        if (turn % 4 == 0) {
            (void)!kernel_kill(machine->kernel, id);
        }
    }
    return NULL;
}

// The cache is full from the beginning, so a program goes, with its code, when its last process
// has ended, and is loaded and compiled again for the next.
static void code_is_dropped_while_others_run(void **state)
{
    (void)state;
    static struct machine machine;
    machine_open_with(&machine, KERNEL_ENGINE_COMPILED);
    copies_make();
    struct kernel_device_config config = {
        .interface = &loader_interface, .wake = wake, .context = &machine};
    assert_int_equal(kernel_device_register(machine.kernel, &config, &machine.device), ERR_OK);
    machine.cache_bytes = KERNEL_CACHE_BYTES;
    machine.kernel->cache_bytes += machine.cache_bytes;
    (void)start(&machine, machine.ponger, "0", "0", false);
    start_pingers(&machine);
    for (u32 i = 0; i < WORKERS; i++) {
        (void)start(&machine, machine.warm, "0", "0", true);
    }
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, serve_loads, &machine), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, stir_copies, &machine), 0);
    run(&machine);
    __atomic_store_n(&machine.stop, true, __ATOMIC_RELEASE);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_true(machine.loads > 2 * COPIES); // so they had gone
    machine_close(&machine);
}

// ---- one that follows comes while the one before sweeps what it had for something else

enum { SWEEP_NS = 30000000, LOOKS = 1000 };

static struct {
    struct machine machine;
    struct kernel_process_id old;
    char new[KERNEL_CID_TEXT_BYTES];
    u8 file[sizeof files[0] + 16];
    bool was_early;
    bool has_followed;
} followed;

static bool handles(const char *cid)
{
    struct cid program;
    assert_int_equal(cid_parse_text(span_string(cid), &program, NULL), ERR_OK);
    return kernel_program_handles(followed.machine.kernel, span_string(ping_interface.name),
                                  program.digest);
}

// Whether the program handles it, before long.
static bool will_handle(const char *cid)
{
    struct timespec pause = {0, 1000000};
    for (u32 i = 0; i < LOOKS && !handles(cid); i++) {
        (void)nanosleep(&pause, NULL);
    }
    return handles(cid);
}

static void sweep_says(bool is_swept)
{
    struct kernel *kernel = followed.machine.kernel;
    kernel_lock(kernel);
    process_find_locked(kernel, followed.old.value)->party.is_swept = is_swept;
    kernel_unlock(kernel);
}

static void *follow(void *context)
{
    struct machine *machine = context;
    struct timespec pause = {0, SWEEP_NS};
    struct cid old, new;
    bool is_good = cid_parse_text(span_string(machine->ponger), &old, NULL) == ERR_OK &&
                   cid_parse_text(span_string(followed.new), &new, NULL) == ERR_OK &&
                   will_handle(machine->ponger);
    if (is_good) {
        sweep_says(true);
        is_good = kernel_replace(machine->kernel, span_string(ping_interface.name), old.digest,
                                 new.digest) == ERR_OK;
        (void)start(machine, followed.new, "0", "0", false);
        (void)nanosleep(&pause, NULL);
        followed.was_early = handles(followed.new);
        sweep_says(false);
    }
    followed.has_followed = is_good && will_handle(followed.new);
    return NULL;
}

static void who_follows_waits_for_a_sweep(void **state)
{
    (void)state;
    struct machine *machine = &followed.machine;
    machine_open(machine);
    size_t size = ponger_bytes;
    memcpy(followed.file, files[0], size);
    memcpy(followed.file + size, "\0\2\1x", 4); // a section that says nothing: another name
    assert_int_equal(kernel_program_add(machine->kernel, span_of(followed.file, size + 4),
                                        (struct span){0}, followed.new, NULL),
                     ERR_OK);
    followed.old = start(machine, machine->ponger, "0", "0", false);
    for (u32 i = 0; i < 2; i++) {
        (void)start_in(machine, machine->pinger, 100 * TRIPS, "64", i == 0 ? "0" : "16", "0", true);
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, follow, machine), 0);
    run(machine);
    pthread_join(thread, NULL);
    machine_close(machine);
    assert_false(followed.was_early);
    assert_true(followed.has_followed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_follows_waits_for_a_sweep),
        cmocka_unit_test(messages_between_processes_on_several_workers),
        cmocka_unit_test(pairs_call_beside_each_other),
        cmocka_unit_test(processes_come_and_go_beside_them),
        cmocka_unit_test(pairs_are_cut_beside_one_that_calls),
        cmocka_unit_test(a_device_answers_from_a_thread_of_its_own),
        cmocka_unit_test(threads_of_a_process_run_and_end),
        cmocka_unit_test(code_is_placed_while_others_run),
        cmocka_unit_test(code_is_dropped_while_others_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
