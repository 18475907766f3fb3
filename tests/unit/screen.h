// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/screen.h: a small terminal: what the bytes of a line editor look like.
//
// It knows what lib/shell/editor.h says that it needs, and fails on anything else.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

enum { SCREEN_ROWS = 64, SCREEN_COLUMNS = 200, SCREEN_CELL_BYTES = 24 };

struct screen {
    u32 rows, columns;
    u32 row, column; // of the cursor
    bool waits;      // in the last column, for the next letter
    u32 bells;
    u32 scrolled; // rows that have left at the top
    struct {
        u8 size; // 0: blank, or the right half of a wide letter
        u8 bytes[SCREEN_CELL_BYTES];
    } cells[SCREEN_ROWS][SCREEN_COLUMNS];
};

void screen_init(struct screen *screen, u32 rows, u32 columns);

// Shows bytes. False: there is something in them that it does not know, or half of it.
bool screen_write(struct screen *screen, struct span bytes);

// The letters of a row, without blanks at its end, zero-terminated.
const char *screen_row(const struct screen *screen, u32 row);
