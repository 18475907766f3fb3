// SPDX-License-Identifier: GPL-3.0-or-later
// lib/gdb/limits.h: the bounds of talking to a debugger.
#pragma once

enum {
    GDB_PACKET_BYTES = 4096, // of a packet's content, as qSupported says; a longer one is dropped
    GDB_MEMORY_BYTES = 2000, // of one read or write of memory: fits a packet as hexadecimal
    GDB_OUT_BYTES = 2 * (2 * GDB_PACKET_BYTES + 16), // an answer, each byte escaped, and a stop
    GDB_FRAMES = 32,                                 // of a call stack that is told
    GDB_CALL_BYTES = 1 + 5 + 5,                      // of an instruction that calls: two LEB128
    GDB_GLOBALS = 4,                                 // that have a register
};
