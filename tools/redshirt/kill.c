// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt kill`: ends processes of a system.
#include "interfaces/control.h"
#include "tools/redshirt/channel_client.h"
#include "tools/redshirt/command.h"

static int process_kill(struct link *link, u64 process)
{
    u8 body[CONTROL_KILL_CALL_BYTES];
    struct control_kill_call call = {process};
    size_t size = control_kill_encode_call(body, sizeof body, &call);
    struct span answer;
    bool was_there;
    int code = link_call(link, CONTROL_KILL_ID, span_of(body, size), &answer);
    if (code == EXIT_GOOD && control_kill_decode_result(answer, &was_there) != ERR_OK) {
        code = link_say_bad(link);
    }
    if (code == EXIT_GOOD && !was_there) {
        say("there is no process %llu in system %u; `redshirt ps` lists them",
            (unsigned long long)process, link->number);
        code = EXIT_NOT_FOUND;
    }
    return code;
}

static int kill_run(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    u32 number = 0;
    int code = link_options(command, &options, &number, NULL, NULL);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (options.next == count) {
        return say_usage(command, "which process?");
    }
    u64 process;
    for (int i = options.next; i < count; i++) {
        if (!number_parse(arguments[i], INT64_MAX, &process)) {
            return say_usage(command, "\"%s\" is no number of a process, as `redshirt ps` shows it",
                             arguments[i]);
        }
    }
    struct link link;
    code = link_find(number, &link);
    if (code != EXIT_GOOD) {
        return code;
    }
    for (int i = options.next; i < count; i++) {
        (void)number_parse(arguments[i], INT64_MAX, &process); // it is one
        int one = process_kill(&link, process);
        code = code == EXIT_GOOD ? one : code;
        if (one != EXIT_GOOD && one != EXIT_NOT_FOUND) {
            break;
        }
    }
    link_close(&link);
    return code;
}

const struct command command_kill = {
    "kill",
    "ends processes of a system",
    "Usage: redshirt kill [--system NUMBER] PROCESS...\n"
    "\n"
    "Ends processes, by their numbers, whatever they are at. Whoever waits for their answers is "
    "told\n"
    "that they are gone, and what they handled is free; `redshirt up` starts again what its file "
    "says\n"
    "is to be.\n"
    "\n"
    "  -s, --system NUMBER   which system, where several run; `redshirt ps` lists them\n"
    "\n"
    "Exit codes: 64 the command line is wrong, or several systems run, 66 no such process, or no\n"
    "system runs, 74 it does not answer.\n",
    kill_run,
};
