// SPDX-License-Identifier: GPL-3.0-or-later
// A module with damaged sections of debugging information: whatever place is asked for, the answer
// lies inside the module. Its image is a module with the same code.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "lib/dwarf/dwarf.h"
#include "lib/dwarf/image.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { PLACES = 8, STEPS = 16 };

static void look(struct span text, struct span module)
{
    ASSERT(text.size <= module.size);
    ASSERT(text.size == 0 ||
           (text.data >= module.data && text.data + text.size <= module.data + module.size));
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

static void image_look(struct span module, struct dwarf_scratch *scratch)
{
    enum { ARENA_BYTES = 1 << 26 };
    struct memory memory = {resize};
    struct arena arena;
    struct dwarf_image image;
    arena_init(&arena, &memory, ARENA_BYTES);
    if (dwarf_image_make(module, scratch, &arena, &image) == ERR_OK) {
        struct dwarf before;
        struct dwarf after;
        enum err err = dwarf_open(module, &before);
        ASSERT(err == ERR_OK || err == ERR_NOT_FOUND);
        ASSERT(dwarf_open(image.bytes, &after) == err);
        ASSERT(image.bytes.size > module.size && image.register_count <= DWARF_REGISTERS);
        ASSERT(after.code_start == before.code_start && after.code_size == before.code_size);
        ASSERT(mem_equal(image.bytes.data + before.code_start, module.data + before.code_start,
                         (size_t)before.code_size));
    }
    arena_drop(&arena);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct dwarf_scratch scratch;
    struct dwarf dwarf;
    struct span module = span_of(data, size);
    image_look(module, &scratch);
    if (dwarf_open(module, &dwarf) != ERR_OK) {
        return 0;
    }
    i64 work = DWARF_WORK;
    for (u64 i = 0; i < STEPS; i++) {
        struct dwarf_place places[PLACES];
        u64 offset = dwarf.code_start + dwarf.code_size * i / STEPS;
        u32 count = dwarf_find(&dwarf, offset, &scratch, &work, places, PLACES);
        ASSERT(work >= 0);
        ASSERT(count <= PLACES);
        for (u32 j = 0; j < count; j++) {
            look(places[j].function, module);
            look(places[j].directory, module);
            look(places[j].file, module);
        }
    }
    return 0;
}
