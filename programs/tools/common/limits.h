// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/limits.h: every bound of the tools.
#pragma once

enum {
    TOOL_CHUNK_BYTES = 65536,    // of one read or write: the most that a message carries
    TOOL_PATH_BYTES = 4096,      // files.wit's bound, and the ending zero
    TOOL_WORDS_BYTES = 8192,     // of one complaint: a path, and room for the rest
    LINE_BYTES = 16 << 20,       // of one line: what is longer is no text. The tool says so
    FOLDER_BYTES = 64 << 20,     // of the names of one folder: a million long ones
    SORT_BYTES = 256 << 20,      // of all lines that are sorted at once
    TAIL_BYTES = 64 << 20,       // kept of what cannot be gone back in: a pipe
    KEY_COUNT = 16,              // -k of one sort
    PATTERN_CODE = 8192,         // steps of one pattern, repetitions written out
    PATTERN_SETS = 128,          // bracket expressions of one pattern
    PATTERN_DEPTH = 32,          // groups within groups
    PATTERN_REPEAT = 255,        // of {N}: what POSIX calls RE_DUP_MAX
    SEEN_PAGE_BYTES = 262144,    // of one answer of redshirt:kernel/inspect: 256 processes
    HTTP_GET_HEAD_BYTES = 16384, // of a response's head, and of one read behind it
};
