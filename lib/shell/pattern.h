// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/pattern.h: names of files that a pattern stands for.
//
//     *      any letters, none too          ?      one letter
//     [a-z]  one of these                   [!a]   one, but none of these; [^a] is the same
//     \x     x itself
//
// A dot that a name begins with is to be written out. A `[` without its `]` is itself. Letters are
// those of Unicode, and ranges go by their numbers. A pattern is of one name, without `/`.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Whether something in it means more than itself.
bool pattern_is(struct span pattern);

// Whether the name is one of those meant. Takes no more steps than the product of both lengths.
bool pattern_fits(struct span pattern, struct span name);

// Takes the backslashes out, where nothing else means anything: the name alone. Returns its size,
// and may write to `out` the bytes that it reads.
size_t pattern_plain(struct span pattern, u8 *out);
