// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/out.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/base/utf8.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/tool.h"

static u8 held[TOOL_CHUNK_BYTES];
static size_t held_bytes;

static void write_all(const u8 *bytes, size_t size)
{
    while (size != 0) {
        ssize_t count = write(STDOUT_FILENO, bytes, size);
        if (count <= 0) {
            held_bytes = 0;
            if (errno == EPIPE) {
                tool_end(OUT_READER_GONE);
            }
            tool_say_error("standard output");
            tool_end(tool.trouble);
        }
        bytes += count;
        size -= (size_t)count;
    }
}

void out_flush(void)
{
    size_t size = held_bytes;
    held_bytes = 0;
    write_all(held, size);
}

void out_bytes(const void *bytes, size_t size)
{
    if (size > sizeof held - held_bytes) {
        out_flush();
    }
    if (size > sizeof held) {
        write_all(bytes, size);
        return;
    }
    memcpy(held + held_bytes, bytes, size);
    held_bytes += size;
}

void out_string(const char *string)
{
    out_bytes(string, strlen(string));
}

void out_char(char c)
{
    out_bytes(&c, 1);
}

void out_blanks(size_t size, size_t width)
{
    for (; size < width; size++) {
        out_char(' ');
    }
}

void out_u64(u64 value, size_t width)
{
    char digits[24];
    struct text text = text_over(digits, sizeof digits);
    text_u64(&text, value);
    out_blanks(text.size, width);
    out_bytes(digits, text.size);
}

bool out_is_terminal(void)
{
    static i8 is_terminal = -1;
    if (is_terminal < 0) {
        is_terminal = isatty(STDOUT_FILENO) == 1;
    }
    return is_terminal == 1;
}

// ---- numbers

void out_text_human(struct text *text, u64 size)
{
    static const char units[] = "KMGTPE";
    if (size < 1024) {
        text_u64(text, size);
        return;
    }
    u32 unit = 0;
    u64 divisor = 1024;
    while ((size + divisor - 1) / divisor >= 1024) {
        divisor *= 1024;
        unit++;
    }
    u64 tenths = size / divisor * 10 + (size % divisor * 10 + divisor - 1) / divisor;
    if (tenths < 100) {
        text_u64(text, tenths / 10);
        text_char(text, '.');
        text_u64(text, tenths % 10);
    } else {
        text_u64(text, (size + divisor - 1) / divisor);
    }
    text_char(text, units[unit]);
}

// ---- names

// The bytes of the letter that a name begins with, at least one.
static size_t letter_bytes(const char *name, bool *is_safe)
{
    u8 first = (u8)*name;
    size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    bool is_letter = strnlen(name, size) == size && utf8_is_valid(span_of(name, size));
    bool is_control = first < ' ' || first == 0x7f || (first == 0xc2 && (u8)name[1] < 0xa0);
    *is_safe = is_letter && !is_control;
    return is_letter ? size : 1;
}

void out_text_name(struct text *text, const char *name)
{
    while (*name != 0) {
        bool is_safe;
        size_t size = letter_bytes(name, &is_safe);
        text_bytes(text, is_safe ? span_of(name, size) : SPAN_LITERAL("?"));
        name += size;
    }
}

void out_name(const char *name)
{
    if (!out_is_terminal()) {
        out_string(name);
        return;
    }
    static char shown[TOOL_PATH_BYTES * 4];
    struct text text = text_over(shown, sizeof shown);
    out_text_name(&text, name);
    out_bytes(shown, text.size);
}

size_t out_name_width(const char *name)
{
    size_t width = 0;
    while (*name != 0) {
        bool is_safe;
        name += letter_bytes(name, &is_safe);
        width++;
    }
    return width;
}

void out_heading(const char *name)
{
    static bool is_behind_another;
    out_string(is_behind_another ? "\n==> " : "==> ");
    out_name(name);
    out_string(" <==\n");
    is_behind_another = true;
}
