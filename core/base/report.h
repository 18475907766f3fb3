// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/report.h: the sentence for people that goes with an enum err.
//
// Use     pass one down; the first (deepest) reason wins. NULL is allowed everywhere: then nobody
//         asked.
// Limits  the sentence is cut at REPORT_TEXT_BYTES - 1 bytes; it never holds a newline.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"

enum { REPORT_TEXT_BYTES = 240 };

struct report {
    enum err err;                 // ERR_OK: nothing was reported yet
    u64 offset;                   // where in the input, bytes from its start
    char text[REPORT_TEXT_BYTES]; // ends in zero
};

static inline void report_clear(struct report *report)
{
    report->err = ERR_OK;
    report->offset = 0;
    report->text[0] = 0;
}

// Notes `err` with its reason unless a reason is there already. Returns err, so that a refusal is
// one line: `return report_err(report, ERR_MALFORMED, offset, "magic is not \\0asm");`
enum err report_err(struct report *report, enum err err, u64 offset, const char *text);

// The same with a piece of the input quoted behind the text: `text "detail"`. Bytes of detail that
// are not printable ASCII show as '?'.
enum err report_err_detail(struct report *report, enum err err, u64 offset, const char *text,
                           struct span detail);
