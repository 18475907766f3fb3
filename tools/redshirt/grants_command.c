// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt grants`, `grant` and `revoke`: what the user has said, for good.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "lib/p2p/cid_text.h"
#include "machines/hosted/file.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/grants.h"

// ---- grants

static const char *word_name(const struct grants_line *line)
{
    if (line->right == KERNEL_HANDLE) {
        return line->word == KERNEL_ALLOW ? "handle" : "no-handle";
    }
    return line->word == KERNEL_ALLOW ? "allow" : line->word == KERNEL_DENY ? "deny" : "ask";
}

static bool is_about_somebody(const struct grants_line *line)
{
    return grants_is_all(line) || line->program.codec != 0;
}

static void line_print(const struct grants_line *line, bool is_default)
{
    char cid[CID_TEXT_BYTES] = "*";
    const char *program = NULL;
    if (!grants_is_all(line)) {
        cid_write_text(&line->program, cid);
        program = grants_program_name(&line->program);
    }
    printf("%-9s %s %.*s", word_name(line), cid, (int)line->name.size,
           (const char *)line->name.data);
    if (line->limit.size > 0) {
        printf("=%.*s", (int)line->limit.size, (const char *)line->limit.data);
    }
    if (program != NULL || is_default) {
        printf("  #%s%s%s", program == NULL ? "" : " ", program == NULL ? "" : program,
               is_default ? " (by default)" : "");
    }
    printf("\n");
}

static int store_and_grants(struct store *store, struct grants *grants)
{
    int code = store_open_home(store);
    if (code != EXIT_GOOD) {
        return code;
    }
    code = grants_lock(store);
    if (code == EXIT_GOOD) {
        code = grants_load(store, grants);
    }
    if (code != EXIT_GOOD) {
        store_close(store); // and with it the lock
    }
    return code;
}

static void store_and_grants_close(struct store *store, struct grants *grants)
{
    grants_free(grants);
    grants_unlock(store);
    store_close(store);
}

static int grants_run(const struct command *command, int count, char **arguments)
{
    if (count > 0) {
        return say_usage(command, "what is \"%s\" for?", arguments[0]);
    }
    struct store store;
    struct grants grants;
    int code = store_and_grants(&store, &grants);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct grants_line line;
    for (u32 i = 0; grants_default(i, &line); i++) {
        if (is_about_somebody(&line) && grants_find(&grants, &line) == NULL) {
            line_print(&line, true);
        }
    }
    for (u32 i = 0; i < grants.count; i++) {
        line_print(&grants.lines[i], false);
    }
    store_and_grants_close(&store, &grants);
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
}

// ---- grant, revoke

static int file_name(const char *path, struct cid *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        say("%s is no CID, no program that comes with the command, and no file: %s", path,
            strerror(errno));
        return EXIT_NOT_FOUND;
    }
    struct report report = {0};
    enum err err = hosted_file_add(NULL, file, NULL, NULL, out, &report);
    close(file);
    return err == ERR_OK ? EXIT_GOOD : say_refused(path, err, &report);
}

// `*`, a CID, the name of a program that comes with the command, or a file.
static int program_take(const char *text, struct grants_line *line)
{
    if (strcmp(text, "*") == 0) {
        return EXIT_GOOD;
    }
    bool is_known = p2p_cid_parse_word(span_string(text), &line->program, NULL) == ERR_OK ||
                    grants_program(text, &line->program);
    return is_known ? EXIT_GOOD : file_name(text, &line->program);
}

// [--handle] PROGRAM INTERFACE[=LIMIT]
static int line_take(const struct command *command, int count, char **arguments,
                     struct grants_line *line)
{
    struct options options = {count, arguments, 0};
    const char *option;
    const char *value;
    *line = (struct grants_line){.right = KERNEL_USE, .word = KERNEL_ALLOW};
    while ((option = options_next(&options, &value)) != NULL) {
        if (strcmp(option, "handle") != 0 || value != NULL) {
            return say_usage(command, "there is no option \"%s\"", option);
        }
        line->right = KERNEL_HANDLE;
    }
    if (count - options.next != 2) {
        return say_usage(command, "which program, and which interface?");
    }
    int code = grants_interface_limit(arguments[options.next + 1], line);
    if (code == EXIT_GOOD && line->limit.size > 0 && line->right == KERNEL_HANDLE) {
        return say_usage(command, "who handles an interface has no limit");
    }
    return code == EXIT_GOOD ? program_take(arguments[options.next], line) : code;
}

static int grant_run(const struct command *command, int count, char **arguments)
{
    struct grants_line line;
    struct store store;
    struct grants grants;
    int code = line_take(command, count, arguments, &line);
    if (code == EXIT_GOOD) {
        code = store_and_grants(&store, &grants);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    if (grants_set(&grants, &line)) {
        code = grants_save(&store, &grants);
    } else {
        say("there are %d grants, and no room for another", KERNEL_GRANTS);
        code = EXIT_TOO_LARGE;
    }
    store_and_grants_close(&store, &grants);
    return code;
}

static bool is_default(const struct grants_line *line)
{
    struct grants_line row;
    for (u32 i = 0; grants_default(i, &row); i++) {
        struct grants one = {.lines = &row, .count = 1};
        if (grants_find(&one, line) != NULL) {
            return true;
        }
    }
    return false;
}

// Whether something else than a line of its own allows it.
static bool is_allowed_anyway(const struct grants *grants, const struct grants_line *line)
{
    struct grants_line all = *line;
    all.program = (struct cid){0};
    const struct grants_line *found = grants_find(grants, &all);
    bool for_all = found != NULL ? found->word == KERNEL_ALLOW : is_default(&all);
    return is_default(line) || (for_all && !grants_is_all(line));
}

static int revoke_run(const struct command *command, int count, char **arguments)
{
    struct grants_line line;
    struct store store;
    struct grants grants;
    int code = line_take(command, count, arguments, &line);
    if (code == EXIT_GOOD && line.limit.size > 0) {
        return say_usage(command, "all of it is revoked: leave the limit out");
    }
    if (code == EXIT_GOOD) {
        code = store_and_grants(&store, &grants);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    bool found = grants_remove(&grants, &line);
    if (is_allowed_anyway(&grants, &line)) {
        line.word = KERNEL_DENY;
        found = grants_set(&grants, &line);
    }
    if (found) {
        code = grants_save(&store, &grants);
    } else {
        say("nothing is granted there; `redshirt grants` lists what is");
        code = EXIT_NOT_FOUND;
    }
    store_and_grants_close(&store, &grants);
    return code;
}

const struct command command_grants = {
    "grants",
    "lists what programs may do",
    "Usage: redshirt grants\n"
    "\n"
    "Lists what was said about programs: allow, deny or ask (to use an interface), handle or "
    "no-handle\n"
    "(to answer it); the program's CID, or * for all; the interface, and perhaps a limit. What\n"
    "`(by default)` stands behind comes with the command, and can be revoked like any other.\n",
    grants_run,
};

const struct command command_grant = {
    "grant",
    "lets a program use an interface, from now on",
    "Usage: redshirt grant [--handle] PROGRAM INTERFACE[=LIMIT]\n"
    "\n"
    "Lets a program use an interface, or with --handle answer it. PROGRAM is a CID, a file, the "
    "name of\n"
    "a program that comes with the command, or * for all. INTERFACE is a name (tcp, "
    "redshirt:io/tcp) "
    "or\n"
    "the hash that `redshirt interface` prints. A limit says how much of it (docs/grants.md).\n"
    "`budget` is what a program may take of the machine: budget=memory:64MiB,addressing:small\n"
    "(docs/budgets.md).\n"
    "\n"
    "It counts at once, also for what runs already.\n",
    grant_run,
};

const struct command command_revoke = {
    "revoke",
    "takes back what a program may use",
    "Usage: redshirt revoke [--handle] PROGRAM INTERFACE\n"
    "\n"
    "Takes back what `redshirt grant`, an answer `always`, or the default allows. It counts at "
    "once: "
    "a\n"
    "program that runs loses its connection to the interface, and what is under way on it fails.\n",
    revoke_run,
};
