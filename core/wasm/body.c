// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/body.h"

// ---- the table

// The kind of an instruction's operands (of a store: of the value) and of its result.
enum {
    KIND_OF_I = KIND_I,
    KIND_OF_II = KIND_I,
    KIND_OF_III = KIND_I,
    KIND_OF_L = KIND_L,
    KIND_OF_LL = KIND_L,
    KIND_OF_F = KIND_F,
    KIND_OF_FF = KIND_F,
    KIND_OF_D = KIND_D,
    KIND_OF_DD = KIND_D,
    KIND_OF_IL = KIND_L,
    KIND_OF_IF = KIND_F,
    KIND_OF_ID = KIND_D,
    KIND_OF_V = KIND_V,
    KIND_OF_VV = KIND_V,
    KIND_OF_VVV = KIND_V,
    KIND_OF_VI = KIND_V,
    KIND_OF_VL = KIND_V,
    KIND_OF_VF = KIND_V,
    KIND_OF_VD = KIND_V,
    KIND_OF_IV = KIND_V,
    KIND_OF_IIL = KIND_I,
    KIND_OF_ILL = KIND_L,
    KIND_OF_R = KIND_L,
    KIND_OF_E = KIND_L,
    KIND_OF_N = 0,
    KIND_OF_X = 0,
};

const struct op body_ops[ROW_COUNT] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    [ROW_##name] = {                                                                               \
        number, WASM_CLASS_##class, WASM_IMM_##immediate, KIND_OF_##operands, KIND_OF_##results,   \
        bytes},
#include "core/wasm/opcodes.def"
};

// Rows by the opcode's byte, and by the number behind a prefix.
#define ROW_PLAIN_0(name, number) [number] = ROW_##name,
#define ROW_PLAIN_0xfc(name, number)
#define ROW_PLAIN_0xfd(name, number)
#define ROW_PLAIN_0xfe(name, number)
#define ROW_BULK_0(name, number)
#define ROW_BULK_0xfc(name, number) [number] = ROW_##name,
#define ROW_BULK_0xfd(name, number)
#define ROW_BULK_0xfe(name, number)
#define ROW_VECTOR_0(name, number)
#define ROW_VECTOR_0xfc(name, number)
#define ROW_VECTOR_0xfd(name, number) [number] = ROW_##name,
#define ROW_VECTOR_0xfe(name, number)
#define ROW_ATOMIC_0(name, number)
#define ROW_ATOMIC_0xfc(name, number)
#define ROW_ATOMIC_0xfd(name, number)
#define ROW_ATOMIC_0xfe(name, number) [number] = ROW_##name,
static const u16 rows_plain[256] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_PLAIN_##prefix(name, number)
#include "core/wasm/opcodes.def"
};
static const u16 rows_bulk[] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_BULK_##prefix(name, number)
#include "core/wasm/opcodes.def"
};
static const u16 rows_vector[256] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_VECTOR_##prefix(name, number)
#include "core/wasm/opcodes.def"
};
static const u16 rows_atomic[] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_ATOMIC_##prefix(name, number)
#include "core/wasm/opcodes.def"
};

// ---- reading what is known to be well formed

u64 body_unsigned(struct body_reader *in)
{
    u64 value = 0;
    for (u32 shift = 0;; shift += 7) {
        ASSERT(in->at < in->end);
        u8 byte = *in->at++;
        value |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

i64 body_signed(struct body_reader *in)
{
    u64 value = 0;
    u32 shift = 0;
    u8 byte;
    do {
        ASSERT(in->at < in->end);
        byte = *in->at++;
        value |= (u64)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80);
    if (shift < 64 && (byte & 0x40) != 0) {
        value |= ~(u64)0 << shift;
    }
    return (i64)value;
}

enum row body_row(struct body_reader *in)
{
    ASSERT(in->at < in->end);
    u8 byte = *in->at++;
    if (byte < WASM_PREFIX_BULK || byte > WASM_PREFIX_ATOMIC) {
        return rows_plain[byte];
    }
    u32 number = body_u32(in);
    if (byte == WASM_PREFIX_VECTOR) {
        ASSERT(number < COUNT_OF(rows_vector));
        return rows_vector[number];
    }
    if (byte == WASM_PREFIX_ATOMIC) {
        ASSERT(number < COUNT_OF(rows_atomic));
        return rows_atomic[number];
    }
    ASSERT(number < COUNT_OF(rows_bulk));
    return rows_bulk[number];
}

struct wasm_clause_read body_clause(struct body_reader *in)
{
    struct wasm_clause_read clause = {.tag = WASM_CATCH_ALL, .kind = (u8)body_u32(in)};
    ASSERT(clause.kind < WASM_CLAUSE_COUNT);
    if (clause.kind == WASM_CATCH || clause.kind == WASM_CATCH_REF) {
        clause.tag = body_u32(in);
    }
    clause.depth = body_u32(in);
    return clause;
}

void body_skip(struct body_reader *in, size_t count)
{
    ASSERT(count <= (size_t)(in->end - in->at));
    in->at += count;
}

void body_skip_clauses(struct body_reader *in)
{
    for (u32 count = body_u32(in); count > 0; count--) {
        (void)body_clause(in);
    }
}

void body_skip_immediate(struct body_reader *in, enum row row)
{
    u32 offset;
    u32 count = 0; // of LEB128 numbers to skip
    switch ((enum wasm_immediate)body_ops[row].immediate) {
    case WASM_IMM_NONE:
        break;
    case WASM_IMM_TRY:
        (void)body_unsigned(in);
        body_skip_clauses(in);
        break;
    case WASM_IMM_LABEL:
    case WASM_IMM_TAG:
    case WASM_IMM_FUNCTION:
    case WASM_IMM_LOCAL:
    case WASM_IMM_GLOBAL:
    case WASM_IMM_TABLE:
    case WASM_IMM_ELEMENT:
    case WASM_IMM_DATA:
    case WASM_IMM_MEMORY:
    case WASM_IMM_REFTYPE:
    case WASM_IMM_BLOCK:
    case WASM_IMM_I32:
    case WASM_IMM_I64:
        count = 1;
        break;
    case WASM_IMM_TYPE_TABLE:
    case WASM_IMM_TABLE_TABLE:
    case WASM_IMM_ELEMENT_TABLE:
    case WASM_IMM_MEMORY_MEMORY:
    case WASM_IMM_DATA_MEMORY:
        count = 2;
        break;
    case WASM_IMM_LABELS:
        count = body_u32(in) + 1;
        break;
    case WASM_IMM_TYPES:
        count = body_u32(in);
        break;
    case WASM_IMM_F32:
        body_skip(in, 4);
        break;
    case WASM_IMM_F64:
        body_skip(in, 8);
        break;
    case WASM_IMM_V128:
    case WASM_IMM_LANES:
        body_skip(in, 16);
        break;
    case WASM_IMM_LANE:
    case WASM_IMM_ZERO:
        body_skip(in, 1);
        break;
    case WASM_IMM_MEMARG:
        (void)body_memarg(in, &offset);
        break;
    case WASM_IMM_MEMARG_LANE:
        (void)body_memarg(in, &offset);
        body_skip(in, 1);
        break;
    }
    while (count-- > 0) {
        (void)body_unsigned(in);
    }
}

bool body_skip_dead(struct body_reader *in, const u8 *stop, u32 *depth)
{
    while (in->at < stop) {
        const u8 *start = in->at;
        enum row row = body_row(in);
        if (*depth == 0 && (row == ROW_END || row == ROW_ELSE)) {
            in->at = start;
            return true;
        }
        *depth += body_opens(row);
        *depth -= row == ROW_END;
        body_skip_immediate(in, row);
    }
    return false;
}
