// SPDX-License-Identifier: GPL-3.0-or-later
// Exceptions of the evaluator. They are no values of the engine's store, whose marks do not know
// the evaluator's frames; an exnref is the address of one, marked. Which clause catches is asked of
// the interpreter's tables, which the compiler's front does not look at.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/wasm/code.h"
#include "core/wasm/exception.h"
#include "core/wasm/instance.h"
#include "core/wasm/unwind.h"
#include "tests/diff/evaluate.h"

enum { MARK_SHIFT = 63 }; // no address is so high, and no handle of the store

static struct evaluated_exception *exception_make(struct evaluator *e, const struct wasm_tag *tag)
{
    struct evaluated_exception *made = ARENA_NEW(e->arena, struct evaluated_exception);
    ASSERT(made != NULL);
    made->tag = tag;
    made->slot_count = tag->type->param_slots;
    made->slots = ARENA_ARRAY(e->arena, u64, made->slot_count);
    ASSERT(made->slots != NULL || made->slot_count == 0);
    return made;
}

static u64 reference_of(const struct evaluated_exception *exception)
{
    return (u64)(uintptr_t)exception | 1ull << MARK_SHIFT;
}

// One that the interpreter made, before evaluation began at a loop, is taken over.
static const struct evaluated_exception *exception_of(struct evaluator *e, u64 reference)
{
    if (reference >> MARK_SHIFT != 0) {
        u64 address = reference & ~(1ull << MARK_SHIFT);
        return (const struct evaluated_exception *)(uintptr_t)address;
    }
    const struct wasm_store *store = e->instance->store;
    const struct wasm_exception *found = wasm_exception_find(store, reference);
    if (found == NULL) {
        return NULL;
    }
    struct evaluated_exception *made = exception_make(e, found->tag);
    if (made->slot_count != 0) {
        mem_copy(made->slots, found->slots, made->slot_count * sizeof *made->slots);
    }
    return made;
}

enum trap evaluate_throw(struct evaluator *e, const struct ir *ir, const struct ir_ins *ins,
                         const struct value *values)
{
    const u32 *list = &ir->lists[ins->b];
    if (ins->op == IR_HELPER) {
        e->thrown = exception_of(e, values[list[1]].low);
        return e->thrown == NULL ? TRAP_NULL_EXCEPTION : TRAP_EXCEPTION;
    }
    struct evaluated_exception *made = exception_make(e, e->instance->tags[ins->a]);
    u32 slot = 0;
    for (u32 i = 0; i < list[0]; i++) {
        made->slots[slot++] = values[list[1 + i]].low;
        if (made->tag->type->types[i] == WASM_V128) {
            made->slots[slot++] = values[list[1 + i]].high;
        }
    }
    ASSERT(slot == made->slot_count);
    e->thrown = made;
    return TRAP_EXCEPTION;
}

const u64 *evaluate_landing(struct evaluator *e, const struct ir *ir, const struct ir_ins *ins)
{
    const struct wasm_module *module = ir->module;
    const struct wasm_body *body = &module->bodies[ir->function - module->function_import_count];
    const struct wasm_exception exception = {.tag = e->thrown->tag};
    u32 try = wasm_try_around(module, body->translated, ins->origin);
    u32 number;
    ASSERT(try != 0); // the front says that something catches here
    const struct wasm_catch *found = wasm_catch_find(e->instance, try, &exception, &number);
    if (found == NULL) {
        return NULL;
    }
    u64 *words = ARENA_ARRAY(e->arena, u64, JIT_CAUGHT_VALUES + e->thrown->slot_count);
    ASSERT(words != NULL);
    words[JIT_CAUGHT_CLAUSE] = number;
    words[JIT_CAUGHT_REFERENCE] = reference_of(e->thrown);
    if (e->thrown->slot_count != 0) {
        mem_copy(words + JIT_CAUGHT_VALUES, e->thrown->slots,
                 e->thrown->slot_count * sizeof *words);
    }
    return words;
}
