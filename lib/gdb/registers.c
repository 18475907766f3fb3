// SPDX-License-Identifier: GPL-3.0-or-later
// A frame of WebAssembly as registers and memory, for debuggers that know no more than those. Each
// frame has a record, at an address that follows from its place: pc and the address of its caller's
// record, 8 bytes each, then its registers, 16 bytes each. The image says that a frame's registers
// are saved there, so that a debugger that unwinds a stack reads record after record. There is no
// such memory: what is read is put together, and what lies between records is zero.
#include "core/base/assert.h"
#include "lib/gdb/internal.h"

#define RECORD_ROOM ((u64)1 << 20)
enum { UNIT_BYTES = 16 };
// On the wire registers are counted in this order; the image's follow.
enum { WIRE_PC, WIRE_CALLER, WIRE_GLOBALS, WIRE_OTHERS = WIRE_GLOBALS + GDB_GLOBALS };

static struct gdb_image image_of(const struct gdb_server *server)
{
    const struct gdb_target *target = server->target;
    if (target->stop(target->context).state != GDB_STOPPED) {
        return (struct gdb_image){0};
    }
    return target->image(target->context);
}

// The record of a frame; of the outermost's caller, which has none, one of zeros.
static u64 record_at(const struct gdb_frames *frames, u32 frame)
{
    u64 number = frame < frames->count ? frames->at[frame].place + 2 : 1;
    return GDB_CODE - number * RECORD_ROOM;
}

static void value_read(const struct gdb_server *server, enum gdb_value what, u32 frame, u32 index,
                       u8 out[UNIT_BYTES])
{
    u8 bytes[UNIT_BYTES] = {0};
    u32 size = server->target->value(server->target->context, what, frame, index, bytes);
    ASSERT(size <= sizeof bytes);
    mem_zero(out, UNIT_BYTES);
    mem_copy(out, bytes, size);
}

// A local or an operand, by its number in the image; 0 where the frame has none.
static void other_read(const struct gdb_server *server, u32 frame, u32 number, u8 out[UNIT_BYTES])
{
    bool is_operand = number >= GDB_REGISTER_OPERANDS && number < GDB_REGISTER_LOCALS_AGAIN;
    value_read(server, is_operand ? GDB_OPERAND : GDB_LOCAL, frame,
               is_operand ? number - GDB_REGISTER_OPERANDS : number, out);
}

static void unit_read(const struct gdb_server *server, const struct gdb_frames *frames, u32 frame,
                      u32 unit, u8 out[UNIT_BYTES])
{
    if (unit != 0) {
        other_read(server, frames->hidden + frame, unit - 1, out);
        return;
    }
    u64 caller = record_at(frames, frame + 1);
    mem_copy(out, &frames->at[frame].address, sizeof caller);
    mem_copy(out + sizeof caller, &caller, sizeof caller);
}

// Reads what the range [address, address + size) has of one record.
static void record_read(const struct gdb_server *server, const struct gdb_frames *frames, u32 frame,
                        u32 units, u64 address, u8 *to, u32 size)
{
    for (u32 i = 0; i < units; i++) {
        u64 start = record_at(frames, frame) + (u64)i * UNIT_BYTES;
        if (start + UNIT_BYTES <= address || start >= address + size) {
            continue;
        }
        u8 unit[UNIT_BYTES];
        unit_read(server, frames, frame, i, unit);
        for (u32 at = 0; at < UNIT_BYTES; at++) {
            if (start + at >= address && start + at < address + size) {
                to[start + at - address] = unit[at];
            }
        }
    }
}

static u32 records_read(const struct gdb_server *server, u64 address, u8 *to, u32 size)
{
    struct gdb_frames frames;
    gdb_frames_read(server, &frames);
    u32 units = 1 + image_of(server).register_count;
    ASSERT(units <= RECORD_ROOM / UNIT_BYTES);
    size = size < GDB_CODE - address ? size : (u32)(GDB_CODE - address);
    mem_zero(to, size);
    for (u32 frame = 0; frame < frames.count; frame++) {
        record_read(server, &frames, frame, units, address, to, size);
    }
    return size;
}

u32 gdb_memory_read(struct gdb_server *server, u64 address, u8 *to, u32 size)
{
    if (server->has_registers && address >= GDB_CODE && address < GDB_CODE_ELSEWHERE) {
        struct span bytes = image_of(server).bytes;
        u64 offset = address - GDB_CODE;
        u64 left = offset < bytes.size ? bytes.size - offset : 0;
        u32 done = size < left ? size : (u32)left;
        if (done != 0) {
            mem_copy(to, bytes.data + offset, done);
        }
        return done;
    }
    if (server->has_registers && address >= GDB_RECORDS && address < GDB_CODE) {
        return records_read(server, address, to, size);
    }
    return server->target->read(server->target->context, address, to, size);
}

// ---- what they are

static void name_put(struct text *text, const char *name, u64 number)
{
    text_string(text, name);
    text_u64(text, number);
}

// Its name and its number in the image.
static void register_name(struct text *text, u64 number)
{
    u64 named = 0;
    text_string(text, "name:");
    if (number == WIRE_PC || number == WIRE_CALLER) {
        text_string(text, number == WIRE_PC ? "pc;generic:pc" : "caller;generic:sp");
        named = number == WIRE_PC ? GDB_REGISTER_PC : GDB_REGISTER_CALLER;
    } else if (number < WIRE_OTHERS) {
        name_put(text, "global", number - WIRE_GLOBALS);
        named = GDB_REGISTER_GLOBALS + number - WIRE_GLOBALS;
    } else {
        named = number - WIRE_OTHERS;
        bool is_operand = named >= GDB_REGISTER_OPERANDS && named < GDB_REGISTER_LOCALS_AGAIN;
        name_put(text, is_operand ? "operand" : "local",
                 is_operand ? named - GDB_REGISTER_OPERANDS : named);
    }
    name_put(text, ";gcc:", named);
    name_put(text, ";dwarf:", named);
}

void gdb_register_info(struct gdb_server *server, u64 number)
{
    struct gdb_answer answer;
    struct gdb_image image = image_of(server);
    u64 count = image.bytes.size == 0 ? 1 : WIRE_OTHERS + image.register_count;
    if (number >= count) {
        gdb_answer_string(server, "E45"); // the end of the list
        return;
    }
    gdb_answer_begin(&answer);
    register_name(&answer.text, number);
    name_put(&answer.text, ";offset:", number * sizeof(u64));
    text_string(&answer.text, ";bitsize:64;encoding:uint;format:hex;"
                              "set:General Purpose Registers;");
    gdb_answer_send(server, &answer);
}

void gdb_register_read(struct gdb_server *server, u64 number)
{
    struct gdb_answer answer;
    struct gdb_frames frames;
    struct gdb_image image = image_of(server);
    u64 count = image.bytes.size == 0 ? 1 : WIRE_OTHERS + image.register_count;
    u8 bytes[UNIT_BYTES] = {0};
    if (number >= count) {
        gdb_answer_string(server, "E01");
        return;
    }
    gdb_frames_read(server, &frames);
    if (number < WIRE_GLOBALS && frames.count != 0) {
        u8 unit[UNIT_BYTES];
        unit_read(server, &frames, 0, 0, unit);
        mem_copy(bytes, unit + number * sizeof(u64), sizeof(u64));
    } else if (number >= WIRE_GLOBALS && number < WIRE_OTHERS) {
        value_read(server, GDB_GLOBAL, frames.hidden, (u32)number - WIRE_GLOBALS, bytes);
    } else if (number >= WIRE_OTHERS) {
        other_read(server, frames.hidden, (u32)number - WIRE_OTHERS, bytes);
    }
    gdb_answer_begin(&answer);
    text_hex_bytes(&answer.text, span_of(bytes, sizeof(u64)));
    gdb_answer_send(server, &answer);
}

bool gdb_registers_used(struct gdb_server *server)
{
    if (server->asks_registers && image_of(server).bytes.size != 0) {
        server->has_registers = true;
    }
    return server->has_registers;
}
