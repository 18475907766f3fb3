// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/http/internal.h"

bool http_is_token(u8 c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    for (size_t i = 0; i < sizeof others - 1; i++) {
        if (c == (u8)others[i]) {
            return true;
        }
    }
    return false;
}

static u8 lower(u8 c)
{
    return c >= 'A' && c <= 'Z' ? (u8)(c + ('a' - 'A')) : c;
}

bool http_is_word(struct span span, const char *word)
{
    size_t i = 0;
    while (i < span.size && word[i] != 0 && lower(span.data[i]) == (u8)word[i]) {
        i++;
    }
    return i == span.size && word[i] == 0;
}

struct span http_trimmed(struct span span)
{
    size_t start = 0;
    size_t end = span.size;
    while (start < end && (span.data[start] == ' ' || span.data[start] == '\t')) {
        start++;
    }
    while (end > start && (span.data[end - 1] == ' ' || span.data[end - 1] == '\t')) {
        end--;
    }
    return span_slice(span, start, end);
}

size_t http_find(struct span span, u8 c)
{
    size_t i = 0;
    while (i < span.size && span.data[i] != c) {
        i++;
    }
    return i;
}

struct span http_take_line(struct span *head)
{
    size_t end = 0;
    while (head->data[end] != '\r' || head->data[end + 1] != '\n') {
        end++;
    }
    struct span line = span_slice(*head, 0, end);
    *head = span_slice(*head, end + 2, head->size);
    return line;
}

size_t http_head_size(size_t *scanned, struct span bytes)
{
    for (size_t i = *scanned; i + 4 <= bytes.size; i++) {
        if (mem_equal(bytes.data + i, "\r\n\r\n", 4)) {
            *scanned = 0;
            return i + 4;
        }
        *scanned = i + 1;
    }
    return 0;
}

bool http_read_field(struct span line, struct span *name, struct span *value)
{
    size_t name_end = http_find(line, ':');
    if (name_end == 0 || name_end == line.size) {
        return false;
    }
    for (size_t i = 0; i < name_end; i++) {
        if (!http_is_token(line.data[i])) { // a space in front is a folded line, one behind a trick
            return false;
        }
    }
    for (size_t i = name_end + 1; i < line.size; i++) {
        if ((line.data[i] < 0x20 && line.data[i] != '\t') || line.data[i] == 0x7f) {
            return false;
        }
    }
    *name = span_slice(line, 0, name_end);
    *value = http_trimmed(span_slice(line, name_end + 1, line.size));
    return true;
}
