// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/utf8.h: is this UTF-8?
//
// Source  The Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing above
//         U+10FFFF.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// The empty span is valid.
bool utf8_is_valid(struct span bytes);

// The first `most` bytes or less, none of them half a letter's; nothing when they are not valid.
struct span utf8_first(struct span bytes, size_t most);
