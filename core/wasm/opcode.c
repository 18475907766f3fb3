// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/opcode.h"
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/wasm/encoding.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"

enum { TRAPS_no = false, TRAPS_yes = true };

// Of the older form of exceptions, which compilers still make and the standard does not have.
enum {
    OLD_TRY = 0x06,
    OLD_CATCH = 0x07,
    OLD_RETHROW = 0x09,
    OLD_DELEGATE = 0x18,
    OLD_CATCH_ALL = 0x19,
};

#define FACTS(number, text, class, immediate, operands, results, bytes, traps)                     \
    [number] = {                                                                                   \
        text, #operands, #results, WASM_CLASS_##class, WASM_IMM_##immediate, bytes, TRAPS_##traps, \
    },

static const struct wasm_opcode_facts plain[256] = {
#define ROW_0(...) FACTS(__VA_ARGS__)
#define ROW_0xfc(...)
#define ROW_0xfd(...)
#define ROW_0xfe(...)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(number, text, class, immediate, operands, results, bytes, traps)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
#undef ROW_0xfd
#undef ROW_0xfe
};

static const struct wasm_opcode_facts bulk[] = {
#define ROW_0(...)
#define ROW_0xfc(...) FACTS(__VA_ARGS__)
#define ROW_0xfd(...)
#define ROW_0xfe(...)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(number, text, class, immediate, operands, results, bytes, traps)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
#undef ROW_0xfd
#undef ROW_0xfe
};

static const struct wasm_opcode_facts vector[256] = {
#define ROW_0(...)
#define ROW_0xfc(...)
#define ROW_0xfd(...) FACTS(__VA_ARGS__)
#define ROW_0xfe(...)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(number, text, class, immediate, operands, results, bytes, traps)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
#undef ROW_0xfd
#undef ROW_0xfe
};

static const struct wasm_opcode_facts atomic[] = {
#define ROW_0(...)
#define ROW_0xfc(...)
#define ROW_0xfd(...)
#define ROW_0xfe(...) FACTS(__VA_ARGS__)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(number, text, class, immediate, operands, results, bytes, traps)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
#undef ROW_0xfd
#undef ROW_0xfe
};

const struct wasm_opcode_facts *wasm_opcode_facts(u32 opcode)
{
    const struct wasm_opcode_facts *facts = NULL;
    if (opcode < COUNT_OF(plain)) {
        facts = &plain[opcode];
    } else if (opcode >= WASM_OPCODE(WASM_PREFIX_BULK, 0) &&
               opcode < WASM_OPCODE(WASM_PREFIX_BULK, COUNT_OF(bulk))) {
        facts = &bulk[opcode - WASM_OPCODE(WASM_PREFIX_BULK, 0)];
    } else if (opcode >= WASM_OPCODE(WASM_PREFIX_VECTOR, 0) &&
               opcode < WASM_OPCODE(WASM_PREFIX_VECTOR, COUNT_OF(vector))) {
        facts = &vector[opcode - WASM_OPCODE(WASM_PREFIX_VECTOR, 0)];
    } else if (opcode >= WASM_OPCODE(WASM_PREFIX_ATOMIC, 0) &&
               opcode < WASM_OPCODE(WASM_PREFIX_ATOMIC, COUNT_OF(atomic))) {
        facts = &atomic[opcode - WASM_OPCODE(WASM_PREFIX_ATOMIC, 0)];
    }
    return facts != NULL && facts->text != NULL ? facts : NULL;
}

static enum err read_opcode(struct reader *in, u32 *out, struct report *report)
{
    u8 byte;
    TRY(reader_u8(in, &byte, report));
    *out = byte;
    if (byte >= WASM_PREFIX_BULK && byte <= WASM_PREFIX_ATOMIC) {
        u32 number;
        TRY(reader_leb_u32(in, &number, report));
        // Numbers that WASM_OPCODE has no room for are illegal behind any prefix.
        *out = WASM_OPCODE(byte, number < 1 << 12 ? number : (1 << 12) - 1);
    }
    return ERR_OK;
}

static enum err read_zero(struct reader *in, struct report *report)
{
    u64 offset = reader_offset(in);
    u8 zero;
    TRY(reader_u8(in, &zero, report));
    return zero == 0 ? ERR_OK : report_err(report, ERR_MALFORMED, offset, "zero byte expected");
}

// The index of a memory.
static enum err read_memory(struct reader *in, u32 features, u32 *out, struct report *report)
{
    *out = 0;
    return (features & WASM_MULTI_MEMORY) != 0 ? reader_leb_u32(in, out, report)
                                               : read_zero(in, report);
}

static enum err read_memarg(struct reader *in, u32 features, struct wasm_instruction *out,
                            struct report *report)
{
    TRY(reader_leb_u32(in, &out->index[0], report));
    if ((out->index[0] & WASM_MEMARG_MEMORY) != 0 && (features & WASM_MULTI_MEMORY) != 0) {
        TRY(reader_leb_u32(in, &out->memory, report));
    }
    return reader_leb_u32(in, &out->index[1], report);
}

enum err wasm_read_clause(struct reader *in, struct wasm_clause_read *out, struct report *report)
{
    u64 offset = reader_offset(in);
    struct wasm_clause_read read = {.tag = WASM_CATCH_ALL};
    TRY(reader_u8(in, &read.kind, report));
    if (read.kind >= WASM_CLAUSE_COUNT) {
        return report_err(report, ERR_MALFORMED, offset, "malformed catch clause");
    }
    if (read.kind == WASM_CATCH || read.kind == WASM_CATCH_REF) {
        TRY(reader_leb_u32(in, &read.tag, report));
    }
    TRY(reader_leb_u32(in, &read.depth, report));
    *out = read;
    return ERR_OK;
}

static enum err read_clauses(struct reader *in, u32 count, struct report *report)
{
    for (u32 i = 0; i < count; i++) {
        struct wasm_clause_read clause;
        TRY(wasm_read_clause(in, &clause, report));
    }
    return ERR_OK;
}

// A vector whose items are u32, value types or clauses.
static enum err read_list(struct reader *in, u32 features, struct wasm_instruction *out,
                          struct report *report)
{
    TRY(reader_leb_u32(in, &out->index[0], report));
    if (out->index[0] > reader_left(in)) {
        return report_err(report, ERR_MALFORMED, reader_offset(in), "unexpected end");
    }
    if (out->index[0] > WASM_LABELS) {
        return report_err(report, ERR_LIMIT, reader_offset(in), "too many labels of a br_table");
    }
    if (out->facts->immediate == WASM_IMM_TYPES) {
        for (u32 i = 0; i < out->index[0]; i++) {
            u8 type;
            TRY(wasm_read_value_type(in, features, &type, report));
        }
        return ERR_OK;
    }
    if (out->facts->immediate == WASM_IMM_TRY) {
        return read_clauses(in, out->index[0], report);
    }
    for (u64 i = 0; i <= out->index[0]; i++) { // the default is one more
        u32 depth;
        TRY(reader_leb_u32(in, &depth, report));
    }
    return ERR_OK;
}

static enum err read_number(struct reader *in, u32 features, struct wasm_instruction *out,
                            struct report *report)
{
    i32 narrow;
    i64 wide = 0;
    struct span bytes;
    switch (out->facts->immediate) {
    case WASM_IMM_I32:
        TRY(reader_leb_i32(in, &narrow, report));
        out->bits = (u64)(i64)narrow;
        return ERR_OK;
    case WASM_IMM_I64:
        TRY(reader_leb_i64(in, &wide, report));
        break;
    case WASM_IMM_BLOCK:
    case WASM_IMM_TRY:
        TRY(wasm_read_block_type(in, features, &wide, report));
        break;
    case WASM_IMM_F32:
        TRY(reader_bytes(in, 4, &bytes, report));
        wide = (i64)mem_load_u32(bytes.data);
        break;
    default:
        TRY(reader_bytes(in, 8, &bytes, report));
        wide = (i64)mem_load_u64(bytes.data);
        break;
    }
    out->bits = (u64)wide;
    return ERR_OK;
}

static enum err read_sixteen(struct reader *in, struct wasm_instruction *out, struct report *report)
{
    struct span bytes;
    TRY(reader_bytes(in, 16, &bytes, report));
    out->bits = mem_load_u64(bytes.data);
    out->bits_high = mem_load_u64(bytes.data + 8);
    return ERR_OK;
}

static enum err read_immediate(struct reader *in, u32 features, struct wasm_instruction *out,
                               struct report *report)
{
    switch ((enum wasm_immediate)out->facts->immediate) {
    case WASM_IMM_NONE:
        return ERR_OK;
    case WASM_IMM_LABEL:
    case WASM_IMM_TAG:
    case WASM_IMM_FUNCTION:
    case WASM_IMM_LOCAL:
    case WASM_IMM_GLOBAL:
    case WASM_IMM_TABLE:
    case WASM_IMM_ELEMENT:
    case WASM_IMM_DATA:
        return reader_leb_u32(in, &out->index[0], report);
    case WASM_IMM_TYPE_TABLE:
    case WASM_IMM_TABLE_TABLE:
    case WASM_IMM_ELEMENT_TABLE:
        TRY(reader_leb_u32(in, &out->index[0], report));
        return reader_leb_u32(in, &out->index[1], report);
    case WASM_IMM_DATA_MEMORY:
        TRY(reader_leb_u32(in, &out->index[0], report));
        return read_memory(in, features, &out->index[1], report);
    case WASM_IMM_MEMORY_MEMORY:
        TRY(read_memory(in, features, &out->index[0], report));
        return read_memory(in, features, &out->index[1], report);
    case WASM_IMM_MEMORY:
        return read_memory(in, features, &out->index[0], report);
    case WASM_IMM_ZERO:
        return read_zero(in, report);
    case WASM_IMM_MEMARG:
        return read_memarg(in, features, out, report);
    case WASM_IMM_TRY:
        TRY(read_number(in, features, out, report));
        return read_list(in, features, out, report);
    case WASM_IMM_LABELS:
    case WASM_IMM_TYPES:
        return read_list(in, features, out, report);
    case WASM_IMM_REFTYPE:
        return wasm_read_ref_type(in, features, &out->type, report);
    case WASM_IMM_BLOCK:
    case WASM_IMM_I32:
    case WASM_IMM_I64:
    case WASM_IMM_F32:
    case WASM_IMM_F64:
        return read_number(in, features, out, report);
    case WASM_IMM_V128:
    case WASM_IMM_LANES:
        return read_sixteen(in, out, report);
    case WASM_IMM_LANE:
        return reader_u8(in, &out->lane, report);
    case WASM_IMM_MEMARG_LANE:
        TRY(read_memarg(in, features, out, report));
        return reader_u8(in, &out->lane, report);
    }
    UNREACHABLE();
}

u32 wasm_opcode_features(u32 opcode)
{
    if (opcode >> 12 == WASM_PREFIX_ATOMIC) {
        return WASM_THREADS;
    }
    switch (opcode) {
    case WASM_OP_RETURN_CALL:
    case WASM_OP_RETURN_CALL_INDIRECT:
        return WASM_TAIL_CALLS;
    case WASM_OP_THROW:
    case WASM_OP_THROW_REF:
    case WASM_OP_TRY_TABLE:
        return WASM_EXCEPTIONS;
    default:
        return 0;
    }
}

const char *wasm_opcode_complaint(u32 opcode)
{
    switch (opcode) {
    case OLD_TRY:
    case OLD_CATCH:
    case OLD_RETHROW:
    case OLD_DELEGATE:
    case OLD_CATCH_ALL:
        return "illegal opcode (older exceptions: compile them to try_table)";
    default:
        return "illegal opcode";
    }
}

enum err wasm_instruction_read(struct reader *in, u32 features, struct wasm_instruction *out,
                               struct report *report)
{
    struct wasm_instruction read = {.offset = reader_offset(in)};
    TRY(read_opcode(in, &read.opcode, report));
    read.facts = wasm_opcode_facts(read.opcode);
    if (read.facts == NULL || (wasm_opcode_features(read.opcode) & ~features) != 0) {
        return report_err(report, ERR_MALFORMED, read.offset, wasm_opcode_complaint(read.opcode));
    }
    TRY(read_immediate(in, features, &read, report));
    *out = read;
    return ERR_OK;
}
