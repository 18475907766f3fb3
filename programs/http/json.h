// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/json.h: JSON of what other programs say, for the page. Whatever a string holds, the
// JSON stays JSON; the page itself shows strings as text and nothing else.
//
// Limits  a string is cut to SERVER_NAME_BYTES; UTF-8 stays whole.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "programs/http/limits.h"
struct text;

enum { JSON_STRING_BYTES = 6 * SERVER_NAME_BYTES }; // "\u001f" is the longest form of a byte

// The front of a string that is not too long.
struct span json_name_cut(struct span name);
// Whether they begin with one of U+0080 to U+009F: to some terminals these are controls.
bool json_is_c1(struct span bytes);
// The string, between quotes; controls as \u001b.
void json_string(struct text *out, struct span string);
// `"name":value`, behind a comma.
void json_number(struct text *out, const char *name, u64 value);
void json_name(struct text *out, const char *name, struct span value);
