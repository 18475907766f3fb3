// SPDX-License-Identifier: GPL-3.0-or-later
// The lists of locations, which say where a value is in which part of a function. They are read
// from front to back, as compilers and linkers write them, one behind another.
#include "core/base/compiler.h"
#include "lib/dwarf/internal.h"

enum { ADDRESS_BYTES = 4 };

enum list {
    LIST_END,
    LIST_BASE_INDEX,
    LIST_INDICES,
    LIST_INDEX_LENGTH,
    LIST_OFFSETS,
    LIST_DEFAULT,
    LIST_BASE,
    LIST_START_END,
    LIST_START_LENGTH,
    LIST_COUNT
};

static enum err expression_visit(struct reader *in, u64 size, const struct dwarf_visitor *visitor)
{
    struct span expression;
    if (size > reader_left(in)) {
        return ERR_MALFORMED;
    }
    TRY(reader_bytes(in, (size_t)size, &expression, NULL));
    visitor->expression(visitor->context, expression);
    return ERR_OK;
}

// Before version 5: pairs of addresses, each with an expression but for the end and a new base.
static enum err old_visit(struct reader *in, const struct dwarf_visitor *visitor)
{
    while (reader_left(in) > 0) {
        u32 start;
        u32 end;
        u64 size;
        TRY(reader_u32_le(in, &start, NULL));
        TRY(reader_u32_le(in, &end, NULL));
        if ((start == 0 && end == 0) || start == UINT32_MAX) {
            continue;
        }
        TRY(dwarf_number(in, 2, &size));
        TRY(expression_visit(in, size, visitor));
    }
    return ERR_OK;
}

// Past an entry's addresses.
static enum err range_pass(struct reader *in, enum list kind)
{
    static const struct {
        u8 addresses;
        u8 numbers;
    } operands[LIST_COUNT] = {
        [LIST_BASE_INDEX] = {0, 1},   [LIST_INDICES] = {0, 2}, [LIST_INDEX_LENGTH] = {0, 2},
        [LIST_OFFSETS] = {0, 2},      [LIST_BASE] = {1, 0},    [LIST_START_END] = {2, 0},
        [LIST_START_LENGTH] = {1, 1},
    };
    u64 number;
    for (u32 i = 0; i < operands[kind].addresses; i++) {
        TRY(dwarf_number(in, ADDRESS_BYTES, &number));
    }
    for (u32 i = 0; i < operands[kind].numbers; i++) {
        TRY(reader_leb_u64(in, &number, NULL));
    }
    return ERR_OK;
}

static enum err new_visit(struct reader *in, u32 offset_size, const struct dwarf_visitor *visitor)
{
    u64 number;
    struct span offsets;
    TRY(dwarf_number(in, 4, &number)); // version, sizes
    TRY(dwarf_number(in, 4, &number));
    if (number > reader_left(in) / offset_size) {
        return ERR_MALFORMED;
    }
    TRY(reader_bytes(in, (size_t)number * offset_size, &offsets, NULL));
    while (reader_left(in) > 0) {
        u8 kind;
        TRY(reader_u8(in, &kind, NULL));
        if (kind >= LIST_COUNT) {
            return ERR_MALFORMED;
        }
        TRY(range_pass(in, kind));
        if (kind != LIST_END && kind != LIST_BASE_INDEX && kind != LIST_BASE) {
            TRY(reader_leb_u64(in, &number, NULL));
            TRY(expression_visit(in, number, visitor));
        }
    }
    return ERR_OK;
}

void dwarf_locations_visit(const struct dwarf *dwarf, const struct dwarf_visitor *visitor)
{
    struct reader in = reader_over(dwarf->loc);
    enum err err = old_visit(&in, visitor);
    (void)err; // what is damaged ends it
    in = reader_over(dwarf->loclists);
    while (reader_left(&in) > 0) {
        struct reader unit;
        u32 offset_size;
        if (dwarf_unit(&in, &unit, &offset_size) != ERR_OK) {
            return;
        }
        err = new_visit(&unit, offset_size, visitor);
        (void)err; // the next one may be sound
    }
}
