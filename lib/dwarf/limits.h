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
    // Units of work for all places of one question: bytes read, those read again included, and
    // some for each value, as it may have none. A trap's 32 frames share them: who looks them up
    // has a worker meanwhile, and is done after less than 100 ms.
    DWARF_WORK = 16 << 20,
    // Of an image (image.h).
    DWARF_IMAGE_BYTES = 1 << 30, // of the module: what an image needs stays below 4 GiB
    DWARF_IMAGE_WORK = 64,       // units of work for each byte of the module
    DWARF_REGISTERS = 2048,      // locals beyond are not told: each is a packet when LLDB connects
    DWARF_GLOBALS = 4,           // the stack's pointer is the first, and others are seldom named
};
