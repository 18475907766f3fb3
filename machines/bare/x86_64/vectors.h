// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/x86_64/vectors.h: which interrupt vector is whose.
#pragma once

enum {
    VECTOR_PIC = 0x20,      // 16 of the old interrupt controller, all masked
    VECTOR_TICK = 0x40,     // local APIC timer
    VECTOR_SPURIOUS = 0xff, // local APIC, spurious
};
