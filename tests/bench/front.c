// SPDX-License-Identifier: GPL-3.0-or-later
// How many bytes of a program the compiler's front takes in a second, on one core: building the ir
// of every function, then the passes.
//
// Use     front FILE.wasm   prints rows of the benchmark table; times are the shortest of many
#include "core/base/arena.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/limits.h"
#include "core/jit/passes.h"
#include "core/wasm/module.h"
#include "tests/bench/bench.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15 };

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

//   keeps  memory from one function to the next; without it, how much each takes is known
static void compile(const struct wasm_module *module, bool keeps, struct sums *out)
{
    struct arena arena;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        struct ir ir;
        size_t bytes = module->bodies[i - module->function_import_count].code.size;
        f64 start = seconds_now();
        enum err err = ir_build(module, i, NULL, &arena, &ir);
        out->build += seconds_now() - start;
        out->bytes += bytes;
        if (err == ERR_OK) {
            out->built += ir.ins_count;
            start = seconds_now();
            err = ir_improve(&ir);
            out->improve += seconds_now() - start;
            out->kept += ir.ins_count;
            out->blocks += ir.block_count;
        }
        out->refused += err != ERR_OK;
        f64 memory_ratio = (f64)arena.used_bytes / (f64)bytes;
        if (bytes > 10000 && memory_ratio > out->memory) {
            out->memory = memory_ratio;
        }
        arena_reset(&arena, keeps ? JIT_SCRATCH_KEPT : 0);
    }
    arena_drop(&arena);
}

int main(int argc, char **argv)
{
    struct arena arena;
    if (argc != 2) {
        fprintf(stderr, "use: front FILE.wasm\n");
        return 2;
    }
    arena_init(&arena, &bench_heap, SIZE_MAX);
    const struct wasm_module *module = bench_load(argv[1], &arena);
    struct sums best = {.build = 1e9, .improve = 1e9};
    struct sums first = {0};
    compile(module, false, &first);
    for (u32 i = 0; i < ROUNDS; i++) {
        struct sums sums = {0};
        compile(module, true, &sums);
        best = sums.build + sums.improve < best.build + best.improve ? sums : best;
    }
    f64 megabytes = (f64)best.bytes * 1e-6;
    printf("bodies of %.2f MB: %llu instructions built, %llu kept in %llu blocks; %u functions "
           "refused; at most %.0f bytes of memory for each of a body\n",
           megabytes, (unsigned long long)best.built, (unsigned long long)best.kept,
           (unsigned long long)best.blocks, best.refused, first.memory);
    printf("| compile: build | %.0f MB/s | | | |\n", megabytes / best.build);
    printf("| compile: build, improve | %.0f MB/s | | | 20 MB/s |\n",
           megabytes / (best.build + best.improve));
    arena_drop(&arena);
    return 0;
}
