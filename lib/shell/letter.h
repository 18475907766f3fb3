// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/letter.h: letters as a terminal shows them: how many bytes each has, and how many
// columns.
//
// Limits  the width is of the letter alone: what a terminal makes of letters that are joined (a
//         family of emoji) is its own affair, and the cursor may stand beside it.
// Source  The Unicode Standard, table 3-7 for bytes; Unicode 15, EastAsianWidth.txt (W and F) and
//         the categories Mn, Me and Cf for columns, in ranges that join what is unassigned between.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct text;

// The letter that the bytes begin with.
struct letter {
    u32 code;    // in Unicode
    u32 bytes;   // 1 to 4; 0: the bytes end in the middle of a letter, or are none
    u32 columns; // 0 to 2
    bool is_bad; // no letter, or one that must not reach a terminal: a control character; `bytes`
                 // is how many to leave out, and `columns` 0
};

// The first letter. Bytes that are no UTF-8 are bad one by one.
struct letter letter_at(struct span bytes);

// Where the letter begins that ends at `at`, with the ones of no columns that belong to it.
u32 letter_before(struct span text, u32 at);
// The same in front: the end of the letter that begins at `at`. At the end of the text: `at`.
u32 letter_after(struct span text, u32 at);

// Columns of a text in one line; what is bad has none.
u32 letters_columns(struct span text);

// Lines as a terminal may show them: each bad letter is '?', newlines and tabs stay, and so does
// every other letter. It takes no more bytes than it has.
void letters_show(struct text *out, struct span lines);
