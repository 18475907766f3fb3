// SPDX-License-Identifier: GPL-3.0-or-later
// Tells the places of a module's instructions as tests/diff/run_lines compares them with LLVM's:
// lines FILE.wasm reads addresses from its input, and writes for each its lines and an empty one.
#include "lib/dwarf/dwarf.h"
#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 64 };

static void tell(const struct dwarf_place *place)
{
    printf("%.*s\n", (int)place->function.size, (const char *)place->function.data);
    if (place->file.size == 0) {
        printf("??:0:0\n");
        return;
    }
    const char *between = place->directory.size == 0 || place->file.data[0] == '/' ? "" : "/";
    printf("%.*s%s%.*s:%u:%u\n", *between == 0 ? 0 : (int)place->directory.size,
           (const char *)place->directory.data, between, (int)place->file.size,
           (const char *)place->file.data, place->line, place->column);
}

int main(int count, char **arguments)
{
    static u8 bytes[64 << 20];
    static struct dwarf_scratch scratch;
    static struct dwarf_place places[PLACES];
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: lines FILE.wasm <ADDRESSES\n");
        return 64;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct dwarf dwarf;
    if (dwarf_open(span_of(bytes, size), &dwarf) != ERR_OK) {
        fprintf(stderr, "lines: %s has none\n", arguments[1]);
        return 1;
    }
    char line[32];
    while (fgets(line, sizeof line, stdin) != NULL) {
        u64 address = strtoull(line, NULL, 16);
        i64 work = DWARF_WORK;
        u32 found = dwarf_find(&dwarf, dwarf.code_start + address, &scratch, &work, places, PLACES);
        for (u32 i = 0; i < found; i++) {
            tell(&places[i]);
        }
        printf(found == 0 ? "??\n??:0:0\n\n" : "\n");
    }
    return 0;
}
