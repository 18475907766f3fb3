// SPDX-License-Identifier: GPL-3.0-or-later
// Compares the ir of modules with the interpreter (compare.h): files, or modules made of seeds.
//
// Use     ir FILE.wasm...
//         ir --seeds FIRST COUNT
//         ir --print FILE.wasm FUNCTION   the ir of one function
#include "core/jit/ir.h"
#include "core/base/arena.h"
#include "core/base/text.h"
#include "core/jit/build.h"
#include "core/jit/passes.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include "tests/diff/compare.h"
#include "tests/diff/generate.h"
#include "tests/unit/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES = 6000, FILE_BYTES = 64 << 20, FUEL = 3000000, TEXT_BYTES = 16 << 20 };

struct sums {
    u32 passed;
    u32 failed;
    u32 calls;
    u32 functions;
    u32 loops;
};

static u64 next_random(u64 *state)
{
    *state += 0x9e3779b97f4a7c15;
    u64 z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static bool run(const char *name, struct span bytes, struct sums *sums)
{
    static struct compare_outcome outcome;
    compare_module(bytes, FUEL, &outcome);
    sums->calls += outcome.call_count;
    sums->functions += outcome.function_count;
    sums->loops += outcome.loop_count;
    if (outcome.differs) {
        printf("%s: %s\n", name, outcome.words);
        sums->failed++;
    } else {
        sums->passed++;
    }
    return !outcome.differs;
}

static void run_seed(u64 seed, struct sums *sums)
{
    static u8 choices[CHOICES];
    char name[64];
    u64 state = seed;
    size_t size = 200 + next_random(&state) % (CHOICES - 200);
    for (size_t i = 0; i < size; i++) {
        choices[i] = (u8)next_random(&state);
    }
    u32 less = (seed % 2 != 0 ? GENERATE_VECTORS : 0) | (seed % 3 != 0 ? GENERATE_ATOMICS : 0) |
               (seed % 4 < 2 ? GENERATE_EXCEPTIONS : 0);
    struct wasm_bytes module = generate_module(span_of(choices, size), GENERATE_ALL & ~less);
    (void)snprintf(name, sizeof name, "build/diff/ir_%llu.wasm", (unsigned long long)seed);
    FILE *file = fopen(name, "wb"); // stays when the two differ, or something stops the program
    if (file != NULL) {
        (void)fwrite(module.data, 1, module.size, file);
        (void)fclose(file);
    }
    if (run(name, wasm_bytes_span(&module), sums)) {
        (void)remove(name);
    }
    wasm_bytes_free(&module);
}

// Data NULL: there is no such file.
static struct span read_file(const char *path)
{
    static u8 bytes[FILE_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("%s: cannot be read\n", path);
        return span_of(NULL, 0);
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    return span_of(bytes, size);
}

static void run_file(const char *path, struct sums *sums)
{
    struct span bytes = read_file(path);
    if (bytes.data == NULL) {
        sums->failed++;
    } else {
        (void)run(path, bytes, sums);
    }
}

static int print(const char *path, u32 function)
{
    static char words[TEXT_BYTES];
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct wasm_module *module;
    struct ir ir;
    struct text text = text_over(words, sizeof words);
    arena_init(&arena, &memory.memory, SIZE_MAX);
    enum err err = wasm_module_decode(read_file(path), &arena, &module, NULL);
    if (err == ERR_OK) {
        err = wasm_module_validate(module, &arena, NULL);
    }
    if (err == ERR_OK) {
        bool is_defined =
            function >= module->function_import_count && function < module->function_count;
        err = is_defined ? ir_build(module, function, NULL, &arena, &ir) : ERR_NOT_FOUND;
    }
    if (err == ERR_OK) {
        err = ir_improve(&ir);
    }
    if (err == ERR_OK) {
        ir_print(&ir, &text);
    }
    printf("%s%s\n", words, err == ERR_OK ? "" : err_name(err));
    arena_drop(&arena);
    return err != ERR_OK;
}

int main(int argc, char **argv)
{
    struct sums sums = {0};
    if (argc == 4 && strcmp(argv[1], "--print") == 0) {
        return print(argv[2], (u32)strtoul(argv[3], NULL, 0));
    }
    if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
        u64 first = strtoull(argv[2], NULL, 0);
        for (u64 i = 0; i < strtoull(argv[3], NULL, 0); i++) {
            run_seed(first + i, &sums);
        }
    }
    for (int i = 1; i < argc && argv[1][0] != '-'; i++) {
        run_file(argv[i], &sums);
    }
    printf("%u functions have an ir, %u calls compared, %u from a loop on\n", sums.functions,
           sums.calls, sums.loops);
    printf("%u passed, %u failed, 0 skipped\n", sums.passed, sums.failed);
    return sums.failed != 0;
}
