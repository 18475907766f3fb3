// SPDX-License-Identifier: GPL-3.0-or-later
// tests/spec/embed.h: what the engine wants from whoever embeds it, and one way to call a function.
//
// Use     embed_create; embed_load each module; embed_call its exports.
// Owner   the caller drops the arenas; a store's memories live until embed_destroy.
#pragma once
#include "core/base/memory.h"
#include "core/base/span.h"
#include "core/wasm/instance.h"
#include "core/wasm/thread.h"
struct arena;
struct report;

// Which engine runs the code. One more here, and one more case in embed.c, makes the suite run on
// it.
enum embed_mode { EMBED_INTERPRETER };

enum { EMBED_RESULTS = 1 << 11, EMBED_HOST_FUNCTIONS = 11, EMBED_MEMORIES = 1 << 12 };

struct embed {
    struct memory memory; // the C library's
    struct wasm_store store;
    enum embed_mode mode;
    i64 slice; // units of fuel in one go
    struct wasm_func host[EMBED_HOST_FUNCTIONS];
    struct wasm_func_type host_types[EMBED_HOST_FUNCTIONS];
    // Sees each call of a host function; NULL: nobody wants to. None has results.
    void (*heard)(struct embed *embed, const struct wasm_func *function, const wasm_slot *args);
    struct embed_memory {
        u8 *base;
        size_t bytes;
    } memories[EMBED_MEMORIES]; // reserved address space, to give back
    u32 memory_count;
};

// What came of a call.
struct embed_outcome {
    enum trap trap; // TRAP_NONE: it returned
    const struct wasm_func_type *type;
    wasm_slot results[EMBED_RESULTS];
    char backtrace[160]; // after a trap, one line
};

void embed_create(struct embed *embed, enum embed_mode mode, i64 slice);
void embed_destroy(struct embed *embed);

// Decodes, validates and translates.
enum err embed_load(struct embed *embed, struct span bytes, struct arena *arena,
                    struct wasm_module **out, struct report *report);

// A host function by its name, or NULL: the suite's print functions, and the random modules' logs.
struct wasm_func *embed_host(struct embed *embed, struct span name);

// Calls a function to its end. ERR_LIMIT when it does not end.
enum err embed_call(struct embed *embed, struct wasm_func *function, const wasm_slot *args,
                    struct embed_outcome *out);
