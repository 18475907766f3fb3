// SPDX-License-Identifier: GPL-3.0-or-later
// programs/ping: handles redshirt:demo/ping, which gives back what it gets. The parameter and the
// result are one byte list each, so a body that decodes is its own answer, and the loop is as short
// as it can be: it is what message round trips are measured with.
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "programs/rt/redshirt.h"

u32 program_main(void)
{
    struct rt_event event;
    if (rt_register(&ping_interface) < 0) {
        (void)rt_print_error("ping: redshirt:demo/ping is handled by somebody else\n");
        return 1;
    }
    rt_next(&event);
    for (;;) {
        struct ping_ping_call call;
        if (event.kind != NOTIFICATION_MESSAGE) {
            rt_next(&event); // a client that is gone has left nothing here
        } else if (event.function != PING_PING_ID) {
            (void)rt_answer_error(event.id, E_FUNCTION);
            rt_next(&event);
        } else if (ping_ping_decode_call(event.body, &call) != ERR_OK) {
            (void)rt_answer_error(event.id, E_MALFORMED);
            rt_next(&event);
        } else {
            rt_answer_next(event.id, event.body.data, (u32)event.body.size, &event);
        }
    }
}
