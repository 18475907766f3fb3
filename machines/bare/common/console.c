// SPDX-License-Identifier: GPL-3.0-or-later
// One writer (the tick) and one reader (the worker) share the ring of input without a lock: each moves its own end.
#include "machines/bare/common/console.h"
#include "core/base/compiler.h"
#include "machines/bare/common/cpu.h"

_Static_assert((CONSOLE_INPUT_BYTES & (CONSOLE_INPUT_BYTES - 1)) == 0,
               "positions wrap as integers do");

static u8 ring[CONSOLE_INPUT_BYTES];
static u32 written; // by the tick only
static u32 taken;   // by the worker only

void console_write(struct span bytes)
{
    size_t start = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == '\n') {
            cpu_serial_write(span_slice(bytes, start, i));
            cpu_serial_write(SPAN_LITERAL("\r\n"));
            start = i + 1;
        }
    }
    cpu_serial_write(span_slice(bytes, start, bytes.size));
}

size_t console_read(u8 *out, size_t size)
{
    u32 end = __atomic_load_n(&written, __ATOMIC_ACQUIRE);
    size_t count = 0;
    while (count < size && taken != end) {
        out[count++] = ring[taken % CONSOLE_INPUT_BYTES];
        __atomic_store_n(&taken, taken + 1, __ATOMIC_RELEASE);
    }
    return count;
}

bool console_has_input(void)
{
    return __atomic_load_n(&written, __ATOMIC_ACQUIRE) != taken;
}

void console_poll(void)
{
    for (;;) {
        u32 end = written;
        int byte = cpu_serial_read();
        if (byte < 0) {
            return;
        }
        if (end - __atomic_load_n(&taken, __ATOMIC_ACQUIRE) < CONSOLE_INPUT_BYTES) {
            ring[end % CONSOLE_INPUT_BYTES] = (u8)byte;
            __atomic_store_n(&written, end + 1, __ATOMIC_RELEASE);
        }
    }
}
