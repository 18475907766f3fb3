// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/pattern.h"
#include "core/base/assert.h"
#include "lib/shell/letter.h"

// The letter of the pattern at `at`, a backslash in front of it left out. Bytes that are none are
// taken one by one.
static u32 letter_take(struct span text, size_t *at, bool is_escaped)
{
    *at += is_escaped && text.data[*at] == '\\' && *at + 1 < text.size;
    struct letter letter = letter_at(span_slice(text, *at, text.size));
    u8 byte = text.data[*at];
    bool is_letter = letter.bytes > 1 || byte < 0x80;
    *at += letter.bytes > 1 ? letter.bytes : 1;
    return !is_letter    ? 0x110000u + byte /* which no letter is */
           : byte < 0x80 ? byte
                         : letter.code;
}

// The end of the set that begins at `at`, behind its `]`; 0: it has none.
static size_t set_end(struct span pattern, size_t at)
{
    size_t next = at + 1;
    next += next < pattern.size && (pattern.data[next] == '!' || pattern.data[next] == '^');
    for (bool is_first = true; next < pattern.size; is_first = false) {
        if (pattern.data[next] == ']' && !is_first) {
            return next + 1;
        }
        (void)letter_take(pattern, &next, true);
    }
    return 0;
}

// Whether the set [at, end) has the letter.
static bool set_has(struct span pattern, size_t at, size_t end, u32 code)
{
    size_t next = at + 1;
    bool is_other = pattern.data[next] == '!' || pattern.data[next] == '^';
    bool is_found = false;
    for (next += is_other; next < end - 1;) {
        u32 first = letter_take(pattern, &next, true);
        u32 last = first;
        if (pattern.data[next] == '-' && next + 1 < end - 1) {
            next++;
            last = letter_take(pattern, &next, true);
        }
        is_found = is_found || (code >= first && code <= last);
    }
    return is_found != is_other;
}

// Whether one letter fits; moves both on. A star is none of its business.
static bool one_fits(struct span pattern, size_t *at, struct span name, size_t *name_at)
{
    u32 code = letter_take(name, name_at, false);
    if (pattern.data[*at] == '?') {
        (*at)++;
        return true;
    }
    size_t end = pattern.data[*at] == '[' ? set_end(pattern, *at) : 0;
    if (end != 0) {
        bool has = set_has(pattern, *at, end, code);
        *at = end;
        return has;
    }
    return letter_take(pattern, at, true) == code;
}

bool pattern_is(struct span pattern)
{
    for (size_t at = 0; at < pattern.size; at++) {
        u8 byte = pattern.data[at];
        if (byte == '*' || byte == '?' || (byte == '[' && set_end(pattern, at) != 0)) {
            return true;
        }
        at += byte == '\\';
    }
    return false;
}

bool pattern_fits(struct span pattern, struct span name)
{
    bool is_hidden = name.size > 0 && name.data[0] == '.';
    size_t first = pattern.size > 1 && pattern.data[0] == '\\';
    if (is_hidden && (pattern.size == 0 || pattern.data[first] != '.')) {
        return false;
    }
    size_t at = 0;
    size_t name_at = 0;
    size_t star = pattern.size; // behind the last one; the whole size: there was none
    size_t star_name = 0;       // and where the name went on then
    bool has_star = false;
    for (;;) {
        if (at < pattern.size && pattern.data[at] == '*') {
            star = ++at;
            star_name = name_at;
            has_star = true;
            continue;
        }
        if (name_at == name.size && at == pattern.size) {
            return true;
        }
        if (name_at < name.size && at < pattern.size && one_fits(pattern, &at, name, &name_at)) {
            continue;
        }
        if (!has_star || star_name == name.size) {
            return false;
        }
        (void)letter_take(name, &star_name, false); // the star takes one letter more
        at = star;
        name_at = star_name;
    }
}

size_t pattern_plain(struct span pattern, u8 *out)
{
    size_t size = 0;
    for (size_t at = 0; at < pattern.size; at++) {
        at += pattern.data[at] == '\\' && at + 1 < pattern.size;
        out[size++] = pattern.data[at];
    }
    return size;
}
