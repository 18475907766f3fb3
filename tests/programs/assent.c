// SPDX-License-Identifier: GPL-3.0-or-later
// Handles redshirt:kernel/consent: gives the answer that its first argument says (once, always, no)
// to each question, and prints what it was asked, `to handle` before it where that is the question.
#include "core/base/span.h"
#include "interfaces/consent.h"
#include "interfaces/consent_section.h"
#include "programs/rt/redshirt.h"

static enum consent_answer answer_of(struct span word)
{
    return span_equal(word, SPAN_LITERAL("once"))     ? CONSENT_ANSWER_ONCE
           : span_equal(word, SPAN_LITERAL("always")) ? CONSENT_ANSWER_ALWAYS
                                                      : CONSENT_ANSWER_NO;
}

u32 program_main(void)
{
    struct rt_event event;
    if (rt_register(&consent_interface) < 0) {
        return 1;
    }
    for (;;) {
        struct consent_ask_call call;
        rt_next(&event);
        if (event.kind != NOTIFICATION_MESSAGE) {
            continue;
        }
        if (event.function != CONSENT_ASK_ID ||
            consent_ask_decode_call(event.body, &call) != ERR_OK) {
            (void)rt_answer_error(event.id, E_MALFORMED);
            continue;
        }
        (void)rt_print(call.question.wish == CONSENT_RIGHT_HANDLE ? "asked to handle " : "asked ");
        (void)rt_print_span(call.question.wanted);
        (void)rt_print("\n");
        u8 body[8];
        size_t size = consent_ask_encode_result(body, sizeof body, answer_of(rt_argument(1)));
        (void)rt_answer(event.id, body, (u32)size);
    }
}
