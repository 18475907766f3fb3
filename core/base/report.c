// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/report.h"
#include "core/base/text.h"

enum err report_err(struct report *report, enum err err, u64 offset, const char *text)
{
    return report_err_detail(report, err, offset, text, (struct span){0});
}

enum err report_err_detail(struct report *report, enum err err, u64 offset, const char *text,
                           struct span detail)
{
    if (report == NULL || report->err != ERR_OK) {
        return err;
    }
    report->err = err;
    report->offset = offset;
    struct text out = text_over(report->text, sizeof report->text);
    text_string(&out, text);
    if (detail.data != NULL) {
        text_string(&out, " \"");
        text_printable(&out, detail);
        text_string(&out, "\"");
    }
    return err;
}
