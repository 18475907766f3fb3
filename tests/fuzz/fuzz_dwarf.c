// SPDX-License-Identifier: GPL-3.0-or-later
// A module with damaged sections of debugging information: whatever place is asked for, the answer
// lies inside the module.
#include "core/base/assert.h"
#include "lib/dwarf/dwarf.h"
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

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct dwarf_scratch scratch;
    struct dwarf dwarf;
    struct span module = span_of(data, size);
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
