// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/base/cid.h"
#include "core/base/text.h"
#include "core/kernel/limits.h"
#include "tools/redshirt/channel_client.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/grants.h"

enum { FIRST_ROOM = 64, NS_OF_S = 1000000000, NS_OF_MS = 1000000, CID_SHOWN = 12 };

// Room for one more. False: there is none.
static bool room_make(struct snapshot *snapshot)
{
    if (snapshot->count < snapshot->room) {
        return true;
    }
    u32 room = snapshot->room == 0 ? FIRST_ROOM : snapshot->room * 2;
    void *processes = room > SNAPSHOT_PROCESSES
                          ? NULL
                          : realloc(snapshot->processes, room * sizeof snapshot->processes[0]);
    if (processes == NULL) {
        return false;
    }
    snapshot->processes = processes;
    snapshot->room = room;
    return true;
}

static void copy_text(char *to, size_t room, struct span from)
{
    size_t size = from.size < room ? from.size : room - 1;
    mem_copy(to, from.data, size);
    to[size] = 0;
}

static void process_add(struct snapshot *snapshot, const struct inspect_process *from)
{
    struct snapshot_process *to = &snapshot->processes[snapshot->count++];
    *to = (struct snapshot_process){
        .id = from->id,
        .parent = from->parent,
        .state = from->state,
        .memory_bytes = from->memory,
        .time_ns = from->time,
        .messages = from->messages_sent + from->messages_received,
    };
    copy_text(to->cid, sizeof to->cid, from->program);
    copy_text(to->name, sizeof to->name, from->name);
}

// Where a process stands; snapshot->count: nowhere.
static u32 place_of(const struct snapshot *snapshot, u64 id)
{
    u32 first = 0, end = snapshot->count;
    while (first < end) {
        u32 middle = first + (end - first) / 2;
        if (snapshot->processes[middle].id == id) {
            return middle;
        }
        if (snapshot->processes[middle].id < id) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return snapshot->count;
}

int snapshot_take(struct snapshot *snapshot, struct link *link)
{
    snapshot->count = 0;
    int code = link_totals(link, &snapshot->totals);
    u64 after = 0;
    bool is_more = true;
    while (code == EXIT_GOOD && is_more) {
        struct inspect_list_process list;
        struct inspect_process process;
        code = link_processes(link, after, &list);
        is_more = false;
        while (code == EXIT_GOOD && inspect_list_process_next(&list, &process)) {
            if (process.id <= after) { // then there would be no end
                return link_say_bad(link);
            }
            if (!room_make(snapshot)) {
                return EXIT_GOOD; // the first ones
            }
            process_add(snapshot, &process);
            after = process.id;
            is_more = true;
        }
    }
    return code;
}

int snapshot_budgets(struct snapshot *snapshot, struct link *link)
{
    u64 after = 0;
    for (;;) {
        struct inspect_list_budget list;
        struct inspect_budget budget;
        int code = link_budgets(link, after, &list);
        if (code != EXIT_GOOD || list.count == 0) {
            return code;
        }
        while (inspect_list_budget_next(&list, &budget)) {
            if (budget.process <= after) { // then there would be no end
                return link_say_bad(link);
            }
            after = budget.process;
            u32 place = place_of(snapshot, after);
            if (place < snapshot->count) {
                snapshot->processes[place].budget = budget;
                snapshot->processes[place].has_budget = true;
            }
        }
    }
}

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->processes);
    *snapshot = (struct snapshot){0};
}

const struct snapshot_process *snapshot_find(const struct snapshot *snapshot, u64 id)
{
    u32 place = place_of(snapshot, id);
    return place < snapshot->count ? &snapshot->processes[place] : NULL;
}

// ---- words

const char *state_word(enum inspect_state state)
{
    switch (state) {
    case INSPECT_STATE_READY:
        return "ready";
    case INSPECT_STATE_RUNNING:
        return "running";
    case INSPECT_STATE_WAITING:
        return "waiting";
    case INSPECT_STATE_LOADING:
        return "loading";
    }
    return "?";
}

void bytes_write(struct text *out, u64 bytes)
{
    static const char units[] = {'K', 'M', 'G', 'T'};
    u64 tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
    size_t unit = 0;
    while (tenths >= 10240 && unit + 1 < sizeof units) {
        tenths /= 1024;
        unit++;
    }
    text_u64(out, tenths / 10);
    if (unit > 0 && tenths < 1000) {
        text_char(out, '.');
        text_u64(out, tenths % 10);
    }
    text_char(out, units[unit]);
}

// "memory 64K of 1.0M", behind what stands there.
static void amount_write(struct text *out, const char *name, const struct inspect_amount *amount,
                         u64 ordinary, void (*write)(struct text *, u64))
{
    if (!amount->most.some || amount->most.value >= ordinary) {
        return;
    }
    text_string(out, out->size > 0 ? ", " : "");
    text_string(out, name);
    text_char(out, ' ');
    write(out, amount->used);
    text_string(out, " of ");
    write(out, amount->most.value);
}

void budget_write(struct text *out, const struct inspect_budget *budget)
{
    ASSERT(out->size == 0);
    amount_write(out, "memory", &budget->memory, UINT64_MAX, bytes_write);
    amount_write(out, "children", &budget->children, KERNEL_CHILDREN, text_u64);
    amount_write(out, "messages", &budget->messages, KERNEL_MESSAGES, text_u64);
    amount_write(out, "queued", &budget->queued, KERNEL_MESSAGE_BYTES, bytes_write);
    if (budget->cpu.some) {
        text_string(out, out->size > 0 ? ", " : "");
        text_u64(out, budget->cpu.value);
        text_string(out, "% of its turns");
    }
}

static void digits_write(struct text *out, u64 value, u64 highest)
{
    for (; highest > 0; highest /= 10) {
        text_char(out, (char)('0' + value / highest % 10));
    }
}

void seconds_write(struct text *out, u64 time_ns)
{
    text_u64(out, time_ns / NS_OF_S);
    text_char(out, '.');
    digits_write(out, time_ns % NS_OF_S / NS_OF_MS, 100);
}

void clock_write(struct text *out, u64 time_ns)
{
    u64 seconds = time_ns / NS_OF_S;
    text_u64(out, seconds / 3600);
    text_char(out, ':');
    digits_write(out, seconds / 60 % 60, 10);
    text_char(out, ':');
    digits_write(out, seconds % 60, 10);
}

void program_write(struct text *out, const char *cid)
{
    struct cid parsed;
    bool is_cid = cid_parse_text(span_string(cid), &parsed, NULL) == ERR_OK;
    const char *name = is_cid ? grants_program_name(&parsed) : NULL;
    size_t size = strlen(cid);
    if (name == NULL && size > CID_SHOWN) {
        text_string(out, "..");
        name = cid + size - CID_SHOWN;
    }
    text_printable(out, span_string(name == NULL ? cid : name));
}
