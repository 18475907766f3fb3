// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/mach_check.h: is an allocated function the same function as before?
//
// Each operand's place must hold the operand's virtual register at that moment, on every path.
// That is asked backwards: from the operand up through moves and instructions until the place is
// written, which must be by the definition of that virtual register; at the start of a block the
// question goes to all its predecessors, with an argument instead of a parameter.
#pragma once
#include "core/jit/mach.h"

struct mach_error {
    bool found;
    u32 ins; // where
    u32 vreg;
    char words[160];
};

// The first thing that is wrong with an allocated function: a place that breaks its constraint, a
// place that does not hold what it should, a move that no machine can make, a preserved register
// that is not named in preserved_used.
struct mach_error mach_check(const struct mach *mach);

// What allocation cost, in instructions weighted by how often
// their block runs, as guessed from loops and branches.
struct mach_statistics {
    double instructions;
    double moves;  // from register to register
    double loads;  // from slots
    double stores; // to slots
    double constants;
    double from_memory; // operands that are slots
};
struct mach_statistics mach_statistics(const struct mach *mach);
