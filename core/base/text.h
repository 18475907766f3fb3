// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/text.h: builds a sentence in a buffer of fixed size.
//
// Use     text_over a buffer, then append; what does not fit is cut and `cut` says so. The buffer
//         ends in zero after every call.
// Owner   the buffer is the caller's.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct text {
    char *data;
    size_t size;     // bytes written, without the ending zero
    size_t capacity; // bytes of the buffer, the ending zero included; at least 1
    bool cut;        // something did not fit
};

struct text text_over(char *buffer, size_t capacity);
void text_bytes(struct text *text, struct span bytes);
void text_string(struct text *text, const char *string);
void text_char(struct text *text, char c);
// Bytes as they are where they are printable ASCII, '?' elsewhere.
void text_printable(struct text *text, struct span bytes);
void text_u64(struct text *text, u64 value);
void text_i64(struct text *text, i64 value);
// Lower-case hexadecimal with at least `digits` digits, no prefix.
void text_hex(struct text *text, u64 value, u32 digits);
void text_hex_bytes(struct text *text, struct span bytes);
