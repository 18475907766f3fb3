// SPDX-License-Identifier: GPL-3.0-or-later
// Handles redshirt:test/calc, all of it.
#include "interfaces/calc.h"
#include "interfaces/calc_section.h"
#include "programs/rt/redshirt.h"

static void on_add(void *context, const struct interface_message *message,
                   const struct calc_add_call *call)
{
    (void)context;
    u8 body[CALC_ADD_RESULT_BYTES];
    size_t size = calc_add_encode_result(body, sizeof body, (u64)call->a + call->b);
    (void)rt_answer(message->id, body, (u32)size);
}

static void on_subtract(void *context, const struct interface_message *message,
                        const struct calc_subtract_call *call)
{
    (void)context;
    u8 body[CALC_SUBTRACT_RESULT_BYTES];
    size_t size = calc_subtract_encode_result(body, sizeof body, (i64)call->a - call->b);
    (void)rt_answer(message->id, body, (u32)size);
}

u32 program_main(void)
{
    static const struct calc_handler handler = {.add = on_add, .subtract = on_subtract};
    if (rt_register(&calc_interface) < 0) {
        return 1;
    }
    for (;;) {
        struct rt_event event;
        rt_next(&event);
        if (event.kind == NOTIFICATION_MESSAGE) {
            struct interface_message message = rt_message(&event);
            enum err err = calc_dispatch(&handler, NULL, &message);
            if (err != ERR_OK) {
                (void)rt_answer_error(event.id, rt_dispatch_error(err));
            }
        }
    }
}
