// SPDX-License-Identifier: GPL-3.0-or-later
// Reads definitions from standard input, many in one run, and prints what lib/wit makes of each:
// the peer of tests/interfaces/wit.py.
//
// Input   for each definition: u32 count of files, then for each its name and its text, both as u32
//         size and bytes. The first is the one to load, the others can be used by it.
// Output  for each definition: u32 size and bytes: "refused: ERROR: TEXT", or what wit_print
//         prints.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/wit/wit.h"
#include "tests/unit/support.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES = 64 };

struct file {
    struct span name;
    struct span text;
};

struct files {
    struct file files[FILES];
    u32 count;
};

static void sha256(struct span bytes, u8 out[32])
{
    crypto_hash_sha256(out, bytes.data, bytes.size);
}

static bool get_u32(u32 *out)
{
    return fread(out, 1, 4, stdin) == 4;
}

// Each span in a block of its own, of exactly its size, so that the sanitizer sees a read beyond
// it.
static struct span get_span(void)
{
    u32 size = 0;
    ASSERT(get_u32(&size));
    u8 *data = malloc(size);
    ASSERT(size == 0 || data != NULL);
    ASSERT(fread(data, 1, size, stdin) == size);
    return span_of(data, size);
}

static enum err read_used(void *context, struct span name, struct span *text)
{
    const struct files *files = context;
    for (u32 i = 0; i < files->count; i++) {
        if (span_equal(files->files[i].name, name)) {
            *text = files->files[i].text;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static void put(struct span bytes)
{
    u32 size = (u32)bytes.size;
    fwrite(&size, 1, 4, stdout);
    fwrite(bytes.data, 1, bytes.size, stdout);
}

static void answer(struct files *files)
{
    static char buffer[WIT_PRINT_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct report report;
    struct wit_interface *interface;
    struct wit_source source = {read_used, files};
    arena_init(&arena, &memory.memory, 256 << 20);
    report_clear(&report);
    enum err err = wit_load(files->files[0].name, files->files[0].text, &source, sha256, &arena,
                            &interface, &report);
    if (err == ERR_OK) {
        wit_print(interface, &text);
    } else {
        ASSERT(report.err == err && report.text[0] != 0); // a refusal always has words
        text_string(&text, "refused: ");
        text_string(&text, err_name(err));
        text_string(&text, ": ");
        text_string(&text, report.text);
    }
    arena_drop(&arena);
    ASSERT(memory.blocks == 0);
    put(span_of(text.data, text.size));
}

int main(void)
{
    static struct files files;
    u32 count;
    if (sodium_init() < 0) {
        return 1;
    }
    while (get_u32(&count)) {
        ASSERT(count >= 1 && count <= FILES);
        files.count = count;
        for (u32 i = 0; i < count; i++) {
            files.files[i].name = get_span();
            files.files[i].text = get_span();
        }
        answer(&files);
        for (u32 i = 0; i < count; i++) {
            free((void *)files.files[i].name.data);
            free((void *)files.files[i].text.data);
        }
    }
    return 0;
}
