// SPDX-License-Identifier: GPL-3.0-or-later
// How many bytes of a program the compiler's front takes in a second, on one core: building the ir
// of every function, then the passes.
//
// Use     front FILE.wasm   prints rows of the benchmark table; times are the shortest of many
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/passes.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 15, FILE_BYTES = 64 << 20 };

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

static f64 now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (f64)time.tv_sec + (f64)time.tv_nsec * 1e-9;
}

struct sums {
    f64 build;
    f64 improve;
    u64 built; // instructions
    u64 kept;
    u64 blocks;
    u64 bytes;
    u32 refused;
    f64 memory; // the most, for each byte of a body of some size
};

static void compile(const struct wasm_module *module, struct memory *memory, struct sums *out)
{
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        struct arena arena;
        struct ir ir;
        size_t bytes = module->bodies[i - module->function_import_count].code.size;
        arena_init(&arena, memory, SIZE_MAX);
        f64 start = now();
        enum err err = ir_build(module, i, &arena, &ir);
        out->build += now() - start;
        out->bytes += bytes;
        if (err == ERR_OK) {
            out->built += ir.ins_count;
            start = now();
            err = ir_improve(&ir);
            out->improve += now() - start;
            out->kept += ir.ins_count;
            out->blocks += ir.block_count;
        }
        out->refused += err != ERR_OK;
        f64 memory_ratio = (f64)arena.used_bytes / (f64)bytes;
        if (bytes > 10000 && memory_ratio > out->memory) {
            out->memory = memory_ratio;
        }
        arena_drop(&arena);
    }
}

static struct wasm_module *load(struct span bytes, struct arena *arena, struct memory *memory)
{
    struct wasm_module *module = NULL;
    struct arena scratch;
    struct report report;
    report_clear(&report);
    arena_init(&scratch, memory, SIZE_MAX);
    enum err err = wasm_module_decode(bytes, arena, &module, &report);
    if (err == ERR_OK) {
        err = wasm_module_validate(module, &scratch, &report);
    }
    arena_drop(&scratch);
    if (err != ERR_OK) {
        fprintf(stderr, "%s: %s\n", err_name(err), report.text);
        exit(1);
    }
    return module;
}

int main(int argc, char **argv)
{
    static u8 bytes[FILE_BYTES];
    struct memory memory = {resize};
    struct arena arena;
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "use: front FILE.wasm\n");
        return 2;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    arena_init(&arena, &memory, SIZE_MAX);
    const struct wasm_module *module = load(span_of(bytes, size), &arena, &memory);
    struct sums best = {.build = 1e9, .improve = 1e9};
    for (u32 i = 0; i < ROUNDS; i++) {
        struct sums sums = {0};
        compile(module, &memory, &sums);
        best = sums.build + sums.improve < best.build + best.improve ? sums : best;
    }
    f64 megabytes = (f64)best.bytes * 1e-6;
    printf("bodies of %.2f MB: %llu instructions built, %llu kept in %llu blocks; %u functions "
           "refused; at most %.0f bytes of memory for each of a body\n",
           megabytes, (unsigned long long)best.built, (unsigned long long)best.kept,
           (unsigned long long)best.blocks, best.refused, best.memory);
    printf("| compile: build | %.0f MB/s | | | |\n", megabytes / best.build);
    printf("| compile: build, improve | %.0f MB/s | | | 20 MB/s |\n",
           megabytes / (best.build + best.improve));
    arena_drop(&arena);
    return 0;
}
