// SPDX-License-Identifier: GPL-3.0-or-later
// Expressions that say where a value is. They are read operator by operator, as a byte that looks
// like the one of WebAssembly may be an operand.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "lib/dwarf/image.h"
#include "lib/dwarf/internal.h"

enum {
    OP_BASE_REGISTER = 0x92, // a register's number and an offset
    OP_WASM = 0xed,          // a kind of place and its index
    WASM_LOCAL = 0,
    WASM_OPERAND = 2,
    WASM_GLOBAL_FIXED = 3, // with an index of four bytes
};
enum { LEB_BYTES = 10 }; // of a u64

// What follows an operator.
enum operands {
    UNKNOWN,
    NONE,
    BYTES_1,
    BYTES_2,
    BYTES_4, // also addresses, and offsets in a section
    BYTES_8,
    LEB,
    LEB_TWICE,
    LEB_BLOCK,
    BYTE_LEB,
    OFFSET_LEB,
    LEB_BYTE_BLOCK,
};

static const u8 operands_of[256] = {
    [0x03] = BYTES_4,
    [0x06] = NONE,
    [0x08 ... 0x09] = BYTES_1,
    [0x0a ... 0x0b] = BYTES_2,
    [0x0c ... 0x0d] = BYTES_4,
    [0x0e ... 0x0f] = BYTES_8,
    [0x10 ... 0x11] = LEB,
    [0x12 ... 0x14] = NONE,
    [0x15] = BYTES_1,
    [0x16 ... 0x22] = NONE,
    [0x23] = LEB,
    [0x24 ... 0x27] = NONE,
    [0x28] = BYTES_2,
    [0x29 ... 0x2e] = NONE,
    [0x2f] = BYTES_2,
    [0x30 ... 0x6f] = NONE,
    [0x70 ... 0x91] = LEB,
    [0x92] = LEB_TWICE,
    [0x93] = LEB,
    [0x94 ... 0x95] = BYTES_1,
    [0x96 ... 0x97] = NONE,
    [0x98] = BYTES_2,
    [0x99 ... 0x9a] = BYTES_4,
    [0x9b ... 0x9c] = NONE,
    [0x9d] = LEB_TWICE,
    [0x9e] = LEB_BLOCK,
    [0x9f] = NONE,
    [0xa0] = OFFSET_LEB,
    [0xa1 ... 0xa2] = LEB,
    [0xa3] = LEB_BLOCK, // a value at the function's entry: of another frame, it stays as it is
    [0xa4] = LEB_BYTE_BLOCK,
    [0xa5] = LEB_TWICE,
    [0xa6 ... 0xa7] = BYTE_LEB,
    [0xa8 ... 0xa9] = LEB,
    [0xf3] = LEB_BLOCK,
};

static enum err bytes_pass(struct reader *in, u64 size)
{
    struct span bytes;
    if (size > reader_left(in)) {
        return ERR_MALFORMED;
    }
    return reader_bytes(in, (size_t)size, &bytes, NULL);
}

static enum err leb_pass(struct reader *in)
{
    u8 byte;
    do {
        TRY(reader_u8(in, &byte, NULL));
    } while (byte >= 0x80);
    return ERR_OK;
}

static enum err operands_pass(struct reader *in, enum operands operands)
{
    u64 size = 0;
    u8 byte = 0;
    switch (operands) {
    case UNKNOWN:
        return ERR_UNSUPPORTED;
    case NONE:
        return ERR_OK;
    case BYTES_1:
        return bytes_pass(in, 1);
    case BYTES_2:
        return bytes_pass(in, 2);
    case BYTES_4:
        return bytes_pass(in, 4);
    case BYTES_8:
        return bytes_pass(in, 8);
    case LEB_TWICE:
        TRY(leb_pass(in));
        return leb_pass(in);
    case LEB:
        return leb_pass(in);
    case LEB_BLOCK:
        TRY(reader_leb_u64(in, &size, NULL));
        return bytes_pass(in, size);
    case BYTE_LEB:
        TRY(bytes_pass(in, 1));
        return leb_pass(in);
    case OFFSET_LEB:
        TRY(bytes_pass(in, 4));
        return leb_pass(in);
    case LEB_BYTE_BLOCK:
        TRY(leb_pass(in));
        TRY(reader_u8(in, &byte, NULL));
        return bytes_pass(in, byte);
    }
    return ERR_UNSUPPORTED;
}

// The register of a place. False: it has none.
static bool register_of(u8 kind, u64 index, u64 *out)
{
    if (kind == WASM_LOCAL) {
        *out = index;
        return index < DWARF_REGISTER_OPERANDS ||
               (index >= DWARF_REGISTER_LOCALS_AGAIN && index < DWARF_REGISTERS);
    }
    if (kind == WASM_OPERAND) {
        *out = DWARF_REGISTER_OPERANDS + index;
        return index < DWARF_REGISTER_LOCALS_AGAIN - DWARF_REGISTER_OPERANDS;
    }
    *out = DWARF_REGISTER_GLOBALS + index;
    return kind == WASM_GLOBAL_FIXED && index < DWARF_GLOBALS;
}

// A number in so many bytes. False: it has too many bits.
static bool leb_put(u8 *to, size_t size, u64 number)
{
    ASSERT(size <= LEB_BYTES);
    if (size < sizeof number && number >> 7 * size != 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        to[i] = (u8)((number >> 7 * i & 0x7f) | (i + 1 < size ? 0x80 : 0));
    }
    return true;
}

// Behind the operator: the place becomes the register's value, with an offset of 0.
static enum err place_rewrite(struct reader *in, u8 *to, u32 *register_count)
{
    u8 kind;
    u64 index;
    u64 number;
    TRY(reader_u8(in, &kind, NULL));
    const u8 *from = in->next;
    if (kind == WASM_GLOBAL_FIXED) {
        TRY(dwarf_number(in, 4, &index));
    } else {
        TRY(reader_leb_u64(in, &index, NULL));
    }
    size_t size = (size_t)(in->next - from);
    u8 bytes[LEB_BYTES];
    if (!register_of(kind, index, &number) || !leb_put(bytes, size, number)) {
        return ERR_OK;
    }
    to[0] = OP_BASE_REGISTER;
    mem_copy(to + 1, bytes, size);
    to[1 + size] = 0;
    if (number < DWARF_REGISTERS && number >= *register_count) {
        *register_count = (u32)number + 1;
    }
    return ERR_OK;
}

void dwarf_expression_rewrite(struct span expression, u8 *to, u32 *register_count)
{
    struct reader in = reader_over(expression);
    u8 operator;
    while (reader_u8(&in, &operator, NULL) == ERR_OK) {
        size_t at = (size_t)(in.next - 1 - in.start);
        enum err err = operator == OP_WASM ? place_rewrite(&in, to + at, register_count)
                                           : operands_pass(&in, operands_of[operator]);
        if (err != ERR_OK) {
            return;
        }
    }
}
