// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/sleep.c: waits.
#include <errno.h>
#include <time.h>

#include "programs/tools/common/options.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "sleep",
    "Usage: sleep TIME...\n"
    "\n"
    "Waits for so long, all TIMEs together: seconds, with a fraction or without, or with a letter\n"
    "behind the number: s seconds, m minutes, h hours, d days.\n",
    1,
};

#define SECOND_NS 1000000000ull

// The unit that a letter stands for, in seconds; 0: none.
static u64 unit_of(const char *letter)
{
    if (letter[0] != 0 && letter[1] != 0) {
        return 0;
    }
    switch (*letter) {
    case 0:
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

// Nothing smaller than a nanosecond counts.
static u64 time_parse(const char *text)
{
    u64 ns = 0;
    u64 step_ns = SECOND_NS;
    const char *at = text;
    bool has_digit = false;
    for (; *at >= '0' && *at <= '9'; at++, has_digit = true) {
        ns = ns * 10 + (u64)(*at - '0') * SECOND_NS;
        if (ns > UINT64_MAX / 20) {
            tool_fail_usage(text, "this is too long a time");
        }
    }
    if (*at == '.') {
        for (at++; *at >= '0' && *at <= '9'; at++, has_digit = true) {
            step_ns /= 10;
            ns += (u64)(*at - '0') * step_ns;
        }
    }
    u64 unit = unit_of(at);
    if (!has_digit || unit == 0) {
        tool_fail_usage(text, "this is no time");
    }
    if (ns > UINT64_MAX / 2 / unit) {
        tool_fail_usage(text, "this is too long a time");
    }
    return ns * unit;
}

int tool_main(int count, char **words)
{
    struct options options;
    u64 ns = 0;
    options_begin(&options, count, words, "");
    while (options_next(&options) != 0) {
    }
    if (options.operand_count == 0) {
        tool_fail_usage(NULL, "how long?");
    }
    for (int i = 0; i < options.operand_count; i++) {
        u64 each = time_parse(options.words[i]);
        if (each > UINT64_MAX / 2 - ns) {
            tool_fail_usage(options.words[i], "this is too long a time");
        }
        ns += each;
    }
    struct timespec time = {(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};
    if (nanosleep(&time, NULL) != 0) {
        tool_say_error(NULL);
        return 1;
    }
    return 0;
}
