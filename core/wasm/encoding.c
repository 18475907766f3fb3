// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/encoding.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"

static enum err check_value_type(u8 type, u64 offset, struct report *report)
{
    switch (type) {
    case WASM_I32:
    case WASM_I64:
    case WASM_F32:
    case WASM_F64:
    case WASM_V128:
    case WASM_FUNCREF:
    case WASM_EXTERNREF:
        return ERR_OK;
    default:
        return report_err(report, ERR_MALFORMED, offset, "malformed value type");
    }
}

enum err wasm_read_value_type(struct reader *in, u8 *out, struct report *report)
{
    u64 offset = reader_offset(in);
    u8 type;
    TRY(reader_u8(in, &type, report));
    TRY(check_value_type(type, offset, report));
    *out = type;
    return ERR_OK;
}

enum err wasm_read_ref_type(struct reader *in, u8 *out, struct report *report)
{
    u64 offset = reader_offset(in);
    u8 type;
    TRY(reader_u8(in, &type, report));
    if (type != WASM_FUNCREF && type != WASM_EXTERNREF) {
        return report_err(report, ERR_MALFORMED, offset, "malformed reference type");
    }
    *out = type;
    return ERR_OK;
}

enum err wasm_read_block_type(struct reader *in, i64 *out, struct report *report)
{
    u64 offset = reader_offset(in);
    i64 type;
    TRY(reader_leb_i33(in, &type, report));
    if (type < 0) {
        // A value type is one byte: a longer spelling of the same number is none.
        if (type < -0x40 || reader_offset(in) != offset + 1) {
            return report_err(report, ERR_MALFORMED, offset, "malformed block type");
        }
        u8 byte = (u8)(type + 0x80);
        if (byte != WASM_BLOCK_TYPE_EMPTY) {
            TRY(check_value_type(byte, offset, report));
        }
    }
    *out = type;
    return ERR_OK;
}
