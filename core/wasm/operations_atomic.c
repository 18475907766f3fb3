// SPDX-License-Identifier: GPL-3.0-or-later
// Translates atomic access and waiting: operands go to their homes, and the result is left there.
#include "core/base/assert.h"
#include "core/wasm/atomic.h"
#include "core/wasm/translator.h"

static u32 operand_count(const struct op *op)
{
    if (op->class == WASM_CLASS_WAIT) {
        return op->number == WASM_WAIT_NOTIFY ? 2 : 3;
    }
    enum wasm_atomic kind = wasm_atomic_kind(op->number);
    return kind == WASM_ATOMIC_LOAD ? 1 : kind == WASM_ATOMIC_CMPXCHG ? 3 : 2;
}

// What leaves comes back with none of them.
static void settle_accumulators(struct translator *t)
{
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        if (t->acc[bank].holds_value) {
            settle(t, t->acc[bank].position);
        }
    }
}

void translate_atomic(struct translator *t, struct body_reader *in, enum row row)
{
    const struct op *op = &body_ops[row];
    if (op->class == WASM_CLASS_FENCE) {
        body_skip(in, 1);
        emit(t, wasm_run_fence, 0, 0, 0);
        return;
    }
    u32 offset;
    u32 memory = body_memarg(in, &offset);
    u32 count = operand_count(op);
    settle_top(t, count);
    truncate(t, t->height - count);
    u32 first = home(t, t->height);
    if (op->class == WASM_CLASS_WAIT) {
        settle_accumulators(t);
        emit(t, wasm_run_park, first, wasm_park_bits((enum wasm_wait)op->number, memory), offset);
        emit_data(t, NULL);
        acc_forget(t);
    } else {
        enum wasm_atomic kind = wasm_atomic_kind(op->number);
        access_begin(t, memory);
        emit(t, wasm_run_atomic, first, (u32)kind << 2 | (u32)__builtin_ctz(op->bytes), offset);
        access_end(t, memory);
        if (kind == WASM_ATOMIC_STORE) {
            return;
        }
    }
    push_result(t, op->result);
    t->values[t->height - 1].end = 0; // it is the operand too
}
