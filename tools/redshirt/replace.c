// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt replace`: a program takes over an interface from the one that handles it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cid.h"
#include "core/base/text.h"
#include "interfaces/control.h"
#include "tools/redshirt/channel_client.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/embedded.h"
#include "tools/redshirt/network.h"
#include "tools/redshirt/program.h"
#include "tools/redshirt/session.h"
#include "tools/redshirt/snapshot.h"

enum { LOOK_MS = 20, NAME_BYTES = 257, CALL_BYTES = 2048, HANDLERS = 64, SHOWN_BYTES = 1024 };

struct replace {
    struct link link;
    struct snapshot snapshot;
    const char *interface; // as the user calls it
    const char *what;      //
    const char *from;      // NULL: the one there is
    char name[NAME_BYTES]; // of the interface
    char old_cid[SNAPSHOT_CID_BYTES];
    char new_cid[CID_TEXT_BYTES]; // or a name of what comes with the command
    u64 old;
    u64 new;
};

// What programs call themselves and their interfaces, as it may go to a terminal: on one line.
struct shown {
    char words[SHOWN_BYTES];
};

static struct shown shown(struct span words)
{
    struct shown out;
    struct text text = text_over(out.words, sizeof out.words);
    text_printable(&text, words);
    return out;
}

static struct shown name_shown(const struct replace *replace)
{
    return shown(span_string(replace->name));
}

// ---- who handles it

static bool is_called(struct span name, const char *word)
{
    struct span wanted = span_string(word);
    bool is_end = name.size > wanted.size && name.data[name.size - wanted.size - 1] == '/' &&
                  mem_equal(name.data + name.size - wanted.size, wanted.data, wanted.size);
    return is_end || span_equal(name, wanted);
}

// Whether the user means that process by --from.
static bool is_from(const struct replace *replace, const struct snapshot_process *process)
{
    u64 number;
    if (replace->from == NULL) {
        return true;
    }
    return (number_parse(replace->from, INT64_MAX, &number) && number == process->id) ||
           strcmp(replace->from, process->name) == 0 || strcmp(replace->from, process->cid) == 0;
}

static int say_several(const struct replace *replace, const u64 *handlers, u32 count)
{
    say("%u processes handle %s; `--from PROCESS` chooses one:", count, name_shown(replace).words);
    for (u32 i = 0; i < count; i++) {
        const struct snapshot_process *process = snapshot_find(&replace->snapshot, handlers[i]);
        say("  %llu  %s", (unsigned long long)process->id, shown(span_string(process->name)).words);
    }
    return EXIT_USAGE;
}

static int say_nobody(const struct replace *replace, bool by_machine)
{
    if (by_machine) {
        say("the machine itself answers %s; a route in the system file puts a program before it: "
            "`redshirt up --help`",
            replace->interface);
    } else if (replace->from != NULL) {
        say("%s does not handle %s in system %u", replace->from, replace->interface,
            replace->link.number);
    } else {
        say("nobody handles %s in system %u", replace->interface, replace->link.number);
    }
    return EXIT_NOT_FOUND;
}

// The process that is to be followed.
static int handler_find(struct replace *replace)
{
    struct inspect_list_registration list;
    struct inspect_registration registration;
    u64 handlers[HANDLERS];
    u32 count = 0;
    bool by_machine = false;
    int code = snapshot_take(&replace->snapshot, &replace->link);
    if (code == EXIT_GOOD) {
        code = link_interfaces(&replace->link, &list);
    }
    while (code == EXIT_GOOD && inspect_list_registration_next(&list, &registration)) {
        const struct snapshot_process *process =
            snapshot_find(&replace->snapshot, registration.handler);
        if (!is_called(registration.name, replace->interface)) {
            continue;
        }
        by_machine = by_machine || registration.handler == 0;
        if (process != NULL && is_from(replace, process) && count < HANDLERS &&
            registration.name.size < sizeof replace->name) {
            struct text name = text_over(replace->name, sizeof replace->name);
            text_bytes(&name, registration.name);
            handlers[count++] = process->id;
        }
    }
    if (code == EXIT_GOOD && count != 1) {
        return count == 0 ? say_nobody(replace, by_machine) : say_several(replace, handlers, count);
    }
    if (code == EXIT_GOOD) {
        replace->old = handlers[0];
        snprintf(replace->old_cid, sizeof replace->old_cid, "%s",
                 snapshot_find(&replace->snapshot, replace->old)->cid);
    }
    return code;
}

// ---- starting the new one

static int program_name(struct replace *replace)
{
    static struct network nobody; // too large for a stack
    if (embedded_has(replace->what)) {
        snprintf(replace->new_cid, sizeof replace->new_cid, "%s", replace->what);
        return EXIT_GOOD;
    }
    struct store store;
    int code = store_open_home(&store);
    if (code == EXIT_GOOD) {
        code = program_find(&store, &nobody, replace->what, replace->new_cid);
        store_close(&store);
    }
    return code;
}

static int successor_start(struct replace *replace)
{
    u8 body[CALL_BYTES];
    struct control_replace_call call = {.interface = span_string(replace->name),
                                        .process = replace->old,
                                        .program = span_string(replace->old_cid),
                                        .successor = span_string(replace->new_cid)};
    size_t size = control_replace_encode_call(body, sizeof body, &call);
    struct span answer;
    struct control_result_u64_string result;
    int code = link_call(&replace->link, CONTROL_REPLACE_ID, span_of(body, size), &answer);
    if (code == EXIT_GOOD && control_replace_decode_result(answer, &result) != ERR_OK) {
        code = link_say_bad(&replace->link);
    }
    if (code == EXIT_GOOD && !result.ok) {
        say("process %llu keeps %s: %s", (unsigned long long)replace->old,
            name_shown(replace).words, shown(result.error).words);
        code = EXIT_MACHINE;
    }
    replace->new = code == EXIT_GOOD ? result.value : 0;
    return code;
}

// ---- waiting

enum seat { SEAT_OLD, SEAT_NEW, SEAT_OTHER };

// Who handles it now.
static int seat_look(struct replace *replace, enum seat *seat)
{
    struct inspect_list_registration list;
    struct inspect_registration registration;
    int code = link_interfaces(&replace->link, &list);
    *seat = SEAT_OTHER;
    while (code == EXIT_GOOD && inspect_list_registration_next(&list, &registration)) {
        if (span_equal(registration.name, span_string(replace->name))) {
            *seat = registration.handler == replace->new   ? SEAT_NEW
                    : registration.handler == replace->old ? SEAT_OLD
                                                           : *seat;
        }
    }
    return code;
}

// How the new one has ended. *has_ended: it has; then it was said.
//   seat  who handles it, as was seen before
static int new_look(struct replace *replace, enum seat seat, bool *has_ended)
{
    u8 body[CONTROL_ENDING_CALL_BYTES];
    struct control_ending_call call = {replace->new};
    size_t size = control_ending_encode_call(body, sizeof body, &call);
    struct span answer;
    struct control_option_string ending;
    int code = link_call(&replace->link, CONTROL_ENDING_ID, span_of(body, size), &answer);
    if (code == EXIT_GOOD && control_ending_decode_result(answer, &ending) != ERR_OK) {
        return link_say_bad(&replace->link);
    }
    *has_ended = code == EXIT_GOOD && ending.some;
    if (*has_ended) {
        say("process %llu %s %s: the new one, %llu, did not take over: %s",
            (unsigned long long)replace->old,
            seat == SEAT_OLD ? "keeps" : "has ended and does not handle", name_shown(replace).words,
            (unsigned long long)replace->new, shown(ending.value).words);
    }
    return code;
}

// The user does not want to wait any more. *is_given_up: it has not taken over, and will not.
static int give_up(struct replace *replace, bool *is_given_up)
{
    u8 body[CONTROL_GIVE_UP_CALL_BYTES];
    struct control_give_up_call call = {replace->new};
    size_t size = control_give_up_encode_call(body, sizeof body, &call);
    struct span answer;
    int code = link_call(&replace->link, CONTROL_GIVE_UP_ID, span_of(body, size), &answer);
    if (code == EXIT_GOOD && control_give_up_decode_result(answer, is_given_up) != ERR_OK) {
        return link_say_bad(&replace->link);
    }
    if (code == EXIT_GOOD && *is_given_up) {
        say("process %llu keeps %s", (unsigned long long)replace->old, name_shown(replace).words);
    }
    return code;
}

// Until the new one has taken over.
static int takeover_wait(struct replace *replace)
{
    for (;;) {
        enum seat seat;
        bool is_over = false;
        int code = seat_look(replace, &seat);
        if (code != EXIT_GOOD || seat == SEAT_NEW) {
            return code;
        }
        code = new_look(replace, seat, &is_over);
        if (code != EXIT_GOOD || is_over) {
            return code != EXIT_GOOD ? code : EXIT_NOT_VALID;
        }
        int number = wait_ms(LOOK_MS, -1);
        if (number != 0) {
            code = give_up(replace, &is_over);
            return code != EXIT_GOOD || !is_over ? code : EXIT_BY_SIGNAL + number;
        }
    }
}

// Until the old one has answered what it holds, and has ended.
static int end_wait(struct replace *replace)
{
    for (;;) {
        struct inspect_list_process list;
        struct inspect_process process;
        int code = link_processes(&replace->link, replace->old - 1, &list);
        if (code != EXIT_GOOD) {
            return code;
        }
        bool is_there = inspect_list_process_next(&list, &process) && process.id == replace->old;
        if (!is_there) {
            printf("process %llu has ended\n", (unsigned long long)replace->old);
            return EXIT_GOOD;
        }
        if (wait_ms(LOOK_MS, -1) != 0) {
            say("process %llu still holds messages that it has not answered, or handles something "
                "else",
                (unsigned long long)replace->old);
            return EXIT_GOOD;
        }
    }
}

static int replace_do(struct replace *replace)
{
    int code = handler_find(replace);
    if (code == EXIT_GOOD) {
        code = program_name(replace);
    }
    if (code == EXIT_GOOD) {
        code = successor_start(replace);
    }
    if (code == EXIT_GOOD) {
        waits_begin();
        code = takeover_wait(replace);
    }
    if (code == EXIT_GOOD) {
        printf("process %llu handles %s now\n", (unsigned long long)replace->new,
               name_shown(replace).words);
        (void)fflush(stdout);
        code = end_wait(replace);
    }
    return fflush(stdout) == 0 ? code : EXIT_IO;
}

static int option_take(void *context, struct options *options, const char *option,
                       const char *value, bool *is_known)
{
    struct replace *replace = context;
    *is_known = strcmp(option, "from") == 0;
    if (!*is_known) {
        return EXIT_GOOD;
    }
    replace->from = options_value(options, value);
    return replace->from != NULL
               ? EXIT_GOOD
               : say_usage(&command_replace, "--from wants a process, as `redshirt ps` shows it");
}

static int replace_run(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    struct replace replace = {0};
    u32 number = 0;
    int code = link_options(command, &options, &number, option_take, &replace);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (count - options.next != 2) {
        return say_usage(command, count == options.next       ? "which interface?"
                                  : count - options.next == 1 ? "which program is to handle it?"
                                                              : "one interface, and one program");
    }
    replace.interface = arguments[options.next];
    replace.what = arguments[options.next + 1];
    code = link_find(number, &replace.link);
    if (code == EXIT_GOOD) {
        code = replace_do(&replace);
        snapshot_free(&replace.snapshot);
        link_close(&replace.link);
    }
    return code;
}

const struct command command_replace = {
    "replace",
    "puts a new version in the place of a program that handles an interface",
    "Usage: redshirt replace [--system NUMBER] [--from PROCESS] INTERFACE PROGRAM\n"
    "\n"
    "Starts PROGRAM (a CID, a file, NAME@KEY, or what comes with the command) in a system that "
    "runs,\n"
    "to take over INTERFACE from the process that handles it. No message is lost and no client\n"
    "notices: what the old one holds it still answers, then it ends. The new one has its "
    "arguments\n"
    "and its rights, for this run, and `redshirt up` starts it again as it would have the old "
    "one.\n"
    "When the new one fails, or has not taken over in 10 s, the old one stays. Ctrl-C gives up.\n"
    "\n"
    "  -s, --system NUMBER   which system, where several run; `redshirt ps` lists them\n"
    "      --from PROCESS    which handler, where routes lead to several: its number or name\n"
    "\n"
    "Exit codes: 64 the command line is wrong, or several systems run, 65 the new one did not "
    "take\n"
    "over, 66 nobody handles that, or no system runs, 71 the system refused it, 74 it does not\n"
    "answer, 130 given up by Ctrl-C.\n",
    replace_run,
};
