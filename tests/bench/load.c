// SPDX-License-Identifier: GPL-3.0-or-later
// How many bytes of a program the engine decodes, validates and translates in a second, on one
// core; and for programs of unusual shapes also how long the longest portion of that work takes,
// which is how long another process may have to wait for it.
//
// Use     load FILE.wasm     prints two rows of the benchmark table; times are the shortest of many
//         load --shapes [N]  the same for modules made here, or for the N-th of them alone
#include "core/wasm/load.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/features.h"
#include "core/wasm/module.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/bench/bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 60, SHAPE_ROUNDS = 5, PORTION = 50000 };

static u8 file_bytes[BENCH_FILE_BYTES]; // of a shape

// ---- one program, pass by pass

// Seconds to reach each stage, from the start.
struct times {
    f64 validated;
    f64 translated;
};

static enum err load(struct span bytes, struct times *out, size_t *code_bytes,
                     struct report *report)
{
    struct arena arena;
    struct arena scratch;
    struct wasm_module *module;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    arena_init(&scratch, &bench_heap, SIZE_MAX);
    f64 start = seconds_now();
    enum err err = wasm_module_decode(bytes, &arena, &module, report);
    if (err == ERR_OK) {
        err = wasm_module_validate(module, &scratch, report);
    }
    out->validated = seconds_now() - start;
    if (err == ERR_OK) {
        err = wasm_module_translate(module, &scratch, report);
    }
    out->translated = seconds_now() - start;
    *code_bytes = 0;
    for (u32 i = 0; err == ERR_OK && i < module->function_count - module->function_import_count;
         i++) {
        *code_bytes += module->bodies[i].code.size;
    }
    arena_drop(&scratch);
    arena_drop(&arena);
    return err;
}

static int bench_file(const char *path)
{
    struct span bytes = bench_read(path);
    struct times best = {1e9, 1e9};
    size_t code_bytes = 0;
    for (u32 i = 0; i < ROUNDS; i++) {
        struct times times;
        struct report report;
        report_clear(&report);
        enum err err = load(bytes, &times, &code_bytes, &report);
        if (err != ERR_OK) {
            fprintf(stderr, "%s: %s: %s\n", path, err_name(err), report.text);
            return 1;
        }
        best.validated = times.validated < best.validated ? times.validated : best.validated;
        best.translated = times.translated < best.translated ? times.translated : best.translated;
    }
    f64 megabytes = (f64)bytes.size * 1e-6;
    printf("program of %zu bytes, %zu of them code\n", bytes.size, code_bytes);
    printf("| load: decode, validate | %.0f MB/s | | | 40 MB/s |\n", megabytes / best.validated);
    printf("| load: decode, validate, translate | %.0f MB/s | | | 20 MB/s |\n",
           megabytes / best.translated);
    return 0;
}

// ---- shapes

// A module being written into file_bytes.
struct writer {
    size_t at;
    size_t section; // where the size of the open section stands
};

static void put(struct writer *w, const void *bytes, size_t size)
{
    ASSERT(size <= sizeof file_bytes - w->at);
    memcpy(file_bytes + w->at, bytes, size);
    w->at += size;
}

static void put_u8(struct writer *w, u8 byte)
{
    put(w, &byte, 1);
}

static void put_leb(struct writer *w, u32 value)
{
    for (; value >= 0x80; value >>= 7) {
        put_u8(w, (u8)(value | 0x80));
    }
    put_u8(w, (u8)value);
}

static void section_begin(struct writer *w, u8 id)
{
    put_u8(w, id);
    w->section = w->at;
    put(w, "\0\0\0\0\0", 5);
}

static void section_end(struct writer *w)
{
    u32 size = (u32)(w->at - w->section - 5);
    for (u32 i = 0; i < 5; i++) {
        file_bytes[w->section + i] = (u8)((size >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    }
}

// The header, the type () -> () or (i32) -> (i32), and `count` functions of it.
static void head(struct writer *w, bool has_param, u32 count)
{
    put(w, "\0asm\1\0\0\0", 8);
    section_begin(w, 1);
    put_leb(w, 1);
    put(w, has_param ? "\x60\1\x7f\1\x7f" : "\x60\0\0", has_param ? 5 : 3);
    section_end(w);
    section_begin(w, 3);
    put_leb(w, count);
    for (u32 i = 0; i < count; i++) {
        put_u8(w, 0);
    }
    section_end(w);
}

// `count` bodies alike: instructions without locals and `end`.
static void bodies(struct writer *w, u32 count, const char *code, u32 size)
{
    section_begin(w, 10);
    put_leb(w, count);
    for (u32 i = 0; i < count; i++) {
        put_leb(w, size + 2);
        put_u8(w, 0);
        put(w, code, size);
        put_u8(w, 0x0b);
    }
    section_end(w);
}

enum { MANY = 1000000 };

static void many_empty(struct writer *w)
{
    head(w, false, MANY);
    bodies(w, MANY, "", 0);
}

static void many_tiny(struct writer *w)
{
    head(w, true, MANY);
    bodies(w, MANY, "\x20\0\x41\1\x6a", 5); // x + 1
}

static void many_calls(struct writer *w)
{
    head(w, true, MANY);
    bodies(w, MANY, "\x20\0\x10\0", 4);
}

static void many_branches(struct writer *w)
{
    head(w, true, MANY);
    bodies(w, MANY, "\x20\0\x04\x40\x0b\x41\0", 7);
}

static void many_small(struct writer *w)
{
    head(w, true, MANY);
    bodies(w, MANY, "\x20\0\x41\1\x6a\x22\0\x20\0\x6c\x21\0\x20\0\x41\7\x71", 17);
}

// Bodies as long as the limit allows, of one block each that nearly every instruction jumps out of.
static void long_bodies(struct writer *w)
{
    enum { COUNT = 7, SIZE = 8 << 20 };
    head(w, true, COUNT);
    section_begin(w, 10);
    put_leb(w, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        put_leb(w, SIZE);
        put(w, "\0\x02\x40", 3);
        u32 times = (SIZE - 3 - 1 - 2 - 1) / 4;
        for (u32 k = 0; k < times; k++) {
            put(w, "\x20\0\x0d\0", 4);
        }
        put_u8(w, 0x0b);
        put(w, "\x20\0", 2);
        for (u32 k = times * 4 + 3 + 3 + 1; k < SIZE; k++) {
            put_u8(w, 1);
        }
        put_u8(w, 0x0b);
    }
    section_end(w);
}

static void dead_code(struct writer *w)
{
    enum { COUNT = 7, SIZE = 8 << 20 };
    head(w, false, COUNT);
    section_begin(w, 10);
    put_leb(w, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        put_leb(w, SIZE);
        put(w, "\0\0", 2);
        memset(file_bytes + w->at, 1, SIZE - 3);
        w->at += SIZE - 3;
        put_u8(w, 0x0b);
    }
    section_end(w);
}

static void many_types(struct writer *w)
{
    enum { COUNT = 1 << 20 };
    put(w, "\0asm\1\0\0\0", 8);
    section_begin(w, 1);
    put_leb(w, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        put(w, "\x60\x14", 2);
        for (u32 bit = 0; bit < 20; bit++) {
            put_u8(w, i * 2654435761u >> (bit + 12) & 1 ? 0x7f : 0x7e);
        }
        put_u8(w, 0);
    }
    section_end(w);
}

static void many_exports(struct writer *w)
{
    enum { COUNT = 1 << 17 };
    head(w, false, 1);
    section_begin(w, 7);
    put_leb(w, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        char name[16];
        int size = snprintf(name, sizeof name, "%010u", i * 2654435761u);
        put_leb(w, (u32)size);
        put(w, name, (size_t)size);
        put(w, "\0\0", 2);
    }
    section_end(w);
    bodies(w, 1, "", 0);
}

static void many_elements(struct writer *w)
{
    enum { COUNT = 10000000 };
    head(w, false, 1);
    section_begin(w, 4);
    put(w, "\1\x70\0\0", 4);
    section_end(w);
    section_begin(w, 9);
    put_leb(w, 2);
    for (u32 segment = 0; segment < 2; segment++) {
        put(w, "\1\0", 2);
        put_leb(w, COUNT);
        memset(file_bytes + w->at, 0, COUNT);
        w->at += COUNT;
    }
    section_end(w);
    bodies(w, 1, "", 0);
}

static void long_names(struct writer *w)
{
    enum { COUNT = 1000000 };
    put(w, "\0asm\1\0\0\0", 8);
    section_begin(w, 0);
    put(w, "\4name\1", 6);
    size_t start = w->at;
    put(w, "\0\0\0\0\0", 5);
    put_leb(w, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        put_leb(w, i);
        put(w,
            "\x14\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
            21);
    }
    u32 size = (u32)(w->at - start - 5);
    for (u32 i = 0; i < 5; i++) {
        file_bytes[start + i] = (u8)((size >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    }
    section_end(w);
}

static const struct {
    const char *name;
    void (*write)(struct writer *w);
} shapes[] = {
    {"a million empty bodies", many_empty},
    {"a million of x + 1", many_tiny},
    {"a million of one call", many_calls},
    {"a million of one if", many_branches},
    {"a million of 19 bytes", many_small},
    {"8 MiB bodies of branches out", long_bodies},
    {"8 MiB bodies, all of it dead", dead_code},
    {"a million types", many_types},
    {"all exports there may be", many_exports},
    {"20 million elements", many_elements},
    {"a million names", long_names},
};

// Seconds of a whole load in portions, and of the longest of them.
static enum err load_portions(struct span bytes, f64 *total, f64 *longest, struct report *report)
{
    struct arena arena;
    struct arena scratch;
    arena_init(&arena, &bench_heap, SIZE_MAX);
    arena_init(&scratch, &bench_heap, SIZE_MAX);
    struct wasm_load under_way;
    wasm_load_begin(&under_way, bytes, WASM_FEATURES_ALL, &arena, &scratch);
    f64 start = seconds_now();
    f64 before = start;
    *longest = 0;
    enum err err;
    do {
        i64 work = PORTION;
        err = wasm_load_step(&under_way, &work, report);
        f64 time = seconds_now();
        *longest = time - before > *longest ? time - before : *longest;
        before = time;
    } while (err == ERR_PAUSED);
    *total = before - start;
    arena_drop(&scratch);
    arena_drop(&arena);
    return err;
}

static int bench_shapes(u32 first, u32 end)
{
    printf("| shape | bytes | load | longest portion |\n");
    for (u32 i = first; i < end; i++) {
        struct writer w = {0};
        shapes[i].write(&w);
        f64 total_least = 1e9;
        f64 longest_least = 1e9;
        for (u32 round = 0; round < SHAPE_ROUNDS; round++) {
            struct report report;
            report_clear(&report);
            f64 total;
            f64 longest;
            enum err err = load_portions(span_of(file_bytes, w.at), &total, &longest, &report);
            if (err != ERR_OK) {
                fprintf(stderr, "%s: %s: %s at %llu\n", shapes[i].name, err_name(err), report.text,
                        (unsigned long long)report.offset);
                return 1;
            }
            total_least = total < total_least ? total : total_least;
            longest_least = longest < longest_least ? longest : longest_least;
        }
        printf("| %s | %zu | %.1f MB/s | %.0f us |\n", shapes[i].name, w.at,
               (f64)w.at * 1e-6 / total_least, longest_least * 1e6);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--shapes") == 0) {
        u32 first = argc == 3 ? (u32)atoi(argv[2]) % COUNT_OF(shapes) : 0;
        return bench_shapes(first, argc == 3 ? first + 1 : COUNT_OF(shapes));
    }
    if (argc != 2) {
        fprintf(stderr, "use: load FILE.wasm, or load --shapes [N]\n");
        return 2;
    }
    return bench_file(argv[1]);
}
