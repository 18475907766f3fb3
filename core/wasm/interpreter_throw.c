// SPDX-License-Identifier: GPL-3.0-or-later
// The handlers of throw and throw_ref, and how they go on where the exception is caught.
#include "core/wasm/code.h"
#include "core/wasm/exception.h"
#include "core/wasm/handlers.h"
#include "core/wasm/module.h"
#include "core/wasm/unwind.h"

// What a handler cannot have in its own frame is done by functions.

// Returns where the code goes on, in the frame that run->fp is then.
static NOINLINE const struct ins *land_in(struct run *run)
{
    struct wasm_landing landing = wasm_unwind_land(run->thread);
    run->fp = landing.fp;
    run->instance = landing.instance;
    run->globals = run->instance->globals;
    return landing.pc;
}

// Sends what throw or throw_ref throws on its way, or says why not.
static NOINLINE enum trap throw_new(struct run *run, const struct ins *pc, const u64 *fp)
{
    struct wasm_thread *thread = run->thread;
    wasm_slot exception;
    enum trap trap = wasm_exception_make(thread->store, run->instance->tags[pc->c], fp + pc->a,
                                         &run->fuel, &exception);
    if (trap == TRAP_NONE) {
        wasm_unwind_begin(thread, pc, fp, run->instance, exception);
    }
    return trap;
}

static NOINLINE enum trap throw_again(struct run *run, const struct ins *pc, const u64 *fp)
{
    struct wasm_thread *thread = run->thread;
    if (wasm_exception_find(thread->store, fp[pc->a]) == NULL) {
        return TRAP_NULL_EXCEPTION;
    }
    wasm_unwind_begin(thread, pc, fp, run->instance, fp[pc->a]);
    return TRAP_NONE;
}

NOINLINE HANDLER(land)
{
    pc = land_in(run);
    fp = run->fp;
    memory = memory_reload(run);
    DISPATCH();
}

NOINLINE HANDLER(uncaught)
{
    wasm_unwind_fail(run->thread);
    run->trap = run->thread->trap;
    TAIL(wasm_run_raise);
}

// Of an exception that is on its way. It pauses at the instruction that throws, which is run again
// and sees that.
NOINLINE HANDLER(unwind)
{
    run->fuel = FUEL;
    enum wasm_unwound unwound = wasm_unwind_step(run->thread, &run->fuel);
    FUEL = run->fuel;
    switch (unwound) {
    case WASM_UNWOUND_CAUGHT:
        TAIL(land);
    case WASM_UNWOUND_UNCAUGHT:
        TAIL(uncaught);
    case WASM_UNWOUND_PAUSED:
        TAIL(wasm_run_pause);
    case WASM_UNWOUND_COMPILED:
        break;
    }
    TAIL(wasm_run_raise_thrown);
}

#define THROW(how)                                                                                 \
    if (run->thread->unwind.exception == 0) {                                                      \
        run->fuel = FUEL;                                                                          \
        run->trap = how(run, pc, fp);                                                              \
        FUEL = run->fuel;                                                                          \
        if (run->trap != TRAP_NONE) {                                                              \
            TAIL(wasm_run_raise);                                                                  \
        }                                                                                          \
    }                                                                                              \
    TAIL(unwind)

NOINLINE HANDLER_SHARED(throw)
{
    THROW(throw_new);
}

NOINLINE HANDLER_SHARED(throw_ref)
{
    THROW(throw_again);
}
