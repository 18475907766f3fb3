// SPDX-License-Identifier: GPL-3.0-or-later
// Waits for what never comes, as often as whoever handles `time` lets it: prints `held N`, and
// stays. As `greedy bonds`: each with a bond of its own. As `greedy modest`: waits ten times for a
// tenth of a second, one after the other, each with a new bond, and prints `served N`.
#include "core/base/assert.h"
#include "core/base/text.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum { TRIES = 1000, WAITS = 10, REST_NS = 100000000 };

static void print_number(const char *word, u32 number)
{
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, word);
    text_u64(&text, number);
    text_string(&text, "\n");
    (void)rt_print_span(span_of(line, text.size));
}

static u32 be_modest(void)
{
    u32 served = 0;
    for (u32 i = 0; i < WAITS; i++) {
        u64 now = 0;
        i64 clock = rt_bind(&time_interface, true);
        bool is_good = clock > 0 && time_monotonic((u32)clock, &now) == 0;
        struct time_wait_until_call until = {now + REST_NS};
        served += is_good && time_wait_until((u32)clock, &until) == 0;
    }
    print_number("served ", served);
    return served == WAITS ? 0 : 1;
}

// A bond to `time`; there are as many as a process may have, and more than this asks for.
static u32 clock_bind(void)
{
    i64 clock = rt_bind(&time_interface, true);
    ASSERT(clock > 0);
    return (u32)clock;
}

static void be_greedy(bool has_bonds)
{
    u8 body[64];
    struct time_wait_until_call never = {UINT64_MAX};
    size_t size = time_wait_until_encode_call(body, sizeof body, &never);
    u32 clock = clock_bind();
    i64 last = 0;
    for (u32 i = 0; i < TRIES; i++) {
        clock = has_bonds && i > 0 ? clock_bind() : clock;
        last = rt_send(clock, TIME_WAIT_UNTIL_ID, body, (u32)size);
    }
    struct rt_event event;
    u32 refused = 0;
    do {
        rt_next(&event);
        refused += event.error == E_BUSY;
    } while (event.id != (u64)last);
    print_number("held ", TRIES - refused);
    for (;;) {
        rt_next(&event);
    }
}

u32 program_main(void)
{
    if (span_equal(rt_argument(1), SPAN_LITERAL("modest"))) {
        return be_modest();
    }
    be_greedy(span_equal(rt_argument(1), SPAN_LITERAL("bonds")));
    return 0;
}
