// SPDX-License-Identifier: GPL-3.0-or-later
// lib/dwarf/limits.h: the bounds of reading what debuggers want to know.
#pragma once

enum {
    DWARF_ABBREVIATIONS = 4096, // of a unit, found at once; those with larger numbers are searched
    DWARF_DEPTH = 48,           // inlined calls within each other: LLVM seldom passes 20
    DWARF_HOPS = 8,             // from an entry to the one that has its name; three are usual
    DWARF_NAME_BYTES = 4096,    // of a name or folder in a section of strings
    DWARF_SECTIONS = 4096,      // of the module, looked at for those of ours; twenty are usual
    DWARF_FORMATS = 16,         // fields of a directory or file; LLVM writes three
    // Units of work for one place: bytes read, those read again included. A look-up that needs more
    // has taken about half a second.
    DWARF_WORK = 128 << 20,
};
