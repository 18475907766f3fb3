// SPDX-License-Identifier: GPL-3.0-or-later
// Atomic access, and waiting. An access is an instruction of its own, never joined with another nor
// moved: it has an effect also where it only reads. Waiting leaves compiled code.
#include "core/base/assert.h"
#include "core/jit/builder.h"
#include "core/wasm/atomic.h"

static void do_wait(struct builder *b, enum wasm_wait wait, u32 offset, u32 memory)
{
    static const u8 helpers[WASM_WAIT_COUNT] = {
        [WASM_WAIT_NOTIFY] = IR_HELPER_NOTIFY,
        [WASM_WAIT_32] = IR_HELPER_WAIT_32,
        [WASM_WAIT_64] = IR_HELPER_WAIT_64,
    };
    const u32 constants[] = {offset, memory};
    build_helper(b, (enum ir_helper)helpers[wait], wait == WASM_WAIT_NOTIFY ? 2 : 3, constants, 2);
}

void build_atomic(struct builder *b, struct body_reader *in, enum row row)
{
    const struct op *op = &body_ops[row];
    if (op->class == WASM_CLASS_FENCE) {
        body_skip(in, 1);
        (void)build_append(b, &(struct ir_ins){.op = IR_FENCE, .kind = IR_KIND_NONE});
        return;
    }
    struct ir_ins ins = {.op = (u16)row, .kind = op->result};
    u32 memory = body_memarg(in, &ins.c);
    if (op->class == WASM_CLASS_WAIT) {
        do_wait(b, (enum wasm_wait)op->number, ins.c, memory);
        return;
    }
    enum wasm_atomic kind = wasm_atomic_kind(op->number);
    u32 *address = &ins.a;
    if (kind == WASM_ATOMIC_CMPXCHG) {
        ins.b = build_pop_list(b, 3);
        address = &b->ir->lists[ins.b + 1];
    } else {
        ins.b = kind == WASM_ATOMIC_LOAD ? 0 : build_pop(b);
        ins.a = build_pop(b);
    }
    if (memory != 0 && b->failed == ERR_OK) {
        *address = build_memory_at(b, memory, *address, ins.c, (u8)(op->bytes | IR_AT_ALIGNED));
        ins.c = 0;
    }
    if (kind == WASM_ATOMIC_STORE) {
        ins.kind = IR_KIND_NONE;
        (void)build_append(b, &ins);
    } else {
        build_push(b, build_append(b, &ins));
    }
}
