// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt run`: runs one program; its streams and its exit code are the command's own.
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/kernel/limits.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/machine.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/debugger.h"
#include "tools/redshirt/dirs.h"
#include "tools/redshirt/engine.h"
#include "tools/redshirt/grants.h"
#include "tools/redshirt/listens.h"
#include "tools/redshirt/network.h"
#include "tools/redshirt/program.h"
#include "tools/redshirt/recorder.h"
#include "tools/redshirt/session.h"
#include "tools/redshirt/words.h"

struct run {
    u32 workers;
    struct words words;
    struct dirs dirs;
    struct listens listens;
    u16 gdb_port;       // 0: nobody debugs it
    const char *record; // NULL: it is not recorded
    struct network network;
    const char *program; // a CID or the path of a file
    struct span arguments[KERNEL_ARGUMENTS];
    u32 argument_count;
    struct span environment[KERNEL_ARGUMENTS];
    u32 environment_count;
};

// ---- the command line

static int variable_take(const struct command *command, struct run *run, const char *value)
{
    if (value == NULL || strchr(value, '=') == NULL || *value == '=') {
        return say_usage(command, "--env wants NAME=VALUE");
    }
    if (run->environment_count == KERNEL_ARGUMENTS) {
        return say_usage(command, "a program has at most %d variables", KERNEL_ARGUMENTS);
    }
    run->environment[run->environment_count++] = span_string(value);
    return EXIT_GOOD;
}

static int option_take(const struct command *command, struct run *run, struct options *options,
                       const char *option, const char *value)
{
    bool is_word;
    int word_code = words_option(command, &run->words, options, option, value, &is_word);
    if (is_word) {
        return word_code;
    }
    if (strcmp(option, "dir") == 0) {
        return dirs_take(command, &run->dirs, options_value(options, value));
    }
    if (strcmp(option, "listen") == 0) {
        return listens_take(command, &run->listens, options_value(options, value));
    }
    if (strcmp(option, "env") == 0 || strcmp(option, "e") == 0) {
        return variable_take(command, run, options_value(options, value));
    }
    if (strcmp(option, "gdb") == 0) {
        u64 port;
        value = options_value(options, value);
        if (value == NULL || !number_parse(value, UINT16_MAX, &port) || port == 0) {
            return say_usage(command, "--gdb wants a port from 1 to 65535");
        }
        run->gdb_port = (u16)port;
        return EXIT_GOOD;
    }
    if (strcmp(option, "record") == 0) {
        run->record = options_value(options, value);
        return run->record != NULL ? EXIT_GOOD : say_usage(command, "--record wants a file");
    }
    bool is_taken;
    int code = engine_option(command, options, option, value, &is_taken);
    if (!is_taken) {
        code = network_option(command, &run->network, options, option, value, &is_taken);
    }
    if (is_taken) {
        return code;
    }
    if (strcmp(option, "workers") == 0 || strcmp(option, "w") == 0) {
        u64 workers;
        value = options_value(options, value);
        if (value == NULL || !number_parse(value, HOSTED_WORKERS, &workers) || workers == 0) {
            return say_usage(command, "--workers wants a number from 1 to %d", HOSTED_WORKERS);
        }
        run->workers = (u32)workers;
        return EXIT_GOOD;
    }
    return say_usage(command, "there is no option \"%s\"; `--` stands before a program's own",
                     option);
}

static int arguments_take(const struct command *command, struct run *run, int count,
                          char **arguments)
{
    struct options options = {count, arguments, 0};
    const char *option;
    const char *value;
    while ((option = options_next(&options, &value)) != NULL) {
        int code = option_take(command, run, &options, option, value);
        if (code != EXIT_GOOD) {
            return code;
        }
    }
    if (options.next == count) {
        return say_usage(command, "which program?");
    }
    if (run->record != NULL && run->gdb_port != 0) {
        return say_usage(command, "--record and --gdb do not go together: `redshirt replay --gdb` "
                                  "debugs what was recorded");
    }
    run->program = arguments[options.next];
    // `--` behind the program ends our options a second time, for those who put it there.
    int first = options.next + 1;
    if (first < count && strcmp(arguments[first], "--") == 0) {
        first++;
    }
    if (count - first >= KERNEL_ARGUMENTS) {
        return say_usage(command, "a program has at most %d arguments", KERNEL_ARGUMENTS);
    }
    run->arguments[run->argument_count++] = span_string(run->program);
    for (int i = first; i < count; i++) {
        run->arguments[run->argument_count++] = span_string(arguments[i]);
    }
    struct span listens = listens_variable(&run->listens);
    if (listens.size > 0 && run->environment_count == KERNEL_ARGUMENTS) {
        return say_usage(command, "a program has at most %d variables", KERNEL_ARGUMENTS);
    }
    if (listens.size > 0) {
        run->environment[run->environment_count++] = listens;
    }
    return EXIT_GOOD;
}

// Tells the kernel what was said on the command line.
static int rights_say(struct session *session, struct run *run, const char *cid)
{
    struct cid program;
    enum err err = cid_parse_text(span_string(cid), &program, NULL);
    ASSERT(err == ERR_OK);
    int code = words_say(session->kernel, &run->words, &program);
    if (code == EXIT_GOOD && !run->words.is_free) {
        code = listens_say(session->kernel, &run->listens, &program);
    }
    return code == EXIT_GOOD ? dirs_say(session->kernel, &run->dirs, &program) : code;
}

static void run_recorded(void *context, const struct kernel_record_state *state)
{
    recorder_end(context, state);
}

// Has the program recorded that is about to start.
static int record_open(struct session *session, const char *path, struct recorder **recorder,
                       struct kernel_record **out)
{
    int code = recorder_open(path, recorder);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct kernel_record_config config = {
        .context = *recorder,
        .put = recorder_put,
        .words = SPAN_LITERAL("redshirt " REDSHIRT_VERSION),
        .ended = run_recorded,
    };
    enum err err = kernel_record_create(session->kernel, &config, out);
    return err == ERR_OK ? EXIT_GOOD : say_refused(path, err, NULL);
}

static int run_in(struct store *store, struct run *run)
{
    char cid[CID_TEXT_BYTES];
    struct session session;
    int code = network_settings(store, &run->network);
    if (code == EXIT_GOOD) {
        code = program_find(store, &run->network, run->program, cid);
    }
    if (code == EXIT_GOOD) {
        struct session_config config = {.workers = run->workers,
                                        .has_log = true,
                                        .command = "run",
                                        .what = run->program,
                                        .is_debugged = run->gdb_port != 0,
                                        .fetches = network_is_on(&run->network)};
        code = session_open(&session, store, &config);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    struct debugger *debugger = NULL;
    struct recorder *recorder = NULL;
    struct kernel_record *record = NULL;
    code = rights_say(&session, run, cid);
    if (code == EXIT_GOOD && run->gdb_port != 0) {
        code = debugger_open(session.kernel, run->gdb_port, run->program, &debugger);
    }
    if (code == EXIT_GOOD && run->record != NULL) {
        code = record_open(&session, run->record, &recorder, &record);
    }
    struct session_program program = {
        .name = run->program,
        .cid = cid,
        .arguments = run->arguments,
        .argument_count = run->argument_count,
        .environment = run->environment,
        .environment_count = run->environment_count,
        .debug = debugger == NULL ? NULL : debugger_debug(debugger),
        .record = record,
        .is_main = true,
    };
    if (code == EXIT_GOOD && network_is_on(&run->network)) {
        code = network_start(&session, &run->network, false);
    }
    if (code == EXIT_GOOD) {
        code = session_start(&session, &program);
    }
    if (code == EXIT_GOOD) {
        code = session_run(&session, false);
        // what was stopped from outside has not failed
        if (code != EXIT_GOOD && code <= EXIT_BY_SIGNAL &&
            hosted_machine_lacks_folders(session.machine)) {
            say("%s was given no folder: `redshirt run --dir HOST[:GUEST][:ro]` gives it one",
                run->program);
        }
    }
    debugger_stop(debugger);
    session_close(&session);
    debugger_free(debugger);
    return recorder_close(recorder, code);
}

static int run_run(const struct command *command, int count, char **arguments)
{
    static struct run run; // too large for a stack
    int code = arguments_take(command, &run, count, arguments);
    struct store store;
    if (code == EXIT_GOOD) {
        code = store_open_home(&store);
    }
    if (code == EXIT_GOOD) {
        code = run_in(&store, &run);
        store_close(&store);
    }
    return code;
}

const struct command command_run = {
    "run",
    "runs a program by its CID, or a file after adding it to the store",
    "Usage: redshirt run [OPTIONS] CID|FILE|NAME@KEY|NAME [--] [ARGUMENT...]\n"
    "\n"
    "Runs a program. A file is put into the store first; then its CID is loaded from there. NAME "
    "is one\n"
    "of the programs that come with redshirt : hello, ls, grep... The\n"
    "program's standard input, output and error and its exit code are the command's own. Options "
    "stand\n"
    "before the program; what stands behind it is the program's.\n"
    "\n"
    "      --allow INTERFACE[=LIMIT]  the program may use it, this time; see `redshirt grant "
    "--help`\n"
    "      --deny INTERFACE   it may not, whatever was said before\n"
    "      --handle INTERFACE the program may answer it\n"
    "  -y, --yes              all programs may use and answer everything, this time\n"
    "      --dir HOST[:GUEST][:ro]\n"
    "                         the program may use this folder and what is in it, this time; it "
    "calls it\n"
    "                         GUEST, or as it is written here; ro: it may only read\n"
    "      --listen [ADDRESS:]PORT\n"
    "                         a WASI program begins with a listener there, from descriptor 3 on\n"
    "  -e, --env NAME=VALUE   a variable of the program's environment, which is empty otherwise\n"
    "      --engine NAME      interpreter, compiled, or auto: what runs for a while is compiled\n"
    "      --gdb PORT         waits on 127.0.0.1 and ::1 until GDB's or LLDB's protocol says go "
    "on\n"
    "      --record FILE      writes all that the program is given into a file, with the program, "
    "for\n"
    "                         `redshirt replay`\n"
    "      --memory NAME      fast (address space of its own), small (beside others, so that very "
    "many\n"
    "                         fit), or auto: fast while there is address space\n"
    "      --peer ADDRESS     who is asked for what the store lacks, as "
    "/ip4/10.0.0.1/tcp/4001/p2p/12D3...;\n"
    "                         may be given several times\n"
    "      --lan              peers of the local network are asked, too\n"
    "      --public           the public network is asked, too, last: strangers see what is "
    "wanted, "
    "and by\n"
    "                         which address; `redshirt network --help`\n"
    "      --perf-map         tells `perf` the names of compiled functions: /tmp/perf-PID.map\n"
    "  -v, --verbose          says when the program begins, and where its code comes from\n"
    "  -w, --workers N        so many programs run at once (default: one for each CPU, at most 8)\n"
    "\n"
    "Exit codes, where the program has none: 64 the command line is wrong, 65 not a program, 66 "
    "no\n"
    "such file or block, or nobody who was asked has it, 67 not a CID that is served or fetched, "
    "68\n"
    "damaged, or who said to have it sent something else, 69 nobody loads programs, 71 the host "
    "refused\n"
    "something, 73 beyond a limit, 74 reading failed, 77 a program was not allowed what it wanted "
    "and\n"
    "failed, 130 Ctrl-C, 134 stopped by a trap,\n"
    "137 killed, 143 SIGTERM.\n",
    run_run,
};
