// SPDX-License-Identifier: GPL-3.0-or-later
// lib/dwarf/image.h: a module's file for debuggers that know nothing of WebAssembly, but registers
// and call frames: LLDB up to 21, and later ones without their plug-in for it.
//
// What    The bytes of the file, each where it was, but for: places in a local, in a slot of the
//         operand stack or in a global, which are places in a register; and the names of the
//         sections .debug_abbrev, .debug_ranges and .debug_info, which come again behind the
//         others, with a unit more: the functions that had no entry, by the section of names. Last
//         comes .debug_frame, which says of every frame: its CFA is what the register CALLER holds;
//         what its caller's registers hold is there, pc at 0, CALLER at 8, register r of the others
//         at 16 + 16 * r.
//         So who reads the image needs no more than registers and memory of that shape: a record
//         for each frame, at any address.
// Owner   the image lies in the arena.
// Hostile as in dwarf.h: what is damaged stays as it was.
// Limits  lib/dwarf/limits.h. Locals 96 to 127 have no register, as an operand of one byte has to
//         name locals and operands; the same goes for operands from 32 on.
// Source  as dwarf.h; DWARF 5, sections 2.5 (expressions), 2.6.2 and 7.7.3 (lists of locations),
//         6.4 (frames); the operator 0xed is of "DWARF for WebAssembly".
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/dwarf/limits.h"
struct arena;
struct dwarf_scratch;

// Numbers of registers. A local has its own number, a slot of the operand stack its own and
// DWARF_REGISTER_OPERANDS.
enum {
    DWARF_REGISTER_OPERANDS = 96,
    DWARF_REGISTER_LOCALS_AGAIN = 128, // locals from here on
    DWARF_REGISTER_PC = 1 << 20,
    DWARF_REGISTER_CALLER,
    DWARF_REGISTER_GLOBALS, // of the first DWARF_GLOBALS
};

struct dwarf_image {
    struct span bytes;
    u32 register_count; // of locals and operands that the image names: all numbers below this
};

// ERR_MALFORMED  it is no module, or its code is damaged
// ERR_LIMIT      it has more than DWARF_IMAGE_BYTES
// ERR_NO_MEMORY  about twice the module's size is taken
enum err dwarf_image_make(struct span module, struct dwarf_scratch *scratch, struct arena *arena,
                          struct dwarf_image *out);
