// SPDX-License-Identifier: GPL-3.0-or-later
// What comes over the socket between a system and the user's other commands, at either end: frames
// (tools/redshirt/channel.h), and in them calls and answers of `control` and `inspect`. The first
// byte says which end, and how much comes at a time.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "interfaces/control.h"
#include "interfaces/inspect.h"
#include "tools/redshirt/channel.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static u8 room[CHANNEL_CALL_BYTES];

static void about(void *context, const struct interface_message *message)
{
    (void)message;
    ++*(u32 *)context;
}

static void log_lines(void *context, const struct interface_message *message,
                      const struct control_log_call *call)
{
    (void)message;
    u8 body[CONTROL_LOG_CALL_BYTES];
    ASSERT(control_log_encode_call(body, sizeof body, call) == message->body.size);
    ++*(u32 *)context;
}

static void replace(void *context, const struct interface_message *message,
                    const struct control_replace_call *call)
{
    u8 body[CHANNEL_CALL_BYTES];
    size_t size = control_replace_encode_call(body, sizeof body, call);
    ASSERT(span_equal(span_of(body, size), message->body));
    ++*(u32 *)context;
}

static const struct control_handler handler = {
    .about = about, .log = log_lines, .replace = replace};

static void call_read(u64 function, struct span body)
{
    u32 calls = 0;
    struct interface_message message = {.id = 1, .function = function, .body = body};
    enum err err = control_dispatch(&handler, &calls, &message);
    ASSERT((err == ERR_OK) == (calls == 1));
    struct inspect_processes_call processes;
    (void)inspect_processes_decode_call(body, &processes);
}

// As the commands do, which know what they have asked; here it is asked for everything.
static void answer_read(struct span body)
{
    struct inspect_list_process processes;
    struct inspect_process process;
    if (inspect_processes_decode_result(body, &processes) == ERR_OK) {
        while (inspect_list_process_next(&processes, &process)) {
            ASSERT(process.name.size <= body.size);
        }
    }
    struct inspect_list_registration registrations;
    struct inspect_registration registration;
    if (inspect_interfaces_decode_result(body, &registrations) == ERR_OK) {
        while (inspect_list_registration_next(&registrations, &registration)) {
            ASSERT(registration.name.size <= body.size);
        }
    }
    struct inspect_totals totals;
    struct control_system system;
    struct control_lines lines;
    struct control_result_u64_string replaced;
    struct control_option_string ending;
    (void)inspect_summary_decode_result(body, &totals);
    (void)control_about_decode_result(body, &system);
    (void)control_log_decode_result(body, &lines);
    (void)control_replace_decode_result(body, &replaced);
    (void)control_ending_decode_result(body, &ending);
}

// Takes what is there. False: there is no way to go on.
static bool frames_take(struct channel *channel, bool is_server)
{
    for (;;) {
        u64 function;
        u32 code;
        struct span body;
        enum err err = is_server ? channel_take_call(channel, &function, &body)
                                 : channel_take_answer(channel, &code, &body);
        if (err != ERR_OK) {
            return err == ERR_PAUSED;
        }
        if (is_server) {
            call_read(function, body);
        } else {
            answer_read(body);
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    bool is_server = data[0] % 2 == 0;
    size_t portion = 1 + data[0] / 2;
    struct channel channel = channel_over(room, sizeof room);
    for (size_t at = 1; at < size;) {
        u8 *to;
        size_t part = channel_room(&channel, &to);
        ASSERT(part > 0); // a frame that fills the room was taken, or refused
        part = part < portion ? part : portion;
        part = part < size - at ? part : size - at;
        mem_copy(to, data + at, part);
        channel_got(&channel, part);
        at += part;
        if (!frames_take(&channel, is_server)) {
            return 0;
        }
    }
    return 0;
}
