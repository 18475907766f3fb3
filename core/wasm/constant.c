// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/constant.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/wasm/features.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"

struct wasm_const wasm_const_of(const struct wasm_instruction *instruction)
{
    struct wasm_const value = {.offset = instruction->offset};
    value.index = instruction->index[0];
    value.bits[0] = instruction->bits;
    value.bits[1] = instruction->bits_high;
    switch (instruction->opcode) {
    case WASM_OP_I32_CONST:
        value.type = WASM_I32;
        value.bits[0] = (u32)instruction->bits;
        break;
    case WASM_OP_I64_CONST:
        value.type = WASM_I64;
        break;
    case WASM_OP_F32_CONST:
        value.type = WASM_F32;
        break;
    case WASM_OP_F64_CONST:
        value.type = WASM_F64;
        break;
    case WASM_OP_V128_CONST:
        value.type = WASM_V128;
        break;
    case WASM_OP_GLOBAL_GET:
        value.kind = WASM_CONST_GLOBAL;
        break;
    case WASM_OP_REF_NULL:
        value.kind = WASM_CONST_NULL;
        value.type = instruction->type;
        break;
    case WASM_OP_REF_FUNC:
        value.kind = WASM_CONST_FUNCTION;
        value.type = WASM_FUNCREF;
        break;
    case WASM_OP_I32_ADD:
    case WASM_OP_I32_SUB:
    case WASM_OP_I32_MUL:
        value.kind = WASM_CONST_SUM;
        value.type = WASM_I32;
        value.index = instruction->opcode;
        break;
    case WASM_OP_I64_ADD:
    case WASM_OP_I64_SUB:
    case WASM_OP_I64_MUL:
        value.kind = WASM_CONST_SUM;
        value.type = WASM_I64;
        value.index = instruction->opcode;
        break;
    default:
        value.kind = WASM_CONST_NOT_CONSTANT;
        break;
    }
    return value;
}

// The expression with one more instruction; the first that is not constant is what remains of it.
static void extend(struct wasm_const *value, const struct wasm_instruction *instruction,
                   bool is_first, bool is_extended)
{
    struct wasm_const next = wasm_const_of(instruction);
    if (next.kind == WASM_CONST_SUM && !is_extended) {
        next.kind = WASM_CONST_NOT_CONSTANT;
    }
    if (value->kind == WASM_CONST_NOT_CONSTANT) {
        return;
    }
    if (is_first || next.kind == WASM_CONST_NOT_CONSTANT) {
        *value = next;
    } else {
        value->kind = is_extended ? WASM_CONST_SUM : WASM_CONST_NOT_ONE;
    }
}

enum err wasm_const_read(struct reader *in, u32 features, struct wasm_const *out,
                         struct report *report)
{
    u64 start = reader_offset(in);
    struct wasm_const value = {.kind = WASM_CONST_NOT_ONE, .offset = start};
    bool is_extended = (features & WASM_EXTENDED_CONST) != 0;
    u64 open_count = 1;
    for (bool is_first = true;; is_first = false) {
        struct wasm_instruction instruction;
        if (reader_offset(in) - start > WASM_CONST_BYTES) {
            return report_err(report, ERR_LIMIT, start, "a constant expression is too long");
        }
        TRY(wasm_instruction_read(in, features, &instruction, report));
        if (instruction.opcode == WASM_OP_END) {
            open_count--;
            if (open_count == 0) {
                break;
            }
            continue;
        }
        if (instruction.facts->immediate == WASM_IMM_BLOCK ||
            instruction.facts->immediate == WASM_IMM_TRY) {
            open_count++;
        }
        extend(&value, &instruction, is_first, is_extended);
    }
    if (value.kind == WASM_CONST_SUM) {
        value.offset = start;
        value.bits[0] = reader_offset(in) - start;
    }
    *out = value;
    return ERR_OK;
}

struct reader wasm_const_reader(const struct wasm_module *module, const struct wasm_const *value)
{
    ASSERT(value->kind == WASM_CONST_SUM);
    struct reader in = reader_over(
        span_slice(module->bytes, (size_t)value->offset, (size_t)(value->offset + value->bits[0])));
    in.base = value->offset;
    return in;
}

static u64 operate(u32 opcode, u64 left, u64 right)
{
    switch (opcode) {
    case WASM_OP_I32_ADD:
        return (u32)(left + right);
    case WASM_OP_I32_SUB:
        return (u32)(left - right);
    case WASM_OP_I32_MUL:
        return (u32)(left * right);
    case WASM_OP_I64_ADD:
        return left + right;
    case WASM_OP_I64_SUB:
        return left - right;
    case WASM_OP_I64_MUL:
        return left * right;
    }
    UNREACHABLE();
}

u64 wasm_const_sum(const struct wasm_module *module, const struct wasm_const *value,
                   struct wasm_global *const *globals)
{
    u64 stack[WASM_CONST_DEPTH];
    u32 count = 0;
    struct reader in = wasm_const_reader(module, value);
    while (reader_left(&in) > 1) { // the `end`
        struct wasm_instruction instruction;
        enum err err = wasm_instruction_read(&in, module->features, &instruction, NULL);
        ASSERT(err == ERR_OK);
        struct wasm_const next = wasm_const_of(&instruction);
        if (next.kind == WASM_CONST_SUM) {
            ASSERT(count >= 2);
            count--;
            stack[count - 1] = operate(next.index, stack[count - 1], stack[count]);
            continue;
        }
        ASSERT(count < WASM_CONST_DEPTH);
        ASSERT(next.kind == WASM_CONST_VALUE || next.kind == WASM_CONST_GLOBAL);
        stack[count++] =
            next.kind == WASM_CONST_GLOBAL ? globals[next.index]->value[0] : next.bits[0];
    }
    ASSERT(count == 1);
    return stack[0];
}
