// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/rt/thread.h"
#include "core/base/assert.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "interfaces/system_section.h"
#include "programs/rt/redshirt.h"

enum { STACK_ALIGN = 16, NO_TIMEOUT = -1, ALL = -1 };

i64 rt_thread_start(struct rt_thread *thread, void *stack, u32 stack_bytes,
                    void (*run)(void *context), void *context)
{
    uintptr_t top = (uintptr_t)stack + stack_bytes;
    *thread = (struct rt_thread){
        .stack_top = (u32)(top - top % STACK_ALIGN),
        .run = run,
        .context = context,
    };
    struct system_spawn_thread_call call = {.argument = (u32)(uintptr_t)thread};
    struct system_result_u32_error result;
    i64 error = system_spawn_thread(RT_SYSTEM_BOND, &call, &result);
    if (error < 0) {
        return error;
    }
    return result.ok ? (i64)result.value : E_LIMIT;
}

void rt_thread_join(struct rt_thread *thread)
{
    while (__atomic_load_n(&thread->is_done, __ATOMIC_ACQUIRE) == 0) {
        (void)__builtin_wasm_memory_atomic_wait32((int *)&thread->is_done, 0, NO_TIMEOUT);
    }
}

// On the thread's own stack from here on.
NOINLINE static void run_thread(struct rt_thread *thread)
{
    thread->run(thread->context);
    __atomic_store_n(&thread->is_done, 1, __ATOMIC_RELEASE);
    (void)__builtin_wasm_memory_atomic_notify((int *)&thread->is_done, (u32)ALL);
}

__attribute__((export_name("wasi_thread_start"))) void wasi_thread_start(u32 number, u32 argument);

// Uses no stack before it has one: each instance begins with the first thread's.
void wasi_thread_start(u32 number, u32 argument)
{
    (void)number;
    struct rt_thread *thread = (struct rt_thread *)(uintptr_t)argument;
    __asm__ volatile(".globaltype __stack_pointer, i32\n"
                     "local.get %0\n"
                     "global.set __stack_pointer\n"
                     :
                     : "r"(thread->stack_top));
    run_thread(thread);
}

// ---- a mutex of one word: who finds it taken says that somebody waits, and waits

void rt_mutex_lock(struct rt_mutex *mutex)
{
    u32 before = 0;
    if (__atomic_compare_exchange_n(&mutex->word, &before, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED)) {
        return;
    }
    while (__atomic_exchange_n(&mutex->word, 2, __ATOMIC_ACQUIRE) != 0) {
        (void)__builtin_wasm_memory_atomic_wait32((int *)&mutex->word, 2, NO_TIMEOUT);
    }
}

void rt_mutex_unlock(struct rt_mutex *mutex)
{
    if (__atomic_exchange_n(&mutex->word, 0, __ATOMIC_RELEASE) == 2) {
        (void)__builtin_wasm_memory_atomic_notify((int *)&mutex->word, 1);
    }
}
