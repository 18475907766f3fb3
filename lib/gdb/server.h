// SPDX-License-Identifier: GPL-3.0-or-later
// lib/gdb/server.h: the remote protocol of GDB and LLDB as pure logic, for one WebAssembly process
// of one thread: bytes of the connection in, bytes out; what is debugged is asked by functions.
//
// Use     gdb_server_begin for each connection; then gdb_server_take with the bytes that came,
//         again and again until it has taken all, sending `out` between; gdb_server_stopped
//         whenever the target has stopped or ended by itself.
// Owner   the struct holds everything; the target is the caller's.
// Hostile whatever comes is checked before it is done; a packet that is damaged, too long or not
//         known is answered as the protocol has it, and nothing else. Who begins with anything but
//         a packet or an acknowledgement is no debugger, but may be a page in somebody's browser
//         whose request has packets in it: nothing is done for him.
// Limits  lib/gdb/limits.h.
// Source  GDB's manual, appendix "Remote Serial Protocol"; LLDB's "gdb-remote protocol
//         extensions"; addresses and the packets qWasm... as other WebAssembly engines have them:
//         docs/debugging.md.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/gdb/limits.h"

// A module's instruction is at GDB_CODE plus its offset in the file, where the file itself can be
// read; linear memory is at 0.
#define GDB_CODE ((u64)1 << 62)
// From here on it is an instruction that is not in the file: a debugger without WebAssembly is not
// told of those frames.
#define GDB_CODE_ELSEWHERE (GDB_CODE + ((u64)1 << 32))
// Records of the frames, for such a debugger: registers.c.
#define GDB_RECORDS ((u64)1 << 61)

// Numbers of registers in the image of the module, by which DWARF knows them. A local has its own
// number, a slot of the operand stack its own and GDB_REGISTER_OPERANDS; the locals whose numbers
// those are have none.
enum {
    GDB_REGISTER_OPERANDS = 96,
    GDB_REGISTER_LOCALS_AGAIN = 128, // locals from here on
    GDB_REGISTER_PC = 1 << 20,
    GDB_REGISTER_CALLER,  // address of the record of the frame's caller
    GDB_REGISTER_GLOBALS, // of the first GDB_GLOBALS
};

enum gdb_state { GDB_RUNS, GDB_STOPPED, GDB_EXITED, GDB_KILLED };
struct gdb_stop {
    enum gdb_state state;
    u8 signal;          // STOPPED: by GDB's numbers; KILLED: the same
    u32 code;           // EXITED
    const char *reason; // STOPPED: of LLDB's words: breakpoint, trace, signal, exception; or NULL
    struct span words;  // STOPPED: what to tell people, may be empty; until the next call
};

struct gdb_frame {
    u64 address; // of its instruction: before which it stands, or which has called
    u64 place;   // the same as long as it lives, and greater than those around it; below 2^40
};

// The module's file for a debugger that knows registers in place of locals; see lib/dwarf/image.h.
struct gdb_image {
    struct span bytes;  // empty: there is none
    u32 register_count; // of locals and operands
};

enum gdb_value { GDB_LOCAL, GDB_GLOBAL, GDB_OPERAND };

// What the server asks. All but `interrupt`, `stop` and `kill` are asked of a stopped target only.
struct gdb_target {
    void *context;
    struct span name; // of the module
    u64 process;      // number; not 0
    struct gdb_stop (*stop)(void *context);
    // The innermost frames, at most `count`; how many.
    u32 (*frames)(void *context, struct gdb_frame *out, u32 count);
    // Stays until the connection's end.
    struct gdb_image (*image)(void *context);
    // How many bytes could be read, 0 .. size; whether all were written.
    u32 (*read)(void *context, u64 address, u8 *to, u32 size);
    bool (*write)(void *context, u64 address, struct span bytes);
    bool (*breakpoint)(void *context, u64 address, bool set);
    // The bytes of a value, of 4, 8 or 16; 0: there is none.
    u32 (*value)(void *context, enum gdb_value what, u32 frame, u32 index, u8 out[16]);
    bool (*go)(void *context, bool step);
    void (*interrupt)(void *context);
    void (*kill)(void *context);
    bool (*detach)(void *context);
};

struct gdb_server {
    const struct gdb_target *target;
    // What is to be sent. Emptied by whoever sends it: out_size = 0.
    u8 out[GDB_OUT_BYTES];
    size_t out_size;
    bool is_over; // detached, killed, ended or no debugger: nothing more comes but what is in `out`
    bool has_spoken; // a whole packet has come
    // Private.
    bool acknowledges;
    bool lists_threads;  // LLDB asks for that
    bool waits;          // the debugger waits for a stop
    bool asks_registers; // before libraries: LLDB does, unless it has a plug-in for WebAssembly
    bool has_registers;  // it knows the image
    u8 state;            // of the packet under way
    u8 sum;
    u8 wanted_sum;
    bool is_too_long;
    size_t packet_size;
    u8 packet[GDB_PACKET_BYTES];
};

void gdb_server_begin(struct gdb_server *server, const struct gdb_target *target);

// Takes bytes up to the end of one packet, and does what that says. Returns how many it took, at
// least 1 if there are any. `out` has to be empty.
size_t gdb_server_take(struct gdb_server *server, struct span bytes);

// The target has stopped or ended; asks it how. Nothing happens if the debugger does not wait.
// `out` has to be empty.
void gdb_server_stopped(struct gdb_server *server);
