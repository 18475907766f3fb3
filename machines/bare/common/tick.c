// SPDX-License-Identifier: GPL-3.0-or-later
// The tick runs on the CPU of the one worker, in the middle of anything. What both touch is written
// so that the tick sees it whole: the flag's address comes last, and goes first.
#include "machines/bare/common/tick.h"
#include "core/base/assert.h"
#include "core/platform.h"
#include "machines/bare/common/console.h"
#include "machines/bare/common/cpu.h"

static bool *slice_flag; // NULL: no slice runs
static u64 slice_end_ns;
static bool alarm_set; // alarm_ns counts
static u64 alarm_ns;
static bool woken;
static u64 ticks;

static void end_slice(bool *flag)
{
    if (flag != NULL) {
        __atomic_store_n(flag, true, __ATOMIC_RELAXED);
        __atomic_store_n(&slice_flag, NULL, __ATOMIC_RELAXED);
    }
}

void machine_tick(u64 now_ns)
{
    __atomic_store_n(&ticks, ticks + 1, __ATOMIC_RELAXED);
    bool *flag = __atomic_load_n(&slice_flag, __ATOMIC_RELAXED);
    bool has_alarm = __atomic_load_n(&alarm_set, __ATOMIC_RELAXED) && now_ns >= alarm_ns;
    if (console_poll() || has_alarm) { // a device has something to do
        __atomic_store_n(&alarm_set, false, __ATOMIC_RELAXED);
        __atomic_store_n(&woken, true, __ATOMIC_RELAXED);
        end_slice(flag);
    } else if (flag != NULL && now_ns >= slice_end_ns) {
        end_slice(flag);
    }
}

void tick_alarm(u64 deadline_ns)
{
    __atomic_store_n(&alarm_set, false, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    alarm_ns = deadline_ns;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&alarm_set, deadline_ns != UINT64_MAX, __ATOMIC_RELAXED);
}

u64 tick_count(void)
{
    return __atomic_load_n(&ticks, __ATOMIC_RELAXED);
}

void platform_slice(u32 index, u64 slice_ns, bool *flag)
{
    ASSERT(index == 0);
    __atomic_store_n(&slice_flag, NULL, __ATOMIC_RELAXED);
    if (slice_ns == 0) {
        return;
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    slice_end_ns = cpu_clock_ns() + slice_ns;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&slice_flag, flag, __ATOMIC_RELAXED);
}

void platform_wait(u32 index, u64 deadline_ns)
{
    ASSERT(index == 0);
    while (!__atomic_load_n(&woken, __ATOMIC_RELAXED) && cpu_clock_ns() < deadline_ns) {
        cpu_sleep(&woken);
    }
    __atomic_store_n(&woken, false, __ATOMIC_RELAXED);
}

void platform_wake(u32 index)
{
    ASSERT(index == 0);
    __atomic_store_n(&woken, true, __ATOMIC_RELAXED);
}
