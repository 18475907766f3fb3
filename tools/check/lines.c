// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/check/check.h"
#include "tools/check/limits.h"
#include <string.h>

// Letters of UTF-8 text: every byte but those that continue one.
static u32 columns(struct span line)
{
    u32 count = 0;
    for (size_t i = 0; i < line.size; i++) {
        count += (line.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool has_licence(struct span line)
{
    struct span words = SPAN_LITERAL("SPDX-License-Identifier: GPL-3.0-or-later");
    for (size_t i = 0; i + words.size <= line.size; i++) {
        if (mem_equal(line.data + i, words.data, words.size)) {
            return true;
        }
    }
    return false;
}

static bool is_c(const char *path)
{
    const char *end = strrchr(path, '.');
    return end != NULL && (strcmp(end, ".c") == 0 || strcmp(end, ".h") == 0);
}

void check_lines(const struct check_source *source)
{
    bool licensed = false;
    u32 number = 1;
    for (size_t at = 0; at < source->text.size; number++) {
        struct span line = check_line(source->text, at);
        at += line.size + 1;
        licensed |= number <= 2 && has_licence(line); // the second, where the first is #!
        if (is_c(source->path) && columns(line) > LINE_COLUMNS) {
            check_report(source, number, "%u columns, over %d", columns(line), LINE_COLUMNS);
        }
    }
    if (!licensed) {
        check_report(source, 1, "does not begin with its SPDX line");
    }
}
