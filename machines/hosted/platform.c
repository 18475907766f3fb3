// SPDX-License-Identifier: GPL-3.0-or-later
// Words, clocks and chance of core/platform.h; workers are in workers.c, memory in pages.c.
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/platform.h"

enum { LOG_PATIENCE_MS = 100 }; // how long a line waits for a stderr that nobody reads
enum { RANDOM_DIRECT_BYTES = 256 };

void platform_log(struct span line)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&ready, 1, LOG_PATIENCE_MS) != 1 || (ready.revents & POLLOUT) == 0) {
        return; // words that nobody can read must not hold up a worker
    }
    struct iovec parts[2] = {{(void *)line.data, line.size}, {(void *)"\n", 1}};
    if (writev(STDERR_FILENO, parts, 2) < 0) {
        return; // stderr is gone: there is nobody to tell
    }
}

void platform_halt(int code)
{
    _exit(code);
}

static u64 clock_read(clockid_t which)
{
    struct timespec now;
    int failed = clock_gettime(which, &now);
    ASSERT(failed == 0);
    return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

u64 platform_clock_ns(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

u64 platform_wall_clock_ns(void)
{
    return clock_read(CLOCK_REALTIME);
}

// The host's own generator takes 3 ns for each byte; long runs of bytes are drawn from
// ChaCha20 with a key of the host's that nobody keeps.
void platform_random(void *out, size_t size)
{
    if (size <= RANDOM_DIRECT_BYTES) {
        randombytes_buf(out, size);
        return;
    }
    u8 seed[randombytes_SEEDBYTES];
    randombytes_buf(seed, sizeof seed);
    randombytes_buf_deterministic(out, size, seed);
    sodium_memzero(seed, sizeof seed);
}
