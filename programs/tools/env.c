// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/env.c: puts out the environment, changed as its arguments say; or starts a program
// with it.
#include <stdlib.h>
#include <string.h>

#include "interfaces/processes.h"
#include "interfaces/processes_client.h"
#include "interfaces/processes_section.h"
#include "programs/tools/common/messages.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "env",
    "Usage: env [-i] [-u NAME] [NAME=VALUE...] [PROGRAM [ARGUMENT...]]\n"
    "\n"
    "Starts PROGRAM, the name or CID of one, with this environment; without one, puts out each\n"
    "variable.\n"
    "\n"
    "  -i       begins with none\n"
    "  -u NAME  leaves that one out\n"
    "\n"
    "Exit codes: PROGRAM's; 125 env itself failed, 126 PROGRAM cannot be run, 127 there is none,\n"
    "134 it was stopped by a trap, 137 it was killed.\n",
    125,
};

enum {
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127,
    EXIT_TRAPPED = 134,
    EXIT_KILLED = 137,
    REQUEST_BYTES = 1 << 20, // what a message may carry: arguments and environment together
    CID_LETTERS = 59,
};

extern char **environ;

static u8 message[REQUEST_BYTES];

static struct span *spans_make(char **words, u32 *count)
{
    for (*count = 0; words != NULL && words[*count] != NULL; ++*count) {
    }
    struct span *spans = tool_memory(NULL, *count * sizeof *spans);
    for (u32 i = 0; i < *count; i++) {
        spans[i] = span_string(words[i]);
    }
    return spans;
}

static bool is_cid(const char *word)
{
    return strlen(word) == CID_LETTERS && strncmp(word, "baf", 3) == 0;
}

// Says why it was not started.
static int spawn_error_code(const char *name, const struct system_spawn_error *error)
{
    static const char *const words[] = {
        [SYSTEM_SPAWN_ERROR_BAD_CID] = "this is no CID",
        [SYSTEM_SPAWN_ERROR_NOT_FOUND] = "there is no such program",
        [SYSTEM_SPAWN_ERROR_WRONG_BYTES] = "its bytes are damaged",
        [SYSTEM_SPAWN_ERROR_NOT_A_PROGRAM] = "this is no program",
        [SYSTEM_SPAWN_ERROR_LIMIT] = "there are too many processes",
        [SYSTEM_SPAWN_ERROR_DENIED] = "it may not be started",
        [SYSTEM_SPAWN_ERROR_LOAD_FAILED] = "it could not be loaded",
    };
    tool_say(name, (size_t)error->kind < COUNT_OF(words) ? words[error->kind] : "it failed");
    return error->kind == SYSTEM_SPAWN_ERROR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

static int end_await(u32 bond, u64 process)
{
    struct processes_wait_call call = {process};
    struct processes_result_system_ending_system_error result;
    i64 error = processes_wait(bond, message, sizeof message, &call, &result);
    if (error < 0) {
        messages_fail("processes", error);
    }
    if (!result.ok) {
        tool_fail(NULL, "the program's end cannot be waited for");
    }
    return result.value.kind == SYSTEM_ENDING_EXITED    ? (int)result.value.as.exited
           : result.value.kind == SYSTEM_ENDING_TRAPPED ? EXIT_TRAPPED
                                                        : EXIT_KILLED;
}

//   words  its name first; NULL ends them
static int program_run(char **words)
{
    u32 bond = messages_bind(&processes_interface, "processes");
    struct processes_spawn_call call = {0};
    struct processes_spawn_request *request = &call.request;
    struct processes_result_u64_system_spawn_error result;
    request->program.kind = is_cid(words[0]) ? PROCESSES_PROGRAM_CID : PROCESSES_PROGRAM_NAME;
    if (is_cid(words[0])) {
        request->program.as.cid = span_string(words[0]);
    } else {
        request->program.as.name = span_string(words[0]);
    }
    request->arguments.items = spans_make(words, &request->arguments.count);
    request->environment.items = spans_make(environ, &request->environment.count);
    request->input.kind = request->output.kind = request->error.kind = PROCESSES_STREAM_INHERIT;
    i64 error = processes_spawn(bond, message, sizeof message, &call, &result);
    if (error < 0) {
        messages_fail("processes", error);
    }
    return result.ok ? end_await(bond, result.value) : spawn_error_code(words[0], &result.error);
}

// NAME=VALUE; false: it is none.
static bool variable_take(char *word)
{
    char *equals = strchr(word, '=');
    if (equals == NULL || equals == word) {
        return false;
    }
    *equals = 0;
    if (setenv(word, equals + 1, 1) != 0) {
        tool_say_error(word);
        tool_end(tool.trouble);
    }
    return true;
}

int tool_main(int count, char **words)
{
    struct options options;
    char letter;
    options_begin(&options, count, words, "+iu:");
    while ((letter = options_next(&options)) != 0) {
        if (letter == 'i') {
            (void)clearenv();
        } else if (unsetenv(options.value) != 0) {
            tool_fail_usage(options.value, "this is no name of a variable");
        }
    }
    int at = 0;
    while (at < options.operand_count && variable_take(options.words[at])) {
        at++;
    }
    if (at < options.operand_count) {
        options.words[options.operand_count] = NULL; // those of main end in one
        return program_run(options.words + at);
    }
    for (char **each = environ; each != NULL && *each != NULL; each++) {
        out_string(*each);
        out_char('\n');
    }
    return 0;
}
