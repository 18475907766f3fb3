// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/exception.h: exceptions as values: what `throw` makes and an exnref names.
//
// An exnref is a handle, never an address: the number of a place, and how often that place was
// used before. A handle that nobody was given, or whose exception is gone, finds nothing.
//
// An exception that is caught without a reference to it is freed at once. The others are found to
// be garbage when there is no room: what can be reached is marked, from the stacks of the store's
// threads (any word there that is a handle keeps its exception), the globals and tables of its
// instances, and the values of exceptions. The room doubles when half of it is still in use.
//
// Use     wasm_exception_make, wasm_exception_find; wasm_exceptions_drop at the store's end.
// Owner   the store: all of it comes from store->memory. One worker at a time.
// Time    a mark goes over all stacks and roots, which fuel pays for and WASM_EXCEPTION_ROOTS
//         and the limits of stacks bound: about 1 ms at the worst. What the slice under way does
//         not have of it is forgiven.
// Limits  WASM_EXCEPTION_COUNT, WASM_EXCEPTION_SLOTS, WASM_EXCEPTION_ROOTS (limits.h).
// Source  WebAssembly Core 3.0, section 4.2.
#pragma once
#include "core/base/types.h"
#include "core/wasm/instance.h"
#include "core/wasm/trap.h"
struct wasm_store;

struct wasm_exception {
    const struct wasm_tag *tag; // NULL: the place is free
    u32 generation;             // how often the place was used
    u32 next;                   // free: the next one, plus 1. Used: the next to be looked into
    bool is_marked;
    bool has_reference; // an exnref was given out
    u32 slot_count;
    wasm_slot *slots; // its values
    wasm_slot own[2]; // where they lie if they are so few
};

// Makes an exception with the values at `slots`, which need not outlive the call.
//   fuel   pays for a mark
//   out    receives its handle
// TRAP_EXCEPTIONS  so many are still in use that there is no room, also after a mark
// TRAP_NO_MEMORY   the store has no more
enum trap wasm_exception_make(struct wasm_store *store, const struct wasm_tag *tag,
                              const wasm_slot *slots, i64 *fuel, wasm_slot *out);

// What a handle names, until the next is made; NULL: nothing.
struct wasm_exception *wasm_exception_find(const struct wasm_store *store, wasm_slot handle);

// Frees one that was caught, if nobody was given its handle.
void wasm_exception_caught(struct wasm_store *store, wasm_slot handle);

// Gives all back. Its handles name nothing from then on.
void wasm_exceptions_drop(struct wasm_store *store);
