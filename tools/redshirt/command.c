// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/report.h"
#include "core/base/text.h"
#include "machines/hosted/limits.h"

enum { CID_SHORTEST = 40 }; // letters of a CID of any kind that there is

static void (*also_said)(struct span line); // NULL: nobody listens

void say_also(void (*also)(struct span line))
{
    also_said = also;
}

// The words; NULL: the host gives no memory. Names in them may be anybody's: what moves a cursor
// becomes '?'.
static char *words_make(const char *format, va_list values)
{
    char *words;
    if (vasprintf(&words, format, values) < 0) {
        return NULL;
    }
    for (u8 *at = (u8 *)words; *at != 0; at++) {
        bool is_control = (*at < ' ' && *at != '\n') || *at == 0x7f;
        bool is_c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0; // U+0080 to U+009F
        if (is_c1) {
            *at++ = '?';
        }
        *at = is_control || is_c1 ? '?' : *at;
    }
    return words;
}

static const char no_memory[] = "the host gives no memory to say what is wrong";

void say(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    char *words = words_make(format, values);
    va_end(values);
    char *line;
    int size = asprintf(&line, "redshirt: %s\n", words == NULL ? no_memory : words);
    if (size >= 0) {
        fputs(line, stderr);
        if (also_said != NULL) {
            also_said(span_of(line, (size_t)size));
        }
        free(line);
    }
    free(words);
}

int say_usage(const struct command *command, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    char *words = words_make(format, values);
    fprintf(stderr, "redshirt %s: %s\nTry `redshirt %s --help`.\n", command->name,
            words == NULL ? no_memory : words, command->name);
    free(words);
    va_end(values);
    return EXIT_USAGE;
}

int exit_code_of(enum err err)
{
    switch (err) {
    case ERR_OK:
        return EXIT_GOOD;
    case ERR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERR_MISMATCH:
        return EXIT_DAMAGED;
    case ERR_LIMIT:
        return EXIT_TOO_LARGE;
    case ERR_NO_MEMORY:
    case ERR_BUSY:
        return EXIT_MACHINE;
    case ERR_MALFORMED:
    case ERR_INVALID:
    case ERR_UNSUPPORTED:
        return EXIT_NOT_VALID;
    default:
        return EXIT_IO;
    }
}

int say_refused(const char *what, enum err err, const struct report *report)
{
    say("%s: %s", what, report->err != ERR_OK ? report->text : err_name(err));
    return exit_code_of(err);
}

int say_bad_cid(const char *word, const struct report *report)
{
    // What is wrong with its base would mislead who did not mean one.
    bool is_short = strlen(word) < CID_SHORTEST;
    say("%s: %s; `redshirt add FILE` and `redshirt ls` print CIDs", word,
        is_short ? "not a CID" : report->text);
    return EXIT_BAD_CID;
}

const char *options_next(struct options *options, const char **value)
{
    *value = NULL;
    if (options->next >= options->count) {
        return NULL;
    }
    char *argument = options->arguments[options->next];
    if (argument[0] != '-' || argument[1] == 0) {
        return NULL;
    }
    options->next++;
    if (strcmp(argument, "--") == 0) {
        return NULL;
    }
    char *name = argument + (argument[1] == '-' ? 2 : 1);
    char *equals = strchr(name, '=');
    if (equals != NULL) {
        *equals = 0;
        *value = equals + 1;
    }
    return name;
}

const char *options_value(struct options *options, const char *value)
{
    if (value != NULL || options->next >= options->count) {
        return value;
    }
    return options->arguments[options->next++];
}

bool number_parse(const char *text, u64 max, u64 *out)
{
    u64 value = 0;
    if (*text == 0) {
        return false;
    }
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9' || value > max / 10) {
            return false;
        }
        value = value * 10 + (u64)(*text - '0');
    }
    *out = value;
    return value <= max;
}

// The folder of store, grants and keys. False: no variable says where.
static bool home_find(struct text *out)
{
    const char *home = getenv("REDSHIRT_HOME");
    if (home != NULL && *home != 0) {
        text_string(out, home);
        return true;
    }
    home = getenv("XDG_DATA_HOME");
    if (home != NULL && *home == '/') {
        text_string(out, home);
        text_string(out, "/redshirt");
        return true;
    }
    home = getenv("HOME");
    if (home != NULL && *home != 0) {
        text_string(out, home);
        text_string(out, "/.local/share/redshirt");
        return true;
    }
    return false;
}

int home_open(void)
{
    char path[HOSTED_PATH_BYTES];
    struct text text = text_over(path, sizeof path);
    bool is_known = home_find(&text) && !text.cut;
    return is_known ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int store_open_home(struct store *store)
{
    char path[HOSTED_PATH_BYTES];
    struct text text = text_over(path, sizeof path);
    if (!home_find(&text)) {
        say("there is no place for the store: set REDSHIRT_HOME to a folder");
        return EXIT_USAGE;
    }
    if (text.cut) {
        say("the path of the store is too long: set REDSHIRT_HOME to a shorter one");
        return EXIT_USAGE;
    }
    struct report report = {0};
    enum err err = store_open(store, path, &report);
    if (err != ERR_OK) {
        say("the store in %s: %s; set REDSHIRT_HOME to a folder that you may write", path,
            report.text);
        return EXIT_IO;
    }
    return EXIT_GOOD;
}

bool write_all(int file, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t count = write(file, bytes.data + done, bytes.size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        done += (size_t)count;
    }
    return true;
}
