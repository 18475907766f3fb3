// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/names.h"
#include "core/base/reader.h"
#include "core/base/utf8.h"

enum { NAMES_OF_FUNCTIONS = 1 }; // the subsection that is used here

static enum err read_name(struct reader *in, struct span *out)
{
    u32 size;
    TRY(reader_leb_u32(in, &size, NULL));
    return reader_bytes(in, size, out, NULL);
}

// The next subsection.
static enum err read_part(struct reader *in, u8 *id, struct reader *out)
{
    TRY(reader_u8(in, id, NULL));
    u32 size;
    TRY(reader_leb_u32(in, &size, NULL));
    return reader_sub(in, size, out, NULL);
}

static enum err check_function_names(struct reader *in)
{
    u32 count;
    TRY(reader_leb_u32(in, &count, NULL));
    for (u32 i = 0; i < count; i++) {
        u32 function;
        struct span name;
        TRY(reader_leb_u32(in, &function, NULL));
        TRY(read_name(in, &name));
        if (!utf8_is_valid(name)) {
            return ERR_MALFORMED;
        }
    }
    return reader_left(in) == 0 ? ERR_OK : ERR_MALFORMED;
}

bool wasm_names_are_sound(struct span names)
{
    struct reader in = reader_over(names);
    while (reader_left(&in) != 0) {
        u8 id;
        struct reader part;
        if (read_part(&in, &id, &part) != ERR_OK) {
            return false;
        }
        if (id == NAMES_OF_FUNCTIONS && check_function_names(&part) != ERR_OK) {
            return false;
        }
    }
    return true;
}

// The name of `function` in a map of function names; ERR_NOT_FOUND when it has none there.
static enum err find_function(struct reader *in, u32 function, struct span *out)
{
    u32 count;
    TRY(reader_leb_u32(in, &count, NULL));
    for (u32 i = 0; i < count; i++) {
        u32 index;
        struct span name;
        TRY(reader_leb_u32(in, &index, NULL));
        TRY(read_name(in, &name));
        if (index == function) {
            *out = name;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

struct span wasm_names_function(struct span names, u32 function)
{
    struct reader in = reader_over(names);
    u8 id;
    struct reader part;
    while (reader_left(&in) != 0 && read_part(&in, &id, &part) == ERR_OK) {
        struct span name;
        if (id == NAMES_OF_FUNCTIONS && find_function(&part, function, &name) == ERR_OK) {
            return name;
        }
    }
    return (struct span){0};
}
