// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/channel_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "interfaces/control.h"
#include "tools/redshirt/command.h"

enum { MS_OF_S = 1000, NS_OF_MS = 1000000, RETRY_MS = 5 };

static volatile sig_atomic_t signal_number; // the first that came

// ---- calls

static u64 now_ms(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    ASSERT(failed == 0);
    return (u64)now.tv_sec * MS_OF_S + (u64)now.tv_nsec / NS_OF_MS;
}

static int say_gone(const struct link *link)
{
    say("system %u has ended", link->number);
    return EXIT_NOT_FOUND;
}

// Waits until it can be read or written. False: it took too long.
static bool is_ready(const struct link *link, short what, u64 until_ms)
{
    struct pollfd file = {link->file, what, 0};
    for (;;) {
        u64 now = now_ms();
        int count = now >= until_ms ? 0 : poll(&file, 1, (int)(until_ms - now));
        if (count >= 0 || errno != EINTR) { // a signal: the call comes to its end first
            return count > 0;
        }
    }
}

// 0, or EXIT_NOT_FOUND: it is gone, or EXIT_IO: it took too long. Nothing is said.
static int send_all(const struct link *link, struct span bytes, u64 until_ms)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t sent = send(link->file, bytes.data + done, bytes.size - done, MSG_NOSIGNAL);
        if (sent >= 0) {
            done += (size_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            return EXIT_NOT_FOUND;
        } else if (!is_ready(link, POLLOUT, until_ms)) {
            return EXIT_IO;
        }
    }
    return EXIT_GOOD;
}

static int receive_some(struct link *link, u64 until_ms)
{
    u8 *to;
    size_t room = channel_room(&link->channel, &to);
    if (!is_ready(link, POLLIN, until_ms)) {
        return EXIT_IO;
    }
    ssize_t got = recv(link->file, to, room, 0);
    if (got > 0) {
        channel_got(&link->channel, (size_t)got);
    }
    bool is_there = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
    return is_there ? EXIT_GOOD : EXIT_NOT_FOUND;
}

// The answer as it comes. Nothing is said.
static int exchange(struct link *link, u64 function, struct span body, u32 *code,
                    struct span *answer)
{
    u8 call[CHANNEL_CALL_BYTES];
    ASSERT(body.size <= sizeof call - CHANNEL_CALL_HEAD);
    if (link->is_late) {
        return EXIT_IO;
    }
    channel_write_call(call, function, body.size);
    mem_copy(call + CHANNEL_CALL_HEAD, body.data, body.size);
    u64 until_ms = now_ms() + LINK_PATIENCE_MS;
    int failed = send_all(link, span_of(call, CHANNEL_CALL_HEAD + body.size), until_ms);
    while (failed == EXIT_GOOD) {
        enum err err = channel_take_answer(&link->channel, code, answer);
        if (err != ERR_PAUSED) {
            return err == ERR_OK ? EXIT_GOOD : EXIT_NOT_VALID;
        }
        failed = receive_some(link, until_ms);
    }
    link->is_late = failed == EXIT_IO;
    return failed;
}

int link_say_bad(const struct link *link)
{
    say("system %u is of another version of redshirt: its answers cannot be understood",
        link->number);
    return EXIT_NOT_VALID;
}

static int say_late(u32 number)
{
    say("system %u does not answer; does it stand still?", number);
    return EXIT_IO;
}

int link_call(struct link *link, u64 function, struct span body, struct span *answer)
{
    u32 code;
    int failed = exchange(link, function, body, &code, answer);
    if (failed == EXIT_NOT_FOUND) {
        return say_gone(link);
    }
    if (failed == EXIT_IO) {
        return say_late(link->number);
    }
    if (failed != EXIT_GOOD || code == -E_FUNCTION) {
        return link_say_bad(link);
    }
    if (code != 0) {
        say("system %u cannot answer: error %u", link->number, code);
        return EXIT_MACHINE;
    }
    return EXIT_GOOD;
}

// ---- finding

// Connects. EXIT_NOT_FOUND: it has just ended. EXIT_IO: it does not take the connection, as so many
// wait for that. Nothing is said of either.
static int link_open(int folder, u32 number, struct link *link)
{
    *link = (struct link){.file = channel_connect(folder, number), .number = number};
    u64 until_ms = now_ms() + LINK_PATIENCE_MS;
    bool is_full = link->file < 0 && errno == EAGAIN;
    while (is_full && now_ms() < until_ms && wait_ms(RETRY_MS, -1) == 0) {
        link->file = channel_connect(folder, number); // many want to; it takes them one by one
        is_full = link->file < 0 && errno == EAGAIN;
    }
    if (link->file < 0) {
        return is_full ? EXIT_IO : EXIT_NOT_FOUND;
    }
    u8 *room = malloc(CHANNEL_ANSWER_BYTES);
    if (room == NULL) {
        close(link->file);
        say("the host gives no memory");
        return EXIT_MACHINE;
    }
    link->channel = channel_over(room, CHANNEL_ANSWER_BYTES);
    struct control_system about;
    struct span answer;
    u32 code;
    int failed = exchange(link, CONTROL_ABOUT_ID, (struct span){0}, &code, &answer);
    struct text text = text_over(link->words, sizeof link->words);
    if (failed == EXIT_GOOD && code == 0 && control_about_decode_result(answer, &about) == ERR_OK) {
        text_printable(&text, about.words);
    } else if (failed == EXIT_NOT_FOUND) {
        link_close(link);
        return EXIT_NOT_FOUND;
    } else {
        text_string(&text, failed == EXIT_IO ? "does not answer" : "of another version");
    }
    return EXIT_GOOD;
}

void link_close(struct link *link)
{
    close(link->file);
    free(link->channel.room);
    *link = (struct link){.file = -1};
}

static int say_none(void)
{
    say("no system runs; `redshirt up FILE` and `redshirt run PROGRAM` start one");
    return EXIT_NOT_FOUND;
}

// The folder of sockets, or -1: there is none, so that nothing runs.
static int folder_open(void)
{
    int home = home_open();
    int folder = home < 0 ? -1 : channel_folder(home, false);
    if (home >= 0) {
        close(home);
    }
    return folder;
}

// Tells which there are.
static int say_several(int folder, const u32 *numbers, u32 count)
{
    say("%u systems run; `--system NUMBER` chooses one:", count);
    for (u32 i = 0; i < count; i++) {
        struct link link;
        int code = link_open(folder, numbers[i], &link);
        if (code == EXIT_GOOD) {
            say("  %u  %s", link.number, link.words);
            link_close(&link);
        } else if (code == EXIT_IO) {
            say("  %u  does not answer", numbers[i]);
        }
    }
    return EXIT_USAGE;
}

static int link_find_in(int folder, u32 number, struct link *out)
{
    u32 numbers[CHANNEL_SYSTEMS];
    u32 count = channel_systems(folder, numbers);
    if (number == 0 && count > 1) {
        return say_several(folder, numbers, count);
    }
    if (number == 0 && count == 0) {
        return say_none();
    }
    number = number == 0 ? numbers[0] : number;
    int code = link_open(folder, number, out);
    if (code == EXIT_NOT_FOUND) {
        say("no system %u runs; `redshirt ps` lists those that do", number);
    }
    return code == EXIT_IO ? say_late(number) : code;
}

int link_find(u32 number, struct link *out)
{
    int folder = folder_open();
    if (folder < 0) {
        return say_none();
    }
    int code = link_find_in(folder, number, out);
    close(folder);
    return code;
}

int link_options(const struct command *command, struct options *options, u32 *number,
                 int (*take)(void *context, struct options *options, const char *option,
                             const char *value, bool *is_known),
                 void *context)
{
    int code = EXIT_GOOD;
    const char *option;
    const char *value;
    while (code == EXIT_GOOD && (option = options_next(options, &value)) != NULL) {
        bool is_known = take != NULL;
        if (strcmp(option, "system") == 0 || strcmp(option, "s") == 0) {
            u64 parsed;
            value = options_value(options, value);
            if (value == NULL || !number_parse(value, INT32_MAX, &parsed) || parsed == 0) {
                return say_usage(command, "--system wants a number that `redshirt ps` shows");
            }
            *number = (u32)parsed;
            continue;
        }
        code = is_known ? take(context, options, option, value, &is_known) : code;
        if (!is_known) {
            return say_usage(command, "there is no option \"%s\"", option);
        }
    }
    return code;
}

int links_each(int (*each)(void *context, struct link *link), void *context)
{
    int folder = folder_open();
    if (folder < 0) {
        return say_none();
    }
    u32 numbers[CHANNEL_SYSTEMS];
    u32 count = channel_systems(folder, numbers);
    u32 found = 0;
    int code = EXIT_GOOD;
    for (u32 i = 0; i < count; i++) {
        struct link link;
        int one = link_open(folder, numbers[i], &link);
        if (one == EXIT_GOOD) {
            one = each(context, &link);
            link_close(&link);
        } else if (one == EXIT_IO) {
            (void)say_late(numbers[i]);
        }
        found += one == EXIT_GOOD;
        bool has_failed = one != EXIT_GOOD && one != EXIT_NOT_FOUND; // that has ended meanwhile
        code = code == EXIT_GOOD && has_failed ? one : code;
    }
    close(folder);
    return code == EXIT_GOOD && found == 0 ? say_none() : code;
}

// ---- inspect

int link_totals(struct link *link, struct inspect_totals *out)
{
    struct span answer;
    int code = link_call(link, INSPECT_SUMMARY_ID, (struct span){0}, &answer);
    bool is_good = code != EXIT_GOOD || inspect_summary_decode_result(answer, out) == ERR_OK;
    return is_good ? code : link_say_bad(link);
}

int link_processes(struct link *link, u64 after, struct inspect_list_process *out)
{
    u8 body[INSPECT_PROCESSES_CALL_BYTES];
    struct inspect_processes_call call = {after};
    size_t size = inspect_processes_encode_call(body, sizeof body, &call);
    struct span answer;
    int code = link_call(link, INSPECT_PROCESSES_ID, span_of(body, size), &answer);
    bool is_good = code != EXIT_GOOD || inspect_processes_decode_result(answer, out) == ERR_OK;
    return is_good ? code : link_say_bad(link);
}

int link_budgets(struct link *link, u64 after, struct inspect_list_budget *out)
{
    u8 body[INSPECT_BUDGETS_CALL_BYTES];
    struct inspect_budgets_call call = {after};
    size_t size = inspect_budgets_encode_call(body, sizeof body, &call);
    struct span answer;
    int code = link_call(link, INSPECT_BUDGETS_ID, span_of(body, size), &answer);
    bool is_good = code != EXIT_GOOD || inspect_budgets_decode_result(answer, out) == ERR_OK;
    return is_good ? code : link_say_bad(link);
}

int link_interfaces(struct link *link, struct inspect_list_registration *out)
{
    struct span answer;
    int code = link_call(link, INSPECT_INTERFACES_ID, (struct span){0}, &answer);
    bool is_good = code != EXIT_GOOD || inspect_interfaces_decode_result(answer, out) == ERR_OK;
    return is_good ? code : link_say_bad(link);
}

// ---- waiting

static void signal_note(int number)
{
    signal_number = signal_number == 0 ? number : signal_number;
}

void waits_begin(void)
{
    struct sigaction action = {.sa_handler = signal_note};
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int failed = sigaction(numbers[i], &action, NULL);
        ASSERT(failed == 0);
    }
}

int wait_ms(u32 time_ms, int file)
{
    sigset_t none, taken;
    int failed = sigemptyset(&none) | sigfillset(&taken);
    ASSERT(failed == 0);
    // Blocked while we look, so that none comes between the look and the wait.
    failed = sigprocmask(SIG_SETMASK, &taken, NULL);
    ASSERT(failed == 0);
    if (signal_number == 0) {
        struct timespec time = {time_ms / MS_OF_S, (long)(time_ms % MS_OF_S) * NS_OF_MS};
        struct pollfd input = {file, POLLIN, 0};
        (void)ppoll(&input, 1, &time, &none);
    }
    failed = sigprocmask(SIG_SETMASK, &none, NULL);
    ASSERT(failed == 0);
    return signal_number;
}
