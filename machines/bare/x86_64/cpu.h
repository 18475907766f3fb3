// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/x86_64/cpu.h: what the files of this folder share: instructions that C has no words
// for, and the steps of cpu_start.
#pragma once
#include "core/base/types.h"

static inline void port_write8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 port_read8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write32(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline u64 msr_read(u32 number)
{
    u32 low;
    u32 high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (u64)high << 32 | low;
}

static inline void msr_write(u32 number, u64 value)
{
    __asm__ volatile("wrmsr" ::"c"(number), "a"((u32)value), "d"((u32)(value >> 32)));
}

// The time stamp counter, after all that came before.
static inline u64 tsc_read(void)
{
    u32 low;
    u32 high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (u64)high << 32 | low;
}

struct cpuid {
    u32 a;
    u32 b;
    u32 c;
    u32 d;
};

static inline struct cpuid cpuid(u32 leaf)
{
    struct cpuid out;
    __asm__ volatile("cpuid"
                     : "=a"(out.a), "=b"(out.b), "=c"(out.c), "=d"(out.d)
                     : "a"(leaf), "c"(0));
    return out;
}

// Descriptor tables: after it, exceptions print and halt. (tables.c)
void tables_start(void);
// Before frames_init: makes memory above 4 GiB reachable where the CPU can. (mmu.c)
void mmu_extend(void);
// Protects the image, page 0 and the stack's guard.
void mmu_start(void);
// Registers of a device below 4 GiB are not cached.
void mmu_uncache(u64 at);
// Clock and tick. (clock.c)
void clock_start(void);
