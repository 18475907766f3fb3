// SPDX-License-Identifier: GPL-3.0-or-later
// lib/dwarf/dwarf.h: where in its source an instruction of a WebAssembly module comes from, by what
// the compiler wrote into the module's custom sections .debug_*.
//
// Use     dwarf_open over a module's bytes, then dwarf_find for each place; all places of one
//         question share an account of work, DWARF_WORK at first.
// Owner   spans point into the module's bytes, which the caller keeps alive. The scratch is the
//         caller's, and holds nothing between two calls.
// Hostile whatever the sections say, look-ups end within their work and stay inside them. What is
//         damaged is not known: an answer may be missing, and no failure comes of it.
// Limits  lib/dwarf/limits.h. One operation for each instruction of the line program, as all
//         compilers for WebAssembly have it. Type units and split DWARF are passed over.
// Source  DWARF 5 and 4, sections 2 (entries), 6.2 (lines), 7 (encodings); "DWARF for WebAssembly":
//         an address is an offset from the start of the code section's contents.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/dwarf/limits.h"

struct dwarf {
    u64 code_start; // offset in the file of what addresses count from
    u64 code_size;
    // The sections, empty where there is none.
    struct span abbrev;
    struct span addr;
    struct span info;
    struct span line;
    struct span line_str;
    struct span loc;
    struct span loclists;
    struct span ranges;
    struct span rnglists;
    struct span str;
    struct span str_offsets;
    // Not of DWARF.
    struct span imports; // content of the module's section
    struct span names;
};

// Finds the sections of a module.
// ERR_NOT_FOUND  it has no lines, or no code
// ERR_MALFORMED  it is no module
enum err dwarf_open(struct span module, struct dwarf *out);

// A call that was inlined, or the function around all of them.
struct dwarf_call {
    struct span function;
    u64 file; // number in the unit's table of lines
    u64 line;
    u64 column;
};

struct dwarf_scratch {
    u32 abbreviations[DWARF_ABBREVIATIONS]; // of the unit that is read: offset + 1 by number
    struct dwarf_call calls[DWARF_DEPTH];
};

struct dwarf_place {
    struct span function;  // its name; empty: not known
    struct span directory; // empty, or where `file` is to be looked for
    struct span file;      // empty: not known, and neither is what follows
    u32 line;              // from 1; 0: of no line
    u32 column;            // from 1; 0: not known
};

// The place of the instruction at an offset in the file, and of the calls around it that were
// inlined, the innermost first: out[i] is where function i stands, and was inlined into out[i + 1].
// Returns how many were written; of more than `count` the innermost are. 0: nothing is known.
//   work  what is left of the account, and never less than 0; once it is 0 nothing is known
u32 dwarf_find(const struct dwarf *dwarf, u64 offset, struct dwarf_scratch *scratch, i64 *work,
               struct dwarf_place *out, u32 count);
