// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/hosted/log_line.h"

#include "core/base/text.h"
#include "machines/hosted/limits.h"

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "debug: ";
    case LOG_LEVEL_INFO:
        return "info: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    case LOG_LEVEL_ERROR:
        return "error: ";
    }
    return "";
}

// Bytes that would move a terminal's cursor become '?'.
static void line_write(struct text *out, struct span line)
{
    for (size_t i = 0; i < line.size; i++) {
        u8 byte = line.data[i];
        bool is_c1 = byte == 0xc2 && i + 1 < line.size && line.data[i + 1] < 0xa0;
        if (is_c1) {
            i++;
        }
        text_char(out, byte < 0x20 || byte == 0x7f || is_c1 ? '?' : (char)byte);
    }
}

void hosted_log_line(struct text *out, enum log_level level, struct span line)
{
    line.size = line.size < HOSTED_LOG_BYTES ? line.size : HOSTED_LOG_BYTES;
    text_string(out, level_word(level));
    line_write(out, line);
    text_char(out, '\n');
}
