// SPDX-License-Identifier: GPL-3.0-or-later
// f64 in registers: the Mandelbrot set, and a series summed term by term.
#include "tests/bench/kernels/kernel.h"

static u32 escape(f64 x0, f64 y0)
{
    f64 x = 0, y = 0;
    u32 steps = 0;
    while (x * x + y * y <= 4 && steps < 200) {
        f64 next = x * x - y * y + x0;
        y = 2 * x * y + y0;
        x = next;
        steps++;
    }
    return steps;
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    for (u32 row = 0; row < n; row++) {
        for (u32 column = 0; column < n; column++) {
            sum += escape(-2.0 + 2.5 * column / n, -1.25 + 2.5 * row / n);
        }
    }
    f64 series = 0;
    for (u32 i = 0; i < n * 256; i++) {
        series += (i & 1 ? -4.0 : 4.0) / (2.0 * i + 1);
    }
    return kernel_fold(sum, kernel_bits(series));
}
