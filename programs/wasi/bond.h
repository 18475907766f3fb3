// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/bond.h: bonds of the adapter, each made when it is first needed: a program that has
// no use for an interface never asks for it.
//
// Use     keep a u32 for each interface, 0 at first.
#pragma once
#include "core/base/types.h"
#include "programs/rt/redshirt.h"

// 0, which is the system's own bond and has no such functions, where none can be made; then it is
// tried again the next time.
static inline u32 bond_to(const struct interface_definition *interface, u32 *bond)
{
    if (*bond == 0) {
        i64 made = rt_bind(interface, false);
        *bond = made < 0 ? 0 : (u32)made;
    }
    return *bond;
}
