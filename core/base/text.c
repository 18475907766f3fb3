// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/base/assert.h"

struct text text_over(char *buffer, size_t capacity)
{
    ASSERT(capacity >= 1);
    buffer[0] = 0;
    return (struct text){buffer, 0, capacity, false};
}

void text_bytes(struct text *text, struct span bytes)
{
    size_t room = text->capacity - 1 - text->size;
    size_t size = bytes.size;
    if (size > room) {
        size = room;
        text->cut = true;
    }
    mem_copy(text->data + text->size, bytes.data, size);
    text->size += size;
    text->data[text->size] = 0;
}

void text_string(struct text *text, const char *string)
{
    text_bytes(text, span_string(string));
}

void text_char(struct text *text, char c)
{
    text_bytes(text, span_of(&c, 1));
}

void text_printable(struct text *text, struct span bytes)
{
    for (size_t i = 0; i < bytes.size && !text->cut; i++) {
        u8 byte = bytes.data[i];
        text_char(text, byte >= 0x20 && byte < 0x7f ? (char)byte : '?');
    }
}

void text_u64(struct text *text, u64 value)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    text_bytes(text, span_of(digits + start, sizeof digits - start));
}

void text_i64(struct text *text, i64 value)
{
    if (value < 0) {
        text_char(text, '-');
    }
    text_u64(text, value < 0 ? 0 - (u64)value : (u64)value);
}

void text_hex(struct text *text, u64 value, u32 digits)
{
    static const char names[] = "0123456789abcdef";
    for (u32 shift = 64; shift > 0; shift -= 4) {
        if (shift <= digits * 4 || value >> (shift - 4) != 0) {
            text_char(text, names[value >> (shift - 4) & 15]);
        }
    }
}

void text_hex_bytes(struct text *text, struct span bytes)
{
    for (size_t i = 0; i < bytes.size && !text->cut; i++) {
        text_hex(text, bytes.data[i], 2);
    }
}
