// SPDX-License-Identifier: GPL-3.0-or-later
// Calls and returns, nothing else: doubly recursive.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

static NOINLINE u32 fib(u32 n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

u64 KERNEL_RUN(u32 n)
{
    return fib(n);
}
