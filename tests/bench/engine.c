// SPDX-License-Identifier: GPL-3.0-or-later
// Runs each kernel in our interpreter, natively, and in a peer when there is one, in turns within
// one process, and compares the shortest of several runs of each. All must give the same checksum.
//
// Use     engine FOLDER [KERNEL...]   with FOLDER/NAME.wasm for each kernel
//         engine --check FOLDER       runs each once whole and once in slices, and counts checksums
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/thread.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/bench/peer.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    SLICE_FUEL = 997,           // of --check: a small prime, so that pauses fall everywhere
    ROUNDS = 9,                 // turns, of which the shortest counts
    SECONDS_EACH = 4,           // no further turn of a kernel after so long
    RESERVED_BYTES = 256 << 20, // of address space for a kernel's memory; they declare less
};

#define KERNEL(name, n) u64 kernel_##name(u32 count);
#include "tests/bench/kernels/kernels.def"
#undef KERNEL

struct kernel_case {
    const char *name;
    u32 n;
    u64 (*native)(u32 n);
};

static const struct kernel_case kernels[] = {
#define KERNEL(name, n) {#name, n, kernel_##name},
#include "tests/bench/kernels/kernels.def"
#undef KERNEL
};

struct timing {
    f64 ours;
    f64 native;
    f64 peer;
};

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: claim does not hold: %s\n", file, line, claim);
    abort();
}

static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return aligned_alloc(16, (new_size + 15) / 16 * 16);
}

static struct memory heap = {resize};

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    (void)self;
    void *address = mmap(NULL, RESERVED_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED || pages > RESERVED_BYTES / WASM_PAGE_BYTES) {
        return ERR_NO_MEMORY;
    }
    if (*pages_max > RESERVED_BYTES / WASM_PAGE_BYTES) {
        *pages_max = RESERVED_BYTES / WASM_PAGE_BYTES;
    }
    *base = address;
    return ERR_OK;
}

static enum err memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new)
{
    (void)self;
    (void)base;
    (void)pages_old;
    (void)pages_new;
    return ERR_OK; // all of the reservation is usable
}

static void memory_destroy(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max)
{
    (void)self;
    (void)pages;
    (void)pages_max;
    munmap(base, RESERVED_BYTES);
}

static struct wasm_store store = {memory_create, memory_grow, memory_destroy, &heap};

static f64 seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (f64)now.tv_sec + (f64)now.tv_nsec / 1e9;
}

NORETURN static void fail(const char *kernel, const char *what)
{
    fprintf(stderr, "engine: %s: %s\n", kernel, what);
    exit(1);
}

static struct span read_file(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", folder, name);
    FILE *file = fopen(path, "rb");
    static u8 bytes[1 << 20];
    if (file == NULL) {
        fail(name, "cannot be read");
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return span_of(bytes, size);
}

static struct wasm_instance *load(const char *name, struct span bytes, struct arena *arena)
{
    struct report report;
    struct arena scratch;
    struct wasm_module *module;
    struct wasm_instance *instance = NULL;
    enum trap trap = TRAP_NONE;
    report_clear(&report);
    arena_init(&scratch, &heap, SIZE_MAX);
    if (wasm_module_decode(bytes, arena, &module, &report) != ERR_OK ||
        wasm_module_validate(module, &scratch, &report) != ERR_OK ||
        wasm_module_translate(module, &scratch, &report) != ERR_OK ||
        wasm_instance_create(module, NULL, &store, arena, &instance, &trap, &report) != ERR_OK) {
        fail(name, report.text);
    }
    arena_drop(&scratch);
    return instance;
}

static u64 run_ours(const char *name, struct wasm_thread *thread, struct wasm_func *function, u32 n)
{
    i64 fuel = INT64_MAX;
    wasm_slot argument = n;
    if (wasm_thread_call(thread, function, &argument) != ERR_OK ||
        wasm_thread_run(thread, &fuel) != WASM_RUN_DONE) {
        fail(name, trap_name(thread->trap));
    }
    return thread->results[0];
}

// Runs a kernel once, in slices of so much fuel. False: the checksum is not that of the native
// code.
static bool check_kernel(const char *folder, const struct kernel_case *kernel, i64 slice_fuel)
{
    struct span bytes = read_file(folder, kernel->name);
    struct arena arena;
    struct wasm_extern run;
    struct wasm_thread thread;
    arena_init(&arena, &heap, SIZE_MAX);
    struct wasm_instance *instance = load(kernel->name, bytes, &arena);
    if (wasm_instance_export(instance, SPAN_LITERAL("run"), &run) != ERR_OK) {
        fail(kernel->name, "exports no run");
    }
    wasm_thread_init(&thread, &store, WASM_STACK_BYTES);
    wasm_slot argument = kernel->n;
    if (wasm_thread_call(&thread, run.function, &argument) != ERR_OK) {
        fail(kernel->name, "cannot be called");
    }
    enum wasm_run state = WASM_RUN_PAUSED;
    while (state == WASM_RUN_PAUSED) {
        i64 fuel = slice_fuel;
        state = wasm_thread_run(&thread, &fuel);
    }
    bool good = state == WASM_RUN_DONE && thread.results[0] == kernel->native(kernel->n);
    printf("%-12s %s %s\n", kernel->name, slice_fuel == INT64_MAX ? "whole    " : "in slices",
           good ? "passed" : "FAILED");
    wasm_thread_drop(&thread);
    wasm_instance_destroy(instance);
    arena_drop(&arena);
    return good;
}

static int check_all(const char *folder)
{
    u32 passed = 0;
    for (size_t i = 0; i < COUNT_OF(kernels); i++) {
        passed += check_kernel(folder, &kernels[i], INT64_MAX);
        passed += check_kernel(folder, &kernels[i], SLICE_FUEL);
    }
    u32 failed = 2 * (u32)COUNT_OF(kernels) - passed;
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

static void keep_least(f64 *least, f64 seconds)
{
    if (seconds < *least) {
        *least = seconds;
    }
}

// Times all engines in turns.
static struct timing measure(const struct kernel_case *kernel, struct wasm_thread *thread,
                             struct wasm_func *function, struct peer *peer)
{
    struct timing best = {INFINITY, INFINITY, INFINITY};
    u64 expected = kernel->native(kernel->n);
    f64 start = seconds_now();
    for (u32 round = 0; round < ROUNDS && seconds_now() - start < SECONDS_EACH; round++) {
        f64 before = seconds_now();
        u64 native = kernel->native(kernel->n);
        f64 after = seconds_now();
        u64 ours = run_ours(kernel->name, thread, function, kernel->n);
        keep_least(&best.native, after - before);
        keep_least(&best.ours, seconds_now() - after);
        if (ours != expected || native != expected) {
            fail(kernel->name, "checksums differ");
        }
        if (peer != NULL) {
            u64 theirs = 0;
            before = seconds_now();
            bool good = peer_run(peer, kernel->n, &theirs);
            keep_least(&best.peer, seconds_now() - before);
            if (!good || theirs != expected) {
                fail(kernel->name, "the peer's checksum differs");
            }
        }
    }
    return best;
}

static struct timing run_kernel(const char *folder, const struct kernel_case *kernel)
{
    struct span bytes = read_file(folder, kernel->name);
    struct arena arena;
    arena_init(&arena, &heap, SIZE_MAX);
    struct wasm_instance *instance = load(kernel->name, bytes, &arena);
    struct wasm_extern run;
    if (wasm_instance_export(instance, SPAN_LITERAL("run"), &run) != ERR_OK) {
        fail(kernel->name, "exports no run");
    }
    struct wasm_thread thread;
    wasm_thread_init(&thread, &store, WASM_STACK_BYTES);
    struct peer *peer = peer_name() == NULL ? NULL : peer_open(bytes);
    if (peer_name() != NULL && peer == NULL) {
        fail(kernel->name, "the peer cannot load it");
    }
    struct timing timing = measure(kernel, &thread, run.function, peer);
    if (peer != NULL) {
        peer_close(peer);
    }
    wasm_thread_drop(&thread);
    wasm_instance_destroy(instance);
    arena_drop(&arena);
    return timing;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return argc <= 2;
}

int main(int argc, char **argv)
{
    f64 log_native = 0, log_peer = 0;
    u32 count = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: engine [--check] FOLDER [KERNEL...]\n");
        return 2;
    }
    if (argc == 3 && strcmp(argv[1], "--check") == 0) {
        return check_all(argv[2]);
    }
    for (size_t i = 0; i < COUNT_OF(kernels); i++) {
        if (!is_wanted(kernels[i].name, argc, argv)) {
            continue;
        }
        struct timing t = run_kernel(argv[1], &kernels[i]);
        printf("| interpreter: %s | %.2f ms | native %.2f ms", kernels[i].name, t.ours * 1e3,
               t.native * 1e3);
        if (peer_name() != NULL) {
            printf(", %s %.2f ms", peer_name(), t.peer * 1e3);
        }
        printf(" | %.1f times native's time", t.ours / t.native);
        if (peer_name() != NULL) {
            printf(", %.2f times %s's speed", t.peer / t.ours, peer_name());
        }
        printf(" | |\n");
        fflush(stdout);
        log_native += log(t.ours / t.native);
        log_peer += log(t.peer / t.ours);
        count++;
    }
    printf("| interpreter: geometric mean of %u | | native", count);
    if (peer_name() != NULL) {
        printf(", %s", peer_name());
    }
    printf(" | %.2f times native's time", exp(log_native / count));
    if (peer_name() != NULL) {
        printf(", %.2f times %s's speed", exp(log_peer / count), peer_name());
    }
    printf(" | at least wasm3's speed |\n");
    return 0;
}
