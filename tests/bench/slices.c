// SPDX-License-Identifier: GPL-3.0-or-later
// What does it cost that compiled code can be interrupted? Each kernel runs with a tick at the end
// of each slice, at which it is left and gone on with, and without any; both in turns in one run.
// Instructions are counted where the machine lets us, those of signals in user mode included; else
// the thread's CPU time, the shortest of many, which is not as sharp.
//
// Use     slices FOLDER   with FOLDER/NAME.wasm for each kernel
#include "tests/bench/bench.h"
#include "tests/bench/engines.h"
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 5, TURNS = 20, SLICE_US = 10000 };

#define KERNEL(name, n) u64 kernel_##name(u32 count);
#include "tests/bench/kernels/kernels.def"
#undef KERNEL

static const struct kernel_case kernels[] = {
#define KERNEL(name, n) {#name, n, kernel_##name},
#include "tests/bench/kernels/kernels.def"
#undef KERNEL
};

// Counts this thread's instructions in user mode; below 0: the machine does not.
static int counter_open(void)
{
    struct perf_event_attr what;
    memset(&what, 0, sizeof what);
    what.type = PERF_TYPE_HARDWARE;
    what.size = sizeof what;
    what.config = PERF_COUNT_HW_INSTRUCTIONS;
    what.exclude_kernel = 1;
    what.exclude_hv = 1;
    return (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0);
}

static f64 counter_read(int counter)
{
    u64 count = 0;
    return read(counter, &count, sizeof count) == sizeof count ? (f64)count : 0;
}

static f64 run_turns(const struct kernel_case *kernel, u64 expected, void *opened, int counter,
                     u32 tick_us)
{
    u64 result = 0;
    engine_compiled_ticks(tick_us);
    f64 before = counter < 0 ? seconds_now() : counter_read(counter);
    for (u32 turn = 0; turn < TURNS; turn++) { // long enough for several slices
        f64 seconds;
        if (!engine_compiled.run(opened, kernel->n, &result, &seconds) || result != expected) {
            fprintf(stderr, "slices: %s: another checksum than native code's\n", kernel->name);
            exit(1);
        }
    }
    f64 after = counter < 0 ? seconds_now() : counter_read(counter);
    engine_compiled_ticks(0);
    return after - before;
}

int main(int argc, char **argv)
{
    if (argc != 2 || !engine_compiled.is_there()) {
        fprintf(stderr, "use: slices FOLDER, on a machine that runs compiled code\n");
        return 2;
    }
    int counter = counter_open();
    const char *unit = counter < 0 ? "ms" : "million instructions";
    f64 scale = counter < 0 ? 1e3 : 1e-6;
    f64 logs = 0;
    for (size_t i = 0; i < COUNT_OF(kernels); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s.wasm", argv[1], kernels[i].name);
        void *opened = engine_compiled.open(&kernels[i], bench_read(path));
        if (opened == NULL) {
            return 1;
        }
        u64 expected = kernels[i].native(kernels[i].n);
        f64 least[2] = {INFINITY, INFINITY};
        for (u32 round = 0; round < ROUNDS; round++) {
            for (u32 with = 0; with < 2; with++) {
                f64 cost = run_turns(&kernels[i], expected, opened, counter, with ? SLICE_US : 0);
                least[with] = cost < least[with] ? cost : least[with];
            }
        }
        engine_compiled.close(opened);
        printf("| slices: %s | %.3f %s | without %.3f | %.3f | |\n", kernels[i].name,
               least[1] * scale, unit, least[0] * scale, least[1] / least[0]);
        fflush(stdout);
        logs += log(least[1] / least[0]);
    }
    printf("| slices: geometric mean of %zu, by %s | with a tick every %d ms | without | %.3f | at "
           "most 1.01 |\n",
           COUNT_OF(kernels), counter < 0 ? "CPU time" : "instructions", SLICE_US / 1000,
           exp(logs / COUNT_OF(kernels)));
    return 0;
}
