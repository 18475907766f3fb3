// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/complete.h: completing the word at the cursor: which word that is, what may stand
// there, and what to write.
//
// Use     word_at says what is to be completed; the caller looks for names and gives each to
//         candidates_add; candidates_rest says what all of them have in common beyond what stands
//         there, quoted as the word is.
// Limits  SHELL_CANDIDATES and what follows it.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/limits.h"
struct text;

struct word_at {
    bool is_command;  // it stands where a program's name does
    bool is_variable; // it is the name of a variable, behind a `$`
    bool is_braced;   // and behind `${`
    u8 quote;         // the quote that it is in: 0, '\'' or '"'
    u32 size;
    u8 plain[SHELL_LINE_BYTES]; // without quotes, up to the cursor
};

// The word that ends at the end of the text: a line up to the cursor, of at most SHELL_LINE_BYTES.
void word_at(struct span text, struct word_at *word);

// Where the last name of a path begins: behind its last `/`.
size_t word_name_start(struct span plain);

struct candidate {
    u32 offset;
    u16 size;
    bool is_folder;
};

struct candidates {
    u32 count;
    u32 size;
    bool has_more;                            // than fit
    struct candidate items[SHELL_CANDIDATES]; // by their bytes, each once
    u8 bytes[SHELL_CANDIDATE_BYTES];
};

void candidates_init(struct candidates *candidates);

// Adds a name if it begins with `prefix`. What cannot be typed (control characters, bytes that are
// no letters) is left out.
void candidates_add(struct candidates *candidates, struct span prefix, struct span name,
                    bool is_folder);

struct span candidates_name(const struct candidates *candidates, u32 index);

// Writes what is to be typed behind `typed` bytes of each: what all have in common, and, where
// there is only one, what ends the word.
void candidates_rest(const struct candidates *candidates, u32 typed, const struct word_at *word,
                     struct text *out);

// Lists them in columns, each line ended by a carriage return and a newline. What does not fit into
// `most` bytes is counted.
void candidates_list(const struct candidates *candidates, u32 columns, size_t most,
                     struct text *out);
