// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/bench/bench.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/validate.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

struct memory bench_heap = {resize};

f64 seconds_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (f64)time.tv_sec + (f64)time.tv_nsec * 1e-9;
}

struct span bench_read(const char *path)
{
    static u8 bytes[BENCH_FILE_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    bool is_whole = fgetc(file) == EOF;
    (void)fclose(file);
    if (!is_whole) {
        fprintf(stderr, "%s: larger than %d bytes\n", path, BENCH_FILE_BYTES);
        exit(2);
    }
    return span_of(bytes, size);
}

const struct wasm_module *bench_module(struct span bytes, struct arena *arena)
{
    struct wasm_module *module = NULL;
    struct arena scratch;
    struct report report;
    report_clear(&report);
    arena_init(&scratch, &bench_heap, SIZE_MAX);
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

const struct wasm_module *bench_load(const char *path, struct arena *arena)
{
    return bench_module(bench_read(path), arena);
}
