// SPDX-License-Identifier: GPL-3.0-or-later
// Limits that name folders (machines/hosted/folders.h). What is refused says where; what is
// accepted is written and read again as the same.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "machines/hosted/folders.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct folders folders;
    static struct folders again;
    static char text[8 * KERNEL_GRANT_LIMIT_BYTES];
    struct report report = {0};
    struct span limit = span_of(data, size);
    if (folders_parse(limit, &folders, &report) != ERR_OK) {
        ASSERT(report.text[0] != 0 && report.offset <= size);
        return 0;
    }
    struct text out = text_over(text, sizeof text);
    for (u32 i = 0; i < folders.count; i++) {
        text_string(&out, i == 0 ? "" : ",");
        folders_write_part(&out, &folders.parts[i]);
    }
    ASSERT(!out.cut);
    if (folders.count == 0 || out.size > KERNEL_GRANT_LIMIT_BYTES) {
        return 0;
    }
    ASSERT(folders_parse(span_of((const u8 *)out.data, out.size), &again, NULL) == ERR_OK);
    ASSERT(again.count == folders.count);
    for (u32 i = 0; i < folders.count; i++) {
        ASSERT(strcmp(again.parts[i].host, folders.parts[i].host) == 0);
        ASSERT(strcmp(again.parts[i].guest, folders.parts[i].guest) == 0);
        ASSERT(again.parts[i].is_read_only == folders.parts[i].is_read_only);
    }
    return 0;
}
