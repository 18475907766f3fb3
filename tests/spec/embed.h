// SPDX-License-Identifier: GPL-3.0-or-later
// tests/spec/embed.h: what the engine wants from whoever embeds it, and one way to call a function.
//
// Use     embed_create; embed_load each module; embed_attach each instance; embed_call its exports;
//         embed_forget before the modules' arenas are dropped; embed_destroy.
// Owner   the caller drops the arenas; a store's memories live until embed_destroy.
#pragma once
#include "core/base/memory.h"
#include "core/base/span.h"
#include "core/wasm/instance.h"
#include "core/wasm/thread.h"
#include "tests/unit/jit_host.h"
struct arena;
struct embed_compiled;
struct report;

// Which engine runs the code. MIXED: a function is compiled or not by its number and embed.seed.
// PROBED: the interpreter, which stops before each instruction of the module that was called.
// SMALL: all is compiled with checks, and no memory has more address space than it may use.
enum embed_mode { EMBED_INTERPRETER, EMBED_COMPILED, EMBED_MIXED, EMBED_PROBED, EMBED_SMALL };

enum { EMBED_RESULTS = 1 << 11, EMBED_HOST_FUNCTIONS = 11, EMBED_MEMORIES = 1 << 12 };

struct embed {
    struct memory memory; // the C library's
    struct wasm_store store;
    enum embed_mode mode;
    u32 features; // of the modules; all unless changed before the first is loaded
    i64 slice;    // units of fuel in one go
    struct wasm_func host[EMBED_HOST_FUNCTIONS];
    struct wasm_func_type host_types[EMBED_HOST_FUNCTIONS];
    // Sees each call of a host function; NULL: nobody wants to. None has results.
    void (*heard)(struct embed *embed, const struct wasm_func *function, const wasm_slot *args);
    struct embed_memory {
        u8 *base;
        size_t bytes;
    } memories[EMBED_MEMORIES]; // reserved address space, to give back
    u32 memory_count;
    // Of the modes that compile.
    struct jit_host host_machine;
    struct embed_compiled *compiled; // modules
    u32 seed;
    u32 functions; // that were compiled
    u32 refused;   // that were not, beyond a limit
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
// Reads a mode by its name. False: there is none such.
bool embed_mode_read(const char *name, enum embed_mode *out);

// Decodes, validates and translates.
enum err embed_load(struct embed *embed, struct span bytes, struct arena *arena,
                    struct wasm_module **out, struct report *report);

// Lets a new instance run what was compiled of its module.
void embed_attach(struct embed *embed, struct wasm_instance *instance);
// Nothing of what was loaded runs any more.
void embed_forget(struct embed *embed);

// A host function by its name, or NULL: the suite's print functions, and the random modules' logs.
struct wasm_func *embed_host(struct embed *embed, struct span name);

// Calls a function to its end. ERR_LIMIT when it does not end.
enum err embed_call(struct embed *embed, struct wasm_func *function, const wasm_slot *args,
                    struct embed_outcome *out);
