// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt shell`: the program shell in this terminal, with the programs that come with the
// command by their names. What those may do the shell may, and no more: the kernel sees to that.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/kernel/limits.h"
#include "core/kernel/names.h"
#include "machines/hosted/folders.h"
#include "machines/hosted/limits.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/dirs.h"
#include "tools/redshirt/embedded.h"
#include "tools/redshirt/engine.h"
#include "tools/redshirt/grants.h"
#include "tools/redshirt/names.h"
#include "tools/redshirt/network.h"
#include "tools/redshirt/session.h"
#include "tools/redshirt/words.h"

enum {
    SCRIPT_BYTES = 96 << 10, // of a file of commands: what fits beside the other arguments
    SAID_BYTES = 1024,       // of the line that says what the shell may do
};

struct shell_command {
    u32 workers;
    struct words words;
    struct dirs dirs;
    struct network network;
    const char *text; // -c
    const char *file;
    char script[SCRIPT_BYTES + 1];
    struct span environment[KERNEL_ARGUMENTS];
    u32 environment_count;
};

// ---- the command line

static int option_take(const struct command *command, struct shell_command *shell,
                       struct options *options, const char *option, const char *value)
{
    bool is_taken;
    int code = words_option(command, &shell->words, options, option, value, &is_taken);
    if (is_taken) {
        return code;
    }
    if (strcmp(option, "dir") == 0) {
        return dirs_take(command, &shell->dirs, options_value(options, value));
    }
    if (strcmp(option, "c") == 0) {
        shell->text = options_value(options, value);
        return shell->text != NULL ? EXIT_GOOD : say_usage(command, "-c wants commands");
    }
    if (strcmp(option, "env") == 0 || strcmp(option, "e") == 0) {
        value = options_value(options, value);
        bool is_good = value != NULL && strchr(value, '=') != NULL && *value != '=';
        if (!is_good || shell->environment_count == KERNEL_ARGUMENTS) {
            return say_usage(command,
                             is_good ? "--env is given too often" : "--env wants NAME=VALUE");
        }
        shell->environment[shell->environment_count++] = span_string(value);
        return EXIT_GOOD;
    }
    if (strcmp(option, "workers") == 0 || strcmp(option, "w") == 0) {
        u64 workers;
        value = options_value(options, value);
        if (value == NULL || !number_parse(value, HOSTED_WORKERS, &workers) || workers == 0) {
            return say_usage(command, "--workers wants a number from 1 to %d", HOSTED_WORKERS);
        }
        shell->workers = (u32)workers;
        return EXIT_GOOD;
    }
    code = engine_option(command, options, option, value, &is_taken);
    if (is_taken) {
        return code;
    }
    code = network_option(command, &shell->network, options, option, value, &is_taken);
    return is_taken ? code : say_usage(command, "there is no option \"%s\"", option);
}

// The file is the user's own, who may read it: the shell gets what it says, and no right to it.
static int script_read(struct shell_command *shell)
{
    int file = open(shell->file, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t got = file < 0 ? -1 : 1;
    while (got > 0 && size <= SCRIPT_BYTES) {
        got = read(file, shell->script + size, sizeof shell->script - size);
        size += got > 0 ? (size_t)got : 0;
    }
    int error = errno;
    if (file >= 0) {
        close(file);
    }
    if (got < 0) {
        say("cannot read %s: %s", shell->file, strerror(error));
        return error == ENOENT ? EXIT_NOT_FOUND : EXIT_IO;
    }
    if (size > SCRIPT_BYTES) {
        say("cannot run %s: it has more than %d KiB", shell->file, SCRIPT_BYTES >> 10);
        return EXIT_TOO_LARGE;
    }
    shell->script[size] = 0;
    if (strlen(shell->script) != size) {
        say("cannot run %s: it holds a zero byte, so it is no list of commands", shell->file);
        return EXIT_NOT_VALID;
    }
    shell->text = shell->script;
    return EXIT_GOOD;
}

static int arguments_take(const struct command *command, struct shell_command *shell, int count,
                          char **arguments)
{
    struct options options = {count, arguments, 0};
    const char *option;
    const char *value;
    while ((option = options_next(&options, &value)) != NULL) {
        int code = option_take(command, shell, &options, option, value);
        if (code != EXIT_GOOD) {
            return code;
        }
    }
    if (options.next < count && shell->text == NULL) {
        shell->file = arguments[options.next++];
    }
    if (options.next != count) {
        return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
    }
    return shell->file == NULL ? EXIT_GOOD : script_read(shell);
}

// ---- rights

static int right_say(struct session *session, const char *interface, const struct cid *program)
{
    struct grants_line line = {.right = KERNEL_USE, .word = KERNEL_ALLOW, .program = *program};
    if (interface == NULL) {
        return grants_say(session->kernel, &line); // all of them
    }
    int code = grants_interface(span_string(interface), &line);
    ASSERT(code == EXIT_GOOD);
    return grants_say(session->kernel, &line);
}

// Those that make the system what it is, and the shell itself, are not for typing.
static bool is_tool(const char *name)
{
    static const char *const others[] = {"store-loader", "wasi", "p2p-loader", "shell"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (strcmp(name, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

// A program that comes with the command gets its name, and may do what the shell may.
static int tool_add(struct session *session, const struct shell_command *shell, const char *name)
{
    const char *text;
    struct cid cid;
    int code = session_embedded(session, name, &text);
    if (code != EXIT_GOOD) {
        return code;
    }
    ASSERT(text != NULL);
    struct report report = {0};
    enum err err = kernel_name_add(session->kernel, span_string(name), span_string(text));
    if (err == ERR_OK) {
        err = cid_parse_text(span_string(text), &cid, &report);
    }
    if (err != ERR_OK) {
        return say_refused(name, err, &report);
    }
    code = right_say(session, NULL, &cid);
    return code == EXIT_GOOD ? dirs_say(session->kernel, &shell->dirs, &cid) : code;
}

// A name that is a key, and known here. The program gets no rights by it. One that the kernel does
// not take, or that is one too many, is found by `redshirt run` alone.
static void name_add(void *context, const char *text, const struct cid *program)
{
    struct session *session = context;
    char cid[CID_TEXT_BYTES];
    cid_write_text(program, cid);
    enum err unused = kernel_name_add(session->kernel, span_string(text), span_string(cid));
    (void)unused;
}

static int rights_say(struct session *session, struct shell_command *shell, const struct cid *cid)
{
    static const char *const own[] = {
        "redshirt:kernel/processes", "redshirt:io/terminal", "redshirt:kernel/inspect",
        "redshirt:io/keep",          "redshirt:io/crypto",
    };
    int code = EXIT_GOOD;
    for (size_t i = 0; code == EXIT_GOOD && i < COUNT_OF(own); i++) {
        code = right_say(session, own[i], cid);
    }
    for (size_t i = 0; code == EXIT_GOOD && i < embedded_count; i++) {
        if (is_tool(embedded_programs[i].name)) {
            code = tool_add(session, shell, embedded_programs[i].name);
        }
    }
    if (code == EXIT_GOOD) {
        code = names_known(session->store, name_add, session);
    }
    if (code == EXIT_GOOD) {
        code = dirs_say(session->kernel, &shell->dirs, cid);
    }
    return code == EXIT_GOOD ? words_say(session->kernel, &shell->words, cid) : code;
}

// One line, for who types: what the shell and all that it starts may touch.
static void rights_tell(const struct shell_command *shell)
{
    static struct folders folders;
    char said[SAID_BYTES];
    struct text out = text_over(said, sizeof said);
    struct span limit = span_of((const u8 *)shell->dirs.limit, shell->dirs.size);
    if (shell->words.is_free) {
        text_string(&out, "everything (--yes)");
    } else {
        text_string(&out, "this terminal, what runs here");
    }
    if (limit.size == 0) {
        text_string(&out, " and no files (--dir gives a folder)");
    } else if (folders_parse(limit, &folders, NULL) == ERR_OK) {
        for (u32 i = 0; i < folders.count; i++) {
            text_string(&out, i == 0 ? ", and the files in " : ", ");
            text_string(&out, folders.parts[i].host);
            text_string(&out, folders.parts[i].is_read_only ? " (to read)" : "");
        }
    }
    for (u32 i = 0; i < shell->words.count; i++) {
        const struct grants_line *line = &shell->words.lines[i];
        if (line->word == KERNEL_ALLOW) {
            text_string(&out, ", ");
            text_bytes(&out, line->name);
        }
    }
    say("the shell may use %s%s; it asks about the rest", said, out.cut ? "..." : "");
}

// ---- the session

static int shell_start(struct session *session, struct shell_command *shell)
{
    const char *text;
    struct cid cid;
    int code = session_embedded(session, "shell", &text);
    if (code != EXIT_GOOD || text == NULL) {
        say("this build has no shell in it");
        return code == EXIT_GOOD ? EXIT_NOT_FOUND : code;
    }
    enum err err = cid_parse_text(span_string(text), &cid, NULL);
    ASSERT(err == ERR_OK);
    code = rights_say(session, shell, &cid);
    struct span arguments[4] = {SPAN_LITERAL("shell")};
    struct session_program program = {.name = "shell",
                                      .cid = text,
                                      .arguments = arguments,
                                      .argument_count = 1,
                                      .environment = shell->environment,
                                      .environment_count = shell->environment_count,
                                      // it puts programs that lie in files into the store
                                      .is_keeper = !network_is_on(&shell->network),
                                      .is_main = true};
    if (shell->text != NULL) {
        arguments[1] = SPAN_LITERAL("-c");
        arguments[2] = span_string(shell->text);
        arguments[3] = span_string(shell->file == NULL ? "-c" : shell->file);
        program.argument_count = COUNT_OF(arguments);
    } else if (isatty(STDIN_FILENO)) {
        rights_tell(shell);
    }
    if (code == EXIT_GOOD && network_is_on(&shell->network)) {
        code = network_start(session, &shell->network, false);
    }
    return code == EXIT_GOOD ? session_start(session, &program) : code;
}

static int shell_in(struct store *store, struct shell_command *shell)
{
    struct session session;
    int code = network_settings(store, &shell->network);
    if (code == EXIT_GOOD) {
        struct session_config config = {.workers = shell->workers,
                                        .has_log = true,
                                        .fetches = network_is_on(&shell->network),
                                        .command = "shell"};
        code = session_open(&session, store, &config);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    code = shell_start(&session, shell);
    if (code == EXIT_GOOD) {
        code = session_run(&session, false);
    }
    session_close(&session);
    return code;
}

static int shell_run(const struct command *command, int count, char **arguments)
{
    static struct shell_command shell; // too large for a stack
    int code = arguments_take(command, &shell, count, arguments);
    struct store store;
    if (code == EXIT_GOOD) {
        code = store_open_home(&store);
    }
    if (code == EXIT_GOOD) {
        code = shell_in(&store, &shell);
        store_close(&store);
    }
    return code;
}

const struct command command_shell = {
    "shell",
    "runs programs by name, connected by pipes and files, from lines that you type",
    "Usage: redshirt shell [OPTIONS] [FILE]\n"
    "\n"
    "Reads commands from the terminal, from FILE, or from the standard input where that is no\n"
    "terminal. The programs that come with the command are known by name (`help` lists them); "
    "others\n"
    "by CID. They may do what the shell may, and no more; about others you are asked, as `redshirt "
    "run`\n"
    "does.\n"
    "\n"
    "  -c TEXT                commands, instead of a file\n"
    "      --dir HOST[:GUEST][:ro]\n"
    "                         a folder for the shell and its programs; they call it GUEST, or as "
    "it is\n"
    "                         written here; ro: to read only. The shell begins in the first\n"
    "      --allow INTERFACE[=LIMIT]  the shell may use it, this time\n"
    "      --deny INTERFACE   it may not\n"
    "      --handle INTERFACE it and its programs may answer it\n"
    "  -y, --yes              all programs may use and answer everything, this time\n"
    "  -e, --env NAME=VALUE   a variable; HISTFILE names a file to keep the history in\n"
    "      --peer ADDRESS, --lan, --public\n"
    "                         who is asked for programs that the store lacks, as with `redshirt "
    "run`\n"
    "      --engine, --memory, --perf-map, --verbose\n"
    "                         as with `redshirt run`\n"
    "  -w, --workers N        so many programs run at once (default: one for each CPU, at most 8)\n"
    "\n"
    "Keys and words: docs/shell.md, `help`. Exit code: the last command's; 2 a command could not "
    "be\n"
    "read, 126 refused, 127 no such program, 130 Ctrl-C, 134 stopped by a trap, 137 killed.\n",
    shell_run,
};
