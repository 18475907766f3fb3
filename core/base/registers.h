// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/registers.h: what a CPU's registers hold at a moment: how a machine tells of a program
// that it has interrupted. Numbered as the CPU's instructions number them.
#pragma once
#include "core/base/types.h"

enum { REGISTERS_INTEGER = 32, REGISTERS_VECTOR = 32 };

struct registers {
    u64 integer[REGISTERS_INTEGER];
    u64 pc;
    u64 flags;
    u64 vector[REGISTERS_VECTOR][2];
};
