// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/channel_answer.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/abi.h"
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/kernel/inspect.h"
#include "core/kernel/limits.h"
#include "interfaces/control.h"
#include "interfaces/inspect.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/log_ring.h"
#include "machines/hosted/machine.h"
#include "tools/redshirt/life.h"
#include "tools/redshirt/session.h"

enum {
    LOG_BYTES = 65536,     // of one answer: control.wit promises it
    NAME_BYTES = 256,      // of a successor
    WORDS_BYTES = 512,     // of what a system is called; what is longer is cut
    SENTENCE_BYTES = 1024, // more than a report or the words about an end have
};

// A call that is being answered.
struct answer {
    struct session *session;
    u8 *out;
    size_t size;
};

static void do_about(void *context, const struct interface_message *message)
{
    (void)message;
    struct answer *answer = context;
    char words[WORDS_BYTES];
    struct text text = text_over(words, sizeof words);
    text_string(&text, answer->session->command);
    if (answer->session->what != NULL) {
        text_char(&text, ' ');
        text_printable(&text, span_string(answer->session->what)); // a file's name is any bytes
    }
    struct control_system system = {span_of(text.data, text.size), (u32)getpid()};
    answer->size = control_about_encode_result(answer->out, KERNEL_INSPECT_BYTES, &system);
}

static void do_log(void *context, const struct interface_message *message,
                   const struct control_log_call *call)
{
    (void)message;
    static u8 bytes[LOG_BYTES]; // too large for a stack
    struct answer *answer = context;
    struct control_lines lines = {.start = call->after};
    size_t size = log_ring_read(hosted_machine_log(answer->session->machine), &lines.start, bytes,
                                sizeof bytes);
    lines.end = lines.start + size;
    lines.bytes = span_of(bytes, size);
    answer->size = control_log_encode_result(answer->out, KERNEL_INSPECT_BYTES, &lines);
}

static void do_kill(void *context, const struct interface_message *message,
                    const struct control_kill_call *call)
{
    (void)message;
    struct answer *answer = context;
    struct kernel_process_id process = {call->process};
    bool is_there = kernel_kill(answer->session->kernel, process) == ERR_OK;
    answer->size = control_kill_encode_result(answer->out, KERNEL_INSPECT_BYTES, is_there);
}

static enum err replace_try(struct answer *answer, const struct control_replace_call *call,
                            u64 *process, struct report *report)
{
    char successor[NAME_BYTES];
    struct cid program;
    TRY(cid_parse_text(call->program, &program, report));
    if (call->successor.size >= sizeof successor) {
        return report_err(report, ERR_LIMIT, 0, "this name of a program is too long");
    }
    snprintf(successor, sizeof successor, "%.*s", (int)call->successor.size,
             (const char *)call->successor.data);
    struct life_succession succession = {
        .interface = call->interface, .process = call->process, .program = &program};
    return session_replace(answer->session, &succession, successor, process, report);
}

static void do_replace(void *context, const struct interface_message *message,
                       const struct control_replace_call *call)
{
    (void)message;
    struct answer *answer = context;
    struct report report = {0};
    struct control_result_u64_string result = {0};
    result.ok = replace_try(answer, call, &result.value, &report) == ERR_OK;
    if (!result.ok) {
        result.error = span_string(report.text);
    }
    answer->size = control_replace_encode_result(answer->out, KERNEL_INSPECT_BYTES, &result);
}

static void do_give_up(void *context, const struct interface_message *message,
                       const struct control_give_up_call *call)
{
    (void)message;
    struct answer *answer = context;
    bool is_given_up = life_give_up(call->process);
    answer->size = control_give_up_encode_result(answer->out, KERNEL_INSPECT_BYTES, is_given_up);
}

static void do_ending(void *context, const struct interface_message *message,
                      const struct control_ending_call *call)
{
    (void)message;
    struct answer *answer = context;
    char words[SENTENCE_BYTES];
    struct text text = text_over(words, sizeof words);
    struct control_option_string ending = {.some = life_ending(call->process, &text)};
    ending.value = span_of(text.data, text.size);
    answer->size = control_ending_encode_result(answer->out, KERNEL_INSPECT_BYTES, &ending);
}

static const struct control_handler control = {.about = do_about,
                                               .log = do_log,
                                               .kill = do_kill,
                                               .replace = do_replace,
                                               .give_up = do_give_up,
                                               .ending = do_ending};

static bool is_inspect(u64 function)
{
    for (u32 i = 0; i < inspect_interface.function_count; i++) {
        if (inspect_interface.functions[i].id == function) {
            return true;
        }
    }
    return false;
}

static u32 code_of(enum err err)
{
    switch (err) {
    case ERR_OK:
        return 0;
    case ERR_NOT_FOUND:
        return -E_FUNCTION;
    case ERR_UNSUPPORTED:
        return -E_UNSUPPORTED;
    case ERR_LIMIT:
        return -E_LIMIT;
    case ERR_NO_MEMORY:
        return -E_NO_MEMORY;
    default:
        return -E_MALFORMED;
    }
}

u32 channel_answer(struct session *session, u64 function, struct span body, u8 *out, size_t *size)
{
    struct answer answer = {.session = session, .out = out};
    struct interface_message message = {.id = 1, .function = function, .body = body};
    enum err err = is_inspect(function) ? kernel_inspect(session->kernel, function, body, out,
                                                         KERNEL_INSPECT_BYTES, &answer.size)
                                        : control_dispatch(&control, &answer, &message);
    *size = err == ERR_OK ? answer.size : 0;
    return code_of(err);
}
