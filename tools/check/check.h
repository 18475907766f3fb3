// SPDX-License-Identifier: GPL-3.0-or-later
// tools/check/check.h: the rules of the tree that no compiler knows.
//
// Use     read a source, hand it to the rules; each prints `path:line: what is wrong` and counts
//         it.
// Owner   a source owns its bytes until check_source_drop.
// Limits  tools/check/limits.h
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct check_source {
    const char *path; // from the root of the tree
    struct span text; // as it is
    char *code;       // of the same size and lines, with comments and what strings hold made blank
};

// False, with words on stderr, when the file cannot be read or is too large.
bool check_source_read(const char *path, struct check_source *out);
void check_source_drop(struct check_source *source);

// Prints a finding. `line` counts from 1.
void check_report(const struct check_source *source, u32 line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
u32 check_report_count(void);

// The line that starts at `offset` of a text, without its newline.
struct span check_line(struct span text, size_t offset);

// The table of rows, mk/layers.mk. Exits when it is damaged.
void check_layers_read(const char *path);
// Includes go to rows that the table allows, and are written from the root.
void check_layers(const struct check_source *source);

// The list of functions that may be long. Exits when it is damaged.
void check_long_functions_read(const char *path);
// A function has at most FUNCTION_LINES lines, or as many as the list says.
void check_functions(const struct check_source *source);
// To be called at the end: an entry that no source needs is a finding.
void check_long_functions_unused(void);

// The words of the licence; lines of at most LINE_COLUMNS columns.
void check_lines(const struct check_source *source);

// Portable code has no #if of any kind and calls nothing of a libc.
void check_portable(const struct check_source *source);
