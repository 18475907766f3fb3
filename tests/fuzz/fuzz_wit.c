// SPDX-License-Identifier: GPL-3.0-or-later
// WIT text. The input is one file, or several behind each other, each ended by a zero byte: the
// first is loaded, the others can be used by it, each under the name that its own text gives after
// "interface ". What is accepted must hold what lib/wit/wit.h promises, and mean the same when each
// of its files is read with other blanks.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/wit/limits.h"
#include "lib/wit/wit.h"
#include "tests/unit/support.h"
#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { FILES = 8 };

struct files {
    struct span texts[FILES];
    u32 count;
};

static void sha256(struct span bytes, u8 out[32])
{
    crypto_hash_sha256(out, bytes.data, bytes.size);
}

static bool is_named(struct span text, struct span name)
{
    static const char word[] = "interface ";
    size_t at = 0;
    while (at + sizeof word - 1 + name.size <= text.size) {
        if (mem_equal(text.data + at, word, sizeof word - 1)) {
            at += sizeof word - 1;
            return mem_equal(text.data + at, name.data, name.size);
        }
        at++;
    }
    return false;
}

static enum err read_used(void *context, struct span name, struct span *text)
{
    const struct files *files = context;
    for (u32 i = 1; i < files->count; i++) {
        if (is_named(files->texts[i], name)) {
            *text = files->texts[i];
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static void check_item(const struct wit_item *item, bool typed)
{
    ASSERT(!typed || item->type != NULL);
    if (item->type != NULL) {
        ASSERT(item->type->kind <= WIT_FLAGS); // no alias, no reference
        ASSERT(item->type->size_min >= 1 && item->type->size_min <= item->type->size_max);
        ASSERT(item->type->depth <= WIT_TYPE_DEPTH);
        ASSERT(item->type->canonical_bytes >= 1 &&
               item->type->canonical_bytes <= WIT_CANONICAL_BYTES);
    }
}

static void check_interface(const struct wit_interface *interface)
{
    u32 functions = 0;
    for (const struct wit_type *type = interface->sorted; type != NULL; type = type->next_sorted) {
        u32 items = 0;
        for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
            check_item(item, type->kind == WIT_RECORD || type->kind == WIT_TUPLE);
            items++;
        }
        ASSERT(items == type->item_count && items >= 1);
    }
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        for (const struct wit_item *item = f->parameters; item != NULL; item = item->next) {
            check_item(item, true);
        }
        ASSERT(f->id == mem_load_u64(f->hash));
        functions++;
    }
    ASSERT(functions == interface->function_count);
    ASSERT(interface->qualified.data[interface->qualified.size] == 0);
}

// Loads the files and prints the first's hashes into `out`, or nothing when it is refused.
static void load(struct files *files, struct text *out)
{
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct report report;
    struct wit_interface *interface;
    struct wit_source source = {read_used, files};
    arena_init(&arena, &memory.memory, 256 << 20);
    report_clear(&report);
    enum err err = wit_load(SPAN_LITERAL("fuzz"), files->texts[0], &source, sha256, &arena,
                            &interface, &report);
    ASSERT(err == report.err);
    if (err == ERR_OK) {
        check_interface(interface);
        wit_print(interface, out);
        ASSERT(!out->cut);
    }
    arena_drop(&arena);
    ASSERT(memory.blocks == 0);
}

// The same files with a comment before and a blank behind each.
static void load_again(const struct files *files, struct text *out)
{
    static const char before[] = "/* again */\n//\n";
    struct files again = {.count = files->count};
    for (u32 i = 0; i < files->count; i++) {
        size_t size = sizeof before - 1 + files->texts[i].size + 1;
        u8 *text = malloc(size);
        ASSERT(text != NULL);
        mem_copy(text, before, sizeof before - 1);
        mem_copy(text + sizeof before - 1, files->texts[i].data, files->texts[i].size);
        text[size - 1] = '\n';
        again.texts[i] = span_of(text, size);
    }
    load(&again, out);
    for (u32 i = 0; i < again.count; i++) {
        free((void *)again.texts[i].data);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static char buffers[2][WIT_PRINT_BYTES];
    struct text first = text_over(buffers[0], sizeof buffers[0]);
    struct text second = text_over(buffers[1], sizeof buffers[1]);
    struct files files = {.count = 0};
    size_t start = 0;
    for (size_t i = 0; i <= size && files.count < FILES; i++) {
        if (i == size || data[i] == 0) {
            files.texts[files.count++] = span_of(data + start, i - start);
            start = i + 1;
        }
    }
    load(&files, &first);
    if (first.size != 0) {
        load_again(&files, &second);
        ASSERT(first.size == second.size && mem_equal(first.data, second.data, first.size));
    }
    return 0;
}
