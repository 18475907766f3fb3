// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/kernel.c: what messages, processes and the switch between them cost, on the hosted
// machine's workers and pages; with the nearest thing that Linux has measured in the same run: two
// processes and two pipes, vfork and exec.
#include "core/kernel/kernel.h"
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/kernel/grant.h"
#include "core/kernel/limits.h"
#include "core/kernel/route.h"
#include "core/platform.h"
#include "interfaces/budget.h"
#include "interfaces/ping.h"
#include "machines/hosted/memory.h"
#include "machines/hosted/platform.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 5, SHORT_RUNS = 25, RATE_RUNS = 11, IDLE_PROCESSES = 100000 };

struct bench {
    struct hosted_memory memory;
    struct kernel *kernel;
    u32 workers;
    enum kernel_memory kind; // of the processes that are started
    u32 running;             // atomic: processes that have not ended
    u32 failed;              // atomic
    bool by_cpu;             // what a run took is CPU time
    char ping[KERNEL_CID_TEXT_BYTES];
    char ponger[KERNEL_CID_TEXT_BYTES];
    char pinger[KERNEL_CID_TEXT_BYTES];
    char idle[KERNEL_CID_TEXT_BYTES];
    char exit[KERNEL_CID_TEXT_BYTES];
    char summer[KERNEL_CID_TEXT_BYTES];
    char binder[KERNEL_CID_TEXT_BYTES];
    char relay[KERNEL_CID_TEXT_BYTES];
    char spawner[KERNEL_CID_TEXT_BYTES];
};

static const u8 budgets[32] = BUDGET_HASH;

// How many words of a user the kernel has; 0: whatever is not said is allowed.
static u32 grant_rows;

// Whether programs are compiled before they run (REDSHIRT_ENGINE=compiled), or interpreted.
static bool is_compiled(void)
{
    const char *engine = getenv("REDSHIRT_ENGINE");
    return engine != NULL && strcmp(engine, "compiled") == 0;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench kernel: %s\n", what);
    exit(1);
}

static void add(struct bench *bench, const char *path, char cid[KERNEL_CID_TEXT_BYTES])
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path);
    }
    u8 *bytes = malloc(1 << 20); // the kernel borrows it to the end
    size_t size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    struct report report = {0};
    if (kernel_program_add(bench->kernel, span_of(bytes, size), (struct span){0}, cid, &report) !=
        ERR_OK) {
        fail(report.text);
    }
}

static void digest_of(const char *cid, u8 out[32])
{
    struct cid program;
    if (cid_parse_text(span_string(cid), &program, NULL) != ERR_OK) {
        fail("a name of a program");
    }
    memcpy(out, program.digest, sizeof program.digest);
}

static void allow(struct bench *bench, const char *cid, enum kernel_right right,
                  const u8 interface[32], const char *limit)
{
    struct kernel_grant grant = {.right = right, .word = KERNEL_ALLOW, .limit = span_string(limit)};
    digest_of(cid, grant.program);
    memcpy(grant.interface, interface, sizeof grant.interface);
    if (kernel_grant_set(bench->kernel, &grant) != ERR_OK) {
        fail("a grant");
    }
}

// All that binds or sends: a limit that its handler would be told, and a budget.
static void allow_some(struct bench *bench, const char *cid)
{
    allow(bench, cid, KERNEL_USE, ping_interface.hash, "up-to:64KiB");
    allow(bench, cid, KERNEL_USE, budgets, "memory:16MiB,messages:64,queued:1MiB");
}

// Rows about others, then what the programs here need, with limits and budgets.
static void grants_fill(struct bench *bench)
{
    struct kernel_grant grant = {.right = KERNEL_USE, .word = KERNEL_ALLOW};
    for (u32 row = 0; row < grant_rows; row++) {
        platform_random(grant.program, sizeof grant.program);
        platform_random(grant.interface, sizeof grant.interface);
        if (kernel_grant_set(bench->kernel, &grant) != ERR_OK) {
            fail("a grant");
        }
    }
    allow_some(bench, bench->pinger);
    allow_some(bench, bench->binder);
    allow(bench, bench->ponger, KERNEL_HANDLE, ping_interface.hash, "");
    allow(bench, bench->ponger, KERNEL_USE, budgets, "memory:16MiB");
}

static void bench_open(struct bench *bench, u32 workers)
{
    u8 unknown = grant_rows == 0 ? KERNEL_ALLOW : KERNEL_DENY;
    memset(bench, 0, sizeof *bench);
    struct report report = {0};
    bench->workers = workers;
    if (hosted_platform_start(workers, &report) != ERR_OK || hosted_interrupts_open(0) != ERR_OK) {
        fail(report.text);
    }
    hosted_memory_init(&bench->memory, (u64)16 << 30);
    struct kernel_config config = {.engine = is_compiled() ? KERNEL_ENGINE_COMPILED
                                                           : KERNEL_ENGINE_INTERPRETER,
                                   .unknown = {unknown, unknown},
                                   .memory = &bench->memory.base,
                                   .memory_bytes = (u64)16 << 30,
                                   .guest_memory_bytes = (u64)64 << 30,
                                   .workers = workers};
    if (kernel_create(&config, &bench->kernel, &report) != ERR_OK) {
        fail(report.text);
    }
    add(bench, "build/programs/ping.wasm", bench->ping);
    add(bench, "build/test/kernel/ponger.wasm", bench->ponger);
    add(bench, "build/test/kernel/pinger.wasm", bench->pinger);
    add(bench, "build/test/kernel/idle.wasm", bench->idle);
    add(bench, "build/test/kernel/exit.wasm", bench->exit);
    add(bench, "build/test/kernel/summer.wasm", bench->summer);
    add(bench, "build/test/kernel/binder.wasm", bench->binder);
    add(bench, "build/test/kernel/relay.wasm", bench->relay);
    add(bench, "build/test/kernel/spawner.wasm", bench->spawner);
    if (grant_rows > 0) {
        grants_fill(bench);
    }
}

static void on_end(void *context, struct kernel_process_id id, struct kernel_ending ending)
{
    struct bench *bench = context;
    (void)id;
    if (ending.kind != KERNEL_EXITED || ending.code != 0) {
        fprintf(stderr, "bench kernel: a process ended wrongly: %d %u %.*s\n", (int)ending.kind,
                ending.code, (int)ending.text.size, (const char *)ending.text.data);
        __atomic_fetch_add(&bench->failed, 1, __ATOMIC_RELAXED);
    }
    if (__atomic_sub_fetch(&bench->running, 1, __ATOMIC_ACQ_REL) == 0) {
        kernel_stop(bench->kernel);
    }
}

// What a pinger is told; a ponger looks at the lane alone. A summer: threads and turns. A spawner:
// how often, and what.
struct load {
    u32 count;
    u32 bytes;
    u32 most; // under way; 0: each is waited for
    u32 lane;
    const char *spawned; // a CID, or NULL
    bool by_cpu;         // what it takes is CPU time: with one worker
};

static struct kernel_process_id start(struct bench *bench, const char *cid, bool counts,
                                      struct load load)
{
    char text[4][16];
    snprintf(text[0], sizeof text[0], "%u", load.count);
    snprintf(text[1], sizeof text[1], "%u", load.bytes);
    snprintf(text[2], sizeof text[2], "%u", load.most);
    snprintf(text[3], sizeof text[3], "%u", load.lane);
    struct span arguments[] = {
        SPAN_LITERAL("bench"), span_string(text[0]),
        span_string(text[1]),  span_string(text[2]),
        span_string(text[3]),  span_string(load.spawned == NULL ? "" : load.spawned)};
    struct kernel_start start = {.cid = span_string(cid),
                                 .arguments = arguments,
                                 .argument_count = COUNT_OF(arguments),
                                 .limits = {bench->kind},
                                 .on_end = counts ? on_end : NULL,
                                 .context = bench};
    struct kernel_process_id id;
    if (counts) {
        __atomic_fetch_add(&bench->running, 1, __ATOMIC_RELAXED);
    }
    if (kernel_start(bench->kernel, &start, &id, NULL) != ERR_OK) {
        fail("a process does not start");
    }
    return id;
}

static void run_worker(void *context, u32 index)
{
    kernel_worker_run(((struct bench *)context)->kernel, index);
}

// Of this thread: what others do with the CPU is not in it.
static u64 cpu_ns(void)
{
    struct timespec cpu;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (u64)cpu.tv_sec * 1000000000 + (u64)cpu.tv_nsec;
}

// Runs until every process that counts has ended; ns, of the clock or of CPU time.
static u64 bench_run(struct bench *bench)
{
    u64 start_ns = platform_clock_ns();
    for (u32 i = 1; i < bench->workers; i++) {
        if (platform_worker_start(i, run_worker, bench) != ERR_OK) {
            fail("a worker does not start");
        }
    }
    u64 start_cpu_ns = cpu_ns();
    kernel_worker_run(bench->kernel, 0);
    u64 took_ns = bench->by_cpu ? cpu_ns() - start_cpu_ns : platform_clock_ns() - start_ns;
    if (bench->failed != 0) {
        fail("a process failed");
    }
    return took_ns;
}

static void bench_close(struct bench *bench)
{
    hosted_platform_stop();
    kernel_destroy(bench->kernel);
    hosted_interrupts_close(0);
}

// ---- messages

enum handlers {
    HANDLER_PLAIN,   // one, by the imports alone
    HANDLER_RUNTIME, // one, programs/ping
    HANDLER_EACH,    // a plain one for each client, of which there are two at most
};

// ns for one message and its answer.
static f64 round_trip(enum handlers handlers, u32 workers, u32 clients, struct load load)
{
    struct bench bench;
    bench_open(&bench, workers);
    struct kernel_process_id started[2];
    u32 handler_count = handlers == HANDLER_EACH ? clients : 1;
    bench.by_cpu = load.by_cpu;
    for (u32 i = 0; i < handler_count; i++) {
        const char *cid = handlers == HANDLER_RUNTIME ? bench.ping : bench.ponger;
        started[i] = start(&bench, cid, false, (struct load){.lane = i});
    }
    for (u32 i = 0; i < clients; i++) {
        load.lane = handlers == HANDLER_EACH ? i : 0;
        (void)start(&bench, bench.pinger, true, load);
    }
    u64 took_ns = bench_run(&bench);
    for (u32 i = 0; i < handler_count; i++) {
        (void)!kernel_kill(bench.kernel, started[i]);
    }
    bench_close(&bench);
    return (f64)took_ns / load.count / clients;
}

static void pipe_copy(int from, int to, u8 *body, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(from, body + done, bytes - done);
        if (got <= 0) {
            _exit(0);
        }
        done += (size_t)got;
    }
    for (size_t done = 0; done < bytes;) {
        ssize_t put = write(to, body + done, bytes - done);
        if (put <= 0) {
            _exit(0);
        }
        done += (size_t)put;
    }
}

// The same between two Linux processes over two pipes.
static f64 pipe_round_trip(u32 count, size_t bytes)
{
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0) {
        fail("no pipe");
    }
    u8 *body = calloc(1, bytes);
    pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        for (;;) {
            pipe_copy(there[0], back[1], body, bytes);
        }
    }
    close(there[0]);
    u64 start_ns = platform_clock_ns();
    for (u32 i = 0; i < count; i++) {
        for (size_t done = 0; done < bytes;) {
            ssize_t put = write(there[1], body + done, bytes - done);
            if (put <= 0) {
                fail("a pipe broke");
            }
            done += (size_t)put;
        }
        for (size_t done = 0; done < bytes;) {
            ssize_t got = read(back[0], body + done, bytes - done);
            if (got <= 0) {
                fail("a pipe broke");
            }
            done += (size_t)got;
        }
    }
    u64 took_ns = platform_clock_ns() - start_ns;
    close(there[1]);
    close(back[0]);
    close(back[1]);
    (void)waitpid(child, NULL, 0);
    free(body);
    return (f64)took_ns / count;
}

// Ours alone.
static f64 least_trip(void)
{
    f64 least = 1e18;
    for (u32 i = 0; i < SHORT_RUNS; i++) {
        f64 ns = round_trip(HANDLER_PLAIN, 1, 1, (struct load){.count = 100000, .bytes = 64});
        least = ns < least ? ns : least;
    }
    return least;
}

static void bench_round_trips(void)
{
    static const struct {
        u32 bytes, count, pipe_count;
        bool is_plain;
        const char *aim;
    } rows[] = {{64, 100000, 3000, true, "<= 150 ns, >= 30x"},
                {64, 100000, 3000, false, ""},
                {65536, 2000, 500, true, ""}};
    for (u32 row = 0; row < 3; row++) {
        f64 ours = 1e18;
        f64 peer = 1e18;
        for (u32 i = 0; i < SHORT_RUNS; i++) { // short ones: some meet a quiet machine
            struct load load = {.count = rows[row].count, .bytes = rows[row].bytes};
            f64 ns = round_trip(rows[row].is_plain ? HANDLER_PLAIN : HANDLER_RUNTIME, 1, 1, load);
            ours = ns < ours ? ns : ours;
            ns = pipe_round_trip(rows[row].pipe_count, rows[row].bytes);
            peer = ns < peer ? ns : peer;
        }
        printf(
            "| message round trip, %u B%s | %.0f ns | %.0f ns (two processes, two pipes) | %.1fx | "
            "%s |\n",
            rows[row].bytes, rows[row].is_plain ? "" : " (programs/ping)", ours, peer, peer / ours,
            rows[row].aim);
        fflush(stdout);
    }
}

static int compare(const void *a, const void *b)
{
    f64 x = *(const f64 *)a;
    f64 y = *(const f64 *)b;
    return (x > y) - (x < y);
}

// Sorts them.
static f64 median(f64 *values, u32 count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static const struct shape {
    const char *what;
    enum handlers handlers;
    u32 clients;
    struct load load;
} shapes[] = {
    {"1 handler, 2 clients, 32 under way each",
     HANDLER_RUNTIME,
     2,
     {400000, 64, 32, 0, NULL, false}},
    {"1 handler, 2 clients that wait", HANDLER_PLAIN, 2, {1000000, 64, 0, 0, NULL, false}},
    {"1 handler, 16 clients, 8 under way each",
     HANDLER_RUNTIME,
     16,
     {50000, 64, 8, 0, NULL, false}},
    {"2 pairs, 32 under way each", HANDLER_EACH, 2, {400000, 64, 32, 0, NULL, false}},
    {"2 pairs that wait", HANDLER_EACH, 2, {1000000, 64, 0, 0, NULL, false}},
};

// For a profiler.
static void bench_shape(u32 row, u32 workers)
{
    struct timespec cpu;
    const struct shape *shape = &shapes[row % COUNT_OF(shapes)];
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    f64 before_ns = (f64)cpu.tv_sec * 1e9 + (f64)cpu.tv_nsec;
    f64 ns = round_trip(shape->handlers, workers, shape->clients, shape->load);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    f64 cpu_ns = (f64)cpu.tv_sec * 1e9 + (f64)cpu.tv_nsec - before_ns;
    printf("%s, %u workers: %.1f ns, CPU time %.1f ns\n", shape->what, workers, ns,
           cpu_ns / shape->load.count / shape->clients);
}

// Two workers against one: the median of several runs, as luck decides where processes begin.
static void bench_throughput(void)
{
    for (u32 row = 0; row < COUNT_OF(shapes); row++) {
        const struct shape *shape = &shapes[row];
        f64 rates[2][RATE_RUNS];
        f64 ratios[RATE_RUNS];
        for (u32 i = 0; i < RATE_RUNS; i++) {
            for (u32 w = 0; w < 2; w++) {
                rates[w][i] = 1e3 / round_trip(shape->handlers, w + 1, shape->clients, shape->load);
            }
            ratios[i] = rates[1][i] / rates[0][i];
        }
        f64 two = median(rates[1], RATE_RUNS);
        f64 one = median(rates[0], RATE_RUNS);
        f64 ratio = median(ratios, RATE_RUNS); // sorted now
        printf("| messages a second, %s: 2 workers against 1 | %.2f M | %.2f M | %.2fx (%.2f to "
               "%.2f) | >= 1x |\n",
               shape->what, two, one, ratio, ratios[0], ratios[RATE_RUNS - 1]);
        fflush(stdout);
    }
}

// ---- processes

static f64 spawn_exec(void)
{
    enum { COUNT = 300 };
    u64 start_ns = platform_clock_ns();
    for (u32 i = 0; i < COUNT; i++) {
        pid_t child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        (void)waitpid(child, NULL, 0);
    }
    return (f64)(platform_clock_ns() - start_ns) / COUNT;
}

static f64 spawn_once(void)
{
    enum { COUNT = 20000 };
    struct bench bench;
    bench_open(&bench, 1);
    (void)start(&bench, bench.exit, false, (struct load){0});
    while (kernel_worker_step(bench.kernel, 0, INT64_MAX)) { // once, so that its code is there
    }
    for (u32 i = 0; i < COUNT; i++) {
        (void)start(&bench, bench.exit, true, (struct load){0});
    }
    u64 took_ns = bench_run(&bench);
    bench_close(&bench);
    return (f64)took_ns / COUNT;
}

static void bench_spawn(void)
{
    f64 ours = 1e18;
    f64 peer = 1e18;
    for (u32 i = 0; i < RUNS; i++) {
        f64 ns = spawn_once();
        ours = ns < ours ? ns : ours;
        ns = spawn_exec();
        peer = ns < peer ? ns : peer;
    }
    printf(
        "| start and end of a translated program | %.2f us | %.0f us (vfork, exec, wait) | %.0fx | "
        "<= 10 us |\n",
        ours / 1e3, peer / 1e3, peer / ours);
}

// ns until a program has been started by redshirt:kernel/processes and its end been heard of.
static f64 spawn_by_message(void)
{
    enum { COUNT = 10000 };
    struct bench bench;
    bench_open(&bench, 1);
    struct load load = {.count = COUNT, .spawned = bench.exit};
    bench.by_cpu = true;
    (void)start(&bench, bench.spawner, true, load);
    u64 took_ns = bench_run(&bench);
    bench_close(&bench);
    return (f64)took_ns / COUNT;
}

// The child's first instruction lies within.
static void bench_spawn_by_message(void)
{
    f64 ours[RATE_RUNS];
    f64 peer[RATE_RUNS];
    for (u32 i = 0; i < RATE_RUNS; i++) {
        ours[i] = spawn_by_message();
        peer[i] = spawn_exec();
    }
    f64 ours_us = median(ours, RATE_RUNS) / 1e3;
    f64 peer_us = median(peer, RATE_RUNS) / 1e3;
    printf("| start by redshirt:kernel/processes%s, run, wait for the end | %.2f us (%.2f to %.2f) "
           "| %.0f us (vfork, exec, wait) | %.0fx | <= 20 us |\n",
           is_compiled() ? ", compiled" : "", ours_us, ours[0] / 1e3, ours[RATE_RUNS - 1] / 1e3,
           peer_us, peer_us / ours_us);
    fflush(stdout);
}

// Two threads of a process against one, which does as much.
static void bench_threads(void)
{
    enum { TURNS = 20000 };
    f64 least[2] = {1e18, 1e18};
    for (u32 i = 0; i < RUNS; i++) {
        for (u32 threads = 1; threads <= 2; threads++) {
            struct bench bench;
            bench_open(&bench, 2);
            (void)start(&bench, bench.summer, true,
                        (struct load){.count = threads, .bytes = TURNS});
            f64 ms = (f64)bench_run(&bench) / 1e6;
            bench_close(&bench);
            least[threads - 1] = ms < least[threads - 1] ? ms : least[threads - 1];
        }
    }
    printf(
        "| sum of an array on two threads of a process%s | %.1f ms | %.1f ms (one thread) | %.2fx "
        "| |\n",
        is_compiled() ? ", compiled" : "", least[1], least[0], least[0] / least[1]);
}

static u64 resident_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    u64 kib = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Rss: %lu kB", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib * 1024;
}

// Starts `count` processes that then wait for ever. Gives the resident bytes and the ns that each
// costs.
static void idle(bool has_runtime, u32 count, u64 *bytes, u64 *each_ns)
{
    struct bench bench;
    bench_open(&bench, 1);
    bench.kind = KERNEL_MEMORY_SMALL;
    u64 before = resident_bytes();
    u64 start_ns = platform_clock_ns();
    for (u32 i = 0; i < count; i++) {
        (void)start(&bench, has_runtime ? bench.pinger : bench.idle, false, (struct load){0});
    }
    while (kernel_worker_step(bench.kernel, 0, INT64_MAX)) {
    }
    *each_ns = (platform_clock_ns() - start_ns) / count;
    *bytes = (resident_bytes() - before) / count;
    bench_close(&bench);
}

static void bench_idle(void)
{
    u64 bytes, each_ns;
    idle(false, IDLE_PROCESSES, &bytes, &each_ns);
    printf("| %u idle processes in one kernel, resident bytes each | %lu B | | | 10 KiB |\n",
           IDLE_PROCESSES, bytes);
    printf("| starting them, each | %.2f us | | | |\n", (f64)each_ns / 1e3);
    // Programs with the runtime that wait for an interface that nobody handles.
    idle(true, IDLE_PROCESSES, &bytes, &each_ns);
    printf("| the same with programs/rt, waiting for an interface | %lu B | | | 10 KiB |\n", bytes);
    printf("| starting them, each | %.2f us | | | |\n", (f64)each_ns / 1e3);
}

// What is different for compiled programs.
static void bench_compiled(void)
{
    u64 bytes, each_ns;
    printf("| message round trip, 64 B, compiled | %.0f ns | | | as interpreted |\n", least_trip());
    f64 ours = 1e18;
    for (u32 i = 0; i < RUNS; i++) {
        f64 ns = spawn_once();
        ours = ns < ours ? ns : ours;
    }
    printf("| start and end of a compiled program | %.2f us | | | <= 1.2 us |\n", ours / 1e3);
    idle(false, IDLE_PROCESSES, &bytes, &each_ns);
    printf("| %u idle small processes, compiled, resident bytes each | %lu B | | | |\n",
           IDLE_PROCESSES, bytes);
    bench_threads();
}

// ---- grants

// ns for a bind and the unbind behind it.
static f64 bind_and_unbind(u32 count)
{
    struct bench bench;
    bench_open(&bench, 1);
    struct kernel_process_id handler = start(&bench, bench.ponger, false, (struct load){0});
    bench.by_cpu = true;
    (void)start(&bench, bench.binder, true, (struct load){.count = count});
    u64 took_ns = bench_run(&bench);
    (void)!kernel_kill(bench.kernel, handler);
    bench_close(&bench);
    return (f64)took_ns / count;
}

// With as many rows as there can be, and without any, in turns, as the machine is others' too: the
// medians.
static void bench_grants(void)
{
    f64 trips[2][RATE_RUNS];
    f64 binds[2][RATE_RUNS];
    f64 ratios[RATE_RUNS];
    for (u32 run = 0; run < RATE_RUNS; run++) {
        for (u32 has = 0; has < 2; has++) {
            grant_rows = has == 0 ? 0 : KERNEL_GRANTS - 16;
            struct load load = {.count = 200000, .bytes = 64, .by_cpu = true};
            trips[has][run] = round_trip(HANDLER_PLAIN, 1, 1, load);
            binds[has][run] = bind_and_unbind(100000);
        }
        ratios[run] = trips[1][run] / trips[0][run];
    }
    grant_rows = 0;
    f64 binds_us[2] = {median(binds[0], RATE_RUNS) / 1e3, median(binds[1], RATE_RUNS) / 1e3};
    printf("| bind and unbind%s, %u grants, limits, budgets | %.2f us | %.2f us (nothing checked) "
           "| %.2fx | bind <= 1 us |\n",
           is_compiled() ? ", compiled" : "", KERNEL_GRANTS - 16, binds_us[1], binds_us[0],
           binds_us[1] / binds_us[0]);
    f64 ratio = median(ratios, RATE_RUNS); // sorted now
    printf("| message round trip, 64 B%s, %u grants, limits, budgets | %.0f ns | %.0f ns (nothing "
           "checked) | %.2fx (%.2f to %.2f) | 1x |\n",
           is_compiled() ? ", compiled" : "", KERNEL_GRANTS - 16, median(trips[1], RATE_RUNS),
           median(trips[0], RATE_RUNS), ratio, ratios[0], ratios[RATE_RUNS - 1]);
    fflush(stdout);
}

// ---- in between

// ns for one message from a client to programs/ping and its answer, through a relay or not.
static f64 interposed(bool has_relay, u32 count)
{
    struct bench bench;
    bench_open(&bench, 1);
    bench.by_cpu = true;
    struct kernel_process_id others[2];
    struct kernel_route route = {.name = span_string(ping_interface.name)};
    digest_of(bench.relay, route.handler);
    others[0] = start(&bench, bench.ping, false, (struct load){0});
    if (has_relay) {
        if (kernel_route_set(bench.kernel, &route) != ERR_OK) {
            fail("a route");
        }
        others[1] = start(&bench, bench.relay, false, (struct load){0});
    }
    while (kernel_worker_step(bench.kernel, 0, INT64_MAX)) { // until each of them waits
    }
    (void)start(&bench, bench.pinger, true, (struct load){.count = count, .bytes = 64});
    u64 took_ns = bench_run(&bench);
    for (u32 i = 0; i < 1 + (u32)has_relay; i++) {
        (void)!kernel_kill(bench.kernel, others[i]);
    }
    bench_close(&bench);
    return (f64)took_ns / count;
}

static void bench_interposed(void)
{
    f64 trips[2][RATE_RUNS];
    f64 ratios[RATE_RUNS];
    for (u32 run = 0; run < RATE_RUNS; run++) {
        for (u32 has = 0; has < 2; has++) {
            trips[has][run] = interposed(has == 1, 100000);
        }
        ratios[run] = trips[1][run] / trips[0][run];
    }
    f64 ratio = median(ratios, RATE_RUNS); // sorted now
    printf("| message round trip, 64 B%s, through a program in between | %.0f ns | %.0f ns "
           "(direct) | %.2fx (%.2f to %.2f) | <= 2.2x |\n",
           is_compiled() ? ", compiled" : "", median(trips[1], RATE_RUNS),
           median(trips[0], RATE_RUNS), ratio, ratios[0], ratios[RATE_RUNS - 1]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "all";
    bool all = strcmp(only, "all") == 0;
    if (all || strcmp(only, "trips") == 0) {
        bench_round_trips();
    }
    if (strcmp(only, "trip") == 0) { // ours alone, for a profiler
        u32 count = argc > 2 ? (u32)atoi(argv[2]) : 3000000;
        printf("%.1f ns\n",
               round_trip(HANDLER_PLAIN, 1, 1, (struct load){.count = count, .bytes = 64}));
    }
    if (strcmp(only, "shape") == 0 && argc > 3) {
        bench_shape((u32)atoi(argv[2]), (u32)atoi(argv[3]));
    }
    if (all || strcmp(only, "grants") == 0) {
        bench_grants();
    }
    if (all || strcmp(only, "between") == 0) {
        bench_interposed();
    }
    if (all || strcmp(only, "rate") == 0) {
        bench_throughput();
    }
    if (all || strcmp(only, "spawn") == 0) {
        bench_spawn();
    }
    if (all || strcmp(only, "children") == 0) {
        bench_spawn_by_message();
    }
    if (strcmp(only, "compiled") == 0) {
        bench_compiled();
        bench_grants();
        bench_interposed();
        bench_spawn_by_message();
    }
    if (all || strcmp(only, "idle") == 0) {
        bench_idle();
    }
    return 0;
}
