// SPDX-License-Identifier: GPL-3.0-or-later
// lib/http/internal.h: what requests and responses have in common: heads, lines, fields.
#pragma once
#include "core/base/span.h"

// The size of the head at the front of `bytes`, its empty line included; 0: not whole yet.
//   scanned  kept from call to call, 0 at first: bytes that are not looked at again
size_t http_head_size(size_t *scanned, struct span bytes);

// The line at the front of `head`, without its CRLF, which every line of a whole head has.
struct span http_take_line(struct span *head);

// "Name: value". False: the line may be read in two ways, or is none.
bool http_read_field(struct span line, struct span *name, struct span *value);

bool http_is_token(u8 c);
// Whether `span` is `word`, which is in lower case, in any case.
bool http_is_word(struct span span, const char *word);
// Without the blanks on both sides.
struct span http_trimmed(struct span span);
// The offset of the first `c` in `span`, or its size.
size_t http_find(struct span span, u8 c);
