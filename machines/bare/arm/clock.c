// SPDX-License-Identifier: GPL-3.0-or-later
// Clock and tick are the virtual counter and timer that every core has. The file is compiled for
// general registers only, because the tick runs in the middle of anything.
// Source  ARM Architecture Reference Manual ARMv7-A, B8.1; "Quad-A7 control", sections 3.1 and 4.6.
#include "core/base/assert.h"
#include "machines/bare/arm/cpu.h"
#include "machines/bare/common/cpu.h"

enum { LOCAL_TIMER_CONTROL = BOARD_LOCAL + 0x40, TIMER_VIRTUAL = 1 << 3, BOARD_HZ = 19200000 };

static u64 start;
static u64 ns_per_count; // times 2^32
static u32 counts_per_tick;
static u64 next_tick;

void cpu_tick(void);

static u64 counter_read(void)
{
    u32 low;
    u32 high;
    __asm__ volatile("isb; mrrc p15, 1, %0, %1, c14" : "=r"(low), "=r"(high)::"memory");
    return (u64)high << 32 | low;
}

static void tick_at(u64 count)
{
    next_tick = count;
    __asm__ volatile("mcrr p15, 3, %0, %1, c14" ::"r"((u32)count), "r"((u32)(count >> 32)));
}

void clock_start(void)
{
    u32 hz;
    __asm__ volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(hz));
    hz = hz == 0 ? BOARD_HZ : hz;
    ns_per_count = ((u64)1000000000 << 32) / hz;
    counts_per_tick = hz / TICK_HZ;
    ASSERT(counts_per_tick != 0);
    start = counter_read();
    __asm__ volatile("mcr p15, 0, %0, c9, c12, 0" ::"r"(1)); // cycle counter: on
    __asm__ volatile("mcr p15, 0, %0, c9, c12, 1" ::"r"(1u << 31));
    device_write(LOCAL_TIMER_CONTROL, TIMER_VIRTUAL);
    tick_at(start + counts_per_tick);
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 1; isb" ::"r"(1)); // timer: on
    __asm__ volatile("cpsie i" ::: "memory");
}

// counts * ns_per_count / 2^32, in four parts because the product has up to 100 bits.
static u64 ns_of(u64 counts)
{
    u64 low = (u32)counts;
    u64 high = counts >> 32;
    u64 rate_low = (u32)ns_per_count;
    u64 rate_high = ns_per_count >> 32;
    return (low * rate_low >> 32) + low * rate_high + high * rate_low + (high * rate_high << 32);
}

u64 cpu_clock_ns(void)
{
    return ns_of(counter_read() - start);
}

// The board has no clock that runs while it is off.
u64 cpu_wall_clock_ns(void)
{
    return 0;
}

u64 cpu_cycles(void)
{
    u32 cycles;
    __asm__ volatile("isb; mrc p15, 0, %0, c9, c13, 0" : "=r"(cycles)::"memory");
    return cycles;
}

void cpu_tick(void)
{
    u64 now = counter_read();
    u64 next = next_tick + counts_per_tick;
    tick_at(next > now ? next
                       : now + counts_per_tick); // ticks that were missed are not made up for
    machine_tick(ns_of(now - start));
}

void cpu_sleep(const bool *flag)
{
    __asm__ volatile("cpsid i" ::: "memory");
    if (!__atomic_load_n(flag, __ATOMIC_RELAXED)) {
        __asm__ volatile("dsb; wfi" ::
                             : "memory"); // an interrupt that is pending ends it, also masked
    }
    __asm__ volatile("cpsie i" ::: "memory");
}
