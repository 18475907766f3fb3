// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/arm/cpu.h: what the files of this folder share: the board's addresses and the steps
// of cpu_start.
//
// Source  "BCM2835 ARM Peripherals" (with the base of the BCM2836), "Quad-A7 control" (ARM-local
//         peripherals).
#pragma once
#include "core/base/types.h"

enum {
    BOARD_DEVICES = 0x3f000000,
    BOARD_MAILBOX = BOARD_DEVICES + 0xb880,
    BOARD_RANDOM = BOARD_DEVICES + 0x104000,
    BOARD_PINS = BOARD_DEVICES + 0x200000,
    BOARD_SERIAL = BOARD_DEVICES + 0x201000,
    BOARD_LOCAL = 0x40000000, // timers and interrupts of the four cores
};

static inline u32 device_read(u32 at)
{
    u32 value = *(volatile u32 *)(uintptr_t)at;
    __asm__ volatile("dmb" ::: "memory");
    return value;
}

static inline void device_write(u32 at, u32 value)
{
    __asm__ volatile("dmb" ::: "memory");
    *(volatile u32 *)(uintptr_t)at = value;
}

// Asks the debugger or emulator that runs us; -1 when there is none.
u32 semihosting(u32 operation, void *block);

// First of all: memory is cached and may be accessed at any alignment. (mmu.c)
void mmu_enable(void);
// Protects the image, page 0 and the stack's guard.
void mmu_start(void);
// Clock and tick. (clock.c)
void clock_start(void);
