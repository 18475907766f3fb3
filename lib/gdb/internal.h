// SPDX-License-Identifier: GPL-3.0-or-later
// lib/gdb/internal.h: what the files of this row share.
#pragma once
#include "core/base/text.h"
#include "lib/gdb/server.h"

// ---- answer.c: content of one packet, to be sent as a whole

struct gdb_answer {
    char bytes[GDB_PACKET_BYTES + 1];
    struct text text;
};
void gdb_answer_begin(struct gdb_answer *answer);
// A number as hexadecimal of its bytes, the lowest first.
void gdb_answer_little(struct gdb_answer *answer, u64 value);
// Frames it and puts it into `out`; what does not fit there is our own fault.
void gdb_answer_send(struct gdb_server *server, const struct gdb_answer *answer);
void gdb_answer_string(struct gdb_server *server, const char *string);

// ---- packet.c: reading what a packet says

// Takes a word off the front of what is left. False: it does not begin so.
bool gdb_packet_word(struct span *in, const char *word);
// A hexadecimal number of 1 to 16 digits.
bool gdb_packet_number(struct span *in, u64 *out);
bool gdb_packet_decimal(struct span *in, u32 *out);
// All that is left, as hexadecimal of bytes. How many; -1: it is none, or more than `size`.
i64 gdb_packet_bytes(struct span in, u8 *out, size_t size);

// ---- frames.c

struct gdb_frames {
    struct gdb_frame at[GDB_FRAMES];
    u32 count;
    u32 hidden; // as many before those, the innermost, are not told
};
// The innermost frames that the debugger is told. Of the first the address is that of the
// instruction before which it stands, or which has called what is hidden; of the others that of the
// instruction behind the call.
void gdb_frames_read(const struct gdb_server *server, struct gdb_frames *out);
u64 gdb_pc(const struct gdb_server *server);

// ---- registers.c

// Whether the debugger is told of registers and the image: from its first question for libraries
// on.
bool gdb_registers_used(struct gdb_server *server);
// A register, as it is counted on the wire.
void gdb_register_info(struct gdb_server *server, u64 number);
void gdb_register_read(struct gdb_server *server, u64 number);
// Reads memory as the debugger sees it: how many of `size` bytes could be read.
u32 gdb_memory_read(struct gdb_server *server, u64 address, u8 *to, u32 size);

// ---- commands.c

// Does what a packet says, and answers.
void gdb_command(struct gdb_server *server, struct span packet);
// Tells how the target has stopped.
void gdb_stop_tell(struct gdb_server *server, const struct gdb_stop *stop);
