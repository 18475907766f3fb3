// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt get`: writes a file of the store out again, checked.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/report.h"
#include "lib/p2p/cid_text.h"
#include "machines/hosted/file.h"
#include "machines/hosted/limits.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/network.h"

static enum err bytes_write(void *context, struct span bytes)
{
    int *file = context;
    return write_all(*file, bytes) ? ERR_OK : ERR_IO;
}

// As say_refused; where something is missing, with what to do about it.
static int say_missing(const char *name, enum err err, const struct report *report)
{
    if (err != ERR_NOT_FOUND || report->err == ERR_OK) {
        return say_refused(name, err, report);
    }
    say("%s: %s; `--peer ADDRESS` says who may have it", name, report->text);
    return EXIT_NOT_FOUND;
}

static int get_to(struct store *store, const char *name, const struct cid *cid, int file)
{
    struct report report = {0};
    enum err err = hosted_file_read(store, cid, bytes_write, &file, &report);
    if (err == ERR_IO && report.err == ERR_OK) {
        say("%s: cannot be written (%s)", name, strerror(errno));
        return EXIT_IO;
    }
    return err == ERR_OK ? EXIT_GOOD : say_missing(name, err, &report);
}

// A pipe or a device is written to as it is; never put a file in its place.
static int get_to_special(struct store *store, const char *name, const struct cid *cid,
                          const char *path)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        say("%s: cannot be opened (%s)", path, strerror(errno));
        return EXIT_IO;
    }
    int code = get_to(store, name, cid, file);
    close(file);
    return code;
}

// ---- the file beside the path

static char temporary[HOSTED_PATH_BYTES];

static void temporary_remove(int number)
{
    (void)unlink(temporary);
    (void)raise(number); // taken when this returns, and by then what it was without us
}

// A signal that ends the command takes the file with it. One that was ignored stays so.
static void temporary_guard(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct sigaction before,
            action = {.sa_handler = temporary_remove, .sa_flags = SA_RESETHAND};
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) {
            (void)sigaction(numbers[i], &action, NULL);
        }
    }
}

// Below 0: it cannot be made.
static int temporary_make(const char *path)
{
    int size = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    sigset_t all, before;
    if (size <= 0 || (size_t)size >= sizeof temporary) {
        errno = ENAMETOOLONG;
        return -1;
    }
    // Until it has its name, no signal may come: the handler would leave it.
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    int file = mkstemp(temporary);
    if (file >= 0) {
        temporary_guard();
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return file;
}

static mode_t mode_of_new(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

// Gives a finished file its rights and its name.
static bool file_finish(int file, const char *path, mode_t mode)
{
    return fchmod(file, mode) == 0 && fsync(file) == 0 && rename(temporary, path) == 0;
}

// Writes beside the path and renames, so that a file of that name is whole or untouched.
static int get_to_file(struct store *store, const char *name, const struct cid *cid,
                       const char *path, mode_t mode)
{
    int file = temporary_make(path);
    if (file < 0) {
        say("%s: cannot be made (%s)", path, strerror(errno));
        return EXIT_IO;
    }
    int code = get_to(store, name, cid, file);
    if (code == EXIT_GOOD && !file_finish(file, path, mode)) {
        say("%s: cannot be written (%s)", path, strerror(errno));
        code = EXIT_IO;
    }
    close(file);
    if (code != EXIT_GOOD) {
        (void)unlink(temporary);
    }
    return code;
}

// As cp does it: what a link leads to is written and the link stays, a file that is there keeps its
// rights, and one that the user may not write is not replaced.
static int get_to_path(struct store *store, const char *name, const struct cid *cid,
                       const char *path)
{
    struct stat status, link;
    bool is_there = stat(path, &status) == 0;
    if (!is_there) {
        if (lstat(path, &link) == 0) {
            say("%s: is a link that leads nowhere", path);
            return EXIT_IO;
        }
        return get_to_file(store, name, cid, path, mode_of_new());
    }
    if (!S_ISREG(status.st_mode)) {
        return get_to_special(store, name, cid, path);
    }
    char *target = access(path, W_OK) == 0 ? realpath(path, NULL) : NULL;
    if (target == NULL) {
        say("%s: cannot be written (%s)", path, strerror(errno));
        return EXIT_IO;
    }
    int code = get_to_file(store, name, cid, target, status.st_mode & 0777);
    free(target);
    return code;
}

static int get_named(struct network *network, const char *path)
{
    struct report report = {0};
    struct cid cid;
    char name[CID_TEXT_BYTES];
    if (p2p_cid_parse_word(span_string(network->get), &cid, &report) != ERR_OK) {
        return say_bad_cid(network->get, &report);
    }
    cid_write_text(&cid, name);
    network->get = name;
    struct store store;
    int code = store_open_home(&store);
    if (code != EXIT_GOOD) {
        return code;
    }
    code = network_settings(&store, network);
    if (code == EXIT_GOOD && network_is_on(network)) {
        code = network_alone(&store, network);
    }
    if (code != EXIT_GOOD) {
        store_close(&store);
        return code;
    }
    code = path == NULL ? get_to(&store, name, &cid, STDOUT_FILENO)
                        : get_to_path(&store, name, &cid, path);
    store_close(&store);
    return code;
}

static int get_run(const struct command *command, int count, char **arguments)
{
    static struct network network; // too large for a stack
    const char *path = NULL;
    struct options options = {count, arguments, 0};
    while (options.next < count) {
        const char *value;
        const char *option = options_next(&options, &value);
        if (option == NULL) {
            if (options.next == count || network.get != NULL) {
                return say_usage(command, "one CID is wanted");
            }
            network.get = arguments[options.next++];
        } else if (strcmp(option, "listen") == 0 || strcmp(option, "l") == 0) {
            return say_usage(command, "there is no option \"%s\"; `redshirt serve` listens",
                             option);
        } else if (strcmp(option, "o") == 0 || strcmp(option, "output") == 0) {
            path = options_value(&options, value);
            if (path == NULL) {
                return say_usage(command, "-o wants a file");
            }
        } else {
            bool is_network;
            int code = network_option(command, &network, &options, option, value, &is_network);
            if (code != EXIT_GOOD) {
                return code;
            }
            if (!is_network) {
                return say_usage(command, "there is no option \"%s\"", option);
            }
        }
    }
    return network.get == NULL ? say_usage(command, "which CID?") : get_named(&network, path);
}

const struct command command_get = {
    "get",
    "writes a file of the store out again",
    "Usage: redshirt get CID [-o FILE] [--peer ADDRESS]... [--lan] [--public]\n"
    "\n"
    "Writes the bytes that the CID names to standard output, or to FILE, which appears whole or "
    "not at\n"
    "all. A FILE that is there keeps its rights, and what a link leads to is written. Every block "
    "is\n"
    "checked against its name first. With --peer, what the store lacks is fetched from there "
    "before, and\n"
    "stays in the store; what it has is not asked for.\n"
    "\n"
    "  -o, --output FILE    where to\n"
    "      --peer ADDRESS   who may have it, as /ip4/10.0.0.1/tcp/4001/p2p/12D3...; may be given "
    "several\n"
    "                       times\n"
    "      --lan            peers of the local network are asked, too\n"
    "      --public         the public network is asked, too, last: strangers see what is wanted "
    "and by\n"
    "                       which address; `redshirt network --help`\n"
    "\n"
    "Exit codes: 65 a node that is no file, 66 a block is missing, here and with all who were "
    "asked,\n"
    "67 not a CID that is served or fetched, 68 a block is damaged, or who said to have it sent "
    "something\n"
    "else, 73 a file of more than 1 GiB is not fetched, 74 it could not be written.\n",
    get_run,
};
