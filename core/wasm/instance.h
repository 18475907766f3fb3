// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/instance.h: a module brought to life: its functions, memory, tables and globals.
//
// Use     wasm_instance_create with one wasm_extern for each import, in order; then, when the
//         module has a start function, run it on a thread (thread.h); then run what it exports.
// Owner   instances live in the arena they were made in; what they import must outlive them.
//         Memories and tables grow through the struct wasm_store, which charges their owner;
//         wasm_instance_destroy gives that back before the arena is dropped.
// Source  WebAssembly Core 2.0, sections 4.2 and 4.5.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/wasm/module.h"
#include "core/wasm/trap.h"
struct arena;
struct wasm_code;
struct memory;
struct report;
struct wasm_exception;
struct wasm_instance;
struct wasm_thread;

// One slot: an i32 in the low half (the engine leaves zeros above it, the embedder need not), i64,
// floats by their bits, a reference (0 is null; a funcref is the address of its struct wasm_func,
// an externref is the embedder's own number). A v128 takes two slots.
typedef u64 wasm_slot;

// A function as a value: what funcref, an export and an import name.
struct wasm_func {
    const struct wasm_func_type *type;
    struct wasm_instance *instance; // NULL: a host function, whose number is `index`
    u32 index;                      // in the instance's index space, or the embedder's number
    u32 canonical;                  // number of the type in the instance's module
    union {
        void *host;                   // host function: the embedder's own pointer
        const struct wasm_code *code; // any other: what it was translated to
    };
};

// Linear memory. `base` never moves while the memory lives; bytes [0, size_bytes) are the guest's.
// Several threads of the machine may run instances that have one shared memory (limits.is_shared):
// its bytes change at any time, and its size is read by wasm_memory_bytes and only ever rises.
struct wasm_memory {
    u8 *base;
    u64 size_bytes;
    u32 pages_max;             // the least of the type's max and what the store reserved
    u32 is_growing;            // atomic, of a shared one: somebody makes it larger this moment
    struct wasm_limits limits; // of the type; the least size is what it was made with
    struct wasm_store *store;
};

static inline u64 wasm_memory_bytes(const struct wasm_memory *memory)
{
    return __atomic_load_n(&memory->size_bytes, __ATOMIC_ACQUIRE);
}

struct wasm_table {
    wasm_slot *elements;
    u32 count;
    u32 max;      // the least of the type's max and WASM_TABLE_ELEMENTS
    u32 type_max; // of its type, if that has one
    bool has_max;
    u8 element; // enum wasm_type
    struct wasm_store *store;
    // While it grows, in portions: where its elements go, how many there will be, and how many of
    // those are there already. `elements` itself: it grows where it is. NULL: it does not.
    wasm_slot *next;
    u32 next_count;
    u32 moved;
    u32 room;      // elements that its block holds, at least `count`: what its owner is charged for
    u32 next_room; // the same of `next`
};

struct wasm_global {
    wasm_slot value[2]; // [1] for v128 only
    struct wasm_global_type type;
};

// What kinds of exceptions are told apart by: one for each tag that an instance defines.
struct wasm_tag {
    const struct wasm_func_type *type; // its parameters are the values of an exception
    const struct wasm_instance *instance;
    u32 index; // in the instance's module
};

// The exceptions of a store, see exception.h.
struct wasm_exceptions {
    struct wasm_exception *places;
    u32 capacity;
    u32 free;       // first place that is, plus 1; 0: none
    u32 live_count; // places in use
    u32 slot_count; // of values that do not lie in their place
    u32 slot_limit; // more of them are made only after a mark
    u32 pending;    // while marking: first place to be looked into, plus 1
};

struct wasm_extern {
    u8 kind; // enum wasm_kind
    union {
        struct wasm_func *function;
        struct wasm_table *table;
        struct wasm_memory *memory;
        struct wasm_global *global;
        struct wasm_tag *tag;
    };
};

// Where memories and tables come from, and who is charged. The embedder fills the functions in.
struct wasm_store {
    // Reserves room for a memory of at most *pages_max pages and makes the first `pages` of it
    // usable and zero. May lower *pages_max to what it can promise, never below `pages`.
    enum err (*memory_create)(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base);
    // Makes [pages_old, pages_new) usable and zero, in place. A failure changes nothing.
    enum err (*memory_grow)(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new);
    void (*memory_destroy)(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max);
    struct memory *memory; // tables, thread stacks, exceptions; charged by wrapping it
    // The engine's own, zero at the beginning: see exception.h, whose wasm_exceptions_drop ends it.
    struct wasm_exceptions exceptions;
    struct wasm_thread *threads;     // that have a stack
    struct wasm_instance *instances; // that may hold an exnref
    u32 exception_roots;             // elements of tables of exnref
};

// A memory that is no instance's own, to be imported. It outlives who imports it.
// ERR_NO_MEMORY
enum err wasm_memory_create(struct wasm_memory *memory, const struct wasm_limits *limits,
                            struct wasm_store *store);
void wasm_memory_destroy(struct wasm_memory *memory);

// Creates an instance, checks its imports, and applies active segments in order.
//   module   translated
//   imports  module->import_count externs
//   out      receives the instance, to be destroyed by the caller: on success, and when a segment
//            did not fit
//   trap     receives TRAP_NONE, or why a segment did not fit; earlier segments stay applied, as
//            the specification wants (another instance's table may refer to this one), and the
//            error is ERR_INVALID
// ERR_MISMATCH   an import has the wrong kind or type; the report names it ("incompatible import
//                type")
// ERR_LIMIT      tables of exnref beyond WASM_EXCEPTION_ROOTS, or a table beyond limits.h
// ERR_NO_MEMORY  arena or store has no more
enum err wasm_instance_create(const struct wasm_module *module, const struct wasm_extern *imports,
                              struct wasm_store *store, struct arena *arena,
                              struct wasm_instance **out, enum trap *trap, struct report *report);

// The same in portions (core/wasm/load.h): begin, then step until it returns something other than
// ERR_PAUSED. `imports` and the struct stay the caller's until then; `report` is the same at each
// call. Nothing of the instance runs in between.
struct wasm_making {
    struct wasm_instance *instance;
    const struct wasm_extern *imports;
    struct report *report;
    i64 work; // units left of the step under way
    enum trap trap;
    u32 stage;
    u32 index; // of the stage's items
    u32 inner; // bytes or items of a segment
    bool is_inside;
    u32 functions; // imports taken so far
    u32 memories;
    u32 tables;
    u32 globals;
    u32 tags;
};
// ERR_NO_MEMORY  there is nothing to step or to drop
enum err wasm_making_begin(struct wasm_making *making, const struct wasm_module *module,
                           const struct wasm_extern *imports, struct wasm_store *store,
                           struct arena *arena, struct report *report);
enum err wasm_making_step(struct wasm_making *making, i64 *work, struct wasm_instance **out,
                          enum trap *trap, struct report *report);
// Gives up one that is paused.
void wasm_making_drop(struct wasm_making *making);

// Gives memories and tables that the instance defined back to its store. Its arena is the caller's
// to drop.
void wasm_instance_destroy(struct wasm_instance *instance);

const struct wasm_module *wasm_instance_module(const struct wasm_instance *instance);

// By index in the module's index space; imported or defined. A function only if it is imported,
// exported, in an element segment or a global, or the start function; NULL for others, which
// nothing can refer to.
struct wasm_func *wasm_instance_func(struct wasm_instance *instance, u32 index);
struct wasm_memory *wasm_instance_memory(struct wasm_instance *instance, u32 index);
struct wasm_table *wasm_instance_table(struct wasm_instance *instance, u32 index);
struct wasm_global *wasm_instance_global(struct wasm_instance *instance, u32 index);
struct wasm_tag *wasm_instance_tag(struct wasm_instance *instance, u32 index);

// The export of that name. ERR_NOT_FOUND when there is none.
enum err wasm_instance_export(struct wasm_instance *instance, struct span name,
                              struct wasm_extern *out);

// The instance's memory 0 for the embedder's host calls; NULL when it has none.
struct wasm_memory *wasm_instance_memory0(struct wasm_instance *instance);

// A checked view of guest memory: NULL unless [address, address + size) lies inside. Size 0 inside
// the memory (its end included) gives a pointer that must not be read. What lies in a shared memory
// may be another thing each time it is read: to be copied before it is checked.
static inline u8 *wasm_memory_at(const struct wasm_memory *memory, u32 address, u32 size)
{
    u64 end = (u64)address + size;
    return end <= wasm_memory_bytes(memory) ? memory->base + address : NULL;
}
