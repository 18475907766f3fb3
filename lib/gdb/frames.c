// SPDX-License-Identifier: GPL-3.0-or-later
// Call stacks as debuggers want them: of an outer frame the address behind its call, where it goes
// on when that returns. A debugger looks for the line one byte before that, and `finish` stops at
// it.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "lib/gdb/internal.h"

// The numbers that follow each instruction that calls.
static const struct call {
    u8 opcode;
    u8 numbers;
} calls[] = {{0x10, 1}, {0x11, 2}, {0x14, 1}}; // call, call_indirect, call_ref

// How long a call is; 0: it is none, or ends outside of `bytes`.
static u32 call_size(struct span bytes)
{
    u8 numbers = 0;
    for (u32 i = 0; i < COUNT_OF(calls); i++) {
        if (bytes.size != 0 && bytes.data[0] == calls[i].opcode) {
            numbers = calls[i].numbers;
        }
    }
    if (numbers == 0) {
        return 0;
    }
    for (u32 i = 1; i < bytes.size; i++) {
        numbers -= bytes.data[i] < 0x80; // the last byte of a LEB128
        if (numbers == 0) {
            return i + 1;
        }
    }
    return 0;
}

void gdb_frames_read(const struct gdb_server *server, struct gdb_frames *out)
{
    const struct gdb_target *target = server->target;
    u32 count = target->frames(target->context, out->at, GDB_FRAMES);
    ASSERT(count <= GDB_FRAMES);
    out->hidden = 0;
    while (server->has_registers && out->hidden < count &&
           out->at[out->hidden].address >= GDB_CODE_ELSEWHERE) {
        out->hidden++;
    }
    out->count = count - out->hidden;
    mem_move(out->at, out->at + out->hidden, out->count * sizeof out->at[0]);
    for (u32 i = 1; i < out->count; i++) {
        u8 bytes[GDB_CALL_BYTES];
        u32 size = target->read(target->context, out->at[i].address, bytes, sizeof bytes);
        ASSERT(size <= sizeof bytes);
        out->at[i].address += call_size(span_of(bytes, size));
    }
}

u64 gdb_pc(const struct gdb_server *server)
{
    struct gdb_frames frames;
    gdb_frames_read(server, &frames);
    return frames.count == 0 ? 0 : frames.at[0].address;
}
