// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/space.h: where compiled code and the stacks it runs on lie. One for a kernel.
//
// All code lies in one reservation, so that every call and jump reaches, and an address says at
// once whether it is one of code and whose. It is handed out in runs of chunks to modules; a page
// of it is written first and made executable then, never both, and never written again.
//
// Use     jit_space_init; modules (module.h) and threads (thread.h) take from it.
// Owner   the caller owns the struct; all it takes goes back with jit_space_drop, after the last
//         module and thread.
// Limits  core/jit/limits.h: JIT_SPACE_BYTES, JIT_STACKS, JIT_STACKS_CHECKED.
#pragma once
#include "core/base/err.h"
#include "core/base/lock.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/target.h"
struct jit_batch;
struct jit_module;
struct jit_thread;
struct memory;

// What a machine offers; platform.h in the kernel.
struct jit_pages {
    // Address space in which every access faults, aligned to 64 KiB; NULL: refused.
    void *(*reserve)(u64 bytes);
    void (*release)(void *start, u64 bytes);
    // Readable, writable and zero; and back to what it was.
    enum err (*commit)(void *start, u64 bytes);
    void (*decommit)(void *start, u64 bytes);
    // Readable and executable, no longer writable.
    enum err (*make_executable)(void *start, u64 bytes);
    // Committed pages read as zero from now on, and cost no memory until they are touched again.
    void (*clear)(void *start, u64 bytes);
    // The same for many parts that come and go, where an access to what is not committed need not
    // fault.
    void *(*open_reserve)(u64 bytes);
    enum err (*open_commit)(void *start, u64 bytes);
    // In a loop that waits for another worker.
    void (*relax)(void);
    // C code leaves its stack for that at `low`, and has arrived there (aside.c): for machines that
    // watch stacks.
    void (*stack_leave)(void **kept, const void *low, u64 bytes);
    void (*stack_arrive)(void *kept, const void **low, u64 *bytes);
};

enum { JIT_PAGE_BYTES = 4096, JIT_CHUNK_BYTES = 256 << 10 };
enum { JIT_CHUNKS = JIT_SPACE_BYTES / JIT_CHUNK_BYTES };

// Chunks that belong to one module.
struct jit_run {
    struct jit_run *next; // of the module
    u8 *base;
    u64 bytes;
    u64 used;                  // a multiple of the page size
    struct jit_batch *batches; // atomic: newest first
};

// Stacks of one kind (enum jit_bounds). A free one holds the address of the next in its highest
// bytes.
enum { JIT_STACK_GROUP = 1024, JIT_STACK_GROUPS = JIT_STACKS_CHECKED / JIT_STACK_GROUP };
struct jit_stacks {
    u8 *groups[JIT_STACK_GROUPS]; // reservations of JIT_STACK_GROUP each
    u32 fresh;                    // number of those that were ever used
    u8 *free;                     // lowest byte of the first; NULL: none
};

struct jit_space {
    const struct jit_pages *pages;
    const struct jit_target *target;
    struct jit_options options;
    struct memory *memory;
    struct lock lock; // what follows, but for `runs`, which is read without it
    u8 *base;
    struct jit_run *runs[JIT_CHUNKS]; // atomic: of each chunk; NULL: free
    u32 hint;                         // where to look for a free chunk
    struct jit_stacks stacks[JIT_BOUNDS_COUNT];
    struct jit_run stub_run;
    // NULL, or told of each batch as soon as it may run. Set before the first module is made.
    void (*placed)(void *context, const struct jit_batch *batch);
    void *placed_context;
    const u8 *stubs[JIT_BOUNDS_COUNT][JIT_STUB_COUNT];
};

// What code of a kind may count on.
static inline struct jit_options jit_space_options(const struct jit_space *space,
                                                   enum jit_bounds bounds)
{
    struct jit_options options = space->options;
    options.bounds = (u8)bounds;
    options.segment = options.segment && bounds == JIT_BOUNDS_GUARD;
    return options;
}

//   options  what this machine has; `bounds` is each module's own
// ERR_NO_MEMORY    the machine refuses
// ERR_UNSUPPORTED  it has no compiled code
enum err jit_space_init(struct jit_space *space, const struct jit_pages *pages,
                        const struct jit_target *target, const struct jit_options *options,
                        struct memory *memory);
void jit_space_drop(struct jit_space *space);

// Pages for code or for data that it reaches; committed. NULL: there are none.
//   run_list  of the module; grows
u8 *jit_space_take(struct jit_space *space, struct jit_run **run_list, u64 bytes);
// Gives all runs of a module back.
void jit_space_give(struct jit_space *space, struct jit_run **run_list);
// The run in which an address lies; NULL: none, it is not of compiled code. At any time, anywhere.
struct jit_run *jit_space_run(const struct jit_space *space, u64 address);

// A stack of JIT_STACK_BYTES, for code of that kind; its lowest byte. NULL: none.
//   GUARD  above JIT_STACK_GUARD bytes that fault; JIT_STACKS of them
//   CHECK  beside others; JIT_STACKS_CHECKED of them
u8 *jit_space_stack_take(struct jit_space *space, enum jit_bounds bounds);
void jit_space_stack_give(struct jit_space *space, enum jit_bounds bounds, u8 *stack);
