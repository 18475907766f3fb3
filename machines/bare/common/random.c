// SPDX-License-Identifier: GPL-3.0-or-later
// The seed is SHA-256 over everything gathered. A read of the clock counts for 1/32 of a bit of
// chance here, so JITTER_READS give 512 bits; a whole bit was measured in an emulator, and the
// machine's own tests refuse a clock below what is counted on. A hardware generator adds, and is
// never believed alone.
#include "machines/bare/common/random.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/platform.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/sodium.h"

enum { KEY_BYTES = 32, NONCE_BYTES = 8, JITTER_READS = 16384, HARDWARE_WORDS = 16 };

static u8 key[KEY_BYTES];
static bool started;

struct seed {
    u8 carried[KEY_BYTES];
    u64 clock_ns;
    u64 wall_ns;
    u64 hardware[HARDWARE_WORDS];
    u32 jitter[JITTER_READS / 64];
};

// Folds 64 intervals into each word. What is timed walks through memory by what the last interval
// was, so that caches and whatever else runs on the machine take part.
static void gather_jitter(u32 *out, u32 count)
{
    static volatile u8 walk[4096];
    u64 last = cpu_cycles();
    u32 at = 0;
    for (u32 i = 0; i < count; i++) {
        u32 word = 0;
        for (u32 j = 0; j < 64; j++) {
            walk[at & 4095]++;
            u64 now = cpu_cycles();
            u32 step = (u32)(now - last);
            last = now;
            word = (word << 5 | word >> 27) ^ step;
            at = at * 5 + step + 63;
        }
        out[i] = word;
    }
}

void random_start(void)
{
    static struct seed seed;
    mem_copy(seed.carried, key, sizeof key);
    seed.clock_ns = cpu_clock_ns();
    seed.wall_ns = cpu_wall_clock_ns();
    for (u32 i = 0; i < HARDWARE_WORDS && cpu_random(&seed.hardware[i]); i++) {
    }
    gather_jitter(seed.jitter, COUNT_OF(seed.jitter));
    platform_sha256(span_of(&seed, sizeof seed), key);
    mem_zero(&seed, sizeof seed);
    started = true;
}

static void short_fill(u8 *out, size_t size)
{
    static const u8 nonce[NONCE_BYTES];
    static u8 stream[KEY_BYTES + RANDOM_SHORT_BYTES];
    ASSERT(size <= RANDOM_SHORT_BYTES);
    (void)crypto_stream_chacha20(stream, sizeof stream, nonce, key);
    mem_copy(key, stream, KEY_BYTES);
    mem_copy(out, stream + KEY_BYTES, size);
    mem_zero(stream, sizeof stream);
}

void random_fill(void *out, size_t size)
{
    ASSERT(started);
    u8 *next = out;
    while (size > 0) {
        size_t part = size < RANDOM_SHORT_BYTES ? size : RANDOM_SHORT_BYTES;
        short_fill(next, part);
        next += part;
        size -= part;
    }
}

void platform_random(void *out, size_t size)
{
    random_fill(out, size);
}
