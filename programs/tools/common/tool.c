// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/out.h"

// ---- words

void tool_say(const char *subject, const char *reason)
{
    static char line[TOOL_WORDS_BYTES];
    struct text text = text_over(line, sizeof line - 1); // and the end of the line
    text_string(&text, tool.name);
    text_string(&text, ": ");
    if (subject != NULL) {
        out_text_name(&text, subject);
        text_string(&text, ": ");
    }
    text_string(&text, reason);
    line[text.size] = '\n';
    out_flush(); // so that it stands behind what came before
    (void)!write(STDERR_FILENO, line, text.size + 1);
}

void tool_say_error(const char *subject)
{
    tool_say(subject, errno == ENOTCAPABLE
                          ? "outside the folders that were given (redshirt run --dir)"
                          : strerror(errno));
}

void tool_end(int code)
{
    out_flush();
    _Exit(code);
}

void tool_fail(const char *subject, const char *reason)
{
    tool_say(subject, reason);
    tool_end(tool.trouble);
}

void tool_fail_usage(const char *subject, const char *reason)
{
    static char line[256];
    struct text text = text_over(line, sizeof line);
    text_string(&text, reason);
    text_string(&text, "; `");
    text_string(&text, tool.name);
    text_string(&text, " --help` says more");
    tool_fail(subject, line);
}

void assert_fail(const char *claim, const char *file, int line)
{
    (void)file;
    (void)line;
    tool_say("a mistake of the tool itself", claim);
    __builtin_trap();
}

// ---- small things

bool tool_number(const char *text, u64 *out)
{
    u64 value = 0;
    bool is_good = *text != 0;
    for (; *text != 0 && is_good; text++) {
        u64 digit = (u64)(*text - '0');
        is_good = *text >= '0' && *text <= '9' && value <= (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    *out = value;
    return is_good;
}

void *tool_memory(void *old, size_t size)
{
    void *memory = realloc(old, size == 0 ? 1 : size);
    if (memory == NULL) {
        tool_fail(NULL, "there is not enough memory");
    }
    return memory;
}

// ---- the beginning and the end

int main(int count, char **words)
{
    int code = count == 0 ? tool_main(0, words) : tool_main(count - 1, words + 1);
    out_flush();
    return code;
}
