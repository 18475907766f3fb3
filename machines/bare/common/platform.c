// SPDX-License-Identifier: GPL-3.0-or-later
// The rest of core/platform.h: words, the end, time, hashes, and the one worker.
#include "core/platform.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "machines/bare/common/console.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/sodium.h"

void platform_log(struct span line)
{
    console_write(line);
    console_write(SPAN_LITERAL("\n"));
}

void platform_halt(int code)
{
    console_flush();
    cpu_halt(code);
}

void machine_panic(struct span why)
{
    static bool panicking;
    if (!panicking) {
        panicking = true;
        console_write(SPAN_LITERAL("redshirt: panic: "));
        platform_log(why);
        console_flush();
    }
    cpu_halt(1);
}

void assert_fail(const char *claim, const char *file, int line)
{
    static char buffer[512];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, file);
    text_char(&text, ':');
    text_i64(&text, line);
    text_string(&text, ": not so: ");
    text_string(&text, claim);
    machine_panic(span_of(text.data, text.size));
}

u64 platform_clock_ns(void)
{
    return cpu_clock_ns();
}

u64 platform_wall_clock_ns(void)
{
    return cpu_wall_clock_ns();
}

void platform_sha256(struct span bytes, u8 out[32])
{
    (void)crypto_hash_sha256(out, bytes.data, bytes.size);
}

u32 platform_worker_count(void)
{
    return 1;
}

// Limit: one CPU works; the others sleep since they were started.
enum err platform_worker_start(u32 index, void (*run)(void *context, u32 index), void *context)
{
    (void)index;
    (void)run;
    (void)context;
    return ERR_UNSUPPORTED;
}

void platform_relax(void)
{
}
