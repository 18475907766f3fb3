// SPDX-License-Identifier: GPL-3.0-or-later
// The forms in which the value of an attribute can be written.
#include "core/base/compiler.h"
#include "lib/dwarf/internal.h"

// How a form is read, beside the sizes 1, 2, 3, 4, 8 and 16.
enum size {
    SIZE_ADDRESS = 32,
    SIZE_OFFSET,
    SIZE_REFERENCE, // an offset, in version 2 an address
    SIZE_UNSIGNED,  // LEB128
    SIZE_SIGNED,
    SIZE_STRING,
    SIZE_BLOCK,   // an unsigned LEB128 says how many bytes follow,
    SIZE_BLOCK_1, // or a number of 1, 2 or 4 bytes
    SIZE_BLOCK_2,
    SIZE_BLOCK_4,
    SIZE_CONSTANT, // in the abbreviation
    SIZE_FLAG,     // nowhere
};

struct form {
    u8 kind; // enum dwarf_kind
    u8 size; // 0: no such form
};

static const struct form forms[] = {
    [0x01] = {DWARF_ADDRESS, SIZE_ADDRESS},
    [0x03] = {DWARF_NOTHING, SIZE_BLOCK_2},
    [0x04] = {DWARF_NOTHING, SIZE_BLOCK_4},
    [0x05] = {DWARF_NUMBER, 2},
    [0x06] = {DWARF_NUMBER, 4},
    [0x07] = {DWARF_NUMBER, 8},
    [0x08] = {DWARF_TEXT, SIZE_STRING},
    [0x09] = {DWARF_NOTHING, SIZE_BLOCK},
    [0x0a] = {DWARF_NOTHING, SIZE_BLOCK_1},
    [0x0b] = {DWARF_NUMBER, 1},
    [0x0c] = {DWARF_NUMBER, 1},
    [0x0d] = {DWARF_NUMBER, SIZE_SIGNED},
    [0x0e] = {DWARF_TEXT_OFFSET, SIZE_OFFSET},
    [0x0f] = {DWARF_NUMBER, SIZE_UNSIGNED},
    [0x10] = {DWARF_ENTRY_FAR, SIZE_REFERENCE},
    [0x11] = {DWARF_ENTRY, 1},
    [0x12] = {DWARF_ENTRY, 2},
    [0x13] = {DWARF_ENTRY, 4},
    [0x14] = {DWARF_ENTRY, 8},
    [0x15] = {DWARF_ENTRY, SIZE_UNSIGNED},
    [0x17] = {DWARF_NUMBER, SIZE_OFFSET},
    [0x18] = {DWARF_EXPRESSION, SIZE_BLOCK},
    [0x19] = {DWARF_NUMBER, SIZE_FLAG},
    [0x1a] = {DWARF_TEXT_INDEX, SIZE_UNSIGNED},
    [0x1b] = {DWARF_ADDRESS_INDEX, SIZE_UNSIGNED},
    [0x1c] = {DWARF_NOTHING, 4},
    [0x1d] = {DWARF_NOTHING, SIZE_OFFSET},
    [0x1e] = {DWARF_NOTHING, 16},
    [0x1f] = {DWARF_LINE_TEXT_OFFSET, SIZE_OFFSET},
    [0x20] = {DWARF_NOTHING, 8},
    [DWARF_FORM_IMPLICIT_CONST] = {DWARF_NUMBER, SIZE_CONSTANT},
    [0x22] = {DWARF_NOTHING, SIZE_UNSIGNED},
    [0x23] = {DWARF_RANGES_INDEX, SIZE_UNSIGNED},
    [0x24] = {DWARF_NOTHING, 8},
    [0x25] = {DWARF_TEXT_INDEX, 1},
    [0x26] = {DWARF_TEXT_INDEX, 2},
    [0x27] = {DWARF_TEXT_INDEX, 3},
    [0x28] = {DWARF_TEXT_INDEX, 4},
    [0x29] = {DWARF_ADDRESS_INDEX, 1},
    [0x2a] = {DWARF_ADDRESS_INDEX, 2},
    [0x2b] = {DWARF_ADDRESS_INDEX, 3},
    [0x2c] = {DWARF_ADDRESS_INDEX, 4},
};

static enum err block_read(struct reader *in, u8 size, struct span *out)
{
    u64 bytes;
    if (size == SIZE_BLOCK) {
        TRY(reader_leb_u64(in, &bytes, NULL));
    } else {
        TRY(dwarf_number(in, size == SIZE_BLOCK_1 ? 1 : size == SIZE_BLOCK_2 ? 2 : 4, &bytes));
    }
    if (bytes > reader_left(in)) {
        return ERR_MALFORMED;
    }
    return reader_bytes(in, (size_t)bytes, out, NULL);
}

enum err dwarf_form_read(struct reader *in, struct dwarf_sizes sizes, u64 form, i64 constant,
                         struct dwarf_value *out)
{
    if (form >= COUNT_OF(forms) || forms[form].size == 0) {
        return ERR_UNSUPPORTED;
    }
    *out = (struct dwarf_value){.kind = forms[form].kind};
    i64 number;
    switch (forms[form].size) {
    case SIZE_ADDRESS:
        return dwarf_number(in, sizes.address, &out->number);
    case SIZE_OFFSET:
        return dwarf_number(in, sizes.offset, &out->number);
    case SIZE_REFERENCE:
        return dwarf_number(in, sizes.version == 2 ? sizes.address : sizes.offset, &out->number);
    case SIZE_UNSIGNED:
        return reader_leb_u64(in, &out->number, NULL);
    case SIZE_SIGNED:
        TRY(reader_leb_i64(in, &number, NULL));
        out->number = (u64)number;
        return ERR_OK;
    case SIZE_STRING:
        return dwarf_string(in, &out->text);
    case SIZE_BLOCK:
    case SIZE_BLOCK_1:
    case SIZE_BLOCK_2:
    case SIZE_BLOCK_4:
        return block_read(in, forms[form].size, &out->text);
    case SIZE_CONSTANT:
        out->number = (u64)constant;
        return ERR_OK;
    case SIZE_FLAG:
        out->number = 1;
        return ERR_OK;
    case 16:
        return reader_bytes(in, 16, &out->text, NULL);
    default:
        return dwarf_number(in, forms[form].size, &out->number);
    }
}
