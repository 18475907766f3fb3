// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt add`: puts files into the store and prints their names.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/report.h"
#include "machines/hosted/file.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/pins.h"

enum { PROGRESS_STEP = 64 << 20 };

static bool progress(void *context, u64 bytes)
{
    u64 *said = context;
    if (bytes - *said >= PROGRESS_STEP) {
        *said = bytes;
        fprintf(stderr, "\r%llu MiB", (unsigned long long)(bytes >> 20));
    }
    return true;
}

//   store  NULL: only the name is wanted
static int add_one(struct store *store, const char *path, bool with_path, bool with_pin)
{
    int file = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_IO;
        say("%s: cannot be opened (%s)%s", path, strerror(errno),
            path[0] == '-' ? "; options stand before the files" : "");
        return code;
    }
    struct report report = {0};
    struct cid cid;
    u64 said = 0;
    enum err err =
        hosted_file_add(store, file, isatty(STDERR_FILENO) ? progress : NULL, &said, &cid, &report);
    if (file != STDIN_FILENO) {
        close(file);
    }
    if (said != 0) {
        fputs("\r           \r", stderr);
    }
    if (err != ERR_OK) {
        return say_refused(path, err, &report);
    }
    if (store != NULL && with_pin) {
        int code = pin_add(store, &cid);
        if (code != EXIT_GOOD) {
            return code;
        }
    }
    char name[CID_TEXT_BYTES];
    cid_write_text(&cid, name);
    int written = with_path ? printf("%s  %s\n", name, path) : printf("%s\n", name);
    if (written < 0 || fflush(stdout) != 0) {
        say("the name of %s cannot be written to standard output", path);
        return EXIT_IO;
    }
    return EXIT_GOOD;
}

static int add_run(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    bool only_name = false;
    bool only_store = false;
    const char *option;
    const char *value;
    while ((option = options_next(&options, &value)) != NULL) {
        if (value == NULL && (strcmp(option, "n") == 0 || strcmp(option, "only-name") == 0)) {
            only_name = true;
        } else if (value == NULL && strcmp(option, "no-pin") == 0) {
            only_store = true;
        } else {
            return say_usage(command, "there is no option \"%s\"", option);
        }
    }
    if (options.next == count) {
        return say_usage(command, "which file?");
    }
    struct store store;
    int code = only_name ? EXIT_GOOD : store_open_home(&store);
    if (code != EXIT_GOOD) {
        return code;
    }
    bool with_path = count - options.next > 1;
    for (int i = options.next; i < count; i++) {
        int failed = add_one(only_name ? NULL : &store, arguments[i], with_path, !only_store);
        code = code == EXIT_GOOD ? failed : code;
    }
    if (!only_name) {
        store_close(&store);
    }
    return code;
}

const struct command command_add = {
    "add",
    "puts a file into the store and prints its name",
    "Usage: redshirt add [-n] [--no-pin] FILE...\n"
    "\n"
    "Puts each file into the store and prints its name, the CID that IPFS gives it under its "
    "profile\n"
    "unixfs-v1-2025. With more than one file, the file's own name follows. `-` is standard input.\n"
    "A block that is there already is left alone; one that is damaged is replaced.\n"
    "\n"
    "Each is pinned too: `redshirt serve` gives it to peers who ask for it.\n"
    "\n"
    "  -n, --only-name   print the name, store nothing\n"
    "      --no-pin      do not pin it\n"
    "\n"
    "Exit codes: 66 no such file, 74 it cannot be read or the store cannot be written.\n",
    add_run,
};
