// SPDX-License-Identifier: GPL-3.0-or-later
// programs/pingpong: sends bytes to redshirt:demo/ping and waits for them, over and over.
//
// Use     pingpong [COUNT [BYTES]]; prints one line: how many round trips of how many bytes, and
//         the ns each took, when the machine has a clock. Waits until somebody handles the
//         interface.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum {
    BODY_BYTES = 65536, // largest that is asked for
    COUNT = 1000,
    BYTES = 64,
};

static u8 sent[BODY_BYTES];
static u8 body[BODY_BYTES + 16]; // with its length in front
static u8 buffer[BODY_BYTES + 16];

// The number in an argument, or `otherwise` when there is no such argument. False: not a number.
static bool number(u32 index, u64 otherwise, u64 *out)
{
    struct span text = rt_argument(index);
    *out = text.size == 0 ? otherwise : 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *out > UINT32_MAX) {
            return false;
        }
        *out = *out * 10 + (text.data[i] - '0');
    }
    return true;
}

static u64 clock_ns(void)
{
    static i64 bond = -1;
    u64 now_ns = 0;
    bond = bond < 0 ? rt_bind(&time_interface, false) : bond;
    return bond < 0 || time_monotonic((u32)bond, &now_ns) < 0 ? 0 : now_ns;
}

static i64 fail(const char *what, i64 error)
{
    (void)rt_print_error("pingpong: ");
    (void)rt_print_error(what);
    (void)rt_print_error(error < 0 ? rt_error_name(error) : "");
    (void)rt_print_error("\n");
    return -1;
}

// The round trips. 0, or -1 when one went wrong, which was said. The body is encoded once, and only
// its first bytes change and are looked at each time: what is measured is the message.
static i64 run(u32 bond, u64 count, u32 bytes)
{
    struct ping_ping_call call = {span_of(sent, bytes)};
    size_t size = ping_ping_encode_call(body, sizeof body, &call);
    u8 *number = body + size - bytes;
    for (u64 i = 0; i < count; i++) {
        u64 back = i;
        if (bytes >= sizeof i) {
            mem_store_u64(number, i);
        }
        i64 got = rt_call(bond, PING_PING_ID, body, (u32)size, buffer, sizeof buffer);
        if (got < 0) {
            return fail("no answer: ", got);
        }
        if (bytes >= sizeof i) {
            back = mem_load_u64(buffer + size - bytes);
        }
        if ((u64)got != size || back != i) {
            return fail("the answer is not what was sent", 0);
        }
    }
    return count == 0 || mem_equal(body, buffer, size)
               ? 0
               : fail("the last answer is not what was sent", 0);
}

u32 program_main(void)
{
    u64 count;
    u64 bytes;
    if (!number(1, COUNT, &count) || !number(2, BYTES, &bytes) || bytes > BODY_BYTES) {
        (void)fail("use: pingpong [COUNT [BYTES]], at most 65536 bytes", 0);
        return 2;
    }
    i64 bond = rt_bind(&ping_interface, true);
    if (bond < 0) {
        (void)fail("cannot bind redshirt:demo/ping: ", bond);
        return 1;
    }
    u64 start_ns = clock_ns();
    if (run((u32)bond, count, (u32)bytes) < 0) {
        return 1;
    }
    u64 took_ns = clock_ns() - start_ns;
    char line[128];
    struct text text = text_over(line, sizeof line);
    text_u64(&text, count);
    text_string(&text, " round trips of ");
    text_u64(&text, bytes);
    text_string(&text, " bytes");
    if (took_ns != 0 && count != 0) {
        text_string(&text, ", ");
        text_u64(&text, took_ns / count);
        text_string(&text, " ns each");
    }
    text_char(&text, '\n');
    return rt_print(line) == 0 ? 0 : 1;
}
