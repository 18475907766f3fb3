// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/encoding.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/wasm/features.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"

static enum err check_value_type(u8 type, u32 features, u64 offset, struct report *report)
{
    switch ((enum wasm_type)type) {
    case WASM_I32:
    case WASM_I64:
    case WASM_F32:
    case WASM_F64:
    case WASM_V128:
    case WASM_FUNCREF:
    case WASM_EXTERNREF:
        return ERR_OK;
    case WASM_EXNREF:
        if ((features & WASM_EXCEPTIONS) != 0) {
            return ERR_OK;
        }
        break;
    }
    return report_err(report, ERR_MALFORMED, offset, "malformed value type");
}

enum err wasm_read_value_type(struct reader *in, u32 features, u8 *out, struct report *report)
{
    u64 offset = reader_offset(in);
    u8 type;
    TRY(reader_u8(in, &type, report));
    TRY(check_value_type(type, features, offset, report));
    *out = type;
    return ERR_OK;
}

enum err wasm_read_ref_type(struct reader *in, u32 features, u8 *out, struct report *report)
{
    u64 offset = reader_offset(in);
    u8 type;
    TRY(reader_u8(in, &type, report));
    if (check_value_type(type, features, offset, NULL) != ERR_OK || !wasm_is_reference(type)) {
        return report_err(report, ERR_MALFORMED, offset, "malformed reference type");
    }
    *out = type;
    return ERR_OK;
}

enum err wasm_read_block_type(struct reader *in, u32 features, i64 *out, struct report *report)
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
            TRY(check_value_type(byte, features, offset, report));
        }
    }
    *out = type;
    return ERR_OK;
}
