// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/seen.h"

#include <string.h>

#include "core/base/text.h"
#include "interfaces/inspect.h"
#include "interfaces/inspect_client.h"
#include "interfaces/inspect_section.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/messages.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

static u8 page[SEEN_PAGE_BYTES];

static u32 bound(void)
{
    static u32 bond;
    static bool is_bound;
    if (!is_bound) {
        bond = messages_bind(&inspect_interface, "inspect");
        is_bound = true;
    }
    return bond;
}

static void string_copy(char *to, size_t room, struct span from)
{
    size_t size = from.size < room - 1 ? from.size : room - 1;
    memcpy(to, from.data, size);
    to[size] = 0;
}

static void process_add(struct seen *seen, const struct inspect_process *process)
{
    static const char *const states[] = {
        [INSPECT_STATE_READY] = "ready",
        [INSPECT_STATE_RUNNING] = "running",
        [INSPECT_STATE_WAITING] = "waiting",
        [INSPECT_STATE_LOADING] = "loading",
    };
    if (seen->count == seen->room) {
        seen->room = seen->room * 2 + 64;
        seen->processes = tool_memory(seen->processes, seen->room * sizeof *seen->processes);
    }
    struct seen_process *to = &seen->processes[seen->count++];
    *to = (struct seen_process){.id = process->id,
                                .parent = process->parent,
                                .memory_bytes = process->memory,
                                .time_ns = process->time,
                                .sent = process->messages_sent,
                                .state = states[process->state]};
    string_copy(to->name, sizeof to->name, process->name);
    string_copy(to->program, sizeof to->program, process->program);
}

void seen_read(struct seen *seen)
{
    struct inspect_totals totals;
    i64 error = inspect_summary(bound(), &totals);
    seen->count = 0;
    for (u64 after = 0; error >= 0;) {
        struct inspect_processes_call call = {after};
        struct inspect_list_process list;
        struct inspect_process process;
        error = inspect_processes(bound(), page, sizeof page, &call, &list);
        if (error >= 0 && list.count == 0) {
            break;
        }
        while (error >= 0 && inspect_list_process_next(&list, &process)) {
            process_add(seen, &process);
            after = process.id;
        }
    }
    if (error < 0) {
        messages_fail("inspect", error);
    }
    seen->uptime_ns = totals.uptime;
    seen->messages = totals.messages;
    seen->message_bytes = totals.message_bytes;
    seen->workers = totals.workers;
}

static void put(const struct text *text, size_t width)
{
    out_blanks(text->size, width);
    out_bytes(text->data, text->size);
}

static void two_digits(struct text *text, u64 number)
{
    text_char(text, (char)('0' + number / 10 % 10));
    text_char(text, (char)('0' + number % 10));
}

void seen_time_put(u64 ns, size_t width)
{
    char bytes[40];
    struct text text = text_over(bytes, sizeof bytes);
    u64 hundredths = ns / 10000000;
    text_u64(&text, hundredths / 6000);
    text_char(&text, ':');
    two_digits(&text, hundredths / 100 % 60);
    text_char(&text, '.');
    two_digits(&text, hundredths % 100);
    put(&text, width);
}

void seen_bytes_put(u64 bytes, size_t width)
{
    char shown[24];
    struct text text = text_over(shown, sizeof shown);
    out_text_human(&text, bytes);
    put(&text, width);
}
