// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/aside.h"
#include "core/base/assert.h"
#include "core/jit/limits.h"
#include "core/jit/space.h"
#include "core/jit/target.h"

typedef void change_stacks(struct jit_aside *aside);

static void change(struct jit_aside *aside, enum jit_stub stub)
{
    // An object's address as a function's: what the stub is.
    ((change_stacks *)(uintptr_t)aside->space->stubs[JIT_BOUNDS_GUARD][stub])(aside);
}

// From the worker's stack to the work's and, later, back.
static void visit(struct jit_aside *aside, enum jit_stub stub)
{
    const struct jit_pages *pages = aside->space->pages;
    const void *low;
    u64 bytes;
    pages->stack_leave(&aside->kept_worker, aside->stack, JIT_STACK_BYTES);
    change(aside, stub);
    pages->stack_arrive(aside->kept_worker, &low, &bytes);
}

static void arrive(struct jit_aside *aside, void *kept)
{
    aside->space->pages->stack_arrive(kept, &aside->worker_low, &aside->worker_bytes);
}

static void leave_for_good(struct jit_aside *aside)
{
    aside->is_begun = false;
    aside->is_there = false;
    aside->space->pages->stack_leave(NULL, aside->worker_low, aside->worker_bytes);
    change(aside, JIT_STUB_SWAP);
    UNREACHABLE();
}

// On the work's stack, from here on.
static void run(struct jit_aside *aside)
{
    arrive(aside, NULL);
    aside->is_there = true;
    aside->work(aside->context);
    leave_for_good(aside);
}

// The same, over what is there of the work.
static void run_end(struct jit_aside *aside)
{
    arrive(aside, aside->kept_work);
    leave_for_good(aside);
}

static void give_way(struct jit_pace *pace)
{
    struct jit_aside *aside = CONTAINER_OF(pace, struct jit_aside, pace);
    aside->space->pages->stack_leave(&aside->kept_work, aside->worker_low, aside->worker_bytes);
    change(aside, JIT_STUB_SWAP);
    arrive(aside, aside->kept_work);
    ASSERT(pace->left > 0);
}

enum err jit_aside_open(struct jit_aside *aside, struct jit_space *space)
{
    *aside = (struct jit_aside){.run = run, .pace = {.give_way = give_way}, .space = space};
    aside->stack = jit_space_stack_take(space, JIT_BOUNDS_GUARD);
    return aside->stack == NULL ? ERR_NO_MEMORY : ERR_OK;
}

void jit_aside_close(struct jit_aside *aside)
{
    if (aside->is_there) {
        aside->run = run_end;
        aside->sp = aside->stack + JIT_STACK_BYTES;
        visit(aside, JIT_STUB_BEGIN);
    }
    if (aside->stack != NULL) {
        jit_space_stack_give(aside->space, JIT_BOUNDS_GUARD, aside->stack);
        aside->stack = NULL;
    }
    aside->is_begun = false;
}

void jit_aside_begin(struct jit_aside *aside, void (*work)(void *context), void *context)
{
    ASSERT(aside->stack != NULL && !aside->is_begun);
    aside->work = work;
    aside->context = context;
    aside->is_begun = true;
    aside->sp = aside->stack + JIT_STACK_BYTES;
}

bool jit_aside_step(struct jit_aside *aside, i64 *units)
{
    ASSERT(aside->is_begun && *units > 0);
    aside->pace.left = *units;
    visit(aside, aside->is_there ? JIT_STUB_SWAP : JIT_STUB_BEGIN);
    *units = aside->pace.left;
    return !aside->is_begun;
}
