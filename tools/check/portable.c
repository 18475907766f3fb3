// SPDX-License-Identifier: GPL-3.0-or-later
// What only a libc has would also fail to link on a bare machine; found here it has a line number.
#include "tools/check/check.h"
#include <ctype.h>
#include <string.h>

static const char *const conditionals[] = {"if",      "ifdef",    "ifndef", "elif",
                                           "elifdef", "elifndef", "else"};

static const char *const calls[] = {
    "malloc",  "calloc",  "realloc",  "free",    "printf",  "fprintf", "snprintf", "sprintf",
    "puts",    "abort",   "exit",     "assert",  "memcpy",  "memmove", "memset",   "memcmp",
    "memchr",  "strlen",  "strcmp",   "strcpy",  "strncmp", "strchr",  "strstr",   "strtol",
    "atoi",    "qsort",   "time",     "rand",    "getenv",  "fopen",   "read",     "write",
    "open",    "close",   "mmap",     "floor",   "ceil",    "trunc",   "sqrt",     "nearbyint",
    "rint",    "fabs",    "copysign", "fmin",    "fmax",    "pow",     "isalpha",  "isdigit",
    "toupper", "tolower", "setjmp",   "longjmp",
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void check_directive(const struct check_source *source, u32 line, const char *code)
{
    code += strspn(code, " \t");
    if (*code != '#') {
        return;
    }
    code += 1 + strspn(code + 1, " \t");
    for (size_t i = 0; i < sizeof conditionals / sizeof conditionals[0]; i++) {
        size_t size = strlen(conditionals[i]);
        if (strncmp(code, conditionals[i], size) == 0 && !is_word(code[size])) {
            check_report(source, line, "#%s: portable code is the same for every machine",
                         conditionals[i]);
        }
    }
}

// A name followed by a parenthesis, not reached through . or ->.
static void check_calls(const struct check_source *source, u32 line, const char *code, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if (!is_word(code[at]) || (at > 0 && is_word(code[at - 1]))) {
            continue;
        }
        size_t end = at;
        while (end < size && is_word(code[end])) {
            end++;
        }
        bool is_member =
            at > 0 && (code[at - 1] == '.' || code[at - 1] == '>' || code[at - 1] == '*');
        for (size_t i = 0; i < sizeof calls / sizeof calls[0] && !is_member; i++) {
            if (code[end] == '(' && strlen(calls[i]) == end - at &&
                memcmp(code + at, calls[i], end - at) == 0) {
                check_report(source, line, "%s() is of a libc", calls[i]);
            }
        }
    }
}

void check_portable(const struct check_source *source)
{
    u32 number = 1;
    for (size_t at = 0; at < source->text.size; number++) {
        struct span line = check_line(source->text, at);
        check_directive(source, number, source->code + at);
        check_calls(source, number, source->code + at, line.size);
        at += line.size + 1;
    }
}
