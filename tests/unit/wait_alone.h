// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/wait_alone.h: what waiting (core/wasm/atomic.h) comes to in an embedder with one
// thread: nobody is ever woken, and whoever waits is told at once that the time is over, however
// long it would be.
#pragma once
#include "core/wasm/atomic.h"
#include "core/wasm/thread.h"

// Does it if that is the host call that the thread stands at. False: it is another one.
static inline bool wait_alone(const struct wasm_thread *thread)
{
    const struct wasm_host_call *host = &thread->host;
    enum wasm_wait kind;
    if (!wasm_wait_kind(host->function, &kind)) {
        return false;
    }
    bool waits =
        kind != WASM_WAIT_NOTIFY && wasm_wait_is_equal(host->wait_memory, kind, host->slots);
    host->slots[0] = kind == WASM_WAIT_NOTIFY ? 0 : waits ? WASM_TIMED_OUT : WASM_NOT_EQUAL;
    return true;
}
