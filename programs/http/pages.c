// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/pages.c: the live page, a word of greeting, /api/peers (peers.c), and /api/system:
// what runs, as JSON, from redshirt:kernel/inspect. Names come from programs, so they are escaped.
#include "programs/http/pages.h"
#include "core/base/compiler.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "interfaces/inspect.h"
#include "interfaces/inspect_client.h"
#include "interfaces/inspect_section.h"
#include "lib/http/http.h"
#include "programs/http/json.h"
#include "programs/http/limits.h"
#include "programs/http/peers.h"
#include "programs/rt/redshirt.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

static const u8 live_page[] = {
#embed "programs/http/page.html"
};

enum {
    JSON_BYTES = 1024,     // around the lists
    JSON_ITEM_BYTES = 512, // of numbers and names of fields, for each process and interface
    JSON_STRINGS = 3,      // of each, at most
};

// ---- JSON

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
    text_char(out, '}');
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

// ---- the system

struct system {
    struct inspect_totals totals;
    struct inspect_list_process processes;
    struct inspect_list_registration interfaces;
    struct span processes_answer; // in memory to give back
    struct span interfaces_answer;
};

static void system_drop(struct system *system)
{
    memory_give(rt_memory(), (void *)system->processes_answer.data, system->processes_answer.size);
    memory_give(rt_memory(), (void *)system->interfaces_answer.data,
                system->interfaces_answer.size);
}

// Asks the kernel. False: it does not answer as it should; *system is to be dropped in both cases.
static bool system_ask(struct system *system)
{
    static i64 bond = -1;
    u8 body[INSPECT_PROCESSES_CALL_BYTES];
    struct inspect_processes_call all = {0};
    *system = (struct system){0};
    if (bond < 0) {
        bond = rt_bind(&inspect_interface, false);
    }
    if (bond < 0 || inspect_summary((u32)bond, &system->totals) < 0) {
        return false;
    }
    size_t size = inspect_processes_encode_call(body, sizeof body, &all);
    return rt_call_large((u32)bond, INSPECT_PROCESSES_ID, body, (u32)size,
                         &system->processes_answer) >= 0 &&
           inspect_processes_decode_result(system->processes_answer, &system->processes) ==
               ERR_OK &&
           rt_call_large((u32)bond, INSPECT_INTERFACES_ID, NULL, 0, &system->interfaces_answer) >=
               0 &&
           inspect_interfaces_decode_result(system->interfaces_answer, &system->interfaces) ==
               ERR_OK;
}

// Bytes that hold the JSON whatever the names are.
static size_t json_bytes(const struct system *system)
{
    u32 processes = system->processes.count;
    processes = processes < SERVER_PROCESSES ? processes : SERVER_PROCESSES;
    return JSON_BYTES + ((size_t)processes + system->interfaces.count) *
                            (JSON_ITEM_BYTES + JSON_STRINGS * JSON_STRING_BYTES);
}

static void json_system(struct text *out, const struct system *system)
{
    struct inspect_list_process processes = system->processes;
    struct inspect_list_registration interfaces = system->interfaces;
    struct inspect_process process;
    struct inspect_registration interface;
    text_string(out, "{\"uptime\":");
    text_u64(out, system->totals.uptime);
    json_number(out, "workers", system->totals.workers);
    json_number(out, "processes", system->totals.processes);
    json_number(out, "messages", system->totals.messages);
    json_number(out, "messageBytes", system->totals.message_bytes);
    text_string(out, ",\"list\":[");
    for (u32 i = 0; i < SERVER_PROCESSES && inspect_list_process_next(&processes, &process); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_process(out, &process);
    }
    text_string(out, "],\"interfaces\":[");
    for (u32 i = 0; inspect_list_registration_next(&interfaces, &interface); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_interface(out, &interface);
    }
    text_string(out, "]}\n");
}

static struct page system_page(void)
{
    struct system system;
    struct page page = page_status(503);
    bool asked = system_ask(&system);
    size_t bytes = asked ? json_bytes(&system) : 0;
    char *block = asked ? memory_take(rt_memory(), bytes) : NULL;
    if (block != NULL) {
        struct text text = text_over(block, bytes);
        json_system(&text, &system);
        // what was reserved for the worst of names and not used goes back, in place
        (void)rt_memory()->resize(rt_memory(), block, bytes, text.size);
        page = (struct page){.status = 200,
                             .content_type = "application/json",
                             .body = span_of(block, text.size),
                             .owned_bytes = text.size};
    }
    system_drop(&system);
    return page;
}

// ---- pages

struct page page_status(u32 status)
{
    return (struct page){.status = status,
                         .content_type = TEXT_PLAIN,
                         .body = span_string(http_status_name(status))};
}

struct page page_get(struct span path)
{
    if (span_equal(path, SPAN_LITERAL("/hello"))) {
        return (struct page){.status = 200,
                             .content_type = TEXT_PLAIN,
                             .body = SPAN_LITERAL("Hello from redshirt!\n")};
    }
    if (span_equal(path, SPAN_LITERAL("/"))) {
        return (struct page){.status = 200,
                             .content_type = "text/html; charset=utf-8",
                             .body = span_of(live_page, sizeof live_page)};
    }
    if (span_equal(path, SPAN_LITERAL("/api/system"))) {
        return system_page();
    }
    if (span_equal(path, SPAN_LITERAL("/api/peers"))) {
        return peers_page();
    }
    return page_status(404);
}
