// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/characters.h: what single bytes mean in a command.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

static inline bool is_blank(u8 byte)
{
    return byte == ' ' || byte == '\t';
}

static inline bool is_one_of(u8 byte, const char *bytes)
{
    while (*bytes != 0 && (u8)*bytes != byte) {
        bytes++;
    }
    return *bytes != 0;
}

// Ends a word by itself. Parentheses do, though nothing is done with them.
static inline bool is_operator(u8 byte)
{
    return is_one_of(byte, "|&;<>\n()");
}

// A backslash in front takes its meaning away inside double quotes.
static inline bool is_escaped_inside(u8 byte)
{
    return is_one_of(byte, "$`\"\\");
}

// Means something outside quotes.
static inline bool is_quoted_outside(u8 byte)
{
    return is_blank(byte) || is_operator(byte) || is_one_of(byte, "$`\"\\'*?[#~=");
}

static inline bool is_name_byte(u8 byte, bool is_first)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           (!is_first && byte >= '0' && byte <= '9');
}

// Bytes of the variable's name that the text begins with; 0: it begins with none.
static inline size_t name_size(struct span text)
{
    size_t size = 0;
    while (size < text.size && is_name_byte(text.data[size], size == 0)) {
        size++;
    }
    return size;
}
