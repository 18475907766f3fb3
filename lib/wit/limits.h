// SPDX-License-Identifier: GPL-3.0-or-later
// lib/wit/limits.h: every bound on a WIT file. Each is the largest value accepted; one beyond is
// ERR_LIMIT.
#pragma once

enum {
    WIT_TEXT_BYTES = 256 << 10, // of one file; the longest of ours has 6 KiB
    WIT_FILES = 32,             // a file and all it uses, directly or not
    WIT_NAME_BYTES = 64,        // one name, so that messages and C names stay readable; a
    // qualified name of three fits INTERFACE_NAME_BYTES (core/base/wire.h)
    WIT_TYPES = 256, // declared by one interface, `use` included
    WIT_TYPES_SORTED =
        4096,            // different types in all files together; finding equal ones is quadratic
    WIT_FUNCTIONS = 256, // of one interface; INTERFACE_FUNCTIONS
    WIT_PARAMETERS = 32, // of one function
    WIT_ITEMS = 256,     // fields, cases, members: a case is one byte on the wire
    WIT_FLAG_BITS = 32,  // as WIT has it; at most four bytes on the wire
    WIT_TYPE_DEPTH = 32, // types within types, aliases not counted; codecs nest that deep
    WIT_CANONICAL_BYTES =
        64 << 10, // canonical form of one type or function; names expand, and could double
                  // at each level
    WIT_COMMENT_DEPTH = 16, // block comments within block comments
};
