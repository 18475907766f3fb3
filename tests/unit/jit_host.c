// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/jit_host.h"
#include "core/base/assert.h"
#include "core/jit/limits.h"
#include "core/jit/thread.h"
#include "core/kernel/jit_platform.h"
#include "core/platform.h"
#include "core/wasm/limits.h"
#include "machines/hosted/platform.h"
#include <sched.h>
#include <unistd.h>

void platform_relax(void)
{
    (void)sched_yield();
}

static bool interrupted(void *context, enum platform_interrupt what, u64 address,
                        struct registers *registers)
{
    struct jit_host *host = context;
    bool done =
        jit_interrupt(&host->space, registers, jit_fault_of(what), address) == JIT_INTERRUPT_DONE;
    if (what == PLATFORM_TICK) {
        __atomic_fetch_add(done ? &host->ticks : &host->misses, 1, __ATOMIC_RELAXED);
    }
    return done;
}

enum err jit_host_open(struct jit_host *host, const struct jit_target *target,
                       struct memory *memory)
{
    struct platform_cpu_facts facts = platform_cpu_facts();
    struct jit_options options = {
        .segment = facts.has_segment,
        .features = facts.features,
    };
    *host = (struct jit_host){0};
    TRY(jit_space_init(&host->space, &jit_platform_pages, target, &options, memory));
    TRY(hosted_interrupts_open(0));
    return platform_interrupts(interrupted, host);
}

void jit_host_close(struct jit_host *host)
{
    jit_host_storm(host, 0);
    enum err err = platform_interrupts(NULL, NULL);
    ASSERT(err == ERR_OK);
    hosted_interrupts_close(0);
    jit_space_drop(&host->space);
}

static void *storm_run(void *context)
{
    struct jit_host *host = context;
    while (!__atomic_load_n(&host->stops, __ATOMIC_RELAXED)) {
        hosted_interrupts_tick(0);
        (void)usleep(host->storm_us);
    }
    return NULL;
}

void jit_host_storm(struct jit_host *host, u32 every_us)
{
    if (host->storm_us != 0) {
        __atomic_store_n(&host->stops, true, __ATOMIC_RELAXED);
        int failed = pthread_join(host->storm, NULL);
        ASSERT(failed == 0);
    }
    host->storm_us = every_us;
    __atomic_store_n(&host->stops, false, __ATOMIC_RELAXED);
    if (every_us != 0) {
        int failed = pthread_create(&host->storm, NULL, storm_run, host);
        ASSERT(failed == 0);
    }
}

enum err jit_host_memory_create(struct wasm_store *self, u32 page_count, u32 *pages_max, u8 **base)
{
    (void)pages_max;
    u8 *start = platform_guarded_reserve(JIT_RESERVED_BYTES);
    if (start == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err = self->memory_grow(self, start, 0, page_count);
    if (err != ERR_OK) {
        platform_pages_release(start, JIT_RESERVED_BYTES);
        return err;
    }
    *base = start;
    return ERR_OK;
}

enum err jit_host_memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new)
{
    (void)self;
    u64 bytes = (u64)(pages_new - pages_old) * WASM_PAGE_BYTES;
    return bytes == 0 ? ERR_OK
                      : platform_guarded_commit(base + (u64)pages_old * WASM_PAGE_BYTES, bytes);
}

void jit_host_memory_destroy(struct wasm_store *self, u8 *base, u32 page_count, u32 pages_max)
{
    (void)self;
    (void)page_count;
    (void)pages_max;
    platform_pages_release(base, JIT_RESERVED_BYTES);
}
