// SPDX-License-Identifier: GPL-3.0-or-later
// Calls in the place of a return: the frame becomes that of the callee, at the same place, with the
// same return address, so a caller never learns who it was that returned. What a call by another
// instance has put below the frame brings the instance back as ever; where there is nothing of that
// kind and the callee is of another instance, it is put there once, and found by all tail calls
// that follow. So the stack does not grow, however many there are.
//
// The embedder's functions are called as ever, and return to the instructions behind.
#include "core/wasm/code.h"
#include "core/wasm/handlers.h"

// Nothing has changed when the stack must grow or the slice ends here.
#define TAIL_CALL(code_operand, param_slots)                                                       \
    const struct wasm_code *code = code_operand;                                                   \
    if (UNLIKELY((size_t)(run->stack_end - fp) < code->frame_slots)) {                             \
        run->stack_need = code->frame_slots;                                                       \
        TAIL(wasm_run_grow_stack);                                                                 \
    }                                                                                              \
    if (UNLIKELY(FUEL <= 0)) {                                                                     \
        TAIL(wasm_run_pause);                                                                      \
    }                                                                                              \
    FUEL -= code->cost;                                                                            \
    const struct ins *return_to = (const struct ins *)(uintptr_t)fp[pc[1].a];                      \
    slots_move(fp, fp + pc->a, param_slots);                                                       \
    code_frame_enter(code, fp, return_to);                                                         \
    pc = code_entry(code);                                                                         \
    DISPATCH()

static ALWAYS_INLINE void slots_move(u64 *to, const u64 *from, u32 count)
{
    for (; count != 0; count--) {
        *to++ = *from++;
        COMPILER_FENCE(); // a loop, not a call of memmove: most functions have few parameters
    }
}

HANDLER_SHARED(tail_call)
{
    TAIL_CALL(pc[1].data, pc->c);
}

// Calls run->callee, of another instance.
NOINLINE HANDLER(tail_call_cross)
{
    const struct wasm_func *callee = run->callee;
    const struct wasm_code *code = callee->code;
    const struct ins *return_to = (const struct ins *)(uintptr_t)fp[pc[1].a];
    u32 above = stub_restores(return_to) ? 0 : CROSS_SLOTS;
    if (UNLIKELY((size_t)(run->stack_end - fp) < above + code->frame_slots)) {
        run->stack_need = above + code->frame_slots;
        TAIL(wasm_run_grow_stack);
    }
    if (UNLIKELY(FUEL <= 0)) {
        TAIL(wasm_run_pause);
    }
    FUEL -= code->cost;
    mem_move(fp + above, fp + pc->a, callee->type->param_slots * sizeof *fp);
    if (above != 0) {
        cross_put(fp, return_to, run->instance, 0, callee->type->result_slots);
        return_to = &wasm_stub_cross[2];
        fp += CROSS_SLOTS;
    }
    code_frame_enter(code, fp, return_to);
    run->instance = callee->instance;
    run->globals = run->instance->globals;
    memory = memory_reload(run);
    pc = code_entry(code);
    DISPATCH();
}

#define TAIL_CALL_FUNCTION(function)                                                               \
    struct wasm_func *callee = function;                                                           \
    if (UNLIKELY(callee->instance != run->instance)) {                                             \
        run->callee = callee;                                                                      \
        if (callee->instance == NULL) {                                                            \
            TAIL(wasm_run_call_host);                                                              \
        }                                                                                          \
        TAIL(tail_call_cross);                                                                     \
    }                                                                                              \
    TAIL_CALL(callee->code, callee->type->param_slots)

HANDLER_SHARED(tail_call_import)
{
    TAIL_CALL_FUNCTION(run->instance->imports[pc->c]);
}

#define TAIL_CALL_INDIRECT(index)                                                                  \
    struct wasm_func *found = indirect(run, pc, index);                                            \
    if (UNLIKELY(found == NULL)) {                                                                 \
        TAIL(wasm_run_raise);                                                                      \
    }                                                                                              \
    TAIL_CALL_FUNCTION(found)

HANDLER_SHARED(tail_call_indirect_s)
{
    TAIL_CALL_INDIRECT(SLOT_I(pc->b));
}

HANDLER_SHARED(tail_call_indirect_a)
{
    TAIL_CALL_INDIRECT(ACC_I);
}
