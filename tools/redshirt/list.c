// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt ls`: what the store holds: the files, that is the blocks that no node of another file
// names.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "machines/hosted/file.h"
#include "tools/redshirt/command.h"

struct entry {
    struct cid cid;
    u64 size; // of the block
    bool is_part;
};

struct entries {
    struct entry *items;
    size_t count;
    size_t capacity;
};

static enum err entry_add(void *context, const struct cid *cid, u64 size)
{
    struct entries *entries = context;
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity == 0 ? 256 : entries->capacity * 2;
        struct entry *items = realloc(entries->items, capacity * sizeof *items);
        if (items == NULL) {
            return ERR_NO_MEMORY;
        }
        entries->items = items;
        entries->capacity = capacity;
    }
    entries->items[entries->count++] = (struct entry){*cid, size, false};
    return ERR_OK;
}

static int entry_compare(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int digest = mem_compare(left->cid.digest, right->cid.digest, sizeof left->cid.digest);
    return digest != 0 ? digest : (int)left->cid.codec - (int)right->cid.codec;
}

// Marks the children of a node. A damaged node names nobody: its leaves then show as files of their
// own.
static void parts_mark(struct store *store, struct entries *entries, const struct cid *cid)
{
    struct span block;
    if (store_get(store, cid, &block, NULL) != ERR_OK) {
        return;
    }
    struct unixfs_node node;
    struct unixfs_link link;
    if (unixfs_node_parse(block, &node, NULL) == ERR_OK) {
        while (unixfs_node_next(&node, &link)) {
            struct entry key = {link.cid, 0, false};
            struct entry *part =
                bsearch(&key, entries->items, entries->count, sizeof key, entry_compare);
            if (part != NULL) {
                part->is_part = true;
            }
        }
    }
    free((void *)block.data);
}

static enum err bytes_ignore(void *context, struct span bytes)
{
    (void)context;
    (void)bytes;
    return ERR_OK;
}

static enum err block_check(struct store *store, const struct cid *cid, struct report *report)
{
    struct span block;
    TRY(store_get(store, cid, &block, report));
    free((void *)block.data);
    return ERR_OK;
}

// One line: name, size, and what is wrong with it.
static int entry_print(struct store *store, const struct entry *entry, bool blocks, bool check)
{
    char name[CID_TEXT_BYTES];
    cid_write_text(&entry->cid, name);
    u64 size = entry->size;
    struct report report = {0};
    enum err err = ERR_OK;
    if (!blocks && entry->cid.codec == CID_DAG_PB) {
        err = hosted_file_size(store, &entry->cid, &size, &report);
    }
    if (err == ERR_OK && check) {
        err = blocks ? block_check(store, &entry->cid, &report)
                     : hosted_file_read(store, &entry->cid, bytes_ignore, NULL, &report);
    }
    if (err != ERR_OK) {
        printf("%s %12s  %s\n", name, "?", report.text);
        return exit_code_of(err);
    }
    printf("%s %12llu\n", name, (unsigned long long)size);
    return EXIT_GOOD;
}

static int list_all(struct store *store, bool blocks, bool check)
{
    struct entries entries = {0};
    struct report report = {0};
    enum err err = store_list(store, entry_add, &entries, &report);
    int code = err == ERR_OK ? EXIT_GOOD : say_refused("the store", err, &report);
    if (entries.count > 0) {
        qsort(entries.items, entries.count, sizeof entries.items[0], entry_compare);
    }
    for (size_t i = 0; i < entries.count && !blocks; i++) {
        if (entries.items[i].cid.codec == CID_DAG_PB) {
            parts_mark(store, &entries, &entries.items[i].cid);
        }
    }
    for (size_t i = 0; i < entries.count; i++) {
        if (blocks || !entries.items[i].is_part) {
            int failed = entry_print(store, &entries.items[i], blocks, check);
            code = code == EXIT_GOOD ? failed : code;
        }
    }
    free(entries.items);
    if (fflush(stdout) != 0) {
        say("the list cannot be written to standard output");
        return EXIT_IO;
    }
    return code;
}

static int list_run(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    bool blocks = false;
    bool check = false;
    const char *option;
    const char *value;
    while ((option = options_next(&options, &value)) != NULL) {
        if (value == NULL && strcmp(option, "blocks") == 0) {
            blocks = true;
        } else if (value == NULL && strcmp(option, "check") == 0) {
            check = true;
        } else {
            return say_usage(command, "there is no option \"%s\"", option);
        }
    }
    if (options.next != count) {
        return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
    }
    struct store store;
    int code = store_open_home(&store);
    if (code == EXIT_GOOD) {
        code = list_all(&store, blocks, check);
        store_close(&store);
    }
    return code;
}

const struct command command_list = {
    "ls",
    "lists what the store holds",
    "Usage: redshirt ls [--blocks] [--check]\n"
    "\n"
    "Lists the files of the store by name, with their sizes in bytes.\n"
    "\n"
    "  --blocks   list blocks instead: a file above 1 MiB has many\n"
    "  --check    read everything and say what is damaged or missing; the exit code says so too\n",
    list_run,
};
