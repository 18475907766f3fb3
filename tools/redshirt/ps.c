// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt ps`: what runs, in every system of the home or in one.
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "tools/redshirt/channel_client.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/snapshot.h"

enum { CELL_BYTES = 128, BUDGET_BYTES = 256 };

struct ps {
    bool is_long;
    bool is_json;
    u32 count; // systems shown
};

// ---- a table

static void process_print(const struct ps *ps, const struct snapshot_process *process)
{
    char memory[CELL_BYTES], time[CELL_BYTES], program[CELL_BYTES], name[SNAPSHOT_NAME_BYTES];
    struct text text = text_over(memory, sizeof memory);
    bytes_write(&text, process->memory_bytes);
    text = text_over(time, sizeof time);
    seconds_write(&text, process->time_ns);
    text = text_over(name, sizeof name);
    text_printable(&text, span_string(process->name));
    text = text_over(program, sizeof program);
    if (ps->is_long) {
        text_printable(&text, span_string(process->cid));
    } else {
        program_write(&text, process->cid);
    }
    printf("%7llu %7llu %-8s %7s %10s %10llu  %-*s  %s\n", (unsigned long long)process->id,
           (unsigned long long)process->parent, state_word(process->state), memory, time,
           (unsigned long long)process->messages, ps->is_long ? 59 : 14, program, name);
    char budget[BUDGET_BYTES];
    text = text_over(budget, sizeof budget);
    if (process->has_budget) {
        budget_write(&text, &process->budget);
    }
    if (text.size > 0) {
        printf("%7s budget: %s\n", "", budget);
    }
}

static void table_print(const struct ps *ps, const struct link *link,
                        const struct snapshot *snapshot)
{
    char uptime[CELL_BYTES];
    struct text text = text_over(uptime, sizeof uptime);
    clock_write(&text, snapshot->totals.uptime);
    printf("%ssystem %u, %s: %u processes on %u workers, up %s\n", ps->count > 0 ? "\n" : "",
           link->number, link->words, snapshot->totals.processes, snapshot->totals.workers, uptime);
    printf("%7s %7s %-8s %7s %10s %10s  %-*s  %s\n", "NUMBER", "PARENT", "STATE", "MEMORY", "TIME",
           "MESSAGES", ps->is_long ? 59 : 14, "PROGRAM", "NAME");
    for (u32 i = 0; i < snapshot->count; i++) {
        process_print(ps, &snapshot->processes[i]);
    }
}

// ---- JSON

static void string_print(const char *string)
{
    putchar('"');
    for (const u8 *at = (const u8 *)string; *at != 0; at++) {
        if (*at == '"' || *at == '\\') {
            printf("\\%c", *at);
        } else if (*at < ' ' || *at == 0x7f) {
            printf("\\u%04x", *at);
        } else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) { // C1
            printf("\\u%04x", *++at);
        } else {
            putchar(*at);
        }
    }
    putchar('"');
}

static void amount_print(const char *name, const struct inspect_amount *amount)
{
    printf("\"%s\":{\"used\":%llu", name, (unsigned long long)amount->used);
    if (amount->most.some) {
        printf(",\"most\":%llu", (unsigned long long)amount->most.value);
    }
    printf("},");
}

static void json_print(const struct ps *ps, const struct link *link,
                       const struct snapshot *snapshot)
{
    printf("%s{\"system\":%u,\"words\":", ps->count > 0 ? "," : "", link->number);
    string_print(link->words);
    printf(",\"uptime_ns\":%llu,\"workers\":%u,\"processes\":[",
           (unsigned long long)snapshot->totals.uptime, snapshot->totals.workers);
    for (u32 i = 0; i < snapshot->count; i++) {
        const struct snapshot_process *process = &snapshot->processes[i];
        printf("%s\n{\"number\":%llu,\"parent\":%llu,\"state\":\"%s\",\"memory_bytes\":%llu,"
               "\"time_ns\":%llu,\"messages\":%llu,\"program\":",
               i > 0 ? "," : "", (unsigned long long)process->id,
               (unsigned long long)process->parent, state_word(process->state),
               (unsigned long long)process->memory_bytes, (unsigned long long)process->time_ns,
               (unsigned long long)process->messages);
        string_print(process->cid);
        printf(",\"name\":");
        string_print(process->name);
        if (process->has_budget) {
            const struct inspect_budget *budget = &process->budget;
            printf(",\n \"budget\":{");
            amount_print("memory_bytes", &budget->memory);
            amount_print("children", &budget->children);
            amount_print("messages", &budget->messages);
            amount_print("queued_bytes", &budget->queued);
            printf("\"cpu_percent\":%u}", budget->cpu.some ? budget->cpu.value : 100);
        }
        putchar('}');
    }
    printf("]}\n");
}

// ---- the command

static int system_show(void *context, struct link *link)
{
    struct ps *ps = context;
    struct snapshot snapshot = {0};
    int code = snapshot_take(&snapshot, link);
    if (code == EXIT_GOOD) {
        code = snapshot_budgets(&snapshot, link);
    }
    if (code == EXIT_GOOD && ps->is_json) {
        json_print(ps, link, &snapshot);
    } else if (code == EXIT_GOOD) {
        table_print(ps, link, &snapshot);
    }
    snapshot_free(&snapshot);
    ps->count += code == EXIT_GOOD;
    return code;
}

static int all_show(struct ps *ps, u32 number)
{
    if (ps->is_json) {
        putchar('[');
    }
    int code;
    if (number == 0) {
        code = links_each(system_show, ps);
    } else {
        struct link link;
        code = link_find(number, &link);
        if (code == EXIT_GOOD) {
            code = system_show(ps, &link);
            link_close(&link);
        }
    }
    if (ps->is_json) {
        printf("]\n");
    }
    return fflush(stdout) == 0 ? code : EXIT_IO;
}

static int option_take(void *context, struct options *options, const char *option,
                       const char *value, bool *is_known)
{
    struct ps *ps = context;
    (void)options;
    if (strcmp(option, "long") == 0 && value == NULL) {
        ps->is_long = true;
    } else if (strcmp(option, "json") == 0 && value == NULL) {
        ps->is_json = true;
    } else {
        *is_known = false;
    }
    return EXIT_GOOD;
}

static int ps_run(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    struct ps ps = {0};
    u32 number = 0;
    int code = link_options(command, &options, &number, option_take, &ps);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (options.next != count) {
        return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
    }
    return all_show(&ps, number);
}

const struct command command_ps = {
    "ps",
    "lists the processes of the systems that run",
    "Usage: redshirt ps [--system NUMBER] [--long] [--json]\n"
    "\n"
    "Lists what runs in every system that was started in this home (`redshirt up`, `run`, `demo`,\n"
    "`serve`): each process's number, that of its parent (0: the user), its state, its memory, "
    "the\n"
    "CPU time it has used in seconds, the messages it has sent and received, its program (the "
    "name\n"
    "of one that comes with the command, else the end of its CID) and what it was started as; "
    "below,\n"
    "what it takes of its budget, where it has one that is less than what everybody has.\n"
    "\n"
    "  -s, --system NUMBER   only that system\n"
    "      --long            whole CIDs\n"
    "      --json            for programs: an array of systems\n"
    "\n"
    "Exit codes: 64 the command line is wrong, 66 no system runs, 74 one does not answer.\n",
    ps_run,
};
