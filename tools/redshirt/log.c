// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt log`: what a system has written to its standard error, and goes on to.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "interfaces/control.h"
#include "machines/hosted/limits.h"
#include "tools/redshirt/channel_client.h"
#include "tools/redshirt/command.h"

enum { FOLLOW_MS = 200, LETTER_BYTES = 4 };

struct log {
    struct link link;
    bool follows;
    bool has_lines; // -n
    u64 lines;
    u64 after;
    u8 *kept;                // what there was at first
    size_t size;             // of it
    u8 letter[LETTER_BYTES]; // of UTF-8, held back until it is whole: it may come in two parts
    u32 letter_size;         // bytes of it that are there
    u32 letter_wanted;
};

// What is there from log->after on.
static int part_take(struct log *log, struct control_lines *out)
{
    u8 body[CONTROL_LOG_CALL_BYTES];
    struct control_log_call call = {log->after};
    size_t size = control_log_encode_call(body, sizeof body, &call);
    struct span answer;
    int code = link_call(&log->link, CONTROL_LOG_ID, span_of(body, size), &answer);
    if (code != EXIT_GOOD) {
        return code;
    }
    bool is_good = control_log_decode_result(answer, out) == ERR_OK &&
                   out->end - out->start == out->bytes.size && out->start <= out->end;
    if (!is_good) {
        return link_say_bad(&log->link);
    }
    log->after = out->end;
    return EXIT_GOOD;
}

// The bytes of the letter that begins with that one; 0: none of more than one byte does.
static u32 letter_bytes(u8 first)
{
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

// What is held back, as it is when it is a letter and no control (C1: U+0080 to U+009F).
static bool letter_print(struct log *log)
{
    struct span letter = span_of(log->letter, log->letter_size);
    bool is_c1 = letter.size == 2 && letter.data[0] == 0xc2 && letter.data[1] < 0xa0;
    log->letter_size = 0;
    if (letter.size == 0) {
        return true;
    }
    if (is_c1 || !utf8_is_valid(letter)) {
        return putchar('?') >= 0;
    }
    return fwrite(letter.data, 1, letter.size, stdout) == letter.size;
}

static bool byte_print(struct log *log, u8 byte)
{
    bool goes_on = log->letter_size > 0 && (byte & 0xc0) == 0x80;
    if (!goes_on) {
        if (!letter_print(log)) {
            return false;
        }
        log->letter_wanted = letter_bytes(byte);
        if (log->letter_wanted == 0) {
            bool is_shown = (byte >= ' ' && byte < 0x7f) || byte == '\n' || byte == '\t';
            return putchar(is_shown ? byte : '?') >= 0;
        }
    }
    ASSERT(log->letter_size < log->letter_wanted);
    log->letter[log->letter_size++] = byte;
    return log->letter_size < log->letter_wanted || letter_print(log);
}

// To a terminal, what would move its cursor goes as '?', and so does what is no UTF-8: a terminal
// of eight bits has controls there.
static bool bytes_print(struct log *log, struct span bytes)
{
    bool is_good = true;
    if (isatty(STDOUT_FILENO) != 1) {
        return fwrite(bytes.data, 1, bytes.size, stdout) == bytes.size;
    }
    for (size_t i = 0; i < bytes.size && is_good; i++) {
        is_good = byte_print(log, bytes.data[i]);
    }
    return is_good;
}

// All that is kept, into log->kept. A first line that is not whole any more is left out.
static int kept_take(struct log *log)
{
    struct control_lines part;
    bool is_whole = true;
    do {
        int code = part_take(log, &part);
        if (code != EXIT_GOOD) {
            return code;
        }
        is_whole = is_whole && (log->size > 0 || part.start == 0);
        size_t room = HOSTED_LOG_KEPT_BYTES - log->size;
        size_t size = part.bytes.size < room ? part.bytes.size : room; // it is written to, too
        if (size < part.bytes.size) {
            log->after = part.start + size;
        }
        memcpy(log->kept + log->size, part.bytes.data, size);
        log->size += size;
    } while (part.bytes.size > 0 && log->size < HOSTED_LOG_KEPT_BYTES);
    if (!is_whole) {
        const u8 *end = memchr(log->kept, '\n', log->size);
        size_t cut = end == NULL ? 0 : (size_t)(end - log->kept) + 1;
        log->size -= cut;
        memmove(log->kept, log->kept + cut, log->size);
    }
    return EXIT_GOOD;
}

// The last lines of what was kept, as many as are wanted.
static struct span kept_last(const struct log *log)
{
    size_t start = log->has_lines ? log->size : 0;
    u64 found = 0;
    while (start > 0 && log->lines > 0) {
        bool is_end = log->kept[start - 1] == '\n' && start < log->size; // of the line before
        found += is_end ? 1 : 0;
        if (is_end && found == log->lines) {
            break;
        }
        start--;
    }
    return span_of(log->kept + start, log->size - start);
}

// Until the system ends, or the user has had enough.
static int follow(struct log *log)
{
    waits_begin();
    for (;;) {
        struct control_lines part;
        int code = part_take(log, &part);
        if (code != EXIT_GOOD) {
            return code == EXIT_NOT_FOUND ? EXIT_GOOD : code;
        }
        if (!bytes_print(log, part.bytes) || fflush(stdout) != 0) {
            return EXIT_IO;
        }
        int number = part.bytes.size > 0 ? wait_ms(0, -1) : wait_ms(FOLLOW_MS, -1);
        if (number != 0) {
            return number == SIGINT ? EXIT_GOOD : EXIT_BY_SIGNAL + number;
        }
    }
}

static int log_show(struct log *log)
{
    log->kept = malloc(HOSTED_LOG_KEPT_BYTES);
    if (log->kept == NULL) {
        say("the host gives no memory");
        return EXIT_MACHINE;
    }
    int code = kept_take(log);
    if (code == EXIT_GOOD && (!bytes_print(log, kept_last(log)) || fflush(stdout) != 0)) {
        code = EXIT_IO;
    }
    free(log->kept);
    if (code == EXIT_GOOD && log->follows) {
        code = follow(log);
    }
    bool is_whole = letter_print(log) && fflush(stdout) == 0; // what is left of one
    return is_whole || code != EXIT_GOOD ? code : EXIT_IO;
}

static int option_take(void *context, struct options *options, const char *option,
                       const char *value, bool *is_known)
{
    struct log *log = context;
    if ((strcmp(option, "follow") == 0 || strcmp(option, "f") == 0) && value == NULL) {
        log->follows = true;
    } else if (strcmp(option, "n") == 0) {
        value = options_value(options, value);
        log->has_lines = true;
        if (value == NULL || !number_parse(value, UINT32_MAX, &log->lines)) {
            return say_usage(&command_log, "-n wants how many lines to show");
        }
    } else {
        *is_known = false;
    }
    return EXIT_GOOD;
}

static int log_run(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    struct log log = {0};
    u32 number = 0;
    int code = link_options(command, &options, &number, option_take, &log);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (options.next != count) {
        return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
    }
    code = link_find(number, &log.link);
    if (code == EXIT_GOOD) {
        code = log_show(&log);
        link_close(&log.link);
    }
    return code;
}

const struct command command_log = {
    "log",
    "shows what a system has logged",
    "Usage: redshirt log [--system NUMBER] [-n LINES] [-f]\n"
    "\n"
    "Shows what a system that runs has logged: all that its programs, and its log, have written "
    "to\n"
    "the standard error. The last 256 KiB are kept.\n"
    "\n"
    "  -s, --system NUMBER   which one, where several run; `redshirt ps` lists them\n"
    "  -n LINES              the last so many lines\n"
    "  -f, --follow          goes on with what comes, until the system ends, or Ctrl-C\n"
    "\n"
    "Exit codes: 64 the command line is wrong, or several systems run, 66 no system runs, or it "
    "has\n"
    "ended, 74 it does not answer.\n",
    log_run,
};
