// SPDX-License-Identifier: GPL-3.0-or-later
// The instructions behind WASM_PREFIX_VECTOR, straight from opcodes.def: each takes the types that
// its row lists and leaves the one that it names, so there is no case for any of them.
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/wasm/validate_stack.h"

enum { LANES_BYTES = 16 };

static u8 type_of(char letter)
{
    switch (letter) {
    case 'I':
        return WASM_I32;
    case 'L':
        return WASM_I64;
    case 'F':
        return WASM_F32;
    case 'D':
        return WASM_F64;
    case 'V':
        return WASM_V128;
    default:
        return WASM_TYPE_UNKNOWN; // N
    }
}

// A byte that names a lane below `count`.
static enum err read_lane(struct wasm_body_checker *c, u32 count)
{
    u8 lane;
    TRY(reader_u8(&c->in, &lane, c->report));
    return lane < count ? ERR_OK : invalid(c, "invalid lane index");
}

static enum err read_immediate(struct wasm_body_checker *c, const struct wasm_opcode_facts *facts)
{
    struct span bytes;
    switch (facts->immediate) {
    case WASM_IMM_MEMARG:
        return read_memarg(c, facts->bytes);
    case WASM_IMM_MEMARG_LANE:
        TRY(read_memarg(c, facts->bytes));
        return read_lane(c, LANES_BYTES / facts->bytes);
    case WASM_IMM_LANE:
        return read_lane(c, LANES_BYTES / facts->bytes);
    case WASM_IMM_LANES:
        for (u32 i = 0; i < LANES_BYTES; i++) {
            TRY(read_lane(c, 2 * LANES_BYTES));
        }
        return ERR_OK;
    case WASM_IMM_V128:
        return reader_bytes(&c->in, LANES_BYTES, &bytes, c->report);
    default:
        ASSERT(facts->immediate == WASM_IMM_NONE);
        return ERR_OK;
    }
}

enum err wasm_check_letters(struct wasm_body_checker *c, const struct wasm_opcode_facts *facts)
{
    u32 count = 0;
    while (facts->operands[count] != 0) {
        count++;
    }
    while (count-- > 0) {
        u8 type = type_of(facts->operands[count]);
        if (type != WASM_TYPE_UNKNOWN) {
            TRY(pop(c, type));
        }
    }
    u8 result = type_of(facts->results[0]);
    return result == WASM_TYPE_UNKNOWN ? ERR_OK : push(c, result);
}

enum err wasm_check_vector(struct wasm_body_checker *c)
{
    u32 number;
    TRY(read_index(c, &number));
    const struct wasm_opcode_facts *facts = NULL;
    if (number < 1 << 12) {
        facts = wasm_opcode_facts(WASM_OPCODE(WASM_PREFIX_VECTOR, number));
    }
    if (facts == NULL) {
        return malformed(c, "illegal opcode");
    }
    TRY(read_immediate(c, facts));
    return wasm_check_letters(c, facts);
}
