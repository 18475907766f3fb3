// SPDX-License-Identifier: GPL-3.0-or-later
// How many bytes of a program the whole compiler takes in a second, on one core, and what becomes
// of each function.
//
// Use     compile FILE.wasm             which functions the kernel's limits refuse, and rows of the
//                                       benchmark table; times are the shortest of many
//         compile --shapes              the largest bodies of hard shapes: time, memory for each
//                                       byte, and the longest portion between two pauses
//         compile --check FILE.wasm...  compiles every function in each way once
//         compile --dump INDEX FILE.wasm [v2]   ir, machine instructions, then the bytes for a
//                                       disassembler; v2: for the least CPU
#include "core/jit/compile.h"
#include "core/base/arena.h"
#include "core/base/text.h"
#include "core/jit/alloc.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/mach.h"
#include "core/jit/pace.h"
#include "core/jit/passes.h"
#include "core/jit/target.h"
#include "core/jit/x86_64/asm.h"
#include "core/wasm/module.h"
#include "tests/bench/bench.h"
#include "tests/unit/large_bodies.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7, DUMP_BYTES = 4 << 20 };
enum { ALL = X64_HAS_AVX | X64_HAS_AVX2 | X64_HAS_BMI1 | X64_HAS_BMI2 | X64_HAS_LZCNT };

enum phase { BUILD, IMPROVE, SELECT, ALLOCATE, EMIT, PHASE_COUNT };
static const char *const phases[] = {"build", "improve", "select", "allocate", "emit"};

struct sums {
    f64 seconds[PHASE_COUNT];
    f64 all;
    u64 bytes;
    u64 code_bytes;
    u64 ins;
    u64 moves;
    u32 refused;
    f64 memory;                // the most, for each byte of a body of some size
    f64 memories[PHASE_COUNT]; // of it, after each phase
};

static const struct jit_options fast = {JIT_BOUNDS_GUARD, true, ALL};

static enum err passes(const struct wasm_module *module, u32 function, struct arena *arena,
                       const struct jit_options *options, struct sums *out,
                       struct jit_function *code, size_t *used)
{
    struct ir ir;
    struct mach mach;
    f64 times[PHASE_COUNT + 1];
    times[BUILD] = seconds_now();
    TRY(ir_build(module, function, NULL, arena, &ir));
    times[IMPROVE] = seconds_now();
    used[BUILD] = arena->used_bytes;
    TRY(ir_improve(&ir));
    times[SELECT] = seconds_now();
    used[IMPROVE] = arena->used_bytes;
    TRY(jit_target_x86_64.select(&ir, options, &mach));
    times[ALLOCATE] = seconds_now();
    used[SELECT] = arena->used_bytes;
    TRY(mach_allocate(&mach, arena));
    times[EMIT] = seconds_now();
    used[ALLOCATE] = arena->used_bytes;
    TRY(jit_target_x86_64.emit(&mach, &ir, options, arena, code));
    times[PHASE_COUNT] = seconds_now();
    used[EMIT] = arena->used_bytes;
    for (u32 i = 0; i < PHASE_COUNT; i++) {
        out->seconds[i] += times[i + 1] - times[i];
    }
    out->all += times[PHASE_COUNT] - times[0];
    out->code_bytes += code->code_bytes;
    out->ins += mach.ins_count;
    out->moves += mach.move_count;
    return ERR_OK;
}

static void tell_refused(const struct wasm_module *module, u32 function, enum err err)
{
    u32 size = (u32)module->bodies[function - module->function_import_count].code.size;
    printf("function %u, whose body has %u bytes, is refused: %s\n", function, size, err_name(err));
}

//   keeps  memory from one function to the next, as the compiler does (core/jit/compile.h); without
//          it, how much each takes is known, and what is refused is told
static void compile(const struct wasm_module *module, bool keeps, struct sums *out)
{
    struct arena arena;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        struct jit_function code;
        size_t bytes = module->bodies[i - module->function_import_count].code.size;
        size_t used[PHASE_COUNT] = {0};
        arena.limit_bytes = jit_scratch_limit(bytes);
        enum err err = passes(module, i, &arena, &fast, out, &code, used);
        out->bytes += err == ERR_OK ? bytes : 0;
        out->refused += err != ERR_OK;
        if (err != ERR_OK && !keeps) {
            tell_refused(module, i, err);
        }
        f64 memory_ratio = (f64)arena.used_bytes / (f64)bytes;
        if (bytes > 10000 && memory_ratio > out->memory) {
            out->memory = memory_ratio;
            for (u32 k = 0; k < PHASE_COUNT; k++) {
                out->memories[k] = (f64)used[k] / (f64)bytes;
            }
        }
        arena_reset(&arena, keeps ? JIT_SCRATCH_KEPT : 0);
    }
    arena_drop(&arena);
}

static void measure(const char *path)
{
    struct arena arena;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    const struct wasm_module *module = bench_load(path, &arena);
    struct sums best = {.all = 1e9};
    struct sums first = {0};
    compile(module, false, &first);
    for (u32 i = 0; i < ROUNDS; i++) {
        struct sums sums = {0};
        compile(module, true, &sums);
        best = sums.all < best.all ? sums : best;
    }
    f64 megabytes = (f64)best.bytes * 1e-6;
    printf(
        "bodies of %.2f MB become %.2f MB: %llu instructions, %llu moves; %u functions refused; at "
        "most %.0f bytes of memory for each of a body\n",
        megabytes, (f64)best.code_bytes * 1e-6, (unsigned long long)best.ins,
        (unsigned long long)best.moves, best.refused, first.memory);
    for (u32 i = 0; i < PHASE_COUNT; i++) {
        printf("| compile: %s | %.1f MB/s, %.0f bytes of memory for each | | | |\n", phases[i],
               megabytes / best.seconds[i], first.memories[i]);
    }
    printf("| compile: all | %.1f MB/s | | | 4 MB/s |\n", megabytes / best.all);
    arena_drop(&arena);
}

static const char *op_name(u16 op)
{
    static const char *const names[] = {
#define X64_OP(name, text, form, prefix, map, opcode, ext, vex, imm, size) #name,
#include "core/jit/x86_64/ops.def"
    };
    return names[op];
}

static void dump(const char *path, u32 function, const struct jit_options *options)
{
    static char buffer[DUMP_BYTES];
    struct arena arena;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    const struct wasm_module *module = bench_load(path, &arena);
    struct ir ir;
    struct mach mach;
    struct jit_function code;
    struct text text = text_over(buffer, sizeof buffer);
    enum err err = ir_build(module, function, NULL, &arena, &ir);
    if (err == ERR_OK) {
        err = ir_improve(&ir);
    }
    if (err == ERR_OK) {
        ir_print(&ir, &text);
        err = jit_target_x86_64.select(&ir, options, &mach);
    }
    if (err == ERR_OK) {
        err = mach_verify(&mach, &arena);
    }
    if (err == ERR_OK) {
        err = mach_allocate(&mach, &arena);
    }
    if (err == ERR_OK) {
        mach_print(&mach, op_name, &text);
        err = jit_target_x86_64.emit(&mach, &ir, options, &arena, &code);
    }
    printf("%s\n%s\n", buffer, err_name(err));
    for (u32 i = 0; err == ERR_OK && i < code.code_bytes; i++) {
        printf("%s0x%02x", i % 16 == 0 ? "\nbytes " : " ", code.code[i]);
    }
    printf("\n");
    arena_drop(&arena);
}

// Every function for each kind of CPU and memory.
static void check(const char *path, u32 *passed, u32 *refused)
{
    struct arena arena;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    const struct wasm_module *module = bench_load(path, &arena);
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        for (u32 kind = 0; kind < 4; kind++) {
            struct jit_options options = {.bounds = kind & 1 ? JIT_BOUNDS_CHECK : JIT_BOUNDS_GUARD,
                                          .segment = kind == 0,
                                          .features = kind & 2 ? 0 : ALL};
            struct arena scratch;
            struct jit_function code;
            size_t bytes = module->bodies[i - module->function_import_count].code.size;
            arena_init(&scratch, &bench_heap, jit_scratch_limit(bytes));
            enum err err =
                jit_compile(&jit_target_x86_64, &options, module, i, &scratch, &scratch, &code);
            *passed += err == ERR_OK;
            *refused += err != ERR_OK;
            arena_drop(&scratch);
        }
    }
    arena_drop(&arena);
}

// ---- shapes

struct portions {
    struct jit_pace pace;
    f64 before;
    f64 longest;
};

static void portion_end(struct jit_pace *pace)
{
    enum { PORTION = 50000 };
    struct portions *portions = CONTAINER_OF(pace, struct portions, pace);
    f64 now = seconds_now();
    f64 took = now - portions->before;
    portions->longest = took > portions->longest ? took : portions->longest;
    portions->before = now;
    pace->left = PORTION;
}

static void measure_shape(u32 shape)
{
    enum { SHAPE_ROUNDS = 5 };
    struct arena arena;
    struct wasm_bytes bytes = large_module(shape, JIT_BODY_BYTES);
    arena_init(&arena, &bench_heap, SIZE_MAX);
    const struct wasm_module *module = bench_module(wasm_bytes_span(&bytes), &arena);
    f64 least = 1e9;
    f64 longest_least = 1e9;
    size_t used = 0;
    enum err err = ERR_OK;
    for (u32 round = 0; round < SHAPE_ROUNDS; round++) {
        struct portions portions = {.pace = {0, portion_end}};
        struct jit_source source = {.target = &jit_target_x86_64,
                                    .options = &fast,
                                    .module = module,
                                    .pace = &portions.pace};
        struct jit_function code;
        struct arena scratch;
        arena_init(&scratch, &bench_heap, jit_scratch_limit(JIT_BODY_BYTES));
        f64 start = seconds_now();
        portions.before = start;
        err = jit_compile_source(&source, &scratch, &scratch, &code);
        portion_end(&portions.pace);
        f64 took = seconds_now() - start;
        least = took < least ? took : least;
        longest_least = portions.longest < longest_least ? portions.longest : longest_least;
        used = scratch.used_bytes;
        arena_drop(&scratch);
    }
    printf(
        "| shape: %s | %.0f ms%s, %zu bytes of memory for each | | longest portion %.2f ms | |\n",
        large_shape_name(shape), least * 1e3, err == ERR_OK ? "" : " until refused",
        used / JIT_BODY_BYTES, longest_least * 1e3);
    arena_drop(&arena);
    wasm_bytes_free(&bytes);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--shapes") == 0) {
        for (u32 shape = 0; shape < large_shape_count; shape++) {
            measure_shape(shape);
        }
        return 0;
    }
    if (argc == 2) {
        measure(argv[1]);
        return 0;
    }
    if (argc >= 4 && strcmp(argv[1], "--dump") == 0) {
        struct jit_options options = fast;
        if (argc == 5) {
            options.features = 0;
        }
        dump(argv[3], (u32)strtoul(argv[2], NULL, 0), &options);
        return 0;
    }
    u32 passed = 0;
    u32 refused = 0;
    for (int i = 2; i < argc; i++) {
        check(argv[i], &passed, &refused);
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, refused);
    return refused != 0;
}
