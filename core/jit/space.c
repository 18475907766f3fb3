// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/space.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/jit/module.h"
#include "core/jit/target.h"

STATIC_ASSERT(JIT_SPACE_BYTES % JIT_CHUNK_BYTES == 0);
STATIC_ASSERT(JIT_STACK_BYTES % JIT_PAGE_BYTES == 0 && JIT_STACK_GUARD % JIT_PAGE_BYTES == 0);
STATIC_ASSERT(JIT_FRAME_BYTES < JIT_STACK_GUARD && JIT_STACKS % JIT_STACK_GROUP == 0);
STATIC_ASSERT(JIT_STACKS <= JIT_STACKS_CHECKED && JIT_STACKS_CHECKED % JIT_STACK_GROUP == 0);

enum { STUB_SCRATCH_BYTES = 256 << 10 };

static void lock_take(struct jit_space *space)
{
    while (!lock_try(&space->lock)) {
        space->pages->relax();
    }
}

static u64 round_up(u64 value, u64 to)
{
    return (value + to - 1) / to * to;
}

// ---- code

// `count` free chunks in a row, from `from` on; JIT_CHUNKS: none.
static u32 find_free(const struct jit_space *space, u32 from, u32 count)
{
    u32 length = 0;
    for (u32 i = from; i < JIT_CHUNKS; i++) {
        length = space->runs[i] == NULL ? length + 1 : 0;
        if (length == count) {
            return i + 1 - count;
        }
    }
    return JIT_CHUNKS;
}

static bool run_take_locked(struct jit_space *space, struct jit_run *run, u64 bytes)
{
    if (bytes > JIT_SPACE_BYTES) {
        return false;
    }
    u32 count = (u32)(round_up(bytes, JIT_CHUNK_BYTES) / JIT_CHUNK_BYTES);
    u32 first = find_free(space, space->hint, count);
    if (first == JIT_CHUNKS) {
        first = find_free(space, 0, count);
    }
    if (first == JIT_CHUNKS) {
        return false;
    }
    run->base = space->base + (u64)first * JIT_CHUNK_BYTES;
    run->bytes = (u64)count * JIT_CHUNK_BYTES;
    run->used = 0;
    run->batches = NULL;
    for (u32 i = first; i < first + count; i++) {
        __atomic_store_n(&space->runs[i], run, __ATOMIC_RELEASE);
    }
    space->hint = first + count == JIT_CHUNKS ? 0 : first + count;
    return true;
}

static bool run_take(struct jit_space *space, struct jit_run *run, u64 bytes)
{
    lock_take(space);
    bool taken = run_take_locked(space, run, bytes);
    lock_release(&space->lock);
    return taken;
}

static void run_give(struct jit_space *space, struct jit_run *run)
{
    if (run->used != 0) {
        space->pages->decommit(run->base, run->used);
    }
    lock_take(space);
    u32 first = (u32)((u64)(run->base - space->base) / JIT_CHUNK_BYTES);
    u32 count = (u32)(run->bytes / JIT_CHUNK_BYTES);
    for (u32 i = first; i < first + count; i++) {
        ASSERT(space->runs[i] == run);
        __atomic_store_n(&space->runs[i], NULL, __ATOMIC_RELEASE);
    }
    lock_release(&space->lock);
}

static u8 *run_commit(struct jit_space *space, struct jit_run *run, u64 bytes)
{
    u8 *start = run->base + run->used;
    if (space->pages->commit(start, bytes) != ERR_OK) {
        return NULL;
    }
    run->used += bytes;
    return start;
}

u8 *jit_space_take(struct jit_space *space, struct jit_run **run_list, u64 bytes)
{
    bytes = round_up(bytes, JIT_PAGE_BYTES);
    struct jit_run *run = *run_list;
    if (run == NULL || bytes > run->bytes - run->used) {
        run = memory_take(space->memory, sizeof *run);
        if (run == NULL) {
            return NULL;
        }
        if (!run_take(space, run, bytes)) {
            memory_give(space->memory, run, sizeof *run);
            return NULL;
        }
        run->next = *run_list;
        *run_list = run;
    }
    return run_commit(space, run, bytes);
}

void jit_space_give(struct jit_space *space, struct jit_run **run_list)
{
    while (*run_list != NULL) {
        struct jit_run *run = *run_list;
        *run_list = run->next;
        run_give(space, run);
        memory_give(space->memory, run, sizeof *run);
    }
}

struct jit_run *jit_space_run(const struct jit_space *space, u64 address)
{
    u64 offset = address - (u64)(uintptr_t)space->base;
    if (space->base == NULL || offset >= JIT_SPACE_BYTES) {
        return NULL;
    }
    return __atomic_load_n(&space->runs[offset / JIT_CHUNK_BYTES], __ATOMIC_ACQUIRE);
}

// ---- stacks

static u64 guard_bytes(enum jit_bounds bounds)
{
    return bounds == JIT_BOUNDS_GUARD ? JIT_STACK_GUARD : 0;
}

static u64 stride(enum jit_bounds bounds)
{
    return guard_bytes(bounds) + JIT_STACK_BYTES;
}

static u8 **stack_link(u8 *stack)
{
    return (u8 **)(void *)(stack + JIT_STACK_BYTES - sizeof(u8 *));
}

static u8 *stack_fresh_locked(struct jit_space *space, enum jit_bounds bounds)
{
    const struct jit_pages *pages = space->pages;
    struct jit_stacks *stacks = &space->stacks[bounds];
    bool has_guard = bounds == JIT_BOUNDS_GUARD;
    if (stacks->fresh == (has_guard ? (u32)JIT_STACKS : (u32)JIT_STACKS_CHECKED)) {
        return NULL;
    }
    u8 **group = &stacks->groups[stacks->fresh / JIT_STACK_GROUP];
    if (*group == NULL) {
        u64 bytes = JIT_STACK_GROUP * stride(bounds);
        *group = (has_guard ? pages->reserve : pages->open_reserve)(bytes);
    }
    if (*group == NULL) {
        return NULL;
    }
    u64 number = stacks->fresh % JIT_STACK_GROUP;
    u8 *stack = *group + number * stride(bounds) + guard_bytes(bounds);
    if ((has_guard ? pages->commit : pages->open_commit)(stack, JIT_STACK_BYTES) != ERR_OK) {
        return NULL;
    }
    stacks->fresh++;
    return stack;
}

u8 *jit_space_stack_take(struct jit_space *space, enum jit_bounds bounds)
{
    lock_take(space);
    u8 *stack = space->stacks[bounds].free;
    if (stack != NULL) {
        space->stacks[bounds].free = *stack_link(stack);
    } else {
        stack = stack_fresh_locked(space, bounds);
    }
    lock_release(&space->lock);
    return stack;
}

// What a guest left there is not for the next one: the pages go back to the machine, but for the
// first, which most stacks never leave.
void jit_space_stack_give(struct jit_space *space, enum jit_bounds bounds, u8 *stack)
{
    u64 top = JIT_STACK_BYTES - JIT_PAGE_BYTES;
    space->pages->clear(stack, top);
    mem_zero(stack + top, JIT_PAGE_BYTES);
    lock_take(space);
    *stack_link(stack) = space->stacks[bounds].free;
    space->stacks[bounds].free = stack;
    lock_release(&space->lock);
}

static void stacks_drop(struct jit_space *space, enum jit_bounds bounds)
{
    struct jit_stacks *stacks = &space->stacks[bounds];
    for (u32 i = 0; i < JIT_STACK_GROUPS; i++) {
        if (stacks->groups[i] != NULL) {
            space->pages->release(stacks->groups[i], JIT_STACK_GROUP * stride(bounds));
        }
    }
    *stacks = (struct jit_stacks){0};
}

// ---- the space itself

// The pieces of code that all modules share. 16 bytes before the first, since a sanitizer looks
// there for what a function is called as.
static enum err stubs_write(struct jit_space *space, struct arena *scratch, u8 *at)
{
    enum { STUB_ALIGN = 64 };
    u8 *next = at + STUB_ALIGN;
    for (u32 i = 0; i < JIT_BOUNDS_COUNT * JIT_STUB_COUNT; i++) {
        enum jit_bounds bounds = i / JIT_STUB_COUNT;
        struct jit_options options = jit_space_options(space, bounds);
        struct jit_function code;
        TRY(space->target->emit_stub(i % JIT_STUB_COUNT, &options, scratch, scratch, &code));
        ASSERT(next + code.code_bytes <= at + JIT_PAGE_BYTES);
        mem_copy(next, code.code, code.code_bytes);
        space->stubs[bounds][i % JIT_STUB_COUNT] = next;
        next += round_up(code.code_bytes, STUB_ALIGN);
    }
    return space->pages->make_executable(at, JIT_PAGE_BYTES);
}

enum err jit_space_init(struct jit_space *space, const struct jit_pages *pages,
                        const struct jit_target *target, const struct jit_options *options,
                        struct memory *memory)
{
    mem_zero(space, sizeof *space);
    space->pages = pages;
    space->target = target;
    space->options = *options;
    space->memory = memory;
    space->base = pages->reserve(JIT_SPACE_BYTES);
    if (space->base == NULL) {
        return ERR_UNSUPPORTED;
    }
    struct arena scratch;
    arena_init(&scratch, memory, STUB_SCRATCH_BYTES);
    enum err err = ERR_NO_MEMORY;
    if (run_take(space, &space->stub_run, JIT_PAGE_BYTES)) {
        u8 *at = run_commit(space, &space->stub_run, JIT_PAGE_BYTES);
        err = at == NULL ? ERR_NO_MEMORY : stubs_write(space, &scratch, at);
    }
    arena_drop(&scratch);
    if (err != ERR_OK) {
        jit_space_drop(space);
    }
    return err;
}

void jit_space_drop(struct jit_space *space)
{
    if (space->base == NULL) {
        return;
    }
    space->pages->release(space->base, JIT_SPACE_BYTES);
    for (u32 i = 0; i < JIT_BOUNDS_COUNT; i++) {
        stacks_drop(space, (enum jit_bounds)i);
    }
    space->base = NULL;
}
