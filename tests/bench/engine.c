// SPDX-License-Identifier: GPL-3.0-or-later
// Runs each kernel in every engine there is, in turns, and compares the shortest of several runs of
// each. All must give the same checksum.
//
// Use     engine [--vectors|--bulk] FOLDER [KERNEL...]   with FOLDER/NAME.wasm for each;
//         --vectors: compiled to instructions on vectors, and with those kernels that need them;
//         --bulk: those that copy and fill
//         engine [--vectors|--bulk] --check FOLDER   runs each once in each of our engines, and
//         counts checksums
//         engine --compile NAME FILE   prints how many seconds the engine of this name takes to get
//         a module ready to run, the bytes of machine code, and the most that were resident; fails
//         where it is not there
//         engine --file FILE N   a module of one's own, whose `run` takes an i32 and returns an i64
//         engine [--vectors] --once FOLDER [KERNEL...]   runs each once, compiled by ours, for a
//         profiler
#include "core/base/compiler.h"
#include "tests/bench/bench.h"
#include "tests/bench/engines.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 9,       // turns, of which the shortest counts
    SECONDS_EACH = 4, // no further turn of a kernel after so long
};

#define KERNEL(name, n) u64 kernel_##name(u32 count);
#include "tests/bench/bulk/bulk.def"
#include "tests/bench/kernels/kernels.def"
#include "tests/bench/vectors/vectors.def"
#undef KERNEL

static const struct kernel_case kernels[] = {
#define KERNEL(name, n) {#name, n, kernel_##name},
#include "tests/bench/bulk/bulk.def"
#include "tests/bench/kernels/kernels.def"
#include "tests/bench/vectors/vectors.def"
#undef KERNEL
};

// Where in `kernels` they end that copy and fill, those that make sense without vectors, and the
// rest.
enum {
    BULK_END = 0
#define KERNEL(name, n) +1
#include "tests/bench/bulk/bulk.def"
    ,
    SCALAR_END = BULK_END
#include "tests/bench/kernels/kernels.def"
    ,
    VECTOR_END = SCALAR_END
#include "tests/bench/vectors/vectors.def"
#undef KERNEL
};
STATIC_ASSERT(COUNT_OF(kernels) == VECTOR_END);

// A set of kernels, [first, end) of `kernels`.
struct set {
    const char *option;
    const char *label;
    size_t first;
    size_t end;
    u8 needs; // enum engine_lacks
    const char *aim;
};
static const struct set sets[] = {
    {"", "", BULK_END, SCALAR_END, 0, "at most 1.35 times native's time"},
    {"--vectors", " with vectors", BULK_END, VECTOR_END, ENGINE_LACKS_VECTORS,
     "at most 1.20 times native's time"},
    {"--bulk", " in bulk", 0, BULK_END, ENGINE_LACKS_BULK,
     "of none less than 0.77 times turbofan's speed"},
};
static const struct set *set = &sets[0];

// The first is what all others are compared with, then come ours, then other people's.
enum { NATIVE, OURS };
static const struct engine *const all[] = {
    &engine_native,   &engine_interpreter, &engine_compiled, &engine_turbofan, &engine_liftoff,
    &engine_wasmtime, &engine_wasmer,      &engine_peer,     &engine_iwasm,
};
enum { OURS_END = 3 }; // of `all`
static const struct engine *const checked[] = {&engine_interpreter, &engine_slices,
                                               &engine_compiled};

NORETURN static void fail(const char *kernel, const char *engine, const char *what)
{
    fprintf(stderr, "engine: %s: %s: %s\n", kernel, engine, what);
    exit(1);
}

static struct span read_file(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", folder, name);
    return bench_read(path);
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

// ---- the check

static bool check_kernel(const char *folder, const struct kernel_case *kernel,
                         const struct engine *engine)
{
    u64 result = 0;
    f64 seconds;
    void *opened = engine->open(kernel, read_file(folder, kernel->name));
    bool good = opened != NULL && engine->run(opened, kernel->n, &result, &seconds) &&
                result == kernel->native(kernel->n);
    printf("%-12s %-12s %s\n", kernel->name, engine->name, good ? "passed" : "FAILED");
    if (opened != NULL) {
        engine->close(opened);
    }
    return good;
}

static int once(const char *folder, int argc, char **argv)
{
    bool good = true;
    for (size_t i = set->first; i < set->end; i++) {
        if (is_wanted(kernels[i].name, argc, argv)) {
            good &= check_kernel(folder, &kernels[i], &engine_compiled);
        }
    }
    return good ? 0 : 1;
}

static int check_all(const char *folder)
{
    u32 passed = 0;
    for (size_t i = set->first; i < set->end; i++) {
        for (size_t j = 0; j < COUNT_OF(checked); j++) {
            passed += check_kernel(folder, &kernels[i], checked[j]);
        }
    }
    u32 failed = (u32)(COUNT_OF(checked) * (set->end - set->first)) - passed;
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

// ---- the comparison

// Times all engines in turns; those that are not there stay at infinity.
static void measure(const struct kernel_case *kernel, struct span wasm, const bool *is_there,
                    f64 *least)
{
    void *opened[COUNT_OF(all)] = {0};
    u64 expected = kernel->native(kernel->n);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        least[i] = INFINITY;
        if (is_there[i] && (opened[i] = all[i]->open(kernel, wasm)) == NULL) {
            fail(kernel->name, all[i]->name, "cannot load it");
        }
    }
    f64 start = seconds_now();
    for (u32 round = 0; round < ROUNDS && seconds_now() - start < SECONDS_EACH; round++) {
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            u64 result;
            f64 seconds;
            if (!is_there[i]) {
                continue;
            }
            if (!all[i]->run(opened[i], kernel->n, &result, &seconds) || result != expected) {
                fail(kernel->name, all[i]->name, "another checksum than native code's");
            }
            least[i] = seconds < least[i] ? seconds : least[i];
        }
    }
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (is_there[i]) {
            all[i]->close(opened[i]);
        }
    }
}

// One row for each engine of ours.
static void print_kernel(const struct kernel_case *kernel, const bool *is_there, const f64 *least)
{
    for (size_t i = OURS; i < OURS_END; i++) {
        if (!is_there[i]) {
            continue;
        }
        printf("| %s%s: %s | %.2f ms | native %.2f ms", all[i]->name, set->label, kernel->name,
               least[i] * 1e3, least[NATIVE] * 1e3);
        for (size_t j = OURS_END; j < COUNT_OF(all); j++) {
            if (is_there[j]) {
                printf(", %s %.2f ms", all[j]->name, least[j] * 1e3);
            }
        }
        printf(" | %.2f times native's time", least[i] / least[NATIVE]);
        for (size_t j = OURS_END; j < COUNT_OF(all); j++) {
            if (is_there[j]) {
                printf(", %.2f times %s's speed", least[j] / least[i], all[j]->name);
            }
        }
        printf(" | |\n");
    }
    fflush(stdout);
}

// `logs` are sums of logarithms of each engine's time, native time taken off.
static void print_means(u32 count, const bool *is_there, const f64 *logs)
{
    const char *const aims[OURS_END] = {
        [OURS] = "at least wasm3's speed",
        [OURS + 1] = set->aim,
    };
    for (size_t i = OURS; i < COUNT_OF(all); i++) {
        if (!is_there[i]) {
            continue;
        }
        printf("| %s%s: geometric mean of %u | | native | %.2f times native's time", all[i]->name,
               set->label, count, exp(logs[i] / count));
        for (size_t j = OURS_END; i < OURS_END && j < COUNT_OF(all); j++) {
            if (is_there[j]) {
                printf(", %.2f times %s's speed", exp((logs[j] - logs[i]) / count), all[j]->name);
            }
        }
        printf(" | %s |\n", i < OURS_END ? aims[i] : "");
    }
}

// Each engine but native on a file: the least time and the checksum.
static int time_file(const char *path, u32 n)
{
    const struct kernel_case kernel = {.name = path, .n = n};
    struct span wasm = bench_read(path);
    for (size_t i = OURS; i < COUNT_OF(all); i++) {
        if (all[i]->is_there != NULL && !all[i]->is_there()) {
            continue;
        }
        f64 least = INFINITY;
        u64 sum = 0;
        void *opened = all[i]->open(&kernel, wasm);
        for (u32 round = 0; opened != NULL && round < ROUNDS; round++) {
            f64 seconds;
            if (!all[i]->run(opened, n, &sum, &seconds)) {
                break;
            }
            least = seconds < least ? seconds : least;
        }
        printf("%-12s %10.3f ms  %016llx\n", all[i]->name, least * 1e3, (unsigned long long)sum);
        if (opened != NULL) {
            all[i]->close(opened);
        }
    }
    return 0;
}

// Since this program began, so that it says nothing of who has started it; 0: not known.
static u64 resident_most(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long long kib = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib * 1024;
}

static int compile(const char *name, const char *path)
{
    f64 seconds;
    u64 code_bytes;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (strcmp(all[i]->name, name) == 0 && all[i]->compile != NULL &&
            all[i]->compile(bench_read(path), &seconds, &code_bytes)) {
            printf("%f %llu %llu\n", seconds, (unsigned long long)code_bytes,
                   (unsigned long long)resident_most());
            return 0;
        }
    }
    return 1;
}

// Those that could have been compared with.
static void print_missing(const bool *is_there)
{
    for (size_t i = OURS_END; i < COUNT_OF(all); i++) {
        if (!is_there[i] && (set->needs & all[i]->lacks) == 0) {
            printf("| %s%s | not on this machine | | | from: %s |\n", all[i]->name, set->label,
                   all[i]->source);
        }
    }
}

int main(int argc, char **argv)
{
    bool is_there[COUNT_OF(all)];
    f64 logs[COUNT_OF(all)] = {0};
    u32 count = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: engine [--vectors|--bulk] [--check] FOLDER [KERNEL...]\n");
        return 2;
    }
    for (size_t i = 1; i < COUNT_OF(sets); i++) {
        if (set == &sets[0] && strcmp(argv[1], sets[i].option) == 0) {
            set = &sets[i];
            argv++;
            argc--;
        }
    }
    if (argc == 3 && strcmp(argv[1], "--check") == 0) {
        return check_all(argv[2]);
    }
    if (argc == 4 && strcmp(argv[1], "--file") == 0) {
        return time_file(argv[2], (u32)strtoul(argv[3], NULL, 10));
    }
    if (argc == 4 && strcmp(argv[1], "--compile") == 0) {
        return compile(argv[2], argv[3]);
    }
    if (argc >= 3 && strcmp(argv[1], "--once") == 0) {
        return once(argv[2], argc - 1, argv + 1);
    }
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        bool is_asked = (set->needs & all[i]->lacks) == 0;
        is_there[i] = is_asked && (all[i]->is_there == NULL || all[i]->is_there());
    }
    for (size_t i = set->first; i < set->end; i++) {
        if (!is_wanted(kernels[i].name, argc, argv)) {
            continue;
        }
        f64 least[COUNT_OF(all)];
        measure(&kernels[i], read_file(argv[1], kernels[i].name), is_there, least);
        print_kernel(&kernels[i], is_there, least);
        for (size_t j = OURS; j < COUNT_OF(all); j++) {
            logs[j] += is_there[j] ? log(least[j] / least[NATIVE]) : 0;
        }
        count++;
    }
    print_means(count, is_there, logs);
    print_missing(is_there);
    return 0;
}
