// SPDX-License-Identifier: GPL-3.0-or-later
// One writer and one reader share each ring without a lock: each moves its own end. The worker
// writes the output and both it and the tick bring it out, so the tick stands back while the worker
// does (`draining`). Positions count on for ever and are reduced where they are used.
#include "machines/bare/common/console.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "machines/bare/common/cpu.h"

enum {
    IN = CONSOLE_INPUT_BYTES,
    OUT = CONSOLE_OUTPUT_BYTES,
    PATIENCE = 10000000, // tries of a line that does not move: seconds
};
STATIC_ASSERT((IN & (IN - 1)) == 0 && (OUT & (OUT - 1)) == 0); // positions wrap as integers do

static u8 in[IN];
static u32 in_end;   // moved by the tick
static u32 in_start; // moved by the worker

static u8 out[OUT];
static u32 out_end;   // moved by the worker
static u32 out_start; // moved by whoever drains
static bool draining;

static u32 load(const u32 *position)
{
    return __atomic_load_n(position, __ATOMIC_ACQUIRE);
}

static void store(u32 *position, u32 value)
{
    __atomic_store_n(position, value, __ATOMIC_RELEASE);
}

static void drain(void)
{
    for (;;) {
        u32 start = load(&out_start);
        u32 size = load(&out_end) - start;
        u32 to_edge = OUT - start % OUT;
        size_t taken =
            size == 0
                ? 0
                : cpu_serial_write(span_of(out + start % OUT, size < to_edge ? size : to_edge));
        if (taken == 0) {
            return;
        }
        store(&out_start, start + (u32)taken);
    }
}

void console_drain(void)
{
    __atomic_store_n(&draining, true, __ATOMIC_SEQ_CST);
    drain();
    __atomic_store_n(&draining, false, __ATOMIC_SEQ_CST);
}

static u32 room(void)
{
    return OUT - (out_end - load(&out_start));
}

size_t console_room(void)
{
    return room() / 2;
}

// Drains until there is room; a line that does not move loses the oldest bytes.
static void make_room(u32 wanted)
{
    u32 patience = PATIENCE;
    while (room() < wanted) {
        console_drain();
        if (room() < wanted && --patience == 0) {
            store(&out_start, out_end);
        }
    }
}

static void put(u8 byte)
{
    make_room(1);
    out[out_end % OUT] = byte;
    store(&out_end, out_end + 1);
}

void console_write(struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == '\n') {
            put('\r');
        }
        put(bytes.data[i]);
    }
    console_drain();
}

void console_flush(void)
{
    make_room(OUT);
}

size_t console_read(u8 *to, size_t size, u8 stop)
{
    u32 end = load(&in_end);
    size_t count = 0;
    while (count < size && in_start != end) {
        to[count] = in[in_start % IN];
        store(&in_start, in_start + 1);
        if (to[count++] == stop) {
            break;
        }
    }
    return count;
}

bool console_has_input(void)
{
    return load(&in_end) != load(&in_start);
}

bool console_poll(void)
{
    bool came = false;
    for (;;) {
        int byte = cpu_serial_read();
        if (byte < 0) {
            break;
        }
        if (in_end - load(&in_start) < IN) {
            in[in_end % IN] = (u8)byte;
            store(&in_end, in_end + 1);
            came = true;
        }
    }
    if (!__atomic_load_n(&draining, __ATOMIC_SEQ_CST)) {
        drain();
    }
    return came;
}
