// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/jit_host.h: what compiled code needs of a machine, for tests: the hosted machine's
// pages and interrupts, and ticks as many as wanted.
//
// Use     jit_host_open on the thread that runs compiled code; jit_host_close there.
// Owner   the caller owns the struct. One at a time.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/space.h"
#include "core/wasm/instance.h"
#include <pthread.h>
struct jit_target;
struct memory;

struct jit_host {
    struct jit_space space;
    pthread_t storm;
    u32 storm_us; // between two ticks; 0: none
    bool stops;   // atomic
    u32 ticks;    // atomic: that came to compiled code
    u32 misses;   // atomic: that came elsewhere
};

enum err jit_host_open(struct jit_host *host, const struct jit_target *target,
                       struct memory *memory);
void jit_host_close(struct jit_host *host);

// Ticks from now on, until told 0.
void jit_host_storm(struct jit_host *host, u32 every_us);

// Memories as compiled code without checks needs them, for struct wasm_store.
enum err jit_host_memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base);
enum err jit_host_memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new);
void jit_host_memory_destroy(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max);
