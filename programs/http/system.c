// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/http/system.h"
#include "core/base/text.h"
#include "programs/http/json.h"
#include "programs/http/limits.h"
#include "programs/http/view.h"

enum {
    HEAD_BYTES = 1024, // around the lists
    ITEM_BYTES = 1024, // of numbers and names of fields, for each item of a list
    ITEM_STRINGS = 4,  // of each, at most
    EDGE_BYTES = 256,  // the same of an edge,
    EDGE_STRINGS = 1,
};

static void json_process(struct text *out, const struct inspect_process *process)
{
    static const char *const states[] = {
        [INSPECT_STATE_READY] = "ready",
        [INSPECT_STATE_RUNNING] = "running",
        [INSPECT_STATE_WAITING] = "waiting",
        [INSPECT_STATE_LOADING] = "loading",
    };
    text_string(out, "{\"id\":");
    text_u64(out, process->id);
    json_number(out, "parent", process->parent);
    json_name(out, "program", process->program);
    json_name(out, "name", process->name);
    json_name(out, "state", span_string(states[process->state]));
    json_number(out, "memory", process->memory);
    json_number(out, "time", process->time);
    json_number(out, "threads", process->threads);
    json_number(out, "sent", process->messages_sent);
    json_number(out, "received", process->messages_received);
    json_number(out, "answers", process->answers_given);
    json_number(out, "bonds", process->bonds);
    json_number(out, "inFlight", process->in_flight);
}

static void json_amount(struct text *out, const char *used, const char *most,
                        const struct inspect_amount *amount)
{
    json_number(out, used, amount->used);
    if (amount->most.some) {
        json_number(out, most, amount->most.value);
    }
}

static void json_budget(struct text *out, const struct inspect_budget *budget)
{
    json_number(out, "family", budget->family);
    json_amount(out, "memoryUsed", "memoryMost", &budget->memory);
    json_amount(out, "familyUsed", "familyMost", &budget->family_memory);
    json_amount(out, "children", "childrenMost", &budget->children);
    json_amount(out, "queued", "queuedMost", &budget->queued);
    json_number(out, "inFlightMost", budget->messages.most.value);
    if (budget->cpu.some) {
        json_number(out, "cpuMost", budget->cpu.value);
    }
}

// Both lists are in order of number; one may have who came or ended meanwhile.
static void json_processes(struct text *out, const struct view *view)
{
    struct inspect_list_process processes = view->processes;
    struct inspect_list_budget budgets = view->budgets;
    struct inspect_process process;
    struct inspect_budget budget = {0};
    for (u32 i = 0; i < SERVER_PROCESSES && inspect_list_process_next(&processes, &process); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_process(out, &process);
        while (budget.process < process.id && inspect_list_budget_next(&budgets, &budget)) {
        }
        if (budget.process == process.id) {
            json_budget(out, &budget);
        }
        text_char(out, '}');
    }
}

static void json_interface(struct text *out, const struct inspect_registration *interface)
{
    text_string(out, "{\"handler\":");
    text_u64(out, interface->handler);
    json_name(out, "name", interface->name);
    json_name(out, "hash", interface->hash);
    json_number(out, "bonds", interface->bonds);
    json_number(out, "messages", interface->messages);
    text_char(out, '}');
}

static void json_edge(struct text *out, const struct view_edge *edge)
{
    text_string(out, "{\"client\":");
    text_u64(out, edge->client);
    json_name(out, "name", edge->name);
    if (edge->handler.some) {
        json_number(out, "handler", edge->handler.value);
    }
    json_number(out, "messages", edge->messages);
    json_number(out, "bytes", edge->bytes);
    json_number(out, "answerBytes", edge->answer_bytes);
    text_char(out, '}');
}

static void json_refusal(struct text *out, const struct inspect_refusal *refusal)
{
    text_string(out, "{\"process\":");
    text_u64(out, refusal->process);
    json_name(out, "program", refusal->program);
    json_name(out, "startedAs", refusal->started_as);
    json_name(out, "name", refusal->name);
    json_name(out, "hash", refusal->hash);
    json_name(out, "right", span_string(refusal->right == INSPECT_RIGHT_BIND ? "bind" : "handle"));
    json_number(out, "count", refusal->count);
    json_number(out, "last", refusal->last);
    text_char(out, '}');
}

size_t system_bytes(const struct view *view)
{
    u32 processes = view->processes.count;
    processes = processes < SERVER_PROCESSES ? processes : SERVER_PROCESSES;
    size_t items = (size_t)processes + view->interfaces.count + view->refusals.refusals.count;
    return HEAD_BYTES + items * (ITEM_BYTES + ITEM_STRINGS * JSON_STRING_BYTES) +
           (size_t)view->edge_count * (EDGE_BYTES + EDGE_STRINGS * JSON_STRING_BYTES);
}

void system_write(struct text *out, const struct view *view)
{
    struct inspect_list_registration interfaces = view->interfaces;
    struct inspect_list_refusal refusals = view->refusals.refusals;
    struct inspect_registration interface;
    struct inspect_refusal refusal;
    text_string(out, "{\"uptime\":");
    text_u64(out, view->totals.uptime);
    json_number(out, "workers", view->totals.workers);
    json_number(out, "processes", view->totals.processes);
    json_number(out, "messages", view->totals.messages);
    json_number(out, "messageBytes", view->totals.message_bytes);
    json_number(out, "refused", view->refusals.total);
    text_string(out, view->has_more_edges ? ",\"moreEdges\":true" : ",\"moreEdges\":false");
    text_string(out, ",\"list\":[");
    json_processes(out, view);
    text_string(out, "],\"interfaces\":[");
    for (u32 i = 0; inspect_list_registration_next(&interfaces, &interface); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_interface(out, &interface);
    }
    text_string(out, "],\"edges\":[");
    for (u32 i = 0; i < view->edge_count; i++) {
        text_string(out, i == 0 ? "" : ",");
        json_edge(out, &view->edges[i]);
    }
    text_string(out, "],\"refusals\":[");
    for (u32 i = 0; inspect_list_refusal_next(&refusals, &refusal); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_refusal(out, &refusal);
    }
    text_string(out, "]}\n");
}
