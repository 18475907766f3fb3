// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/crowd.c: one of many who together come to a limit of the whole kernel.
// Arguments: how many bonds to redshirt:demo/ping it takes, and how many messages it sends on the
// last one. Then it stays. Refused, it gives one back, has that place again, is refused again, and
// ends with the error's number; 100 and more: something else happened.
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"

enum { SURPRISE = 100 };

static u32 number(u32 index)
{
    struct span text = rt_argument(index);
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (u32)(text.data[i] - '0');
    }
    return value;
}

// A bond, or the error.
static i64 take_bond(u64 unused)
{
    (void)unused;
    return rt_bind(&ping_interface, false);
}

static bool give_bond(u64 bond)
{
    struct system_unbind_call call = {(u32)bond};
    struct system_result_none_error result;
    return system_unbind(RT_SYSTEM_BOND, &call, &result) >= 0 && result.ok;
}

static i64 take_message(u64 bond)
{
    static const u8 body[4];
    return redshirt_send((u32)bond, PING_PING_ID, body, sizeof body, NULL, 0, 0);
}

static bool give_message(u64 message)
{
    struct system_cancel_call call = {message};
    struct system_result_none_error result;
    u8 note[64];
    return system_cancel(RT_SYSTEM_BOND, &call, &result) >= 0 && result.ok &&
           redshirt_wait(note, sizeof note, 0) > 0;
}

// Asks the kernel something although no other message can be sent. An answer that does not fit
// keeps the one place there is until it was taken. False: it went in another way.
static bool ask(i64 error)
{
    static u8 note[1024];
    for (u32 i = 0; i < 2; i++) {
        bool is_kept =
            redshirt_send(RT_SYSTEM_BOND, SYSTEM_START_ID, NULL, 0, NULL, 0, SEND_WAIT) ==
                E_BUFFER &&
            redshirt_send(RT_SYSTEM_BOND, SYSTEM_START_ID, NULL, 0, NULL, 0, SEND_WAIT) == error;
        if (!is_kept || redshirt_wait(note, sizeof note, 0) <= 0) {
            return false;
        }
    }
    return true;
}

// Takes `count`; the last one, or the error that it came to in the end.
static i64 take_many(u32 count, u64 from, i64 (*take)(u64 from), bool (*give)(u64 taken))
{
    i64 last = 0;
    for (u32 i = 0; i < count; i++) {
        i64 got = take(from);
        if (got > 0) {
            last = got;
            continue;
        }
        if (take == take_message && !ask(got)) {
            rt_exit(SURPRISE + 2);
        }
        if (i > 0 && (!give((u64)last) || (last = take(from)) <= 0 || take(from) != got)) {
            rt_exit(SURPRISE);
        }
        rt_exit((u32)-got);
    }
    return last;
}

u32 program_main(void)
{
    i64 bond = take_many(number(1), 0, take_bond, give_bond);
    (void)take_many(number(2), (u64)bond, take_message, give_message);
    u8 note[64];
    while (redshirt_wait(note, sizeof note, 0) > 0) {
    }
    return SURPRISE + 1;
}
