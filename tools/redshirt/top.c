// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt top`: what runs in a system and how much it does, again each second.
#define _GNU_SOURCE 1
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "tools/redshirt/channel_client.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/snapshot.h"

enum {
    FIRST_MS = 250, // between the two looks that the first frame compares
    FRAME_MS = 1000,
    ROWS_DEFAULT = 24,
    COLUMNS_DEFAULT = 80,
    COLUMNS_MOST = 512,
    HEAD_ROWS = 3,
    CELL_BYTES = 128,
    LINE_BYTES = 1024,
    NS_OF_S = 1000000000,
};

// A process and what it did between two looks.
struct row {
    const struct snapshot_process *process;
    u64 time_ns;
    u64 messages;
};

struct top {
    struct link link;
    struct snapshot before;
    struct snapshot now;
    struct row *rows;
    bool is_terminal;
    u32 frames; // to be shown; 0: until the user ends it
};

// ---- the terminal

// Whether it is one that can be painted on, and what is typed can be read.
static bool is_terminal(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && isatty(STDIN_FILENO) == 1 && kind != NULL &&
           strcmp(kind, "dumb") != 0;
}

// Takes the screen, and keys as they are pressed. False: it cannot.
static bool terminal_take(struct termios *before)
{
    if (tcgetattr(STDIN_FILENO, before) != 0) {
        return false;
    }
    struct termios now = *before;
    now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    now.c_cc[VMIN] = 0; // a read never waits
    now.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) != 0) {
        return false;
    }
    fputs("\x1b[?1049h\x1b[?25l", stdout); // the other screen, no cursor
    return true;
}

static void terminal_give(const struct termios *before)
{
    fputs("\x1b[?25h\x1b[?1049l", stdout);
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
}

static struct winsize terminal_size(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row <= HEAD_ROWS ||
        size.ws_col == 0) {
        size = (struct winsize){.ws_row = ROWS_DEFAULT, .ws_col = COLUMNS_DEFAULT};
    }
    size.ws_col = size.ws_col > COLUMNS_MOST ? COLUMNS_MOST : size.ws_col;
    return size;
}

// Whether the user wants to end it. Input that has come to its end says nothing any more.
static bool is_quit(int *input)
{
    char keys[16];
    struct pollfd file = {*input, POLLIN, 0};
    if (poll(&file, 1, 0) <= 0) {
        return false;
    }
    ssize_t count = read(*input, keys, sizeof keys);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        *input = -1;
    }
    return count > 0 &&
           (memchr(keys, 'q', (size_t)count) != NULL || memchr(keys, 'Q', (size_t)count) != NULL);
}

// ---- a frame

// The busiest first; those that are as busy stay in order.
static int row_compare(const void *a, const void *b)
{
    const struct row *first = a, *second = b;
    if (first->time_ns != second->time_ns) {
        return first->time_ns > second->time_ns ? -1 : 1;
    }
    if (first->messages != second->messages) {
        return first->messages > second->messages ? -1 : 1;
    }
    return first->process->id < second->process->id ? -1 : 1;
}

static u64 since(u64 now, u64 before)
{
    return now > before ? now - before : 0; // what another says may be anything
}

static bool rows_make(struct top *top)
{
    struct row *rows = realloc(top->rows, (top->now.count + 1) * sizeof *rows);
    if (rows == NULL) {
        return false;
    }
    top->rows = rows;
    for (u32 i = 0; i < top->now.count; i++) {
        const struct snapshot_process *now = &top->now.processes[i];
        static const struct snapshot_process none;
        const struct snapshot_process *before = snapshot_find(&top->before, now->id);
        before = before == NULL ? &none : before; // it is new
        rows[i] = (struct row){now, since(now->time_ns, before->time_ns),
                               since(now->messages, before->messages)};
    }
    qsort(rows, top->now.count, sizeof rows[0], row_compare);
    return true;
}

// So much in a second, of what was so much in `span_ns`.
static double rate(u64 count, u64 span_ns)
{
    return span_ns == 0 ? 0 : (double)count * NS_OF_S / (double)span_ns;
}

// A line, cut where the terminal ends.
static void line_print(const struct top *top, u32 columns, const char *line)
{
    printf("%.*s%s\n", top->is_terminal ? (int)columns : LINE_BYTES, line,
           top->is_terminal ? "\x1b[K" : "");
}

static void row_print(const struct top *top, const struct row *row, u64 span_ns, u32 columns)
{
    char memory[CELL_BYTES], time[CELL_BYTES], program[CELL_BYTES], name[SNAPSHOT_NAME_BYTES];
    char line[LINE_BYTES];
    struct text text = text_over(memory, sizeof memory);
    bytes_write(&text, row->process->memory_bytes);
    text = text_over(time, sizeof time);
    seconds_write(&text, row->process->time_ns);
    text = text_over(program, sizeof program);
    program_write(&text, row->process->cid);
    text = text_over(name, sizeof name);
    text_printable(&text, span_string(row->process->name));
    snprintf(line, sizeof line, "%7llu %-8s %6.1f %10.0f %7s %10s  %-14s  %s",
             (unsigned long long)row->process->id, state_word(row->process->state),
             rate(row->time_ns, span_ns) * 100 / NS_OF_S, rate(row->messages, span_ns), memory,
             time, program, name);
    line_print(top, columns, line);
}

static void frame_print(const struct top *top)
{
    struct winsize size = terminal_size();
    const struct inspect_totals *now = &top->now.totals;
    u64 span_ns = since(now->uptime, top->before.totals.uptime);
    char uptime[CELL_BYTES], held[CELL_BYTES], line[LINE_BYTES];
    struct text text = text_over(uptime, sizeof uptime);
    clock_write(&text, now->uptime);
    text = text_over(held, sizeof held);
    bytes_write(&text, now->message_bytes);
    fputs(top->is_terminal ? "\x1b[H" : "", stdout);
    snprintf(line, sizeof line,
             "system %u, %s: %u processes on %u workers, up %s, %.0f messages/s, %s of messages",
             top->link.number, top->link.words, now->processes, now->workers, uptime,
             rate(since(now->messages, top->before.totals.messages), span_ns), held);
    line_print(top, size.ws_col, line);
    snprintf(line, sizeof line, "%7s %-8s %6s %10s %7s %10s  %-14s  %s", "NUMBER", "STATE", "CPU%",
             "MESSAGES/S", "MEMORY", "TIME", "PROGRAM", "NAME");
    line_print(top, size.ws_col, line);
    u32 most = top->is_terminal ? (u32)size.ws_row - HEAD_ROWS : top->now.count;
    for (u32 i = 0; i < top->now.count && i < most; i++) {
        row_print(top, &top->rows[i], span_ns, size.ws_col);
    }
    fputs(top->is_terminal ? "\x1b[J" : "", stdout);
}

// ---- the command

static int look(struct top *top)
{
    struct snapshot old = top->before;
    top->before = top->now;
    top->now = old;
    return snapshot_take(&top->now, &top->link);
}

// Shows frames until the user, or their number, ends it.
static int frames_show(struct top *top)
{
    int input = top->is_terminal ? STDIN_FILENO : -1;
    int code = look(top);
    u32 time_ms = FIRST_MS;
    for (u32 frame = 0; code == EXIT_GOOD;) {
        int number = wait_ms(time_ms, input);
        if (number != 0) {
            return number == SIGINT ? EXIT_GOOD : EXIT_BY_SIGNAL + number;
        }
        if (input >= 0 && is_quit(&input)) {
            return EXIT_GOOD;
        }
        code = look(top);
        if (code != EXIT_GOOD) {
            return code;
        }
        if (!rows_make(top)) {
            say("the host gives no memory");
            return EXIT_MACHINE;
        }
        frame_print(top);
        if (fflush(stdout) != 0) {
            return EXIT_IO;
        }
        if (++frame == top->frames) {
            return EXIT_GOOD;
        }
        time_ms = FRAME_MS;
    }
    return code;
}

static int top_show(struct top *top)
{
    struct termios before;
    waits_begin();
    top->is_terminal = is_terminal() && terminal_take(&before);
    if (!top->is_terminal && top->frames == 0) {
        top->frames = 1;
    }
    int code = frames_show(top);
    if (top->is_terminal) {
        terminal_give(&before);
    }
    snapshot_free(&top->before);
    snapshot_free(&top->now);
    free(top->rows);
    return code;
}

static int option_take(void *context, struct options *options, const char *option,
                       const char *value, bool *is_known)
{
    struct top *top = context;
    u64 frames;
    *is_known = strcmp(option, "n") == 0;
    if (!*is_known) {
        return EXIT_GOOD;
    }
    value = options_value(options, value);
    if (value == NULL || !number_parse(value, UINT32_MAX, &frames) || frames == 0) {
        return say_usage(&command_top, "-n wants how many frames to show");
    }
    top->frames = (u32)frames;
    return EXIT_GOOD;
}

static int top_run(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    struct top top = {0};
    u32 number = 0;
    int code = link_options(command, &options, &number, option_take, &top);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (options.next != count) {
        return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
    }
    code = link_find(number, &top.link);
    if (code == EXIT_GOOD) {
        code = top_show(&top);
        link_close(&top.link);
    }
    return code;
}

const struct command command_top = {
    "top",
    "shows what the processes of a system do, again each second",
    "Usage: redshirt top [--system NUMBER] [-n FRAMES]\n"
    "\n"
    "Shows the processes of a system that runs, the busiest first: how much of a CPU each has\n"
    "used since the frame before, how many messages it has sent and received a second, and what\n"
    "`redshirt ps` says. q or Ctrl-C ends it. Where the output is no terminal, one frame is all.\n"
    "\n"
    "  -s, --system NUMBER   which one, where several run; `redshirt ps` lists them\n"
    "  -n FRAMES             so many frames, and an end\n"
    "\n"
    "Exit codes: 64 the command line is wrong, or several systems run, 66 no system runs, or it "
    "has\n"
    "ended, 74 it does not answer.\n",
    top_run,
};
