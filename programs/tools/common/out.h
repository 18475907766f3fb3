// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/out.h: the standard output, collected to large writes.
//
// Use     put out what there is; it is flushed at the tool's end, before it says something on the
//         standard error, and before it waits for input, so nothing is held back from a reader.
// Errors  where the reader is gone the tool ends with OUT_READER_GONE and no words, as one that a
//         signal ends; any other error it says, and ends with tool.trouble.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct text;

enum { OUT_READER_GONE = 141 };

void out_bytes(const void *bytes, size_t size);
void out_string(const char *string);
void out_char(char c);
// Right-aligned in `width` columns.
void out_u64(u64 value, size_t width);
// As many blanks as are missing from `size` to `width`.
void out_blanks(size_t size, size_t width);
void out_flush(void);

bool out_is_terminal(void);

// A count of bytes in at most four letters: the smallest number of two or three digits, as 1.5K,
// that is not below it.
void out_text_human(struct text *text, u64 bytes);

// A name as it may be shown on a terminal: what would move its cursor is '?'; letters of UTF-8
// stay.
void out_text_name(struct text *text, const char *name);
// The name as it is shown on the standard output: so on a terminal, else as it is.
void out_name(const char *name);
// The columns that it takes there.
size_t out_name_width(const char *name);
// The name over what follows, and a blank line between that and what stands under the last one.
void out_heading(const char *name);
