// SPDX-License-Identifier: GPL-3.0-or-later
// What the compiler makes of a program: time of each pass, how much of the code is moves, loads and
// stores that the allocator added (weighted by how often they seem to run), and on demand one
// function to look at.
//
// Use     code FILE.wasm             sums over all functions, each allocation checked
//         code FILE.wasm NUMBER      the function before emission
//         code FILE.wasm NUMBER OUT  its machine code, into a file, for a disassembler
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/jit/alloc.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/mach.h"
#include "core/jit/passes.h"
#include "core/jit/target.h"
#include "core/wasm/module.h"
#include "tests/bench/bench.h"
#include "tests/unit/mach_check.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 5, TEXT_BYTES = 16 << 20 };

enum pass { PASS_BUILD, PASS_IMPROVE, PASS_SELECT, PASS_ALLOCATE, PASS_EMIT, PASS_COUNT };

struct sums {
    f64 seconds[PASS_COUNT];
    u64 bytes;
    u64 machine_bytes;
    u64 instructions;
    u64 refused;
    f64 memory; // of the allocator, the most for each instruction of a function of some size
    struct mach_statistics statistics;
};

struct options {
    struct jit_options jit;
    u32 function; // MACH_NONE: all
    const char *out;
    bool checks;
};

static void show(const struct options *options, const struct mach *mach,
                 const struct jit_function *code)
{
    if (options->out != NULL) {
        FILE *file = fopen(options->out, "wb");
        if (file != NULL) {
            (void)fwrite(code->code, 1, code->code_bytes, file);
            (void)fclose(file);
        }
        return;
    }
    static char buffer[TEXT_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    mach_print(mach, NULL, &text);
    (void)fputs(text.data, stdout);
}

static void add(struct mach_statistics *sum, const struct mach *mach)
{
    struct mach_statistics one = mach_statistics(mach);
    sum->instructions += one.instructions;
    sum->moves += one.moves;
    sum->loads += one.loads;
    sum->stores += one.stores;
    sum->constants += one.constants;
    sum->from_memory += one.from_memory;
}

static void check(const struct mach *mach, u32 function)
{
    struct mach_error error = mach_check(mach);
    if (error.found) {
        fprintf(stderr, "function %u: %s\n", function, error.words);
        exit(1);
    }
}

static enum err compile_one(const struct wasm_module *module, u32 function, struct arena *arena,
                            const struct options *options, struct sums *out)
{
    const struct jit_target *target = &jit_target_x86_64;
    struct ir ir;
    struct mach mach;
    struct jit_function code;
    f64 times[PASS_COUNT + 1] = {seconds_now()};
    TRY(ir_build(module, function, NULL, arena, &ir));
    times[1] = seconds_now();
    TRY(ir_improve(&ir));
    times[2] = seconds_now();
    TRY(target->select(&ir, &options->jit, &mach));
    times[3] = seconds_now();
    size_t used = arena->used_bytes;
    TRY(mach_allocate(&mach, arena));
    f64 memory = (f64)(arena->used_bytes - used) / mach.ins_count;
    times[4] = seconds_now();
    TRY(target->emit(&mach, &ir, &options->jit, arena, &code));
    times[5] = seconds_now();
    for (u32 p = 0; p < PASS_COUNT; p++) {
        out->seconds[p] += times[p + 1] - times[p];
    }
    out->machine_bytes += code.code_bytes;
    out->instructions += mach.ins_count;
    out->memory = mach.ins_count > 10000 && memory > out->memory ? memory : out->memory;
    if (options->checks) {
        check(&mach, function);
        add(&out->statistics, &mach);
    }
    if (function == options->function) {
        show(options, &mach, &code);
    }
    return ERR_OK;
}

static void compile(const struct wasm_module *module, const struct options *options,
                    struct sums *out)
{
    struct arena arena;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        if (options->function != MACH_NONE && options->function != i) {
            continue;
        }
        out->bytes += module->bodies[i - module->function_import_count].code.size;
        enum err err = compile_one(module, i, &arena, options, out);
        if (err != ERR_OK) {
            out->refused++;
            fprintf(stderr, "function %u: %s\n", i, err_name(err));
        }
        arena_reset(&arena, options->checks ? 0 : JIT_SCRATCH_KEPT);
    }
    arena_drop(&arena);
}

static void print(const struct sums *sums)
{
    static const char *const names[] = {"build", "improve", "select", "allocate", "emit"};
    f64 all = 0;
    for (u32 p = 0; p < PASS_COUNT; p++) {
        all += sums->seconds[p];
        printf("%-9s %7.1f ns a machine instruction\n", names[p],
               sums->seconds[p] * 1e9 / (f64)sums->instructions);
    }
    const struct mach_statistics *s = &sums->statistics;
    f64 hundredth = s->instructions / 100;
    printf("all       %7.2f MB/s; %llu bytes, %llu instructions, %llu bytes of code, %llu refused, "
           "allocator up to %.0f bytes an instruction\n",
           (f64)sums->bytes * 1e-6 / all, (unsigned long long)sums->bytes,
           (unsigned long long)sums->instructions, (unsigned long long)sums->machine_bytes,
           (unsigned long long)sums->refused, sums->memory);
    printf("of 100 weighted instructions: moves %.2f loads %.2f stores %.2f constants %.2f "
           "operands in "
           "memory %.2f\n",
           s->moves / hundredth, s->loads / hundredth, s->stores / hundredth,
           s->constants / hundredth, s->from_memory / hundredth);
}

int main(int argc, char **argv)
{
    struct arena arena;
    if (argc < 2) {
        fprintf(stderr, "use: code FILE.wasm [FUNCTION [OUT]]\n");
        return 2;
    }
    arena_init(&arena, &bench_heap, SIZE_MAX);
    const struct wasm_module *module = bench_load(argv[1], &arena);
    struct options options = {
        .jit = {.segment = true, .features = 31},
        .function = argc > 2 ? (u32)strtoul(argv[2], NULL, 10) : MACH_NONE,
        .out = argc > 3 ? argv[3] : NULL,
        .checks = true,
    };
    struct sums first = {0};
    options.checks = getenv("UNCHECKED") == NULL;
    compile(module, &options, &first);
    if (argc > 2) {
        return 0;
    }
    options.checks = false;
    struct sums best = first;
    for (u32 i = 0; i < ROUNDS; i++) {
        struct sums sums = {0};
        compile(module, &options, &sums);
        for (u32 p = 0; p < PASS_COUNT; p++) {
            best.seconds[p] = sums.seconds[p] < best.seconds[p] ? sums.seconds[p] : best.seconds[p];
        }
    }
    print(&best);
    return 0;
}
