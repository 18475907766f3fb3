// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/date.c: the time, in words of one's own. There is no time zone but UTC here.
#include <string.h>
#include <time.h>

#include "core/base/text.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "date",
    "Usage: date [-uIR] [-d @SECONDS] [+FORMAT]\n"
    "\n"
    "Puts out the time, in UTC.\n"
    "\n"
    "  -u           changes nothing: there is no other zone\n"
    "  -I           the date alone, 2026-01-31; -R: as in letters, Sat, 31 Jan 2026...\n"
    "  -d @SECONDS  that time, since the beginning of 1970, in place of now\n"
    "  +FORMAT      %Y %m %d %H %M %S %F %T %a %b %j %s and the others of strftime; %N: "
    "nanoseconds\n",
    1,
};

enum { SHOWN_BYTES = 4096, FORMAT_BYTES = 1024 };

#define NANOSECOND_DIGITS 9

// The format with %N written out; false: it is too long.
static bool format_fill(char *format, const char *given, long ns)
{
    struct text text = text_over(format, FORMAT_BYTES);
    for (; *given != 0; given++) {
        if (given[0] == '%' && given[1] == 'N') {
            char digits[NANOSECOND_DIGITS + 1] = {0};
            for (u32 i = NANOSECOND_DIGITS; i-- > 0; ns /= 10) {
                digits[i] = (char)('0' + ns % 10);
            }
            text_string(&text, digits);
            given++;
            continue;
        }
        text_char(&text, *given);
        if (given[0] == '%' && given[1] != 0) {
            text_char(&text, *++given); // "%%N" is no "%N"
        }
    }
    return !text.cut;
}

static struct timespec time_of(const char *word)
{
    struct timespec time = {0};
    u64 seconds;
    if (word == NULL) {
        if (clock_gettime(CLOCK_REALTIME, &time) != 0) {
            tool_say_error(NULL);
            tool_end(1);
        }
    } else if (*word == '@' && tool_number(word + 1, &seconds) && seconds < UINT32_MAX * 64ull) {
        time.tv_sec = (time_t)seconds;
    } else {
        tool_fail_usage(word, "this is no time; -d takes @ and seconds since 1970");
    }
    return time;
}

int tool_main(int count, char **words)
{
    static char format[FORMAT_BYTES];
    static char shown[SHOWN_BYTES];
    const char *given = "%a %b %e %H:%M:%S UTC %Y";
    const char *when = NULL;
    struct options options;
    struct tm parts;
    char letter;
    options_begin(&options, count, words, "uIRd:");
    while ((letter = options_next(&options)) != 0) {
        given = letter == 'I' ? "%Y-%m-%d" : letter == 'R' ? "%a, %d %b %Y %H:%M:%S +0000" : given;
        when = letter == 'd' ? options.value : when;
    }
    if (options.operand_count > 1 || (options.operand_count == 1 && *options.words[0] != '+')) {
        tool_fail_usage(options.words[options.operand_count - 1],
                        "a format begins with +, and setting the time is not done here");
    }
    if (options.operand_count == 1) {
        given = options.words[0] + 1;
    }
    struct timespec time = time_of(when);
    if (!format_fill(format, given, time.tv_nsec) || gmtime_r(&time.tv_sec, &parts) == NULL) {
        tool_fail(given, "the format is too long");
    }
    size_t size = strftime(shown, sizeof shown, format, &parts);
    if (size == 0 && *format != 0) {
        tool_fail(given, "the format gives nothing, or too much");
    }
    out_bytes(shown, size);
    out_char('\n');
    return 0;
}
