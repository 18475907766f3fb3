// SPDX-License-Identifier: GPL-3.0-or-later
// tools/check/limits.h: the bounds that are checked, and those of the checker itself.
#pragma once

enum {
    FUNCTION_LINES = 70, // of a function from its first line to its closing brace: one screen
    LINE_COLUMNS = 100,  //

    SOURCE_BYTES = 4 << 20, // the largest file that is read; a source nears 64 KiB at most
    ROWS = 64,              // of the table of layers
    LONG_FUNCTIONS = 64,    // entries of the list
    NAME_BYTES = 128,       // of a function or a row
};
