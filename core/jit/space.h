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
// Limits  core/jit/limits.h: JIT_SPACE_BYTES, JIT_STACKS.
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
    // In a loop that waits for another worker.
    void (*relax)(void);
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

struct jit_space {
    const struct jit_pages *pages;
    const struct jit_target *target;
    struct jit_options options;
    struct memory *memory;
    struct lock lock; // what follows, but for `runs`, which is read without it
    u8 *base;
    struct jit_run *runs[JIT_CHUNKS]; // atomic: of each chunk; NULL: free
    u32 hint;                         // where to look for a free chunk
    u8 *stacks;                       // reservation of JIT_STACKS of them
    u32 stack_fresh;                  // number of those that were ever used
    u32 stack_free;                   // first of the free ones, plus 1; each holds the next
    struct jit_run stub_run;
    // NULL, or told of each batch as soon as it may run. Set before the first module is made.
    void (*placed)(void *context, const struct jit_batch *batch);
    void *placed_context;
    const u8 *stubs[JIT_STUB_COUNT];
};

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

// A stack of JIT_STACK_BYTES above JIT_STACK_GUARD bytes that fault; its lowest byte. NULL: none.
u8 *jit_space_stack_take(struct jit_space *space);
void jit_space_stack_give(struct jit_space *space, u8 *stack);
