// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/top.c: shows, again and again, which processes run most.
#include <stdlib.h>
#include <string.h>

#include "programs/tools/common/keys.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/seen.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "top",
    "Usage: top [-d SECONDS] [-n COUNT]\n"
    "\n"
    "Shows which processes run most, every two seconds until q or Ctrl-C is typed; where the "
    "output\n"
    "is no terminal, once. CPU is in hundredths of one worker, since it was shown before.\n"
    "\n"
    "  -d SECONDS  waits so long in between\n"
    "  -n COUNT    shows it so often\n",
    1,
};

enum { SECONDS_MOST = 86400, LINES_DEFAULT = 24, LINES_ABOVE = 3 };

#define SECOND_NS 1000000000ull
#define SECOND_MS 1000ull

// A process, and how long it has run since it was seen before.
struct row {
    const struct seen_process *process;
    u64 ran_ns;
};

// Most time first.
static int compare(const void *first, const void *second)
{
    const struct row *a = first;
    const struct row *b = second;
    if (a->ran_ns != b->ran_ns) {
        return a->ran_ns > b->ran_ns ? -1 : 1;
    }
    return (a->process->id > b->process->id) - (a->process->id < b->process->id);
}

// Both in order of id.
static struct row *rows_make(const struct seen *now, const struct seen *before)
{
    struct row *rows = tool_memory(NULL, now->count * sizeof *rows);
    size_t at = 0;
    for (size_t i = 0; i < now->count; i++) {
        const struct seen_process *process = &now->processes[i];
        while (at < before->count && before->processes[at].id < process->id) {
            at++;
        }
        bool is_known = at < before->count && before->processes[at].id == process->id;
        u64 ran_ns = is_known ? before->processes[at].time_ns : 0;
        rows[i] = (struct row){process, process->time_ns - ran_ns};
    }
    qsort(rows, now->count, sizeof *rows, compare);
    return rows;
}

static void share_put(u64 ran_ns, u64 passed_ns)
{
    u64 tenths = ran_ns / (passed_ns / 1000 + 1);
    out_u64(tenths / 10, 5);
    out_char('.');
    out_u64(tenths % 10, 1);
}

static void head_put(const struct seen *now, const struct seen *before, u64 passed_ns)
{
    out_string("up ");
    seen_time_put(now->uptime_ns, 0);
    out_string(", ");
    out_u64(now->count, 0);
    out_string(" processes, ");
    out_u64(now->workers, 0);
    out_string(" workers, ");
    out_u64((now->messages - before->messages) * SECOND_NS / (passed_ns + 1), 0);
    out_string(" messages/s, ");
    seen_bytes_put(now->message_bytes, 0);
    out_string(" held\n\nPROCESS    CPU       TIME MEMORY    STATE NAME\n");
}

static void show(const struct seen *now, const struct seen *before)
{
    u64 passed_ns = now->uptime_ns - before->uptime_ns;
    u64 lines = keys_rows();
    if (lines <= LINES_ABOVE) {
        lines = LINES_DEFAULT;
    }
    struct row *rows = rows_make(now, before);
    head_put(now, before, passed_ns);
    for (size_t i = 0; i < now->count; i++) {
        if (out_is_terminal() && i + LINES_ABOVE + 1 >= lines) {
            break;
        }
        const struct seen_process *process = rows[i].process;
        out_u64(process->id, 7);
        share_put(rows[i].ran_ns, passed_ns);
        seen_time_put(process->time_ns, 11);
        seen_bytes_put(process->memory_bytes, 7);
        out_blanks(strlen(process->state), 9);
        out_string(process->state);
        out_char(' ');
        out_name(process->name);
        out_char('\n');
    }
    out_flush();
    free(rows);
}

int tool_main(int count, char **words)
{
    struct options options;
    struct seen seen[2] = {{0}, {0}};
    u64 seconds = 2;
    u64 rounds = out_is_terminal() ? UINT64_MAX : 1;
    char letter;
    options_begin(&options, count, words, "d:n:");
    while ((letter = options_next(&options)) != 0) {
        u64 number = options_number(&options);
        seconds = letter == 'd' ? number : seconds;
        rounds = letter == 'n' ? number : rounds;
    }
    if (options.operand_count != 0 || seconds == 0 || seconds > SECONDS_MOST) {
        tool_fail_usage(NULL, "SECONDS are from 1 to 86400, and there are no operands");
    }
    if (out_is_terminal()) {
        keys_begin();
    }
    for (u64 round = 0; round < rounds; round++) {
        if (round != 0 && !keys_wait(seconds * SECOND_MS)) {
            break;
        }
        struct seen *now = &seen[round % 2];
        seen_read(now);
        if (out_is_terminal()) {
            out_string("\033[H\033[2J"); // to the first line, and all is empty
        } else if (round != 0) {
            out_char('\n');
        }
        show(now, &seen[1 - round % 2]);
    }
    return 0;
}
