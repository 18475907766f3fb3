// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/echo.c: puts its arguments out.
#include <string.h>

#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "echo",
    "Usage: echo [-neE] [WORD...]\n"
    "\n"
    "Puts out the WORDs with a blank between them, and ends the line.\n"
    "\n"
    "  -n  does not end the line\n"
    "  -e  takes these for what they mean: \\a \\b \\e \\f \\n \\r \\t \\v \\\\, \\0NNN and \\xHH "
    "for "
    "bytes,\n"
    "      \\c for: nothing more\n"
    "  -E  takes nothing for anything else, as without options\n",
    1,
};

struct how {
    bool is_escaped;
    bool ends_line;
};

// A word of options alone; any other is a word to be put out, `--` too.
static bool options_take(struct how *how, const char *word)
{
    if (word[0] != '-' || word[1] == 0 || word[1 + strspn(word + 1, "neE")] != 0) {
        return false;
    }
    for (word++; *word != 0; word++) {
        how->ends_line = how->ends_line && *word != 'n';
        how->is_escaped = *word == 'e' || (how->is_escaped && *word != 'E');
    }
    return true;
}

static u32 digit_of(char c)
{
    return c >= '0' && c <= '9'   ? (u32)(c - '0')
           : c >= 'a' && c <= 'f' ? (u32)(c - 'a' + 10)
           : c >= 'A' && c <= 'F' ? (u32)(c - 'A' + 10)
                                  : 16;
}

// A number of at most `most` digits; what stands behind them.
static const char *number_take(const char *at, u32 base, u32 most, char *byte)
{
    u32 value = 0;
    for (u32 i = 0; i < most && digit_of(*at) < base; i++) {
        value = value * base + digit_of(*at++);
    }
    *byte = (char)value;
    return at;
}

// One escape, from behind its backslash on. NULL: nothing more is to be put out.
static const char *escape_put(const char *at)
{
    static const char letters[] = "abefnrtv\\";
    static const char bytes[] = "\a\b\033\f\n\r\t\v\\";
    const char *found = *at == 0 ? NULL : strchr(letters, *at);
    char byte = '\\';
    if (*at == 'c') {
        return NULL;
    }
    if (found != NULL) {
        byte = bytes[found - letters];
        at++;
    } else if (*at == '0') {
        at = number_take(at + 1, 8, 3, &byte);
    } else if (digit_of(*at) < 8) {
        at = number_take(at, 8, 3, &byte);
    } else if (*at == 'x' && digit_of(at[1]) < 16) {
        at = number_take(at + 1, 16, 2, &byte);
    }
    out_char(byte);
    return at;
}

static bool escaped_put(const char *word)
{
    while (word != NULL && *word != 0) {
        size_t plain = strcspn(word, "\\");
        out_bytes(word, plain);
        word += plain;
        if (*word == '\\') {
            word = escape_put(word + 1);
        }
    }
    return word != NULL;
}

int tool_main(int count, char **words)
{
    struct how how = {.ends_line = true};
    int first = 0;
    if (count == 1 && strcmp(words[0], "--help") == 0) {
        out_string(tool.help);
        return 0;
    }
    while (first < count && options_take(&how, words[first])) {
        first++;
    }
    for (int i = first; i < count; i++) {
        if (i != first) {
            out_char(' ');
        }
        if (!how.is_escaped) {
            out_string(words[i]);
        } else if (!escaped_put(words[i])) {
            return 0;
        }
    }
    if (how.ends_line) {
        out_char('\n');
    }
    return 0;
}
