// SPDX-License-Identifier: GPL-3.0-or-later
// How many bytes of a program the engine decodes, validates and translates in a second, on one
// core.
//
// Use     load FILE.wasm   prints two rows of the benchmark table; times are the shortest of many
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 60, FILE_BYTES = 64 << 20 };

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
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (f64)time.tv_sec + (f64)time.tv_nsec * 1e-9;
}

// Seconds to reach each stage, from the start.
struct times {
    f64 validated;
    f64 translated;
};

static enum err load(struct span bytes, struct times *out, size_t *code_bytes,
                     struct report *report)
{
    struct memory memory = {resize};
    struct arena arena;
    struct arena scratch;
    struct wasm_module *module;
    arena_init(&arena, &memory, SIZE_MAX);
    arena_init(&scratch, &memory, SIZE_MAX);
    f64 start = now();
    enum err err = wasm_module_decode(bytes, &arena, &module, report);
    if (err == ERR_OK) {
        err = wasm_module_validate(module, &scratch, report);
    }
    out->validated = now() - start;
    if (err == ERR_OK) {
        err = wasm_module_translate(module, &scratch, report);
    }
    out->translated = now() - start;
    *code_bytes = 0;
    for (u32 i = 0; err == ERR_OK && i < module->function_count - module->function_import_count;
         i++) {
        *code_bytes += module->bodies[i].code.size;
    }
    arena_drop(&scratch);
    arena_drop(&arena);
    return err;
}

int main(int argc, char **argv)
{
    static u8 bytes[FILE_BYTES];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "use: load FILE.wasm\n");
        return 2;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    struct times best = {1e9, 1e9};
    size_t code_bytes = 0;
    for (u32 i = 0; i < ROUNDS; i++) {
        struct times times;
        struct report report;
        report_clear(&report);
        enum err err = load(span_of(bytes, size), &times, &code_bytes, &report);
        if (err != ERR_OK) {
            fprintf(stderr, "%s: %s: %s\n", argv[1], err_name(err), report.text);
            return 1;
        }
        best.validated = times.validated < best.validated ? times.validated : best.validated;
        best.translated = times.translated < best.translated ? times.translated : best.translated;
    }
    f64 megabytes = (f64)size * 1e-6;
    printf("program of %zu bytes, %zu of them code\n", size, code_bytes);
    printf("| load: decode, validate | %.0f MB/s | | | 40 MB/s |\n", megabytes / best.validated);
    printf("| load: decode, validate, translate | %.0f MB/s | | | 20 MB/s |\n",
           megabytes / best.translated);
    return 0;
}
