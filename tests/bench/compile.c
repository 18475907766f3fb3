// SPDX-License-Identifier: GPL-3.0-or-later
// How many bytes of a program the whole compiler takes in a second, on one core, and what becomes
// of each function.
//
// Use     compile FILE.wasm             rows of the benchmark table; times are the shortest of many
//         compile --check FILE.wasm...  compiles every function in each way once
//         compile --dump INDEX FILE.wasm [v2]   ir, machine instructions, then the bytes for a
//                                       disassembler; v2: for the least CPU
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/jit/alloc.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/mach.h"
#include "core/jit/passes.h"
#include "core/jit/target.h"
#include "core/jit/x86_64/asm.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, FILE_BYTES = 64 << 20, DUMP_BYTES = 4 << 20 };
enum { ALL = X64_HAS_AVX | X64_HAS_AVX2 | X64_HAS_BMI1 | X64_HAS_BMI2 | X64_HAS_LZCNT };

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

static struct memory memory = {resize};

static f64 now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (f64)time.tv_sec + (f64)time.tv_nsec * 1e-9;
}

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
    times[BUILD] = now();
    TRY(ir_build(module, function, arena, &ir));
    times[IMPROVE] = now();
    used[BUILD] = arena->used_bytes;
    TRY(ir_improve(&ir));
    times[SELECT] = now();
    used[IMPROVE] = arena->used_bytes;
    TRY(jit_target_x86_64.select(&ir, options, &mach));
    times[ALLOCATE] = now();
    used[SELECT] = arena->used_bytes;
    TRY(mach_allocate(&mach, arena));
    times[EMIT] = now();
    used[ALLOCATE] = arena->used_bytes;
    TRY(jit_target_x86_64.emit(&mach, &ir, options, arena, code));
    times[PHASE_COUNT] = now();
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

static void compile(const struct wasm_module *module, struct sums *out)
{
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        struct arena arena;
        struct jit_function code;
        size_t bytes = module->bodies[i - module->function_import_count].code.size;
        arena_init(&arena, &memory, SIZE_MAX);
        size_t used[PHASE_COUNT] = {0};
        enum err err = passes(module, i, &arena, &fast, out, &code, used);
        out->bytes += bytes;
        out->refused += err != ERR_OK;
        f64 memory_ratio = (f64)arena.used_bytes / (f64)bytes;
        if (bytes > 10000 && memory_ratio > out->memory) {
            out->memory = memory_ratio;
            for (u32 k = 0; k < PHASE_COUNT; k++) {
                out->memories[k] = (f64)used[k] / (f64)bytes;
            }
        }
        arena_drop(&arena);
    }
}

static const struct wasm_module *load(const char *path, struct arena *arena)
{
    static u8 bytes[FILE_BYTES];
    struct wasm_module *module = NULL;
    struct arena scratch;
    struct report report;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    report_clear(&report);
    arena_init(&scratch, &memory, SIZE_MAX);
    enum err err = wasm_module_decode(span_of(bytes, size), arena, &module, &report);
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

static void measure(const char *path)
{
    struct arena arena;
    arena_init(&arena, &memory, SIZE_MAX);
    const struct wasm_module *module = load(path, &arena);
    struct sums best = {.all = 1e9};
    for (u32 i = 0; i < ROUNDS; i++) {
        struct sums sums = {0};
        compile(module, &sums);
        best = sums.all < best.all ? sums : best;
    }
    f64 megabytes = (f64)best.bytes * 1e-6;
    printf(
        "bodies of %.2f MB become %.2f MB: %llu instructions, %llu moves; %u functions refused; at "
        "most %.0f bytes of memory for each of a body\n",
        megabytes, (f64)best.code_bytes * 1e-6, (unsigned long long)best.ins,
        (unsigned long long)best.moves, best.refused, best.memory);
    for (u32 i = 0; i < PHASE_COUNT; i++) {
        printf("| compile: %s | %.1f MB/s, %.0f bytes of memory for each | | | |\n", phases[i],
               megabytes / best.seconds[i], best.memories[i]);
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
    arena_init(&arena, &memory, SIZE_MAX);
    const struct wasm_module *module = load(path, &arena);
    struct ir ir;
    struct mach mach;
    struct jit_function code;
    struct text text = text_over(buffer, sizeof buffer);
    enum err err = ir_build(module, function, &arena, &ir);
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
    arena_init(&arena, &memory, SIZE_MAX);
    const struct wasm_module *module = load(path, &arena);
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        for (u32 kind = 0; kind < 4; kind++) {
            struct jit_options options = {.bounds = kind & 1 ? JIT_BOUNDS_CHECK : JIT_BOUNDS_GUARD,
                                          .segment = kind == 0,
                                          .features = kind & 2 ? 0 : ALL};
            struct arena scratch;
            struct jit_function code;
            arena_init(&scratch, &memory, SIZE_MAX);
            enum err err =
                jit_compile(&jit_target_x86_64, &options, module, i, &scratch, &scratch, &code);
            *passed += err == ERR_OK;
            *refused += err != ERR_OK;
            arena_drop(&scratch);
        }
    }
    arena_drop(&arena);
}

int main(int argc, char **argv)
{
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
