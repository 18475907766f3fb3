// SPDX-License-Identifier: GPL-3.0-or-later
// tests/programs/mortal.c: a handler that dies, and a client that does not mind.
//
//     mortal handle N     handles redshirt:demo/ping, answers N messages, takes one more and ends
//                         with code 3
//     mortal call N       sends N messages over one bond, one after the other; one that gets no
//                         answer is sent again. Prints `answered N lost M`.
//     mortal code N       ends with code N
#include "core/base/text.h"
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum { REST_NS = 20000000 };

static u32 number(struct span text)
{
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static u32 handle(u32 most)
{
    struct rt_event event;
    if (rt_register(&ping_interface) < 0) {
        return 1;
    }
    for (u32 answered = 0;;) {
        rt_next(&event);
        if (event.kind == NOTIFICATION_MESSAGE && answered++ == most) {
            return 3;
        }
        if (event.kind == NOTIFICATION_MESSAGE) {
            (void)rt_answer(event.id, event.body.data, (u32)event.body.size);
        }
    }
}

static void rest(u32 clock)
{
    u64 now = 0;
    (void)time_monotonic(clock, &now);
    struct time_wait_until_call until = {now + REST_NS};
    (void)time_wait_until(clock, &until);
}

static u32 call(u32 count)
{
    i64 bond = rt_bind(&ping_interface, true);
    i64 clock = rt_bind(&time_interface, true);
    u32 lost = 0;
    if (bond < 0 || clock < 0) {
        return 1;
    }
    for (u32 answered = 0; answered < count;) {
        u8 body[8] = {4, 0, 0, 0, (u8)answered, 1, 2, 3};
        u8 back[8];
        i64 size = rt_call((u32)bond, PING_PING_ID, body, sizeof body, back, sizeof back);
        if (size == sizeof body && back[4] == (u8)answered) {
            answered++;
        } else if (size == E_GONE || size == E_NO_HANDLER) {
            lost += size == E_GONE;
            rest((u32)clock);
        } else {
            return 2;
        }
    }
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "answered ");
    text_u64(&text, count);
    text_string(&text, " lost ");
    text_u64(&text, lost);
    text_char(&text, '\n');
    (void)rt_print(line);
    return 0;
}

u32 program_main(void)
{
    struct span what = rt_argument(1);
    u32 count = number(rt_argument(2));
    if (span_equal(what, SPAN_LITERAL("handle"))) {
        return handle(count);
    }
    return span_equal(what, SPAN_LITERAL("call")) ? call(count) : count;
}
