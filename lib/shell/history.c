// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/history.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "lib/shell/letter.h"

void history_init(struct history *history)
{
    history->count = 0;
    history->loaded = 0;
    history->is_skipping = false;
    history->has_newline = false;
}

static u32 bytes_of(const struct history *history)
{
    return history->count == 0 ? 0 : history->ends[history->count - 1];
}

// Drops the oldest lines until there is room for one more of `size` bytes.
static void room_make(struct history *history, size_t size)
{
    u32 dropped = history->count == SHELL_HISTORY_LINES;
    while (dropped < history->count) {
        u32 start = dropped == 0 ? 0 : history->ends[dropped - 1];
        if (bytes_of(history) - start + size <= SHELL_HISTORY_BYTES) {
            break;
        }
        dropped++;
    }
    if (dropped == 0) {
        return;
    }
    u32 start = history->ends[dropped - 1];
    mem_move(history->data, history->data + start, bytes_of(history) - start);
    history->count -= dropped;
    for (u32 i = 0; i < history->count; i++) {
        history->ends[i] = history->ends[i + dropped] - start;
    }
}

bool history_add(struct history *history, struct span line)
{
    if (line.size == 0 || line.size > SHELL_LINE_BYTES || line.data[0] == ' ' ||
        line.data[0] == '\t' ||
        (history->count > 0 && span_equal(history_line(history, 0), line))) {
        return false;
    }
    room_make(history, line.size);
    u32 start = bytes_of(history);
    ASSERT(history->count < SHELL_HISTORY_LINES);
    ASSERT(line.size <= SHELL_HISTORY_BYTES - start);
    mem_copy(history->data + start, line.data, line.size);
    history->ends[history->count++] = start + (u32)line.size;
    return true;
}

struct span history_line(const struct history *history, u32 age)
{
    ASSERT(age < history->count);
    u32 index = history->count - 1 - age;
    u32 start = index == 0 ? 0 : history->ends[index - 1];
    return span_of(history->data + start, history->ends[index] - start);
}

static bool contains(struct span line, struct span part)
{
    for (size_t at = 0; at + part.size <= line.size; at++) {
        if (mem_equal(line.data + at, part.data, part.size)) {
            return true;
        }
    }
    return false;
}

u32 history_find(const struct history *history, u32 age, struct span part)
{
    while (age < history->count && !contains(history_line(history, age), part)) {
        age++;
    }
    return age < history->count ? age : history->count;
}

// The line that was being loaded is whole. What must not reach a terminal is left out.
static void line_end(struct history *history)
{
    struct span line = span_of(history->line, history->loaded);
    history->loaded = 0;
    for (size_t at = 0; at < line.size;) {
        struct letter letter = letter_at(span_slice(line, at, line.size));
        u32 bytes = letter.bytes == 0 ? (u32)(line.size - at) : letter.bytes;
        if (letter.bytes != 0 && (!letter.is_bad || letter.code == '\n')) {
            mem_move(history->line + history->loaded, line.data + at, bytes);
            history->loaded += bytes;
        }
        at += bytes;
    }
    if (!history->is_skipping && history->loaded > 0) {
        (void)history_add(history, span_of(history->line, history->loaded));
    }
    history->loaded = 0;
    history->is_skipping = false;
}

static void line_append(struct history *history, u8 byte)
{
    if (history->loaded == SHELL_LINE_BYTES) {
        history->is_skipping = true;
    } else {
        history->line[history->loaded++] = byte;
    }
}

void history_load(struct history *history, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        u8 byte = bytes.data[i];
        if (history->has_newline) {
            history->has_newline = false;
            if (byte == '\t') {
                line_append(history, '\n');
                continue;
            }
            line_end(history);
        }
        if (byte == '\n') {
            history->has_newline = true;
        } else if (byte >= ' ') {
            line_append(history, byte);
        }
    }
}

void history_loaded(struct history *history)
{
    history->has_newline = false;
    line_end(history);
}

void history_write(struct span line, struct text *out)
{
    for (size_t i = 0; i < line.size; i++) {
        text_char(out, (char)line.data[i]);
        if (line.data[i] == '\n') {
            text_char(out, '\t');
        }
    }
    text_char(out, '\n');
}
