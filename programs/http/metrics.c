// SPDX-License-Identifier: GPL-3.0-or-later
// A process goes by its number and name, and by its program in redshirt_process_info alone: so a
// scrape of many processes does not say each CID ten times.
#include "programs/http/metrics.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "core/base/wire.h"
#include "programs/http/json.h"
#include "programs/http/limits.h"
#include "programs/http/view.h"

enum metric {
    METRIC_UPTIME,
    METRIC_WORKERS,
    METRIC_PROCESSES,
    METRIC_MESSAGES,
    METRIC_MESSAGE_BYTES,
    METRIC_REFUSED,
    METRIC_TOTALS, // how many those are
    METRIC_INFO = METRIC_TOTALS,
    METRIC_MEMORY,
    METRIC_MEMORY_MOST,
    METRIC_CPU,
    METRIC_THREADS,
    METRIC_SENT,
    METRIC_RECEIVED,
    METRIC_ANSWERS,
    METRIC_IN_FLIGHT,
    METRIC_PROCESS_END,
    METRIC_INTERFACE_MESSAGES = METRIC_PROCESS_END,
    METRIC_INTERFACE_BONDS,
    METRIC_INTERFACE_END,
    METRIC_BOND_MESSAGES = METRIC_INTERFACE_END,
    METRIC_BOND_BYTES,
    METRIC_BOND_ANSWER_BYTES,
    METRIC_BOND_END,
    METRIC_REFUSALS = METRIC_BOND_END,
    METRICS,
};

static const struct {
    const char *name;
    const char *help;
    bool is_counter;
} metrics[METRICS] = {
    [METRIC_UPTIME] = {"redshirt_uptime_seconds", "Since the kernel started.", false},
    [METRIC_WORKERS] = {"redshirt_workers", "Threads of the machine that run processes.", false},
    [METRIC_PROCESSES] = {"redshirt_processes", "Processes, ended ones that are kept too.", false},
    [METRIC_MESSAGES] = {"redshirt_messages_total", "Messages sent.", true},
    [METRIC_MESSAGE_BYTES] = {"redshirt_message_bytes", "Held for messages.", false},
    [METRIC_REFUSED] = {"redshirt_refused_total", "Binds and registrations refused.", true},
    [METRIC_INFO] = {"redshirt_process_info", "1; says what runs.", false},
    [METRIC_MEMORY] = {"redshirt_process_memory_bytes", "Linear memory in use.", false},
    [METRIC_MEMORY_MOST] = {"redshirt_process_memory_limit_bytes",
                            "What its budget leaves it; absent where that is all there is.", false},
    [METRIC_CPU] = {"redshirt_process_cpu_seconds_total", "Time spent running.", true},
    [METRIC_THREADS] = {"redshirt_process_threads", "The first one too.", false},
    [METRIC_SENT] = {"redshirt_process_messages_sent_total", "Messages sent.", true},
    [METRIC_RECEIVED] = {"redshirt_process_messages_received_total", "Messages received.", true},
    [METRIC_ANSWERS] = {"redshirt_process_answers_total", "Answers given.", true},
    [METRIC_IN_FLIGHT] = {"redshirt_process_messages_in_flight", "Sent and not yet answered.",
                          false},
    [METRIC_INTERFACE_MESSAGES] = {"redshirt_interface_messages_total", "Sent to who handles it.",
                                   true},
    [METRIC_INTERFACE_BONDS] = {"redshirt_interface_bonds", "Clients' holds on it.", false},
    [METRIC_BOND_MESSAGES] = {"redshirt_bond_messages_total",
                              "From a client to an interface by bonds that are open.", true},
    [METRIC_BOND_BYTES] = {"redshirt_bond_bytes_total", "Bytes of these messages.", true},
    [METRIC_BOND_ANSWER_BYTES] = {"redshirt_bond_answer_bytes_total", "Bytes of their answers.",
                                  true},
    [METRIC_REFUSALS] = {"redshirt_refusals_total",
                         "Refused to a program of late, and since it is listed.", true},
};

enum {
    // All samples there can be.
    SERIES = METRIC_TOTALS + SERVER_PROCESSES * (METRIC_PROCESS_END - METRIC_INFO) +
             SERVER_INTERFACES * (METRIC_INTERFACE_END - METRIC_INTERFACE_MESSAGES) +
             SERVER_EDGES * (METRIC_BOND_END - METRIC_BOND_MESSAGES) + SERVER_REFUSALS,
    HEAD_BYTES = 256,                      // HELP and TYPE of one
    SERIES_BYTES = 320,                    // a sample without its name: a hash, a CID, numbers
    NAME_BYTES = 3 * INTERFACE_NAME_BYTES, // when each byte is shown as another
};
STATIC_ASSERT(SERIES <= SERVER_SERIES && SERVER_NAME_BYTES <= INTERFACE_NAME_BYTES);

// ---- the format

static void head(struct text *out, enum metric metric)
{
    text_string(out, "# HELP ");
    text_string(out, metrics[metric].name);
    text_char(out, ' ');
    text_string(out, metrics[metric].help);
    text_string(out, "\n# TYPE ");
    text_string(out, metrics[metric].name);
    text_string(out, metrics[metric].is_counter ? " counter\n" : " gauge\n");
}

// Names of interfaces are whole, so that no two samples have the same labels. What would move the
// cursor of who reads it on a terminal is shown.
static void label(struct text *out, const char *name, struct span value)
{
    text_string(out, name);
    text_string(out, "=\"");
    for (size_t i = 0; i < value.size; i++) {
        u8 c = value.data[i];
        if (c == '\n') {
            text_string(out, "\\n");
        } else if (c < 0x20 || c == 0x7f) { // its picture: U+2400 and so on
            text_string(out, "\xe2\x90");
            text_char(out, (char)(0x80 + (c == 0x7f ? 0x21 : c)));
        } else if (json_is_c1(span_slice(value, i, value.size))) { // has no picture: \x9b
            text_string(out, "\\\\x");
            text_hex(out, value.data[++i], 2);
        } else {
            text_string(out, c == '"' || c == '\\' ? "\\" : "");
            text_char(out, (char)c);
        }
    }
    text_char(out, '"');
}

static void label_number(struct text *out, const char *name, u64 value)
{
    text_string(out, name);
    text_string(out, "=\"");
    text_u64(out, value);
    text_char(out, '"');
}

static void value_end(struct text *out, u64 value)
{
    text_u64(out, value);
    text_char(out, '\n');
}

static void value_end_seconds(struct text *out, u64 ns)
{
    text_u64(out, ns / 1000000000);
    text_char(out, '.');
    for (u64 unit = 100000000; unit > 0; unit /= 10) {
        text_char(out, (char)('0' + ns / unit % 10));
    }
    text_char(out, '\n');
}

// ---- what there is

static void totals(struct text *out, const struct view *view)
{
    const u64 values[METRIC_TOTALS] = {
        [METRIC_WORKERS] = view->totals.workers,
        [METRIC_PROCESSES] = view->totals.processes,
        [METRIC_MESSAGES] = view->totals.messages,
        [METRIC_MESSAGE_BYTES] = view->totals.message_bytes,
        [METRIC_REFUSED] = view->refusals.total,
    };
    for (u32 metric = 0; metric < METRIC_TOTALS; metric++) {
        head(out, (enum metric)metric);
        text_string(out, metrics[metric].name);
        text_char(out, ' ');
        if (metric == METRIC_UPTIME) {
            value_end_seconds(out, view->totals.uptime);
        } else {
            value_end(out, values[metric]);
        }
    }
}

static void process_labels(struct text *out, enum metric metric,
                           const struct inspect_process *process)
{
    text_string(out, metrics[metric].name);
    text_char(out, '{');
    label_number(out, "process", process->id);
    text_char(out, ',');
    label(out, "name", json_name_cut(process->name));
    if (metric == METRIC_INFO) {
        text_char(out, ',');
        label(out, "program", process->program);
        text_char(out, ',');
        label_number(out, "parent", process->parent);
    }
    text_string(out, "} ");
}

static u64 process_value(enum metric metric, const struct inspect_process *process)
{
    switch (metric) {
    case METRIC_MEMORY:
        return process->memory;
    case METRIC_THREADS:
        return process->threads;
    case METRIC_SENT:
        return process->messages_sent;
    case METRIC_RECEIVED:
        return process->messages_received;
    case METRIC_ANSWERS:
        return process->answers_given;
    case METRIC_IN_FLIGHT:
        return process->in_flight;
    default:
        ASSERT(metric == METRIC_INFO);
        return 1;
    }
}

static void processes(struct text *out, const struct view *view, enum metric metric)
{
    struct inspect_list_process list = view->processes;
    struct inspect_list_budget budgets = view->budgets;
    struct inspect_process process;
    struct inspect_budget budget = {0};
    for (u32 i = 0; i < SERVER_PROCESSES && inspect_list_process_next(&list, &process); i++) {
        if (metric == METRIC_MEMORY_MOST) {
            while (budget.process < process.id && inspect_list_budget_next(&budgets, &budget)) {
            }
            if (budget.process == process.id && budget.memory.most.some) {
                process_labels(out, metric, &process);
                value_end(out, budget.memory.most.value);
            }
            continue;
        }
        process_labels(out, metric, &process);
        if (metric == METRIC_CPU) {
            value_end_seconds(out, process.time);
        } else {
            value_end(out, process_value(metric, &process));
        }
    }
}

// Whether one of those before it has the same labels. Seats of one interface have different
// handlers, but for a moment while one takes the place of another.
static bool is_again(const struct view *view, const struct inspect_registration *interface, u32 at)
{
    struct inspect_list_registration list = view->interfaces;
    struct inspect_registration before;
    for (u32 i = 0; i < at && inspect_list_registration_next(&list, &before); i++) {
        if (before.handler == interface->handler && span_equal(before.name, interface->name)) {
            return true;
        }
    }
    return false;
}

static void interfaces(struct text *out, const struct view *view, enum metric metric)
{
    struct inspect_list_registration list = view->interfaces;
    struct inspect_registration interface;
    for (u32 i = 0; i < SERVER_INTERFACES && inspect_list_registration_next(&list, &interface);
         i++) {
        if (is_again(view, &interface, i)) {
            continue;
        }
        text_string(out, metrics[metric].name);
        text_char(out, '{');
        label(out, "interface", interface.name);
        text_char(out, ',');
        label_number(out, "handler", interface.handler);
        text_string(out, "} ");
        value_end(out, metric == METRIC_INTERFACE_BONDS ? interface.bonds : interface.messages);
    }
}

static void edges(struct text *out, const struct view *view, enum metric metric)
{
    for (u32 i = 0; i < view->edge_count; i++) {
        const struct view_edge *edge = &view->edges[i];
        text_string(out, metrics[metric].name);
        text_char(out, '{');
        label_number(out, "client", edge->client);
        text_char(out, ',');
        label(out, "interface", edge->name);
        text_char(out, ',');
        if (edge->handler.some) {
            label_number(out, "handler", edge->handler.value);
        } else {
            label(out, "handler", SPAN_LITERAL("none"));
        }
        text_string(out, "} ");
        value_end(out, metric == METRIC_BOND_MESSAGES ? edge->messages
                       : metric == METRIC_BOND_BYTES  ? edge->bytes
                                                      : edge->answer_bytes);
    }
}

static void refusals(struct text *out, const struct view *view)
{
    struct inspect_list_refusal list = view->refusals.refusals;
    struct inspect_refusal refusal;
    for (u32 i = 0; i < SERVER_REFUSALS && inspect_list_refusal_next(&list, &refusal); i++) {
        text_string(out, metrics[METRIC_REFUSALS].name);
        text_char(out, '{');
        label(out, "program", refusal.program);
        text_char(out, ',');
        label(out, "interface", refusal.name);
        text_char(out, ',');
        label(out, "hash", refusal.hash);
        text_string(out, refusal.right == INSPECT_RIGHT_BIND ? ",right=\"bind\"} "
                                                             : ",right=\"handle\"} ");
        value_end(out, refusal.count);
    }
}

size_t metrics_bytes(const struct view *view)
{
    size_t series =
        METRIC_TOTALS + (size_t)view->processes.count * (METRIC_PROCESS_END - METRIC_INFO) +
        (size_t)view->interfaces.count * (METRIC_INTERFACE_END - METRIC_INTERFACE_MESSAGES) +
        (size_t)view->edge_count * (METRIC_BOND_END - METRIC_BOND_MESSAGES) +
        view->refusals.refusals.count;
    series = series < SERIES ? series : SERIES;
    return METRICS * HEAD_BYTES + series * (SERIES_BYTES + NAME_BYTES);
}

void metrics_write(struct text *out, const struct view *view)
{
    totals(out, view);
    for (u32 metric = METRIC_INFO; metric < METRICS; metric++) {
        head(out, (enum metric)metric);
        if (metric < METRIC_PROCESS_END) {
            processes(out, view, (enum metric)metric);
        } else if (metric < METRIC_INTERFACE_END) {
            interfaces(out, view, (enum metric)metric);
        } else if (metric < METRIC_BOND_END) {
            edges(out, view, (enum metric)metric);
        } else {
            refusals(out, view);
        }
    }
}
