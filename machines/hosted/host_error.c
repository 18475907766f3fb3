// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/host_error.h"

#include <errno.h>
#include <string.h>

#include "core/base/report.h"
#include "core/base/span.h"
#include "core/base/text.h"

enum err host_error(struct report *report, const char *what, const char *name)
{
    char text[REPORT_TEXT_BYTES];
    struct text out = text_over(text, sizeof text);
    const char *why = strerrordesc_np(errno);
    text_string(&out, what);
    text_string(&out, " (");
    text_string(&out, why == NULL ? "unknown error" : why);
    text_string(&out, ")");
    return report_err_detail(report, ERR_IO, 0, text, span_string(name));
}
