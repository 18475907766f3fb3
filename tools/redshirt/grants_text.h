// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/grants_text.h: the file of the user's words (docs/grants.md, The file), line by
// line. Bytes in, words out: whoever wrote the file may be hostile.
//
// Use     grants_reader_over, then grants_read until *found is false. grants_write makes a line.
// Owner   spans point into the text that was read.
// Limits  of a line: GRANTS_LINE_BYTES; of the whole text, whoever reads the file.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/grant.h"
#include "core/kernel/limits.h"
struct report;
struct text;

enum {
    GRANTS_NAME_BYTES = 256, // of an interface, as core/base/wire.h has it
    // A word, a CID, a hash, a name and a limit, with blanks between them.
    GRANTS_LINE_BYTES = 16 + CID_TEXT_BYTES + 64 + GRANTS_NAME_BYTES + KERNEL_GRANT_LIMIT_BYTES,
};

struct grants_line {
    enum kernel_right right;
    enum kernel_word word;
    struct cid program; // all zero: all programs
    u8 interface[32];
    struct span name;  // the interface's, for people: the hash counts
    struct span limit; // printable ASCII; empty: none
};

struct grants_reader {
    struct span rest;
    u32 line;   // of what was read last, from 1
    u32 column; // from 1: where an error is
};

struct grants_reader grants_reader_over(struct span text);

// The next line that says something.
//   found  false: there is none
// ERR_MALFORMED  no such line: the report says why, the reader where
// ERR_LIMIT      longer than GRANTS_LINE_BYTES, or a limit than KERNEL_GRANT_LIMIT_BYTES
enum err grants_read(struct grants_reader *in, struct grants_line *out, bool *found,
                     struct report *report);

// The line, with its newline. What grants_read makes of it is the same again.
void grants_write(const struct grants_line *line, struct text *out);

// Whether a name or a limit can stand in the file. Neither may hold blanks.
bool grants_name_fits(struct span name);
bool grants_limit_fits(struct span limit);

// 64 hexadecimal digits in lower case. False: it is something else.
bool grants_hash_parse(struct span digits, u8 out[32]);
bool grants_is_all(const struct grants_line *line);
