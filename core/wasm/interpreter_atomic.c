// SPDX-License-Identifier: GPL-3.0-or-later
// The handlers of atomic access and of waiting. Operands are in their homes, one behind the other,
// where the result goes too; what such an access costs the CPU, a slot more or less does not.
#include "core/base/assert.h"
#include "core/wasm/atomic.h"
#include "core/wasm/code.h"
#include "core/wasm/handlers.h"
#include "core/wasm/module.h"

NOINLINE HANDLER(raise_unaligned)
{
    run->trap = TRAP_UNALIGNED_ATOMIC;
    TAIL(wasm_run_raise);
}

HANDLER_SHARED(atomic)
{
    u64 at = (u64)SLOT_I(pc->a) + pc->c;
    u32 bytes = 1u << (pc->b & 3);
    if (UNLIKELY(at % bytes != 0)) {
        TAIL(raise_unaligned);
    }
    if (UNLIKELY(at + bytes > run->memory_size)) {
        TAIL(wasm_run_raise_memory);
    }
    enum wasm_atomic kind = (enum wasm_atomic)(pc->b >> 2);
    u64 first =
        kind == WASM_ATOMIC_LOAD ? 0 : fp[pc->a + 1]; // there are no more slots than operands
    u64 second = kind == WASM_ATOMIC_CMPXCHG ? fp[pc->a + 2] : 0;
    u64 before = wasm_atomic_access(kind, bytes, memory + (size_t)at, first, second);
    if (kind != WASM_ATOMIC_STORE) {
        fp[pc->a] = before;
    }
    NEXT(1);
}

HANDLER_SHARED(fence)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    NEXT(1);
}

// Leaves as the call of a host function. Who runs on writes the result into slot a.
HANDLER_SHARED(park)
{
    enum wasm_wait kind = (enum wasm_wait)(pc->b & ((1u << WASM_PARK_KIND_BITS) - 1));
    struct wasm_memory *in = run->instance->memories[pc->b >> WASM_PARK_KIND_BITS];
    u64 at = (u64)SLOT_I(pc->a) + pc->c;
    u32 bytes = kind == WASM_WAIT_64 ? 8 : 4;
    if (UNLIKELY(at % bytes != 0)) {
        TAIL(raise_unaligned);
    }
    if (UNLIKELY(at + bytes > wasm_memory_bytes(in))) {
        TAIL(wasm_run_raise_memory);
    }
    if (UNLIKELY(kind != WASM_WAIT_NOTIFY && !in->limits.is_shared)) {
        run->trap = TRAP_UNSHARED_WAIT;
        TAIL(wasm_run_raise);
    }
    struct wasm_thread *thread = run->thread;
    fp[pc->a] = at;
    thread_leave(thread, run, pc, fp, FUEL - 1); // below 0 is 0: it is a call and never paused at
    thread->host.function = &wasm_wait_functions[kind];
    thread->host.caller = run->instance;
    thread->host.slots = fp + pc->a;
    thread->host.wait_memory = in;
    run->status = WASM_RUN_HOST;
}
