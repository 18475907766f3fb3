// SPDX-License-Identifier: GPL-3.0-or-later
// programs/clock: stands in front of redshirt:io/time and says that it is another time:
//
//     clock SECONDS
//
// Whoever asks for the wall clock is told that many seconds since 1970-01-01 UTC, at first; from
// there it goes on as the real one does. All else is as it is. For programs whose answers depend on
// the day, and to try out the day on which something expires.
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/forward.h"
#include "programs/rt/redshirt.h"

enum { NS_OF_S = 1000000000 };

struct clock {
    u64 add_ns; // to the real one, around 2^64
};

static bool seconds_parse(struct span text, u64 *out)
{
    *out = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *out > UINT64_MAX / NS_OF_S / 16) {
            return false;
        }
        *out = *out * 10 + (text.data[i] - '0');
    }
    return text.size > 0;
}

static struct span shift(void *context, u64 function, const struct rt_event *event)
{
    static u8 body[TIME_WALL_RESULT_BYTES];
    const struct clock *clock = context;
    u64 now;
    if (function != TIME_WALL_ID || event->error != 0 ||
        time_wall_decode_result(event->body, &now) != ERR_OK) {
        return event->body;
    }
    return span_of(body, time_wall_encode_result(body, sizeof body, now + clock->add_ns));
}

u32 program_main(void)
{
    static struct clock clock;
    u64 seconds;
    u64 now;
    if (!seconds_parse(rt_argument(1), &seconds) || rt_argument(2).data != NULL) {
        (void)rt_print_error("usage: clock SECONDS, since 1970-01-01 UTC\n");
        return 64;
    }
    i64 bond = rt_bind(&time_interface, true);
    if (bond < 0 || time_wall((u32)bond, &now) < 0) {
        (void)rt_print_error("clock: nobody knows the time\n");
        return 1;
    }
    clock.add_ns = seconds * NS_OF_S - now;
    struct forward forward = {.interface = &time_interface, .answer = shift, .context = &clock};
    return forward_run(&forward);
}
