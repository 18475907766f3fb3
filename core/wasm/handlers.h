// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/handlers.h: how a handler is written: its head, its operands by type and place, and its
// way to the next one. Private to interpreter*.c.
//
// Use     HANDLER(name) or HANDLER_SHARED(name), a body that reads pc->a and so on, and as its last
//         statement NEXT, DISPATCH or TAIL. core/wasm/code.h says what the state is.
#pragma once
#include "core/wasm/code.h"
#include "core/wasm/numeric.h"

#define HANDLER(name) static WORD_PRESERVE_NONE void name(STATE_PARAMS)
#define HANDLER_SHARED(name) WORD_PRESERVE_NONE void wasm_run_##name(STATE_PARAMS)
#define TAIL(name) WORD_MUSTTAIL return name(STATE)
#define DISPATCH() WORD_MUSTTAIL return pc->run(STATE)
#define NEXT(length)                                                                               \
    do {                                                                                           \
        pc += length;                                                                              \
        DISPATCH();                                                                                \
    } while (0)

// Stops at pc, which a later slice runs again.
handler wasm_run_pause;
// Stops at pc for run->trap, and because an access lies outside the memory or the table.
handler wasm_run_raise;
handler wasm_run_raise_memory;
handler wasm_run_raise_table;
// Makes the stack hold run->stack_need slots behind fp, then runs pc again.
handler wasm_run_grow_stack;
// Leaves for run->callee, a function of the embedder's, whose arguments begin at slot a; goes on
// behind pc and its second half.
handler wasm_run_call_host;
// Stops at pc, which throws, because compiled code may catch it.
handler wasm_run_raise_thrown;

// Memory 0 as it is now, behind what may have changed it or the instance.
static inline u8 *memory_reload(struct run *run)
{
    const struct wasm_memory *memory = run->instance->memory;
    run->memory_size = memory == NULL ? 0 : wasm_memory_bytes(memory);
    return memory == NULL ? NULL : memory->base;
}

// Finds the function that call_indirect means, or NULL with the reason in run->trap.
static ALWAYS_INLINE struct wasm_func *indirect(struct run *run, const struct ins *pc, u32 index)
{
    const struct wasm_table *table = run->instance->tables[pc->c];
    if (UNLIKELY(index >= table->count)) {
        run->trap = TRAP_UNDEFINED_ELEMENT;
        return NULL;
    }
    struct wasm_func *callee = (struct wasm_func *)(uintptr_t)table->elements[index];
    if (UNLIKELY(callee == NULL)) {
        run->trap = TRAP_UNINITIALIZED_ELEMENT;
        return NULL;
    }
    const struct wasm_func_type *type = pc[1].data;
    if (UNLIKELY(callee->type != type) && !wasm_type_equal(callee->type, type)) {
        run->trap = TRAP_INDIRECT_CALL_TYPE;
        return NULL;
    }
    return callee;
}

// ---- operands by type: I i32, L i64, F f32, D f64; and by place: S slot, A accumulator

#define TYPE_I u32
#define TYPE_L u64
#define TYPE_F f32
#define TYPE_D f64
#define SLOT_I(index) ((u32)fp[index])
#define SLOT_L(index) (fp[index])
#define SLOT_F(index) f32_bits((u32)fp[index])
#define SLOT_D(index) f64_bits(fp[index])
#define ACC_I ((u32)ACC)
#define ACC_L ACC
#define ACC_F FACC
#define ACC_D DACC
#define OUT_A_I(value) ACC = (u32)(value)
#define OUT_A_L(value) ACC = (value)
#define OUT_A_F(value) FACC = (value)
#define OUT_A_D(value) DACC = (value)
#define OUT_S_I(value) fp[pc->a] = ACC = (u32)(value)
#define OUT_S_L(value) fp[pc->a] = ACC = (value)
#define OUT_S_F(value) FACC = (value), fp[pc->a] = bits_f32(FACC)
#define OUT_S_D(value) DACC = (value), fp[pc->a] = bits_f64(DACC)

// Addresses, by enum address; `first` is the first slot. The u32 wraps where the address does.
#define SCALE_1 0
#define SCALE_2 1
#define SCALE_4 2
#define SCALE_8 3
#define SCALE_16 4
#define AT_S(first, bytes) (u64) SLOT_I(first) + pc->c
#define AT_A(first, bytes) (u64) ACC_I + pc->c
#define AT_K(first, bytes) (u64) pc->c
#define AT_SK(first, bytes) (u64)(SLOT_I(first) + pc->c)
#define AT_AK(first, bytes) (u64)(ACC_I + pc->c)
#define AT_AS(first, bytes) (u64)(ACC_I + SLOT_I(first)) + pc->c
#define AT_N(first, bytes) (u64)((SLOT_I(first) << SCALE_##bytes) + pc->c)
#define AT_P(first, bytes) (u64)(SLOT_I(first) + SLOT_I(pc->low)) + pc->high
#define AT_PK(first, bytes) (u64)(SLOT_I(first) + SLOT_I(pc->low) + (u32)(i16)pc->high)
#define AT_X(first, bytes) (u64)(SLOT_I(first) + (SLOT_I(pc->low) << SCALE_##bytes)) + pc->high
#define AT_XK(first, bytes)                                                                        \
    (u64)(SLOT_I(first) + (SLOT_I(pc->low) << SCALE_##bytes) + (u32)(i16)pc->high)
