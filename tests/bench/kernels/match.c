// SPDX-License-Identifier: GPL-3.0-or-later
// A matcher of patterns with repetitions, classes and choices, which goes back where it was wrong.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { TEXT = 8192 };

static char text[TEXT];

static bool match_here(const char *pattern, const char *at);

static const char *class_end(const char *pattern)
{
    if (*pattern != '[') {
        return pattern + (*pattern == '\\' ? 2 : 1);
    }
    while (*pattern != ']') {
        pattern++;
    }
    return pattern + 1;
}

static bool match_one(const char *pattern, char letter)
{
    if (letter == 0) {
        return false;
    }
    if (*pattern == '.') {
        return true;
    }
    if (*pattern == '\\') {
        return pattern[1] == 'd' ? letter >= '0' && letter <= '9' : pattern[1] == letter;
    }
    if (*pattern != '[') {
        return *pattern == letter;
    }
    bool is_inverse = pattern[1] == '^';
    bool found = false;
    for (pattern += 1 + is_inverse; *pattern != ']'; pattern++) {
        if (pattern[1] == '-' && pattern[2] != ']') {
            found |= letter >= pattern[0] && letter <= pattern[2];
            pattern += 2;
        } else {
            found |= letter == *pattern;
        }
    }
    return found != is_inverse;
}

static bool match_many(const char *pattern, const char *rest, const char *at, u32 least)
{
    const char *start = at;
    while (match_one(pattern, *at)) {
        at++;
    }
    for (; at >= start + least; at--) {
        if (match_here(rest, at)) {
            return true;
        }
    }
    return false;
}

static bool match_here(const char *pattern, const char *at)
{
    while (*pattern != 0) {
        const char *end = class_end(pattern);
        if (*end == '*') {
            return match_many(pattern, end + 1, at, 0);
        }
        if (*end == '+') {
            return match_many(pattern, end + 1, at, 1);
        }
        if (*end == '?') {
            if (match_one(pattern, *at) && match_here(end + 1, at + 1)) {
                return true;
            }
            pattern = end + 1;
            continue;
        }
        if (!match_one(pattern, *at)) {
            return false;
        }
        pattern = end;
        at++;
    }
    return true;
}

u64 KERNEL_RUN(u32 n)
{
    static const char *const patterns[] = {
        "[a-f]+\\d?[x-z]*q", "a.*bc", "[^aeiou ]+[aeiou]\\d+", "ab?c?d?e", "z[a-m]*[n-z]*a",
    };
    static const char letters[] = "abcdefxyzqaeiou 0123 bcd";
    u64 sum = 0;
    u64 state = 11;
    for (u32 i = 0; i + 1 < TEXT; i++) {
        text[i] = i % 60 == 59 ? 0 : letters[kernel_random(&state) % (sizeof letters - 1)];
    }
    for (u32 turn = 0; turn < n; turn++) {
        u32 found = 0;
        for (u32 i = 0; i + 1 < TEXT; i++) {
            found += match_here(patterns[turn % COUNT_OF(patterns)], text + i);
        }
        sum = kernel_fold(sum, found);
    }
    return sum;
}
