// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/names.h"
#include "core/base/reader.h"
#include "core/base/utf8.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"

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

void wasm_names_check_begin(struct wasm_names_check *check, struct span names)
{
    *check = (struct wasm_names_check){.in = reader_over(names)};
}

static enum err check_entry(struct reader *in)
{
    u32 function;
    struct span name;
    TRY(reader_leb_u32(in, &function, NULL));
    TRY(read_name(in, &name));
    return name.size <= WASM_NAME_BYTES && utf8_is_valid(name) ? ERR_OK : ERR_MALFORMED;
}

static enum err check_map(struct wasm_names_check *check, i64 *work)
{
    for (; check->left > 0; check->left--) {
        if (*work <= 0) {
            return ERR_PAUSED;
        }
        size_t before = reader_left(&check->part);
        TRY(check_entry(&check->part));
        *work -= WASM_WORK_ITEM + (i64)(before - reader_left(&check->part));
    }
    check->is_inside = false;
    return reader_left(&check->part) == 0 ? ERR_OK : ERR_MALFORMED;
}

enum err wasm_names_check_step(struct wasm_names_check *check, i64 *work)
{
    for (;;) {
        if (check->is_inside) {
            TRY(check_map(check, work));
        }
        if (reader_left(&check->in) == 0) {
            return ERR_OK;
        }
        if (*work <= 0) {
            return ERR_PAUSED;
        }
        *work -= WASM_WORK_ITEM;
        u8 id;
        TRY(read_part(&check->in, &id, &check->part));
        if (id == NAMES_OF_FUNCTIONS) {
            TRY(reader_leb_u32(&check->part, &check->left, NULL));
            check->is_inside = true;
        }
    }
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

static void place_next(struct wasm_names_place *place)
{
    place->left--;
    if (reader_leb_u32(&place->rest, &place->function, NULL) != ERR_OK ||
        read_name(&place->rest, &place->name) != ERR_OK) {
        place->left = 0;
    }
}

// At the first entry, or one without a name when there is none.
static void place_begin(struct wasm_names_place *place, struct span names)
{
    struct reader in = reader_over(names);
    u8 id = 0;
    *place = (struct wasm_names_place){.is_open = true};
    while (id != NAMES_OF_FUNCTIONS && reader_left(&in) != 0) {
        if (read_part(&in, &id, &place->rest) != ERR_OK) {
            return;
        }
    }
    if (id == NAMES_OF_FUNCTIONS && reader_leb_u32(&place->rest, &place->left, NULL) == ERR_OK &&
        place->left > 0) {
        place_next(place);
    }
}

struct span wasm_names_function_from(struct span names, struct wasm_names_place *place,
                                     u32 function)
{
    if (!place->is_open || function < place->function) {
        place_begin(place, names);
    }
    while (place->function < function && place->left > 0) {
        place_next(place);
    }
    return place->function == function ? place->name : (struct span){0};
}
