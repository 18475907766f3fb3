// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/web_address.h"
#include "tools/redshirt/command.h"

#define FILE_NAME "network"
#define FILE_NEW "network.new"

static const char *const words[SETTING_KINDS] = {
    [SETTING_LAN] = "lan",       [SETTING_PUBLIC] = "public",
    [SETTING_PEER] = "peer",     [SETTING_BOOTSTRAP] = "bootstrap",
    [SETTING_ROUTER] = "router", [SETTING_GATEWAY] = "gateway",
};

// How many lines of a kind there may be.
static const u32 most[SETTING_KINDS] = {
    [SETTING_LAN] = 1,
    [SETTING_PUBLIC] = 1,
    [SETTING_PEER] = SETTINGS_LINES,
    [SETTING_BOOTSTRAP] = P2P_BOOTSTRAPS,
    [SETTING_ROUTER] = P2P_ROUTERS,
    [SETTING_GATEWAY] = P2P_GATEWAYS,
};

bool setting_kind_of(const char *word, enum setting_kind *out)
{
    for (u32 i = 0; i < SETTING_KINDS; i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = (enum setting_kind)i;
            return true;
        }
    }
    return false;
}

const char *setting_word(enum setting_kind kind)
{
    return words[kind];
}

static bool is_address(const char *value, bool needs_peer, const char **why)
{
    static struct report report; // its text is told
    struct multiaddr address;
    struct multiaddr_target target;
    report_clear(&report);
    enum err err = multiaddr_parse(span_string(value), &address, &report);
    if (err == ERR_OK) {
        err = multiaddr_target(span_of(address.bytes, address.size), &target, &report);
    }
    *why = err != ERR_OK ? report.text : "the address does not end in /p2p/ID";
    return err == ERR_OK && (target.has_peer || !needs_peer);
}

static bool is_web_address(const char *value, const char **why)
{
    static struct report report;
    struct web_address address;
    report_clear(&report);
    *why = report.text;
    return web_address_parse(span_string(value), &address, &report) == ERR_OK;
}

bool setting_is_good(enum setting_kind kind, const char *value, const char **why)
{
    const char *unused;
    why = why == NULL ? &unused : why;
    *why = "it is too long";
    if (strlen(value) > SETTINGS_VALUE_BYTES) {
        return false;
    }
    switch (kind) {
    case SETTING_LAN:
    case SETTING_PUBLIC:
        *why = "it is on or off";
        return strcmp(value, "on") == 0 || strcmp(value, "off") == 0;
    case SETTING_PEER:
        return is_address(value, false, why);
    case SETTING_BOOTSTRAP:
        return strcmp(value, SETTINGS_NONE) == 0 || is_address(value, true, why);
    default:
        return is_web_address(value, why);
    }
}

// ---- lines

static u32 kind_count(const struct settings *settings, enum setting_kind kind)
{
    u32 count = 0;
    for (u32 i = 0; i < settings->count; i++) {
        count += settings->lines[i].kind == kind;
    }
    return count;
}

// `none` is in place of all lines of its kind, and each of them in place of it.
static void exclusive_remove(struct settings *settings, enum setting_kind kind, const char *value)
{
    bool is_none = strcmp(value, SETTINGS_NONE) == 0;
    for (u32 i = settings->count; i > 0; i--) {
        const struct setting *line = &settings->lines[i - 1];
        if (line->kind == kind && (strcmp(line->value, SETTINGS_NONE) == 0) != is_none) {
            (void)settings_remove(settings, kind, line->value);
        }
    }
}

int settings_set(struct settings *settings, enum setting_kind kind, const char *value)
{
    exclusive_remove(settings, kind, value);
    for (u32 i = 0; i < settings->count; i++) {
        struct setting *line = &settings->lines[i];
        if (line->kind == kind && (most[kind] == 1 || strcmp(line->value, value) == 0)) {
            line->value = value;
            return EXIT_GOOD;
        }
    }
    if (settings->count == SETTINGS_LINES || kind_count(settings, kind) == most[kind]) {
        say("there are too many lines \"%s\": at most %u", words[kind], most[kind]);
        return EXIT_TOO_LARGE;
    }
    settings->lines[settings->count++] = (struct setting){kind, value};
    return EXIT_GOOD;
}

bool settings_remove(struct settings *settings, enum setting_kind kind, const char *value)
{
    for (u32 i = 0; i < settings->count; i++) {
        if (settings->lines[i].kind == kind && strcmp(settings->lines[i].value, value) == 0) {
            settings->count--;
            memmove(&settings->lines[i], &settings->lines[i + 1],
                    (settings->count - i) * sizeof settings->lines[0]);
            return true;
        }
    }
    return false;
}

// Reads one line, which ends in zero; it is written over.
static int line_take(struct settings *settings, char *line, u32 number)
{
    enum setting_kind kind;
    const char *why = "a line is lan, public, peer, bootstrap, router or gateway, and what it is";
    line[strcspn(line, "#")] = 0;
    char *word = strtok_r(line, " \t\r", &line);
    char *value = word == NULL ? NULL : strtok_r(NULL, " \t\r", &line);
    if (word == NULL) {
        return EXIT_GOOD;
    }
    bool is_good = value != NULL && strtok_r(NULL, " \t\r", &line) == NULL &&
                   setting_kind_of(word, &kind) && setting_is_good(kind, value, &why);
    if (!is_good) {
        say("REDSHIRT_HOME/" FILE_NAME ":%u: %s; nothing of it is believed until that is mended",
            number, why);
        return EXIT_NOT_VALID;
    }
    return settings_set(settings, kind, value);
}

static int lines_read(struct settings *settings)
{
    char *rest = settings->text;
    int code = EXIT_GOOD;
    for (u32 number = 1; code == EXIT_GOOD && rest != NULL; number++) {
        char *line = strsep(&rest, "\n");
        code = line_take(settings, line, number);
    }
    return code;
}

// ---- the file

// All bytes of the file, ending in zero, from malloc.
static int file_read(struct store *store, char **out)
{
    int file = openat(store->home, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status = {.st_size = 0};
    size_t size = 0;
    ssize_t count = 1;
    bool is_absent = file < 0 && errno == ENOENT;
    if (!is_absent && (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode))) {
        say("the settings of the network cannot be read: %s",
            file < 0 ? strerror(errno) : "they are no file");
        if (file >= 0) {
            close(file);
        }
        return EXIT_IO;
    }
    *out = calloc(1, SETTINGS_FILE_BYTES + 2);
    while (*out != NULL && !is_absent && count > 0 && size <= SETTINGS_FILE_BYTES) {
        count = read(file, *out + size, SETTINGS_FILE_BYTES + 1 - size);
        size += count > 0 ? (size_t)count : 0;
    }
    if (file >= 0) {
        close(file);
    }
    if (*out == NULL || count < 0 || size > SETTINGS_FILE_BYTES || strlen(*out) != size) {
        free(*out);
        *out = NULL;
        say("the settings of the network are too large, or cannot be read");
        return count < 0 ? EXIT_IO : EXIT_NOT_VALID;
    }
    return EXIT_GOOD;
}

int settings_load(struct store *store, struct settings *out)
{
    *out = (struct settings){0};
    int code = file_read(store, &out->text);
    if (code == EXIT_GOOD) {
        out->original = strdup(out->text);
        code = out->original == NULL ? EXIT_MACHINE : lines_read(out);
    }
    if (code != EXIT_GOOD) {
        settings_free(out);
    }
    return code;
}

void settings_free(struct settings *settings)
{
    free(settings->text);
    free(settings->original);
    *settings = (struct settings){0};
}

static void line_write(struct text *out, const struct setting *line)
{
    text_string(out, words[line->kind]);
    text_char(out, ' ');
    text_string(out, line->value);
}

// Which of the settings a line of the file was, by its words; SETTINGS_LINES: it is none any more.
static u32 line_find(const struct settings *settings, const char *word, const char *value)
{
    for (u32 i = 0; i < settings->count; i++) {
        const struct setting *line = &settings->lines[i];
        if (strcmp(words[line->kind], word) == 0 &&
            (most[line->kind] == 1 || strcmp(line->value, value) == 0)) {
            return i;
        }
    }
    return SETTINGS_LINES;
}

// Writes a line of the file that there was, as far as it still holds.
static void line_keep(struct text *out, const struct settings *settings, struct span original,
                      bool done[SETTINGS_LINES])
{
    static char words_of_line[SETTINGS_FILE_BYTES + 1]; // too large for a stack
    char *rest = words_of_line;
    size_t size = 0;
    while (size < original.size && original.data[size] != '#') {
        size++;
    }
    snprintf(words_of_line, sizeof words_of_line, "%.*s", (int)size, (const char *)original.data);
    char *word = strtok_r(rest, " \t\r", &rest);
    char *value = word == NULL ? NULL : strtok_r(NULL, " \t\r", &rest);
    u32 at = value == NULL ? SETTINGS_LINES : line_find(settings, word, value);
    if (value != NULL && (at == SETTINGS_LINES || done[at])) {
        return;
    }
    if (value == NULL || strcmp(settings->lines[at].value, value) == 0) {
        text_bytes(out, original);
    } else {
        line_write(out, &settings->lines[at]);
        text_string(out, size < original.size ? " " : "");
        text_bytes(out, span_slice(original, size, original.size));
    }
    text_char(out, '\n');
    if (value != NULL) {
        done[at] = true;
    }
}

static void lines_write(struct text *out, const struct settings *settings)
{
    bool done[SETTINGS_LINES] = {0};
    const char *at = settings->original;
    if (*at == 0) {
        text_string(out, "# What `redshirt network` has set; `redshirt network --help`.\n");
    }
    while (*at != 0) {
        size_t size = strcspn(at, "\n");
        line_keep(out, settings, span_of(at, size), done);
        at += size + (at[size] == '\n' ? 1 : 0);
    }
    for (u32 i = 0; i < settings->count; i++) {
        if (!done[i]) {
            line_write(out, &settings->lines[i]);
            text_char(out, '\n');
        }
    }
}

int settings_save(struct store *store, const struct settings *settings)
{
    static char bytes[SETTINGS_FILE_BYTES + 1]; // too large for a stack
    struct text text = text_over(bytes, sizeof bytes);
    lines_write(&text, settings);
    if (text.cut) {
        say("the settings of the network would be longer than %d bytes", SETTINGS_FILE_BYTES);
        return EXIT_TOO_LARGE;
    }
    int file =
        openat(store->home, FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool done = file >= 0 && write_all(file, span_of(text.data, text.size)) && fsync(file) == 0;
    if (file >= 0) {
        done = close(file) == 0 && done;
    }
    done = done && renameat(store->home, FILE_NEW, store->home, FILE_NAME) == 0 &&
           fsync(store->home) == 0;
    if (!done) {
        say("the settings of the network cannot be written: %s", strerror(errno));
        (void)unlinkat(store->home, FILE_NEW, 0);
    }
    return done ? EXIT_GOOD : EXIT_IO;
}

int settings_lock(struct store *store)
{
    while (flock(store->home, LOCK_EX) != 0) {
        if (errno != EINTR) {
            say("the folder of the settings cannot be locked: %s", strerror(errno));
            return EXIT_IO;
        }
    }
    return EXIT_GOOD;
}

void settings_unlock(struct store *store)
{
    (void)flock(store->home, LOCK_UN);
}
