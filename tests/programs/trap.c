// SPDX-License-Identifier: GPL-3.0-or-later
// Traps in the way that its first argument names; with another, leaves with code 3.
#include "programs/rt/redshirt.h"

NOINLINE static u32 recurse(u32 depth)
{
    volatile u8 frame[64];
    frame[depth % sizeof frame] = (u8)depth;
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + frame[0];
}

NOINLINE static u32 divide(u32 by)
{
    return 1000 / by;
}

NOINLINE static u32 call_null(u32 (*function)(void))
{
    return function();
}

NOINLINE static u32 load(const volatile u32 *from)
{
    return *from;
}

NOINLINE static void stop_here(void)
{
    __builtin_trap();
}

u32 program_main(void)
{
    volatile u32 zero = 0;
    struct span how = rt_argument(1);
    if (span_equal(how, SPAN_LITERAL("unreachable"))) {
        stop_here();
    } else if (span_equal(how, SPAN_LITERAL("recurse"))) {
        return recurse(0);
    } else if (span_equal(how, SPAN_LITERAL("divide"))) {
        return divide(zero);
    } else if (span_equal(how, SPAN_LITERAL("memory"))) {
        return load((const volatile u32 *)(uintptr_t)(0xfffffff0u + zero));
    } else if (span_equal(how, SPAN_LITERAL("table"))) {
        return call_null((u32(*)(void))(uintptr_t)zero);
    }
    return 3;
}
