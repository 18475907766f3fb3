// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt pin`, `redshirt unpin`, and the list that they change.
#include "tools/redshirt/pins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/report.h"
#include "lib/p2p/cid_text.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/records.h"
#include "machines/hosted/store.h"
#include "tools/redshirt/command.h"

#define RECORD SPAN_LITERAL("pins")

enum { LINE_BYTES = CID_TEXT_LETTERS + 1 };

// The list, in memory from malloc with room for one more line; no record is an empty one.
static int list_read(struct store *store, char **out, size_t *size)
{
    struct span bytes = {0};
    struct report report = {0};
    enum err err = record_get(store->home, RECORD, &bytes, &report);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return say_refused("the list of pins", err, &report);
    }
    *size = bytes.size;
    *out = malloc(bytes.size + LINE_BYTES);
    if (*out != NULL) {
        mem_copy(*out, bytes.data, bytes.size);
    }
    free((void *)bytes.data);
    if (*out == NULL) {
        say("no memory for the list of pins");
        return EXIT_MACHINE;
    }
    return EXIT_GOOD;
}

// Where the line of a CID begins; NULL: it is not there.
static char *line_find(char *list, size_t size, const char *line)
{
    for (size_t at = 0; at + LINE_BYTES <= size; at += LINE_BYTES) {
        if (memcmp(list + at, line, LINE_BYTES) == 0) {
            return list + at;
        }
    }
    return NULL;
}

// Changes the list under its lock.
static int pins_change(struct store *store, const struct cid *cid, bool is_add)
{
    char line[CID_TEXT_BYTES];
    char *list = NULL;
    size_t size;
    cid_write_text(cid, line);
    line[CID_TEXT_LETTERS] = '\n';
    int lock = record_lock(store->home);
    if (lock < 0) {
        say("the folder of the list of pins cannot be opened");
        return EXIT_IO;
    }
    int code = list_read(store, &list, &size);
    char *found = code == EXIT_GOOD ? line_find(list, size, line) : NULL;
    bool changes = code == EXIT_GOOD && (found == NULL) == is_add;
    if (changes && is_add) {
        memcpy(list + size, line, LINE_BYTES);
        size += LINE_BYTES;
    } else if (changes) {
        size -= LINE_BYTES;
        memmove(found, found + LINE_BYTES, size - (size_t)(found - list));
    } else if (code == EXIT_GOOD && !is_add) {
        code = EXIT_NOT_FOUND;
    }
    if (changes) {
        struct report report = {0};
        enum err err = record_set(store->home, RECORD, span_of(list, size), &report);
        if (err != ERR_OK) {
            code = say_refused("the list of pins", err, &report);
        }
    }
    record_unlock(lock);
    free(list);
    return code;
}

int pin_add(struct store *store, const struct cid *cid)
{
    return pins_change(store, cid, true);
}

int pin_remove(struct store *store, const struct cid *cid)
{
    return pins_change(store, cid, false);
}

int pins_print(struct store *store)
{
    char *list = NULL;
    size_t size;
    int code = list_read(store, &list, &size);
    if (code == EXIT_GOOD && (fwrite(list, 1, size, stdout) != size || fflush(stdout) != 0)) {
        say("the list cannot be written to standard output");
        code = EXIT_IO;
    }
    free(list);
    return code;
}

// ---- the commands

static int pin_one(struct store *store, const char *name, bool is_add)
{
    struct cid cid;
    struct report report = {0};
    if (p2p_cid_parse_word(span_string(name), &cid, &report) != ERR_OK) {
        return say_bad_cid(name, &report);
    }
    if (is_add && !store_has(store, &cid)) {
        say("%s is not in the store; `redshirt get` fetches it", name);
        return EXIT_NOT_FOUND;
    }
    int code = is_add ? pin_add(store, &cid) : pin_remove(store, &cid);
    if (code == EXIT_NOT_FOUND && !is_add) {
        say("%s is not pinned", name);
    }
    return code;
}

static int pins_run(const struct command *command, int count, char **arguments, bool is_add)
{
    struct store store;
    for (int i = 0; i < count; i++) {
        if (arguments[i][0] == '-') { // no CID begins so
            return say_usage(command, "there is no option \"%s\"", arguments[i]);
        }
    }
    if (count == 0 && !is_add) {
        return say_usage(command, "which CID?");
    }
    int code = store_open_home(&store);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (count == 0) {
        code = pins_print(&store);
    }
    for (int i = 0; i < count; i++) {
        int failed = pin_one(&store, arguments[i], is_add);
        code = code == EXIT_GOOD ? failed : code;
    }
    store_close(&store);
    return code;
}

static int pin_run(const struct command *command, int count, char **arguments)
{
    return pins_run(command, count, arguments, true);
}

static int unpin_run(const struct command *command, int count, char **arguments)
{
    return pins_run(command, count, arguments, false);
}

const struct command command_pin = {
    "pin",
    "lets `serve` give a file of the store to peers",
    "Usage: redshirt pin [CID...]\n"
    "\n"
    "Pins files of the store: `redshirt serve` gives them to peers who ask. What was added is "
    "pinned\n"
    "already; what was fetched is not, because who is given it learns that it was. Without a CID, "
    "lists\n"
    "what is pinned.\n"
    "\n"
    "Exit codes: 66 not in the store, 67 not a CID that is served, 73 more than 4096.\n",
    pin_run,
};

const struct command command_unpin = {
    "unpin",
    "stops giving a file to peers",
    "Usage: redshirt unpin CID...\n"
    "\n"
    "Takes files off the list of `redshirt pin`. They stay in the store.\n"
    "\n"
    "Exit codes: 66 not pinned, 67 not a CID that is served.\n",
    unpin_run,
};
