// SPDX-License-Identifier: GPL-3.0-or-later
// Packets out of a stream: `$content#xx`, and a byte 3 between two of them, which interrupts.
#include "core/base/assert.h"
#include "lib/gdb/internal.h"

enum state { BETWEEN, INSIDE, ESCAPED, SUM_HIGH, SUM_LOW };
enum { INTERRUPT = 3, NO_DIGIT = 16 };

static u8 digit(u8 byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : NO_DIGIT;
}

bool gdb_packet_word(struct span *in, const char *word)
{
    struct span want = span_string(word);
    if (in->size < want.size || !mem_equal(in->data, want.data, want.size)) {
        return false;
    }
    *in = span_slice(*in, want.size, in->size);
    return true;
}

bool gdb_packet_number(struct span *in, u64 *out)
{
    enum { DIGITS = 16 };
    size_t count = 0;
    u64 value = 0;
    while (count < in->size && digit(in->data[count]) != NO_DIGIT) {
        if (count == DIGITS) {
            return false;
        }
        value = value << 4 | digit(in->data[count++]);
    }
    *in = span_slice(*in, count, in->size);
    *out = value;
    return count > 0;
}

bool gdb_packet_decimal(struct span *in, u32 *out)
{
    size_t count = 0;
    u64 value = 0;
    while (count < in->size && in->data[count] >= '0' && in->data[count] <= '9') {
        value = value * 10 + (in->data[count++] - '0');
        if (value > UINT32_MAX) {
            return false;
        }
    }
    *in = span_slice(*in, count, in->size);
    *out = (u32)value;
    return count > 0;
}

i64 gdb_packet_bytes(struct span in, u8 *out, size_t size)
{
    if (in.size % 2 != 0 || in.size / 2 > size) {
        return -1;
    }
    for (size_t i = 0; i < in.size / 2; i++) {
        u8 high = digit(in.data[2 * i]);
        u8 low = digit(in.data[2 * i + 1]);
        if (high == NO_DIGIT || low == NO_DIGIT) {
            return -1;
        }
        out[i] = (u8)(high << 4 | low);
    }
    return (i64)(in.size / 2);
}

// ---- the stream

static void acknowledge(struct gdb_server *server, u8 byte)
{
    if (server->acknowledges) {
        server->out[server->out_size++] = byte;
    }
}

// The packet is whole.
static void end(struct gdb_server *server)
{
    server->state = BETWEEN;
    if (server->acknowledges && server->sum != server->wanted_sum) {
        acknowledge(server, '-');
        return;
    }
    server->has_spoken = true;
    acknowledge(server, '+');
    if (server->is_too_long) {
        gdb_answer_string(server, "E01");
    } else {
        gdb_command(server, span_of(server->packet, server->packet_size));
    }
}

static void keep(struct gdb_server *server, u8 byte)
{
    server->is_too_long |= server->packet_size == sizeof server->packet;
    if (!server->is_too_long) {
        server->packet[server->packet_size++] = byte;
    }
}

// What one byte of the stream does. True: a packet ends with it, or it is one itself.
static bool take(struct gdb_server *server, u8 byte)
{
    switch ((enum state)server->state) {
    case BETWEEN:
        if (byte == '$') {
            server->state = INSIDE;
            server->sum = 0;
            server->packet_size = 0;
            server->is_too_long = false;
        } else if (byte == INTERRUPT && server->waits) {
            server->target->interrupt(server->target->context);
            return true;
        } else if (!server->has_spoken && byte != '+' && byte != INTERRUPT) {
            server->is_over = true;
            return true;
        }
        return false; // acknowledgements, and noise
    case INSIDE:
    case ESCAPED:
        if (byte == '#') {
            server->state = SUM_HIGH;
            return false;
        }
        server->sum += byte;
        if (server->state == INSIDE && byte == '}') {
            server->state = ESCAPED;
        } else {
            keep(server, server->state == ESCAPED ? byte ^ 0x20 : byte);
            server->state = INSIDE;
        }
        return false;
    case SUM_HIGH:
        server->wanted_sum = (u8)(digit(byte) << 4);
        server->state = SUM_LOW;
        return false;
    case SUM_LOW:
        server->wanted_sum |= digit(byte) & 15;
        end(server);
        return true;
    }
    ASSERT(false);
    return false;
}

void gdb_server_begin(struct gdb_server *server, const struct gdb_target *target)
{
    server->target = target;
    server->out_size = 0;
    server->is_over = false;
    server->has_spoken = false;
    server->acknowledges = true;
    server->lists_threads = false;
    server->waits = false;
    server->asks_registers = false;
    server->has_registers = false;
    server->state = BETWEEN;
}

size_t gdb_server_take(struct gdb_server *server, struct span bytes)
{
    ASSERT(server->out_size == 0);
    for (size_t i = 0; i < bytes.size; i++) {
        if (server->is_over) {
            break;
        }
        if (take(server, bytes.data[i])) {
            return i + 1;
        }
    }
    return bytes.size;
}

void gdb_server_stopped(struct gdb_server *server)
{
    ASSERT(server->out_size == 0);
    struct gdb_stop stop = server->target->stop(server->target->context);
    if (server->waits && stop.state != GDB_RUNS) {
        gdb_stop_tell(server, &stop);
    }
}
